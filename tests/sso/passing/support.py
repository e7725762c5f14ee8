"""Trust passing over a real database, with real tokens; accounts, registers and mandates are in memory.

world = World(tmp_path)
answer = world.exchange(world.counter_system, subject_token=..., ...)
"""

import dataclasses
import secrets
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.counters.domain import Clerk, Counter, Matter
from sso.mandates.domain import Mandate, MandateKind
from sso.passing.cases import CaseDesk
from sso.passing.duty import Duty
from sso.passing.exchange import ExchangeParts, TokenExchange
from sso.passing.log import AccessLog
from sso.passing.mandate_rules import MandateRules
from sso.passing.narrowing import Narrowing
from sso.passing.presence import PresenceDesk
from sso.passing.request import ACCESS_TOKEN, PRESENCE
from sso.passing.store.cases import SqlCases
from sso.passing.store.hops import SqlHops
from sso.passing.store.presences import SqlPresences
from sso.passing.targets import Targets
from sso.provider.claims import Assurance, ReadToken, Representation, TokenContents
from sso.provider.domain import Client, RelyingSystem, Scope, SecretDigest
from sso.provider.keyring import Keyring
from sso.provider.signing import TokenSigner
from sso.provider.store.clients import DatabaseClientStore
from sso.provider.store.liveness import DatabaseLiveness
from sso.provider.subjects import PairwiseSubjects
from sso.provider.tokens import PersonTokenMint, PersonTokenReader, PersonTokenTerms
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import DatabaseRevocations
from sso.signin.domain import Method, Session, Strength
from tests.fakes import MOMENT, FixedClock
from tests.sso.provider.support import ISSUER, USCC, MemorySigner
from trust.db import Base, Database
from trust.formats.holders import HolderNumber
from trust.kernel.errors import Conflict, NotAuthenticated, NotFound
from trust.kernel.identifiers import Uscc
from trust.kernel.ids import new_id
from trust.sealing import BlindIndex, FieldCipher

API_AUDIENCE = ISSUER + "/api"
AUTHORITY = Uscc.parse(USCC)
CITIZEN_NUMBER = HolderNumber(kind="111", number="11010519491231002X")
CLERK_NUMBER = HolderNumber(kind="111", number="440524188001010014")
COMPANY_NUMBER = HolderNumber(kind="001", number=USCC)
PERMIT, LICENCE = "11000000DEM0YX001B002", "11000000DEM0YX001B001"
RENEWAL = Matter(
    code="M-RENEW",
    name="Renewal",
    name_zh="延续",
    purpose="Renewal of a residence permit",
    purpose_zh="办理居住证延续",
    types=frozenset({PERMIT, LICENCE}),
)
OTHER_MATTER = Matter(
    code="M-OTHER",
    name="Other",
    name_zh="其他",
    purpose="Another thing",
    purpose_zh="另一事项",
    types=frozenset({PERMIT}),
)


TABLES = (
    "sso_clients",
    "sso_cut_ties",
    "sso_participants",
    "sso_presences",
    "sso_cases",
    "sso_hops",
    "sso_objections",
    "sso_passing_events",
    "sso_offline_assertions",
)


def _quick(connection, _record) -> None:
    """Skip waiting for the disk: durability is proven elsewhere, and these tests make many databases."""
    connection.execute("PRAGMA synchronous=OFF").close()


def _own(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'passing.sqlite3'}")
    event.listen(database.engine, "connect", _quick)
    Base.metadata.create_all(database.engine, tables=[Base.metadata.tables[name] for name in TABLES])
    return database


class Randomness:
    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)


class Registers:
    def __init__(self) -> None:
        self.clerks: dict[str, Clerk] = {}
        self.counters: dict[str, Counter] = {}
        self.matters: dict[str, Matter] = {}

    def clerk_of(self, person_id: str) -> Clerk | None:
        return self.clerks.get(person_id)

    def counter(self, counter_id: str) -> Counter:
        return self._found(self.counters, counter_id)

    def matter(self, code: str) -> Matter:
        return self._found(self.matters, code)

    def _found(self, where, key):
        if key not in where:
            raise NotFound
        return where[key]


class Mandates:
    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self.all: dict[str, Mandate] = {}

    def of_agent(self, agent: str):
        return [mandate for mandate in self.all.values() if mandate.agent == agent]

    def check(self, mandate_id, *, agent, matter, case):
        mandate = self.all[mandate_id]
        fault = mandate.fault(matter, now=self._clock.now(), case=case)
        if fault is not None or mandate.agent != agent:
            raise (fault or Conflict)
        return mandate

    def use_one_off(self, mandate_id, case):
        mandate = self.check(mandate_id, agent=self.all[mandate_id].agent, matter=RENEWAL.code, case=case)
        if mandate.used_at is None:
            self.all[mandate_id] = dataclasses.replace(mandate, used_at=self._clock.now(), used_case=case)


class Persons:
    def __init__(self) -> None:
        self.all: dict[str, Person] = {}

    def get(self, person_id: str) -> Person:
        return self.all[person_id]

    def find(self, code: HolderNumber) -> Person | None:
        return next((person for person in self.all.values() if person.code == code), None)

    def codes(self, person_id: str):
        return (self.all[person_id].code,)


class Codes:
    def check(self, person_id: str, code: str) -> None:
        if code != "123456":
            raise NotAuthenticated


class World:
    """Systems: `portal` (online), `hall` (on two counters), `next` and `last` (behind them)."""

    def __init__(self, folder: Path, elsewhere: Database | None = None) -> None:
        self.clock, self.randomness, self.signer = FixedClock(), Randomness(), MemorySigner()
        self.database = elsewhere or _own(folder)
        self.clients = DatabaseClientStore(self.database)
        self.revocations = DatabaseRevocations(self.database)
        self.registers, self.mandates, self.persons = Registers(), Mandates(self.clock), Persons()
        self.subjects = PairwiseSubjects(BlindIndex(b"\x03" * 32))
        self.hops = SqlHops(self.database)
        self.presences = SqlPresences(self.database)
        self.cases_store = SqlCases(self.database)
        self._make_tokens()
        self._make_desks()
        self._populate()

    def _make_tokens(self) -> None:
        self.token_signer = TokenSigner(self.signer, Keyring([self.signer.info]))
        cipher = FieldCipher(b"\x04" * 32)
        terms = PersonTokenTerms(issuer=ISSUER, seconds=3600)
        ports = {"clock": self.clock, "randomness": self.randomness}
        self.mint = PersonTokenMint(terms, self.token_signer, self.subjects, cipher, **ports)
        self.reader = PersonTokenReader(ISSUER, self.token_signer, cipher, DatabaseLiveness(self.database), self.clock)

    def _make_desks(self) -> None:
        ports = {"clock": self.clock, "randomness": self.randomness}
        self.duty = Duty(self.registers, self.mandates)
        self.cases = CaseDesk(
            store=self.cases_store, duty=self.duty, registers=self.registers, clients=self.clients, **ports
        )
        self.presence = PresenceDesk(store=self.presences, duty=self.duty, persons=self.persons, codes=Codes(), **ports)
        self.targets = Targets(self.clients, api_audience=API_AUDIENCE)
        self.grant = TokenExchange(
            ExchangeParts(
                reader=self.reader,
                mint=self.mint,
                hops=self.hops,
                duty=self.duty,
                targets=self.targets,
                persons=self.persons,
                mandates=MandateRules(self.mandates),
                presences=self.presence,
                narrowing=Narrowing(self.registers, self.subjects, **ports),
            ),
            clock=self.clock,
        )
        self.log = AccessLog(hops=self.hops, events=self.presences, clients=self.clients, **ports)

    def _populate(self) -> None:
        self.registers.matters = {matter.code: matter for matter in (RENEWAL, OTHER_MATTER)}
        self.last = self.system("last", pass_to=("api",))
        self.next = self.system("next", pass_to=("api", self.last.id))
        self.hall = self.system("hall", pass_to=("api", self.next.id, self.last.id))
        self.portal = self.system("portal", pass_to=("api", self.next.id, self.hall.id))
        self.citizen = self.person(CITIZEN_NUMBER, "张示例")
        self.company = self.person(COMPANY_NUMBER, "福州示例餐饮管理有限公司")
        clerk = self.person(CLERK_NUMBER, "王窗口")
        systems = frozenset({self.hall.id, self.next.id})
        self.counter = self.add_counter("3号窗口", systems)
        self.other_counter = self.add_counter("5号窗口", systems)
        self.clerk = self.add_clerk(clerk, "FZ0034", frozenset({self.counter.id, self.other_counter.id}))

    def close(self) -> None:
        self.database.close()

    def id(self) -> str:
        return new_id(self.clock, self.randomness)

    def system(self, label: str, *, pass_to=(), **changes) -> Client:
        scopes = frozenset(
            {Scope.OPENID, Scope.PROFILE, Scope.CERTS_READ, Scope.COUNTER_ASSIST} | changes.pop("scopes", set())
        )
        relying = RelyingSystem(
            **{
                "resource": f"https://{label}.example.gov.cn/api",
                "sector": f"{label}.example.gov.cn",
                "pass_to": frozenset(pass_to),
                "matters": frozenset({RENEWAL.code, OTHER_MATTER.code}),
                "types": frozenset({PERMIT, LICENCE}),
                **changes,
            }
        )
        client = Client(
            id=self.id(), label=label, authority=AUTHORITY, scopes=scopes, created_at=MOMENT, relying=relying
        )
        self.clients.add(client, SecretDigest.of(label))
        return client

    def person(self, code: HolderNumber, name: str) -> Person:
        person = Person(
            id=self.id(),
            code=code,
            name=name,
            level=ProofingLevel.IN_PERSON,
            state=PersonState.ACTIVE,
            epoch=1,
            created_at=MOMENT,
        )
        self.persons.all[person.id] = person
        return person

    def add_counter(self, name: str, systems: frozenset[str]) -> Counter:
        counter = Counter(id=self.id(), name=name, authority=AUTHORITY, systems=systems)
        self.registers.counters[counter.id] = counter
        return counter

    def add_clerk(self, person: Person, staff_number: str, counters: frozenset[str]) -> Clerk:
        clerk = Clerk(
            id=self.id(),
            person=person.id,
            staff_number=staff_number,
            name=person.name,
            authority=AUTHORITY,
            counters=counters,
            epoch=1,
        )
        self.registers.clerks[person.id] = clerk
        return clerk

    def session(self, person: Person, strength: Strength = Strength.PASSWORD) -> Session:
        now = self.clock.now()
        return Session(
            id=self.id(),
            person=person.id,
            person_epoch=person.epoch,
            strength=strength,
            methods=(Method.PASSWORD,),
            auth_time=now,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=8),
            client="Firefox",
        )

    def token(self, person: Person, client: Client, *, scopes="openid profile certs:read", seconds=1800, **changes):
        """Return an access token as the sign-in at `client` gives it."""
        session = changes.pop("session", None) or self.session(person, changes.pop("strength", Strength.PASSWORD))
        grant = self.id()
        values = {
            "client": client.id,
            "audience": client.relying.resource,
            "person": person.id,
            "grant": grant,
            "session": session.id,
            "scopes": frozenset(scopes.split()),
            "assurance": Assurance(
                level=person.level, strength=session.strength, methods=("pwd",), auth_time=session.auth_time
            ),
            "ties": session.ties | {Tie(TieKind.GRANT, grant)} | changes.pop("ties", frozenset()),
            **changes,
        }
        expires = self.clock.now() + timedelta(seconds=seconds)
        return self.mint.mint(TokenContents(**values), expires_at=expires, sector=client.relying.sector).value

    def matter_token(self, person: Person, client: Client, matter: Matter = RENEWAL, **changes) -> str:
        """Return a token of a sign-in for a matter."""
        facts = {"matter": matter.code, "purpose": matter.purpose, "types": matter.types}
        return self.token(person, client, **{**facts, **changes})

    def clerk_token(self, clerk: Clerk | None = None, client: Client | None = None, **changes) -> str:
        person = self.persons.get((clerk or self.clerk).person)
        values = {
            "scopes": "openid counter:assist",
            "strength": Strength.ONE_TIME_CODE,
            "audience": ISSUER,
            **changes,
        }
        return self.token(person, client or self.hall, **values)

    def read(self, token: str) -> ReadToken:
        return self.reader.read(token)

    def open_case(self, matter: Matter = RENEWAL, counter: Counter | None = None, clerk: Clerk | None = None):
        token = self.read(self.clerk_token(clerk))
        return self.cases.open(token, (counter or self.counter).id, matter.code)

    def qr(self, person: Person | None = None) -> str:
        return self.presence.issue_qr(self.session(person or self.citizen)).code

    def represented(self, kind: MandateKind = MandateKind.STANDING_AGENT, **changes) -> tuple[Mandate, dict]:
        """Return a mandate of the citizen for the company, and what a token says of it."""
        mandate = Mandate(
            **{
                "id": self.id(),
                "kind": kind,
                "principal": self.company.id,
                "agent": self.citizen.id,
                "granted_by": self.citizen.id,
                "matters": frozenset({RENEWAL.code}),
                "types": frozenset({LICENCE}),
                "valid_from": MOMENT,
                "valid_until": None,
                "created_at": MOMENT,
                "accepted_at": MOMENT,
                **changes,
            }
        )
        self.mandates.all[mandate.id] = mandate
        represents = Representation(
            person=self.company.id, mandate=mandate.id, kind=kind.value, name=self.company.name, uscc=USCC
        )
        return mandate, {"represents": represents, "ties": frozenset({Tie(TieKind.MANDATE, mandate.id)})}

    def exchange(self, client: Client, *, confirmation: str | None = None, **form: str | None):
        subject_type = PRESENCE if form.pop("presence", None) else ACCESS_TOKEN
        values = {"subject_token_type": subject_type, **form}
        if values.get("actor_token"):
            values.setdefault("actor_token_type", ACCESS_TOKEN)
        given = {name: value for name, value in values.items() if value is not None}
        return self.grant.answer(client, given, confirmation=confirmation)

    def passed(self, client: Client, **form) -> ReadToken:
        return self.read(self.exchange(client, **form)["access_token"])

    def assisted(self, case=None, **changes):
        """Return the token of the whole assisted flow: clerk, presence by QR, case."""
        form = {
            "presence": "yes",
            "subject_token": self.qr(),
            "actor_token": self.clerk_token(),
            "case": (case or self.open_case()).id,
            "audience": self.hall.id,
            **changes,
        }
        return self.exchange(self.hall, **form)["access_token"]
