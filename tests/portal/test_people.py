"""The demonstration's people, made by the services that make real ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.demo import data
from portal.demo.people import (
    AGENT_NUMBER,
    CLERK_NUMBER,
    ENTERPRISE_NUMBER,
    FOOD_MATTER,
    REPRESENTATIVE_NUMBER,
    RESIDENCE_MATTER,
    Installed,
    People,
    populate,
)
from portal.registers import open_registers
from sso.accounts.domain import ProofingLevel
from sso.mandates.domain import MandateKind
from tests.sso.accounts.world import World
from tests.sso.counters.support import Clients, Types
from trust.db import Base
from trust.kernel.identifiers import ResidentId, Uscc

SYSTEMS = ("system-a", "system-b")


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    world = World(tmp_path)
    Base.metadata.create_all(world.database.writer)
    registers = open_registers(
        world.database,
        persons=world.register,
        clients=Clients(),
        types=Types(),
        sources={},
        clock=world.clock,
        randomness=world.randomness,
    )
    yield Installed(persons=world.register, registers=registers, clock=world.clock)
    world.database.close()


@pytest.fixture
def people(installed: Installed) -> People:
    return populate(installed, systems=SYSTEMS)


def test_the_citizen_is_the_specimen_and_known_in_person(installed: Installed, people: People) -> None:
    assert people.citizen.code.number == data.RESIDENT_NUMBER
    assert installed.persons.get(people.citizen.id).level is ProofingLevel.IN_PERSON


def test_the_clerk_may_act_at_both_counters_with_their_systems(installed: Installed, people: People) -> None:
    for counter, system in zip(people.counters, SYSTEMS, strict=True):
        assert counter.id in people.clerk.counters
        assert system in installed.registers.counters.counter(counter.id).systems


def test_the_agent_and_the_representative_may_act_for_the_enterprise(installed: Installed, people: People) -> None:
    desk, now = installed.registers.mandates, installed.clock.now()
    assert people.representation.kind is MandateKind.LEGAL_REPRESENTATIVE
    assert desk.usable(people.representative.id, None, now) == [people.representation]
    assert desk.usable(people.agent.id, FOOD_MATTER.code, now) == [people.mandate]
    assert desk.usable(people.agent.id, RESIDENCE_MATTER.code, now) == []
    assert people.enterprise.code.number == ENTERPRISE_NUMBER
    assert people.mandate.types == FOOD_MATTER.types == {data.FOOD_LICENCE}


def test_the_invented_numbers_have_valid_check_digits_and_a_region_that_does_not_exist() -> None:
    for number in (CLERK_NUMBER, REPRESENTATIVE_NUMBER, AGENT_NUMBER):
        assert ResidentId.parse(number).value.startswith("119999")
    assert "DEM" in Uscc.parse(ENTERPRISE_NUMBER).value
