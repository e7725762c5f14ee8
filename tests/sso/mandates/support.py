"""The mandate desk on SQLite, with an organisation, its legal representative and people around it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sso.accounts.domain import Person
from sso.mandates.domain import GrantCommand, Mandate, MandateKind
from sso.mandates.representatives import Representatives
from sso.mandates.service import MandateDesk
from sso.mandates.store import DatabaseMandateStore
from sso.signin.domain import Strength
from tests.fakes import FixedClock
from tests.sso.counters import support
from tests.sso.counters.support import FOOD, RESIDENCE, Town
from trust.db import Database
from trust.formats.holders import HolderNumber

LICENCE, PERMIT, ADVICE = "food-licence", "residence-permit", "advice"
YEAR = timedelta(days=365)


@dataclass(slots=True)
class Register:
    """The register of legal persons: organisation's code to representative's code and name."""

    entries: dict[str, tuple[str, str]] = field(default_factory=dict)

    def confirms(self, organisation: HolderNumber, *, number: HolderNumber, name: str) -> bool:
        return self.entries.get(organisation.text) == (number.text, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The desk and the people of the tests. `boss` represents `firm`."""

    town: Town
    register: Register
    store: DatabaseMandateStore
    desk: MandateDesk
    representatives: Representatives
    firm: Person
    boss: Person
    agent: Person
    other: Person
    own: Mandate

    @property
    def clock(self) -> FixedClock:
        return self.town.clock

    def command(self, **values: object) -> GrantCommand:
        asked: dict[str, object] = {
            "kind": MandateKind.STANDING_AGENT,
            "principal": self.firm.id,
            "agent": self.agent.id,
            "matters": frozenset({LICENCE}),
            "valid_until": self.clock.now() + YEAR,
        }
        return GrantCommand(**(asked | values))  # type: ignore[arg-type]

    def offer(self, *, by: Person | None = None, **values: object) -> Mandate:
        granter = by or self.boss
        return self.desk.grant(self.command(**values), by=granter.id, strength=Strength.ONE_TIME_CODE)

    def offer_one_off(self, **values: object) -> Mandate:
        ends = self.clock.now() + timedelta(days=7)
        return self.offer(**({"kind": MandateKind.ONE_OFF, "valid_until": ends} | values))  # type: ignore[arg-type]

    def granted(self, **values: object) -> Mandate:
        return self.accepted(self.offer(**values))  # type: ignore[arg-type]

    def one_off(self, **values: object) -> Mandate:
        return self.accepted(self.offer_one_off(**values))

    def accepted(self, mandate: Mandate) -> Mandate:
        return self.desk.accept(mandate.id, by=mandate.agent)

    def check(self, mandate: Mandate, matter: str | None = LICENCE, **values: object) -> Mandate:
        asked: dict[str, object] = {"agent": mandate.agent} | values
        return self.desk.check(mandate.id, matter=matter, **asked)  # type: ignore[arg-type]

    def is_cut(self, mandate: Mandate) -> bool:
        return self.town.is_cut(mandate.tie)

    def usable(self, person: Person, matter: str | None = LICENCE, now: datetime | None = None) -> list[Mandate]:
        return self.desk.usable(person.id, matter, now or self.clock.now())


def build(folder: Path, elsewhere: Database | None = None) -> Office:
    town = support.build(folder, elsewhere)
    for code, types in ((LICENCE, (FOOD,)), (PERMIT, (FOOD, RESIDENCE)), (ADVICE, ())):
        town.register.add_matter(support.matter(code, types=types))
    store, register = DatabaseMandateStore(town.database), Register()
    firm, boss = town.persons.legal("演示小馆"), town.persons.natural("赵示例")
    representatives = Representatives(
        store, persons=town.persons, source=register, clock=town.clock, randomness=town.randomness
    )
    return Office(
        town=town,
        register=register,
        store=store,
        desk=MandateDesk(
            store, persons=town.persons, matters=town.register, clock=town.clock, randomness=town.randomness
        ),
        representatives=representatives,
        firm=firm,
        boss=boss,
        agent=town.persons.natural("钱经办"),
        other=town.persons.natural("孙路人"),
        own=representatives.from_register(firm.id, boss.id),
    )
