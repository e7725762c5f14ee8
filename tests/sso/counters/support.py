"""The registers on SQLite, with persons, clients and certificate types in memory."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.counters.appointments import ClerkAppointments
from sso.counters.domain import Clerk, Counter, Matter
from sso.counters.service import CounterRegister
from sso.counters.store.clerks import DatabaseClerkStore
from sso.counters.store.counters import DatabaseCounterStore
from sso.provider.domain import Client, Scope
from sso.provider.errors import ClientUnknown
from sso.revocation.domain import Tie
from sso.revocation.store import DatabaseRevocations
from tests.fakes import MOMENT, CountingRandomness, FixedClock
from trust.db import Base, Database
from trust.formats.holders import HolderNumber
from trust.kernel.errors import NotFound
from trust.kernel.identifiers import Uscc

AUTHORITY = "11000000DEM0YX001B"
OTHER_AUTHORITY = "91350100M000100Y43"
ORGANISATION = "92110105MADEM0YX5T"
FOOD = "11000000DEM0YX001B001"
RESIDENCE = "11000000DEM0YX001B002"
_CODES = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # the 31 characters of GB 32100
ASKS, APPROVES = "周申请", "吴审批"


class PersonMissing(NotFound):
    code = "person-unknown"


class TypeMissing(NotFound):
    code = "type-unknown"


def resident_number(serial: int) -> str:
    """A made-up number of GB 11643 in a region that does not exist."""
    return _with_check_digit(f"11999919491231{serial:03d}")


def _with_check_digit(body: str) -> str:
    weights = [pow(2, 17 - place, 11) for place in range(17)]
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


class Persons:
    """The register of persons, in memory."""

    def __init__(self) -> None:
        self._known: dict[str, Person] = {}

    def natural(
        self, name: str, *, level: ProofingLevel = ProofingLevel.IN_PERSON, state: PersonState = PersonState.ACTIVE
    ) -> Person:
        code = HolderNumber(kind="111", number=resident_number(len(self._known) + 1))
        return self._add(code, name, level, state)

    def legal(self, name: str, *, number: str = ORGANISATION, state: PersonState = PersonState.ACTIVE) -> Person:
        return self._add(HolderNumber(kind="001", number=number), name, ProofingLevel.TWO_ELEMENT_MATCH, state)

    def _add(self, code: HolderNumber, name: str, level: ProofingLevel, state: PersonState) -> Person:
        person_id = f"P{len(self._known):025d}"
        person = Person(id=person_id, code=code, name=name, level=level, state=state, epoch=1, created_at=MOMENT)
        self._known[person_id] = person
        return person

    def change(self, person: Person, **values: object) -> None:
        self._known[person.id] = replace(self._known[person.id], **values)  # type: ignore[arg-type]

    def get(self, person_id: str) -> Person:
        if person_id not in self._known:
            raise PersonMissing(field="person")
        return self._known[person_id]

    def find(self, code: HolderNumber) -> Person | None:
        return next((person for person in self._known.values() if person.code == code), None)


class Clients:
    """The register of systems, in memory."""

    def __init__(self) -> None:
        self.known = {name: _client(name) for name in ("system-a", "system-b")}
        self.known["system-off"] = replace(_client("system-off"), disabled_at=MOMENT)

    def get(self, client_id: str) -> Client:
        if client_id not in self.known:
            raise ClientUnknown(field="client")
        return self.known[client_id]


def _client(name: str) -> Client:
    scopes = frozenset({Scope.COUNTER_ASSIST})
    return Client(id=name, label=name, authority=Uscc.parse(AUTHORITY), scopes=scopes, created_at=MOMENT)


class Types:
    """The catalogue of certificate types: two of them."""

    def get(self, type_code: str, /) -> object:
        if type_code not in (FOOD, RESIDENCE):
            raise TypeMissing(field="type")
        return type_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """The registers of one town."""

    clock: FixedClock
    randomness: CountingRandomness
    database: Database
    persons: Persons
    clients: Clients
    register: CounterRegister
    appointments: ClerkAppointments
    revocations: DatabaseRevocations

    def counter(self, name: str = "大厅1号窗口", *, systems: Collection[str] = ("system-a",)) -> Counter:
        return self.register.add_counter(name=name, authority=AUTHORITY, systems=systems)

    def clerk(self, person: Person, *counters: Counter, staff_number: str = "YS-0427") -> Clerk:
        change = self.appointments.request_clerk(
            person.id,
            staff_number=staff_number,
            authority=AUTHORITY,
            counters=[counter.id for counter in counters],
            requested_by=ASKS,
            reason="新入职",
        )
        return self.appointments.approve(change.id, approved_by=APPROVES)

    def disable(self, clerk: Clerk) -> Clerk:
        change = self.appointments.request_disabling(clerk.id, requested_by=ASKS, reason="离岗")
        return self.appointments.approve(change.id, approved_by=APPROVES)

    def is_cut(self, *ties: Tie) -> bool:
        return self.revocations.first_cut(ties) is not None


def _own(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'registers.sqlite3'}")
    wanted = [table for name, table in Base.metadata.tables.items() if name.startswith("sso_")]
    Base.metadata.create_all(database.writer, tables=wanted)
    return database


def build(folder: Path, elsewhere: Database | None = None) -> Town:
    clock, randomness = FixedClock(), CountingRandomness()
    database = elsewhere or _own(folder)
    persons, clients = Persons(), Clients()
    counters, clerks = DatabaseCounterStore(database), DatabaseClerkStore(database)
    return Town(
        clock=clock,
        randomness=randomness,
        database=database,
        persons=persons,
        clients=clients,
        register=CounterRegister(
            counters=counters,
            clerks=clerks,
            persons=persons,
            clients=clients,
            types=Types(),
            clock=clock,
            randomness=randomness,
        ),
        appointments=ClerkAppointments(
            clerks=clerks, counters=counters, persons=persons, clock=clock, randomness=randomness
        ),
        revocations=DatabaseRevocations(database),
    )


def matter(code: str = "food-licence", *, types: Collection[str] = (FOOD,)) -> Matter:
    return Matter(
        code=code,
        name="Food business licence, renewal",
        name_zh="食品经营许可延续",
        purpose="To renew the food business licence",
        purpose_zh="办理食品经营许可延续",
        types=frozenset(types),
    )


def uscc(serial: int) -> str:
    """A made-up credit code (GB 32100) that carries the letters DEM."""
    body = f"92110105MADEM{serial:04d}"
    total = sum(pow(3, place, 31) * _CODES.index(character) for place, character in enumerate(body))
    return body + _CODES[-total % 31]
