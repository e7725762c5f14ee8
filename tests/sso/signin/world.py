"""A sign-in desk on a SQLite file, with cheap hashes that are counted, and two invented people."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pyotp
from sqlalchemy import event

from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.counters.domain import Clerk
from sso.revocation.store import CutTieRow, DatabaseRevocations
from sso.signin.devices import Device, DeviceTokens
from sso.signin.domain import Session, SessionTerms
from sso.signin.passwords import Argon2idHasher, Cost
from sso.signin.service import SecondFactorNeeded, SignedIn, SignInDesk, Site, Workshop
from sso.signin.sessions import Sessions
from sso.signin.store.ceremonies import DatabaseCeremonyStore
from sso.signin.store.counter_codes import DatabaseCounterCodes
from sso.signin.store.credentials import DatabaseCredentialStore
from sso.signin.store.sessions import DatabaseSessionStore
from sso.signin.store.throttles import DatabaseBucketStore
from sso.signin.throttle import Throttle
from tests.fakes import MOMENT, FixedClock
from trust.db import Base, Database
from trust.formats.holders import HolderNumber
from trust.kernel.errors import NotFound, TrustError
from trust.kernel.identifiers import Uscc
from trust.kernel.randomness import SystemRandomness
from trust.sealing import BlindIndex, FieldCipher

CHEAP = Cost(passes=1, memory_kib=8)
PASSWORD = "tulip harbour seventeen lanterns"
OTHER_PASSWORD = "violet glacier under nine ladders"
WAIT = timedelta(hours=24)
IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)

ZHANG_NUMBER = HolderNumber(kind="111", number="11010519491231002X")
LI_NUMBER = HolderNumber(kind="111", number="440524188001010014")
FIRM_NUMBER = HolderNumber(kind="001", number="91350100M000100Y43")
NOBODY_NUMBER = HolderNumber(kind="414", number="G12345678")

HOME = Device(address="192.0.2.7", label="Firefox, Linux")
ELSEWHERE = Device(address="198.51.100.9", label="Chrome, Windows")


def person(name: str, code: HolderNumber, identifier: str) -> Person:
    return Person(
        id=identifier,
        code=code,
        name=name,
        level=ProofingLevel.TWO_ELEMENT_MATCH,
        state=PersonState.ACTIVE,
        epoch=0,
        created_at=MOMENT,
    )


ZHANG = person("张三", ZHANG_NUMBER, "01JPERSON0000000000000ZHAN")
LI = person("李四", LI_NUMBER, "01JPERSON000000000000000L1")
FIRM = person("示例公司", FIRM_NUMBER, "01JPERSON0000000000000F1RM")

CLERK = Clerk(
    id="01JCLERK000000000000000001",
    person=LI.id,
    staff_number="A017",
    name="李四",
    authority=Uscc.parse("91350100M000100Y43"),
    counters=frozenset({"counter-1"}),
    epoch=0,
)


@dataclass
class MemoryPersons:
    """The register of persons in memory."""

    people: dict[str, Person] = field(default_factory=lambda: {each.id: each for each in (ZHANG, LI, FIRM)})

    upstream: set[str] = field(default_factory=set)

    def find(self, code: HolderNumber) -> Person | None:
        return next((each for each in self.people.values() if each.code == code), None)

    def get(self, person_id: str) -> Person:
        if person_id not in self.people:
            raise NotFound
        return self.people[person_id]

    def disable(self, person_id: str) -> None:
        self.people[person_id] = replace(self.people[person_id], state=PersonState.DISABLED)


class CountedHasher(Argon2idHasher):
    """Cheap hashes, counted."""

    def __init__(self, cost: Cost = CHEAP) -> None:
        super().__init__(cost)
        self.hashed = 0
        self.matched = 0

    def hash(self, password: str) -> bytes:
        self.hashed += 1
        return super().hash(password)

    def matches(self, hashed: bytes, password: str) -> bool:
        self.matched += 1
        return super().matches(hashed, password)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    clock: FixedClock
    database: Database
    persons: MemoryPersons
    hasher: CountedHasher
    sessions: Sessions
    credentials: DatabaseCredentialStore
    buckets: DatabaseBucketStore
    revocations: DatabaseRevocations
    workshop: Workshop
    desk: SignInDesk

    def signed_in(self, device: Device = HOME, password: str = PASSWORD) -> SignedIn:
        """Sign Zhang in by password."""
        done = self.desk.with_password(ZHANG_NUMBER, password, device)
        assert isinstance(done, SignedIn)
        return done

    def session(self) -> Session:
        return self.signed_in().session

    def with_app(self) -> pyotp.TOTP:
        """Set up and confirm Zhang's app; the clock goes on by one step, so the next code is unused."""
        session = self.session()
        app = pyotp.TOTP(self.desk.enrol_totp(session).secret)
        self.desk.confirm_totp(session, app.at(self.clock.now()), HOME)
        self.clock.advance(seconds=30)
        return app

    def halfway(self, device: Device = HOME) -> str:
        """Return the secret of a sign-in of Zhang that waits for the code."""
        needed = self.desk.with_password(ZHANG_NUMBER, PASSWORD, device)
        assert isinstance(needed, SecondFactorNeeded)
        return needed.attempt

    def known(self) -> Device:
        """Return a browser from which Zhang has signed in."""
        return replace(HOME, token=self.signed_in().device_token)


def build(folder: Path, *, cost: Cost = CHEAP, elsewhere: Database | None = None) -> World:
    return assembled(elsewhere or _own(folder), FixedClock(), MemoryPersons(), cost=cost)


def _own(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'signin.sqlite3'}")
    # Nothing here pulls the plug of the machine: without it the tests would mostly wait for the disk.
    event.listen(database.engine, "connect", lambda opened, _record: opened.execute("PRAGMA synchronous=OFF"))
    ours = [table for name, table in Base.metadata.tables.items() if name in _TABLES]
    Base.metadata.create_all(database.writer, tables=ours)
    return database


def assembled(database: Database, clock: FixedClock, persons: MemoryPersons, *, cost: Cost = CHEAP) -> World:
    """Put the desk together, as a server process would over an existing database."""
    randomness, index, hasher = SystemRandomness(), BlindIndex(b"i" * 32), CountedHasher(cost)
    credentials, ceremonies = DatabaseCredentialStore(database), DatabaseCeremonyStore(database)
    buckets = DatabaseBucketStore(database)
    sessions = Sessions(DatabaseSessionStore(database), SessionTerms(idle=IDLE, absolute=ABSOLUTE), clock, randomness)
    workshop = Workshop(
        persons=persons,
        credentials=credentials,
        counter_codes=DatabaseCounterCodes(database),
        ceremonies=ceremonies,
        sessions=sessions,
        throttle=Throttle(buckets, index, clock),
        devices=DeviceTokens(index, randomness),
        hasher=hasher,
        cipher=FieldCipher(b"f" * 32),
        index=index,
        site=Site.of("http://localhost:8080/base"),
        clock=clock,
        randomness=randomness,
        recovery_wait=WAIT,
        enters_elsewhere=persons.upstream.__contains__,
    )
    return World(
        clock=clock,
        database=database,
        persons=persons,
        hasher=hasher,
        sessions=sessions,
        credentials=credentials,
        buckets=buckets,
        revocations=DatabaseRevocations(database),
        workshop=workshop,
        desk=SignInDesk(workshop),
    )


def race(action: Callable[[], Any], threads: int = 2) -> tuple[list[Any], list[TrustError]]:
    """Do the same thing in several threads at once; return what came out and what was refused."""
    start = Barrier(threads)

    def run() -> Any:
        start.wait()
        try:
            return action()
        except TrustError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        results = [future.result() for future in [pool.submit(run) for _ in range(threads)]]
    refused = [result for result in results if isinstance(result, TrustError)]
    return [result for result in results if not isinstance(result, TrustError)], refused


_TABLES = {
    CutTieRow.__tablename__,
    "sso_passwords",
    "sso_totp",
    "sso_passkeys",
    "sso_recovery_codes",
    "sso_signin_attempts",
    "sso_challenges",
    "sso_throttles",
    "sso_sessions",
    "sso_clerk_days",
}
