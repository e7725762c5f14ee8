"""A register of persons on SQLite with fixed clock and sources in memory.

world = World(tmp_path)
person = world.register.register(RESIDENT, "孙示例")
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from sso.accounts.applications import PublicRegistrations
from sso.accounts.domain import Person, ProofingLevel
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.proofing import Sighting
from sso.accounts.roles import RoleDesk
from sso.accounts.service import PersonRegister
from sso.accounts.store.persons import SqlPersonStore
from sso.accounts.store.roles import SqlRoleStore
from sso.accounts.store.tables import APPLICATIONS, CHANGES, CLERK_DAYS, CODES, EVIDENCE, PERSONS, ROLE_GRANTS
from sso.accounts.vault import Vault
from sso.counters.domain import Clerk
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import CutTieRow, DatabaseRevocations
from tests.fakes import CountingRandomness, FixedClock
from trust.db import Base, Database
from trust.formats.holders import HolderNumber
from trust.kernel.identifiers import ResidentId, Uscc
from trust.sealing import BlindIndex, FieldCipher

COUNTER = "counter-1"
LONG_AGO = date(2020, 1, 1)
TODAY = date(2026, 11, 21)
NEXT_YEAR = date(2027, 11, 20)


def resident(sequence: int) -> HolderNumber:
    """Return an invented resident number of the region 110105."""
    body = f"11010519800101{sequence:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True)) % 11]
    return HolderNumber(kind="111", number=ResidentId.parse(body + check).value)


RESIDENT = HolderNumber(kind="111", number="11010519491231002X")
OTHER = resident(1)
PASSPORT = HolderNumber(kind="414", number="E12345678")
COMPANY = HolderNumber(kind="001", number=Uscc.parse("92110105MADEM0YX5T").value)
NAME = "孙示例"


class MemorySource:
    """Confirms what it was told to confirm, and remembers what it was asked."""

    def __init__(self, name: SourceName, *, ceiling: ProofingLevel = ProofingLevel.TWO_ELEMENT_MATCH) -> None:
        self.name = name
        self.ceiling = ceiling
        self.known: dict[tuple[str, str], Outcome] = {}
        self.asked: list[tuple[HolderNumber, Claims]] = []

    def compare(self, code: HolderNumber, claims: Claims) -> Outcome:
        self.asked.append((code, claims))
        return self.known.get((code.text, claims.name), Outcome.NO_MATCH)


def _own(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'accounts.sqlite3'}")
    tables = [PERSONS, CODES, EVIDENCE, CHANGES, APPLICATIONS, ROLE_GRANTS, CLERK_DAYS, CutTieRow.__table__]
    Base.metadata.create_all(database.writer, tables=tables)
    return database


class World:
    def __init__(
        self,
        folder: Path,
        *,
        sources: Sequence[SourceName] = (SourceName.POPULATION,),
        elsewhere: Database | None = None,
    ) -> None:
        self.clock = FixedClock()
        self.randomness = CountingRandomness()
        self.database = elsewhere or _own(folder)
        self.store = SqlPersonStore(self.database)
        self.cipher = FieldCipher(b"f" * 32)
        self.vault = Vault(cipher=self.cipher, index=BlindIndex(b"i" * 32))
        self.sources = {name: MemorySource(name) for name in sources}
        self.register = PersonRegister(
            store=self.store,
            vault=self.vault,
            sources=self.sources,
            clock=self.clock,
            randomness=self.randomness,
        )
        self.applications = PublicRegistrations(
            register=self.register, store=self.store, clock=self.clock, randomness=self.randomness
        )
        self.roles = RoleDesk(
            store=SqlRoleStore(self.database),
            persons=self.register,
            clock=self.clock,
            randomness=self.randomness,
        )
        self.revocations = DatabaseRevocations(self.database)

    def close(self) -> None:
        self.database.close()

    def person(self, code: HolderNumber = RESIDENT, name: str = NAME) -> Person:
        return self.register.register(code, name)

    def clerk(self, *, counters: frozenset[str] = frozenset({COUNTER}), disabled: bool = False) -> Clerk:
        """Return a clerk whose own account exists; the same one each time."""
        own = self.register.find(resident(999)) or self.register.register(resident(999), "吴窗口")
        return Clerk(
            id="clerk-1",
            person=own.id,
            staff_number="G0018",
            name=own.name,
            authority=Uscc.parse("11000000DEM0YX001B"),
            counters=counters,
            epoch=1,
            disabled_at=self.clock.now() if disabled else None,
        )

    def sighting(self, kind: str = "111", expires: date | None = NEXT_YEAR) -> Sighting:
        return Sighting(clerk=self.clerk(), counter=COUNTER, document_kind=kind, document_expires=expires)

    def in_person(self, person_id: str, *, kind: str = "111", expires: date | None = NEXT_YEAR, **options) -> Person:
        return self.register.prove_in_person(
            person_id,
            clerk=self.clerk(),
            counter=COUNTER,
            document_kind=kind,
            document_expires=expires,
            **options,
        )

    def is_cut(self, person: Person) -> bool:
        return self.revocations.first_cut([Tie(TieKind.PERSON, person.tie_id)]) is not None
