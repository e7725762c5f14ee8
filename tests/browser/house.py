"""The real application for the browser tests: a copy of the template, populated, served on localhost.

Everybody in it is invented. Each test asks for people of its own, so no test meets what another one left.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pyotp
from werkzeug.serving import make_server

from portal.demo import data, people
from portal.demo.browser import Browser
from portal.demo.client import ServiceClient
from portal.demo.people import Installed
from portal.demo.register import Entry, Register
from portal.demo.register import serving as register_serving
from portal.demo.world import ApiClient
from portal.wiring import Installation, application, open_installation
from sso.accounts.domain import Finding, Person, ProofingLevel
from sso.accounts.ports import SourceName
from sso.accounts.proofing import Sighting
from sso.accounts.roles import Role
from sso.mandates.domain import GrantCommand, Mandate, MandateKind
from sso.signin.desk import SignedIn
from sso.signin.devices import Device
from sso.signin.domain import Strength
from tests.browser import numbers, systems
from tests.browser.serving import served
from tests.browser.systems import System
from tests.integration.installation import Template, today
from trust.config import load_settings
from trust.formats.holders import RESIDENT_ID_KIND, USCC_KIND, HolderNumber
from trust.kernel.clock import Clock

PASSWORD = "灯塔 郁金香 十七只灯笼"
OTHER_PASSWORD = "秋千 墨水 三十九级台阶"
NAMES = ("周晓岚", "林知远", "沈若谷", "顾青禾", "许望舒", "程又安")
NEWCOMERS = 20
"""People whom the population register knows and who have no account yet."""

CLAIMANT = "唐听雨"
_FIRST_CLAIMANT, _CLAIMANTS = 900, 10
_RATE = 100_000
_SECRET = "shared-with-the-registers-" + 32 * "x"
_STEP = 30  # seconds, RFC 6238
_DEVICE = Device(address="127.0.0.1", label="browser tests")
_PROVINCE = """
[sources.province]
title = "Provincial government platform"
title_zh = "省政务服务平台"
issuer = "https://sso.province.example/realms/province"
client_id = "yinxin"
secret_file = "shared.secret"
level_ceiling = 2
strength_ceiling = 2
"""


@dataclass
class App:
    """An authenticator app: each of its codes is good once, and it gives out the next one that still is."""

    secret: str
    clock: Clock
    _used: int = 0

    def code(self) -> str:
        """Return a code that was not used yet; three follow each other without a pause."""
        now = int(self.clock.now().timestamp()) // _STEP
        self._used = max(self._used + 1, now - 1)
        return pyotp.TOTP(self.secret).at(self._used * _STEP)


@dataclass(kw_only=True)
class Resident:
    """A person with an account, or who will have one."""

    code: HolderNumber
    name: str
    password: str = PASSWORD
    id: str = ""
    app: App | None = None


@dataclass(frozen=True, kw_only=True)
class Firm:
    """An invented enterprise with its legal representative's mandate."""

    person: Person
    representation: Mandate


@dataclass(kw_only=True)
class House:
    """The served application and everybody in it."""

    url: str
    installation: Installation
    department: ApiClient
    everyone: people.People
    first: System
    second: System
    sandbox: System
    officers: dict[Role, Resident] = field(default_factory=dict)
    clerk: Browser = field(default_factory=Browser)
    clerk_keys: Resident | None = None
    _people: Iterator[int] = field(default_factory=lambda: itertools.count(100, 2))
    _newcomers: Iterator[int] = field(default_factory=itertools.count)
    _firms: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _claimants: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_CLAIMANT))
    _keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _at_the_counter: threading.Lock = field(default_factory=threading.Lock)

    def newcomer(self) -> Resident:
        """Return somebody whom only the population register knows."""
        number = next(self._newcomers)
        return Resident(code=numbers.resident(number), name=NAMES[number % len(NAMES)])

    def resident(
        self, name: str = NAMES[0], *, password: bool = True, app: bool = False, code: HolderNumber | None = None
    ) -> Resident:
        """Return a new person whose document was checked at a counter; `app` is already set up if wished."""
        code = code or numbers.resident(next(self._people))
        sighting = Sighting(
            clerk=self.everyone.clerk,
            counter=self.everyone.counters[0].id,
            document_kind=RESIDENT_ID_KIND,
            document_expires=date(today().year + 10, 1, 1),
        )
        person = self.installation.people.register.register_in_person(code, name, sighting=sighting)
        made = Resident(code=code, name=name, id=person.id)
        if password or app:
            self.installation.people.sign_ins.enrol_password(person.id, PASSWORD)
        if app:
            self.equip(made)
        return made

    def equip(self, resident: Resident) -> None:
        """Set up an authenticator app on another device, and leave no session of that behind."""
        desk = self.installation.people.sign_ins
        signed_in = desk.with_password(resident.code, resident.password, _DEVICE)
        assert isinstance(signed_in, SignedIn)
        resident.app = App(desk.enrol_totp(signed_in.session).secret, self.installation.foundation.clock)
        desk.confirm_totp(signed_in.session, resident.app.code(), _DEVICE)
        self.installation.people.sessions.end(signed_in.session.id, by=resident.id)

    def firm(self, name: str, representative: Resident) -> Firm:
        """Return a new enterprise that somebody represents."""
        person = self.enterprise(next(self._firms), name)
        representation = self.installation.registers.representatives.from_register(person.id, representative.id)
        return Firm(person=person, representation=representation)

    def enterprise(self, number: int, name: str) -> Person:
        """Return a new enterprise that nobody represents yet."""
        found = Finding(source=SourceName.LEGAL_PERSONS.value, level=ProofingLevel.TWO_ELEMENT_MATCH)
        return self.installation.people.register.register(numbers.organisation(number), name, evidence=found)

    def appoint(self, firm: Firm, by: Resident, agent: Resident) -> Mandate:
        """Offer somebody to act for a firm in the matter of food licences."""
        command = GrantCommand(
            kind=MandateKind.STANDING_AGENT,
            principal=firm.person.id,
            agent=agent.id,
            matters=frozenset({people.FOOD_MATTER.code}),
            valid_until=self.installation.foundation.clock.now() + timedelta(days=200),
        )
        return self.installation.registers.mandates.grant(command, by=by.id, strength=Strength.ONE_TIME_CODE)

    def claimant(self) -> tuple[Resident, Person]:
        """Return somebody, and the enterprise that they represent as only the register of legal persons knows."""
        number = next(self._claimants)
        who = self.resident(CLAIMANT, code=numbers.resident(number))
        return who, self.enterprise(number, "演示市朝晖区听雨茶馆")

    def permit(self, holder: Resident) -> str:
        """Have the department issue a residence permit; return its identifier."""
        body = data.residence_permit(today())
        face = body["face"] | {"birth_date": numbers.BIRTH_DATE, "sex": "女"}
        return self._issue(body | {"face": face}, holder.code, holder.name)

    def licence(self, firm: Firm) -> str:
        """Have the department issue a food licence; return its identifier."""
        return self._issue(data.food_licence(today()), firm.person.code, firm.person.name)

    def revoke(self, identifier: str) -> None:
        self._service().revoke(identifier, reason="证照遗失", requested_by="周申请", approved_by="吴审批")

    def file(self, identifier: str) -> bytes:
        """Return the signed file as the department has it."""
        return self._service().file(identifier, purpose="browser test")

    def verdict(self, content: bytes) -> str:
        """Have a file verified, as anyone may."""
        return str(self._service().verify_file(content)["verdict"])

    def pass_on(self, sid: str, matter: str) -> None:
        """Have the clerk at the first counter pass a citizen, who is signed in there, to the second."""
        with self._at_the_counter:
            self._sign_the_clerk_in()
            page = self.clerk.send(
                f"{self.first.url}/pass",
                {
                    "citizen": sid,
                    "counter": self.everyone.counters[0].id,
                    "matter": matter,
                    "audience": self.second.id,
                    "address": f"{self.second.url}/received",
                },
            )
        assert '"certificate"' in page.text, page.text

    def tell_signed_out(self) -> None:
        """Do what the housekeeping does all the time: tell systems who has signed out."""
        self.installation.provider.deliveries.deliver_due()

    def _sign_the_clerk_in(self) -> None:
        keys = self.clerk_keys
        if keys is None or keys.app is None:
            return
        page = self.clerk.get(self.first.login(scope="openid+counter:assist"))
        page = self.clerk.submit(page, {"number": keys.code.number, "kind": keys.code.kind, "password": keys.password})
        page = self.clerk.submit(page, {"code": keys.app.code()})
        page = self.clerk.submit(page, {"decision": "allow"})
        assert '"signed_in":true' in page.text.replace(" ", ""), page.url
        self.clerk_keys = None  # signed in for the rest of the tests

    def _issue(self, body: dict[str, object], code: HolderNumber, name: str) -> str:
        holder = {"kind": code.kind, "number": code.number, "name": name}
        issued = self._service().issue(body | {"holder": holder}, key=f"browser-{next(self._keys)}")
        return str(issued["identifier"])

    def _service(self) -> ServiceClient:
        return ServiceClient(self.url, self.department)


@contextmanager
def open_house(template: Template, folder: Path) -> Iterator[House]:
    """Populate a copy of the template and serve it with its relying systems while the block runs."""
    with register_serving(Register(_entries(), secret=_SECRET)) as registers:
        settings = _settings(template, folder, registers)
        url = str(settings["public_url"])
        installation = open_installation(load_settings(**settings))
        try:
            house = _populated(installation, template, url)
            server = make_server("127.0.0.1", int(str(settings["port"])), application(installation), threaded=True)
            with served(server), systems.running(house.first, house.second, house.sandbox):
                yield house
                house.clerk.close()
        finally:
            installation.close()


def _settings(template: Template, folder: Path, registers: str) -> dict[str, object]:
    secret = folder / "shared.secret"
    secret.touch(mode=0o600)
    secret.write_text(_SECRET)
    (folder / "upstream.toml").write_text(_PROVINCE, "utf-8")
    own = template.copy(folder / "home")
    sources = (SourceName.POPULATION.value, SourceName.LEGAL_PERSONS.value)
    return own | {
        "public_url": f"http://localhost:{own['port']}",  # browsers take no bare address as the id of WebAuthn
        "sign_in_rate_per_minute": _RATE,
        "upstream_file": str(folder / "upstream.toml"),
        "proofing_sources": [
            {"name": name, "url": f"{registers}/{name}", "secret_file": str(secret)} for name in sources
        ],
    }


def _populated(installation: Installation, template: Template, url: str) -> House:
    second = systems.register(installation, url, "演示市市场监管许可系统")
    first = systems.register(installation, url, "演示市政务服务中心综合窗口", assist=True, onward=second.id)
    sandbox = systems.register_sandbox(installation, url, "某公司开发测试系统")
    everyone = people.populate(
        Installed(
            persons=installation.people.register, registers=installation.registers, clock=installation.foundation.clock
        ),
        systems=(first.id, second.id),
    )
    house = House(
        url=url,
        installation=installation,
        department=template.full,
        everyone=everyone,
        first=first,
        second=second,
        sandbox=sandbox,
    )
    house.clerk_keys = _with_keys(house, everyone.clerk.person, people.CLERK_NUMBER, people.CLERK_NAME)
    house.officers = {
        role: house.resident(name, app=True) for role, name in zip(Role, ("方系统", "邱安全", "卢审计"), strict=True)
    }
    named = {role: officer.id for role, officer in house.officers.items()}
    installation.people.roles.found(named, requested_by=people.ASKS, approved_by=people.APPROVES)
    return house


def _with_keys(house: House, person: str, number: str, name: str) -> Resident:
    house.installation.people.sign_ins.enrol_password(person, PASSWORD)
    keys = Resident(code=people.resident(number), name=name, id=person)
    house.equip(keys)
    return keys


def _entries() -> list[Entry]:
    """Return what the registers know: newcomers, and enterprises with their representatives."""
    found = [
        Entry(kind=RESIDENT_ID_KIND, number=numbers.resident(number).number, name=NAMES[number % len(NAMES)])
        for number in range(NEWCOMERS)
    ]
    for number in range(_FIRST_CLAIMANT, _FIRST_CLAIMANT + _CLAIMANTS):
        person, firm = numbers.resident(number).number, numbers.organisation(number).number
        found.append(Entry(kind=RESIDENT_ID_KIND, number=person, name=CLAIMANT))
        found.append(Entry(kind=USCC_KIND, number=firm, name="演示市朝晖区听雨茶馆", representative=person))
    return found
