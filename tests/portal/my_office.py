"""The pages of “my …” over real desks on SQLite: library, shows, mandates, presence and the record of passed trust.

office = open_my_office(tmp_path); office.sign_in(); office.page("/my/certificates")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyotp
from flask import Flask
from jinja2 import Undefined, UndefinedError

from certs.service import CertificateService
from certs.showing import ShowDesk
from certs.store.shows import SqlShows
from portal.pages import (
    enrolling,
    granting,
    looks,
    mandates,
    mine,
    presence,
    sessions,
    showing,
    verification,
    wallet,
)
from portal.pages.acting import ActingDesk
from portal.pages.rendering import Pages
from sso.accounts.applications import APPLICATION_LIFE, Application
from sso.accounts.domain import Person, ProofingLevel
from sso.accounts.roles import Role
from sso.counters.domain import Matter
from sso.counters.errors import MatterRetired, MatterUnknown
from sso.mandates.domain import GrantCommand, Mandate, MandateKind
from sso.mandates.naming import Naming
from sso.mandates.representatives import Representatives
from sso.mandates.service import MandateDesk
from sso.mandates.store import DatabaseMandateStore
from sso.passing.chain import linked
from sso.passing.domain import Channel, Event, EventKind, Hop, PresenceMethod
from sso.passing.log import AccessLog
from sso.passing.presence import PresenceDesk
from sso.passing.store.hops import SqlHops, add_hop_within
from sso.passing.store.presences import SqlPresences
from sso.provider.domain import Scope
from sso.provider.errors import ConsentUnknown
from sso.provider.grants import Consent
from sso.revocation.domain import Tie
from sso.revocation.store import DatabaseRevocations
from sso.signin.domain import Strength
from tests.certs.pages import FOOD_CODE, catalogue, page_of, renderer
from tests.certs.world import CLIENT as DEPARTMENT
from tests.certs.world import FakeRenderer, licence, permit
from tests.certs.world import World as Library
from tests.fakes import MOMENT, CountingRandomness
from tests.portal.offices import CLIENT, MATTER, Office, open_office
from tests.portal.people import PUBLIC_URL
from tests.portal.support import TableJudge
from tests.sso.signin.world import FIRM, LI, ZHANG
from trust.db import Base, Database
from trust.formats.holders import HolderNumber
from trust.http.rate import RateLimiter
from trust.kernel.ids import new_id

OTHER_MATTER = Matter(
    code="350100-STAY-02",
    name="Residence permit",
    name_zh="居住证签注",
    purpose="To check your residence permit.",
    purpose_zh="办理居住证签注时核对您的居住证。",
    types=frozenset({FOOD_CODE}),
)
RETIRED = replace(OTHER_MATTER, code="350100-OLD-03", name="Former", name_zh="旧事项", retired_at=MOMENT)
TICKET = "T" * 43
_LEVEL = ProofingLevel.IN_PERSON


class Loud(Undefined):
    """What a template prints must exist: a sentence that is not in the table must not vanish silently."""

    def __str__(self) -> str:
        raise UndefinedError(self._undefined_message)


@cache
def pdf(code: str) -> bytes:
    return renderer().render(page_of(code))


@cache
def empty_database() -> bytes:
    """Return a database with every table, made once: making it takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        database = Database(f"sqlite:///{path}")
        Base.metadata.create_all(database.engine)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return path.read_bytes()


class PdfRenderer(FakeRenderer):
    """Draws real pages of specimen data; the verifier is told which identifier it is."""

    def __init__(self, library: Library) -> None:
        super().__init__(library.hooks)
        self._library = library

    def render(self, values):
        self._library.verifier.identifier = values.identifier.value
        return pdf(values.face.type_code)


class RealLibrary(Library):
    def build(self) -> CertificateService:
        service = super().build()
        service._issuing._workshop = replace(service._workshop, renderer=PdfRenderer(self))
        return service


@dataclass
class People:
    """Persons with their numbers."""

    office: Office

    def get(self, person_id: str) -> Person:
        return self.office.signing.persons.get(person_id)

    def find(self, code: HolderNumber) -> Person | None:
        return self.office.signing.persons.find(code)

    def codes(self, person_id: str) -> Sequence[HolderNumber]:
        return (self.get(person_id).code,)


@dataclass
class Matters:
    known: dict[str, Matter] = field(
        default_factory=lambda: {each.code: each for each in (MATTER_WITH_TYPE, OTHER_MATTER, RETIRED)}
    )

    def matters(self) -> Sequence[Matter]:
        return [self.known[code] for code in sorted(self.known)]

    def any_matter(self, code: str) -> Matter:
        if code not in self.known:
            raise MatterUnknown(field="matter")
        return self.known[code]

    def matter(self, code: str) -> Matter:
        if self.any_matter(code).retired_at is not None:
            raise MatterRetired(field="matter")
        return self.known[code]


MATTER_WITH_TYPE = replace(MATTER, types=frozenset({FOOD_CODE}))


class Names:
    def type_name(self, code: str, *, english: bool) -> str:
        kind = catalogue().get(code)
        return kind.name_en if english else kind.name

    def authority_name(self, uscc: str, *, english: bool) -> str:
        return "Demonstration District Bureau" if english else "示范区市场监督管理局"

    def field_names(self, type_code: str, *, english: bool) -> Mapping[str, str]:
        fields = catalogue().get(type_code).fields
        return {each.key: each.label_en if english else each.label for each in fields}

    def system_name(self, client: str) -> str:
        return CLIENT.label if client in {CLIENT.id, DEPARTMENT.client} else client


@dataclass
class Register:
    """The register of legal persons: who may claim what."""

    entries: set[tuple[str, str, str]] = field(default_factory=set)

    def confirms(self, organisation: HolderNumber, *, number: HolderNumber, name: str) -> bool:
        return (organisation.text, number.text, name) in self.entries


@dataclass
class Consents:
    kept: list[Consent] = field(default_factory=list)

    def of(self, person: str) -> Sequence[Consent]:
        return [consent for consent in self.kept if consent.person == person]

    def withdraw(self, consent_id: str, *, person: str) -> None:
        found = [consent for consent in self.of(person) if consent.id == consent_id]
        if not found:
            raise ConsentUnknown(field="consent")
        self.kept.remove(found[0])


@dataclass
class Tickets:
    """Tickets from a counter, each good for one time."""

    known: dict[str, str] = field(default_factory=lambda: {TICKET: LI.id})
    redeemed: list[str] = field(default_factory=list)

    def redeem(self, ticket: str) -> Person | None:
        self.redeemed.append(ticket)
        return LI if self.known.pop(ticket, None) == LI.id else None

    def invite(self, person_id: str) -> Application:
        ticket = f"{len(self.redeemed):043d}"
        self.known[ticket] = person_id
        return Application(ticket=ticket, expires_at=MOMENT + APPLICATION_LIFE)


@dataclass
class Offices:
    held: dict[str, Role] = field(default_factory=dict)

    def role_of(self, person_id: str) -> Role | None:
        return self.held.get(person_id)


class Clients:
    def find(self, client: str):
        return CLIENT if client == CLIENT.id else None


@dataclass(frozen=True)
class Cuts:
    """The ties of sign-in and of mandates lie in two databases here."""

    both: tuple[DatabaseRevocations, DatabaseRevocations]

    def first_cut(self, ties) -> Tie | None:
        return next((cut for each in self.both if (cut := each.first_cut(ties)) is not None), None)


@dataclass(kw_only=True)
class MyOffice:
    """Everything together, with Zhang who can sign in."""

    office: Office
    library: RealLibrary
    shows: ShowDesk
    mandates: MandateDesk
    representatives: Representatives
    register: Register
    log: AccessLog
    events: SqlPresences
    consents: Consents
    tickets: Tickets
    judge: TableJudge
    offices: Offices = field(default_factory=Offices)

    @property
    def app(self) -> Flask:
        return self.office.app

    @property
    def client(self):
        return self.office.client

    @property
    def clock(self):
        return self.office.signing.clock

    def page(self, path: str, **arguments: str) -> str:
        return self.office.page(path, **arguments)

    def send(self, page: str, action: str | None = None, **fields: str):
        return self.office.send(page, action, **fields)

    def sign_in(self, *, strong: bool = False):
        if not strong:
            return self.office.sign_in()
        app = pyotp.TOTP(self._secret())
        self.clock.advance(seconds=30)
        self.office.sign_in()
        return self.office.send("/sign-in/code", code=app.at(self.clock.now()))

    def issue(self, *, firm: bool = False, key: str = "key-00000001") -> str:
        command = licence(key) if firm else permit(key)
        return self.library.service.issue(DEPARTMENT, command).identifier

    def represent(self) -> Mandate:
        """Make Zhang the legal representative of the firm."""
        return self.representatives.from_register(FIRM.id, ZHANG.id)

    def offer_to_zhang(self, kind: MandateKind = MandateKind.STANDING_AGENT) -> Mandate:
        """Have Li, who represents the firm, offer Zhang a mandate."""
        self.representatives.from_register(FIRM.id, LI.id)
        command = GrantCommand(
            kind=kind,
            principal=FIRM.id,
            agent=ZHANG.id,
            matters=frozenset({MATTER.code}),
            valid_until=self.clock.now() + timedelta(days=80),
        )
        return self.mandates.grant(command, by=LI.id, strength=Strength.ONE_TIME_CODE)

    def hop(self, *, subject: str = ZHANG.id, represents: str | None = None, **changes: object) -> Hop:
        """Keep a passing of trust at a counter."""
        now = self.clock.now()
        hop = Hop(
            **{
                "id": new_id(self.clock, self.library.randomness),
                "number": 1,
                "subject": subject,
                "represents": represents,
                "mandate": None,
                "from_system": CLIENT.id,
                "to_system": "api",
                "scopes": ("certs:read", "profile"),
                "channel": Channel.COUNTER,
                "at": now,
                "expires_at": now + timedelta(minutes=10),
                "matter": MATTER.code,
                "purpose": MATTER.purpose,
                "purpose_zh": MATTER.purpose_zh,
                "case": "01JCASE0000000000000000001",
                "counter": "counter-1",
                "counter_name": "政务服务中心 3 号窗口",
                "clerk": "01JCLERK000000000000000001",
                "clerk_name": "李** (**17)",
                "presence_method": PresenceMethod.QR,
                "presence_at": now,
                "previous": None,
                "link": "",
                **changes,
            }
        )
        with self.library.database.begin() as connection:
            add_hop_within(connection, linked(hop, ""))
        return hop

    def failed_presence(self) -> None:
        self.events.note(
            Event(
                id=new_id(self.clock, self.library.randomness),
                person=ZHANG.id,
                kind=EventKind.PRESENCE_FAILED,
                at=self.clock.now(),
                system=CLIENT.id,
                counter="counter-1",
                counter_name="政务服务中心 3 号窗口",
                clerk="01JCLERK000000000000000001",
                clerk_name="李** (**17)",
                method=PresenceMethod.OTP,
                reason="wrong-code",
            )
        )

    def consent(self) -> Consent:
        given = Consent(
            id="01JCONSENT0000000000000001",
            person=ZHANG.id,
            client=CLIENT.id,
            matter=MATTER.code,
            scopes=frozenset({Scope.OPENID, Scope.PROFILE, Scope.CERTS_READ}),
            given_at=MOMENT,
            expires_at=MOMENT + timedelta(days=180),
        )
        self.consents.kept.append(given)
        return given

    def close(self) -> None:
        self.library.close()
        self.office.signing.database.close()

    def _secret(self) -> str:
        """Set up Zhang's app by hand, without a session of his left over."""
        signing = self.office.signing
        session = signing.session()
        secret = self.office.desk.enrol_totp(session).secret
        from tests.sso.signin.world import HOME

        self.office.desk.confirm_totp(session, pyotp.TOTP(secret).at(self.clock.now()), HOME)
        signing.sessions.end(session.id, ZHANG.id)
        return secret


def open_my_office(folder: Path, public_url: str = PUBLIC_URL, *, rate: int = 1000) -> MyOffice:
    office = open_office(folder, public_url)
    for person in (ZHANG, LI, FIRM):
        office.signing.persons.people[person.id] = replace(office.signing.persons.people[person.id], level=_LEVEL)
    (folder / "library").mkdir()
    (folder / "library" / "library.sqlite3").write_bytes(empty_database())
    library = RealLibrary(folder / "library")
    clock = library.clock = office.signing.clock
    library.service = library.build()
    people, matters, names, register = People(office), Matters(), Names(), Register()
    store, randomness = DatabaseMandateStore(library.database), CountingRandomness()
    desk = MandateDesk(store, persons=people, matters=matters, clock=clock, randomness=library.randomness)
    cuts = Cuts((DatabaseRevocations(library.database), office.signing.revocations))
    events = SqlPresences(library.database)
    made = MyOffice(
        office=office,
        library=library,
        shows=ShowDesk(library.service, SqlShows(library.database), cuts, clock=clock, randomness=randomness),
        mandates=desk,
        representatives=Representatives(
            store, persons=people, source=register, clock=clock, randomness=library.randomness
        ),
        register=register,
        log=AccessLog(
            hops=SqlHops(library.database), events=events, clients=Clients(), clock=clock, randomness=library.randomness
        ),
        events=events,
        consents=Consents(),
        tickets=Tickets(),
        judge=TableJudge(),
    )
    made.app.jinja_env.undefined = Loud
    _register_pages(made, people, matters, names, RateLimiter(rate, clock), public_url)
    return made


def _register_pages(
    made: MyOffice, people: People, matters: Matters, names: Names, limiter: RateLimiter, public_url: str
) -> None:
    browser, clock, app = made.office.browser, made.clock, made.office.app
    acting = ActingDesk(people, made.mandates, clock)
    presences = PresenceDesk(
        store=made.events,
        duty=None,
        persons=people,
        codes=None,
        clock=clock,
        randomness=made.library.randomness,
    )
    blueprints = (
        mine.blueprint(browser, mine.MineServices(offices=made.offices, mandates=made.mandates, clock=clock)),
        wallet.blueprint(browser, wallet.WalletServices(certificates=made.library.service, acting=acting, names=names)),
        showing.blueprint(
            browser,
            showing.ShowingServices(
                shows=made.shows,
                acting=acting,
                names=names,
                judge=made.judge,
                limiter=limiter,
                public_url=public_url,
            ),
        ),
        presence.blueprint(browser, presence.PresenceServices(desk=presences)),
        looks.blueprint(
            browser,
            looks.LooksServices(
                passing=made.log, library=made.library.service, acting=acting, names=names, clock=clock
            ),
        ),
        mandates.blueprint(
            browser,
            mandates.MandateServices(
                desk=made.mandates, claims=made.representatives, matters=matters, limiter=limiter, clock=clock
            ),
        ),
        granting.blueprint(
            browser,
            granting.GrantServices(
                desk=made.mandates,
                naming=Naming(people),
                matters=matters,
                persons=people,
                names=names,
                means=made.office.desk,
                limiter=limiter,
                clock=clock,
            ),
        ),
        sessions.blueprint(
            browser,
            sessions.SessionsServices(
                sessions=made.office.signing.sessions, consents=made.consents, matters=matters, names=names
            ),
        ),
        enrolling.blueprint(
            browser,
            enrolling.EnrolServices(tickets=made.tickets, passwords=made.office.desk, limiter=limiter),
        ),
        verification.blueprint(Pages(app), made.judge, limiter, public_url=public_url),
    )
    for each in blueprints:
        app.register_blueprint(each)
