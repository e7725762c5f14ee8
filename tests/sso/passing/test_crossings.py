"""Two server processes that keep hops of the same cases at once, on PostgreSQL: neither fails the other."""

import pytest

from sso.passing.store.hops import NewHop, Outcome, SqlHops
from sso.revocation.domain import Tie, TieKind
from tests.sso.crossing import crossed
from tests.sso.databases import ON_POSTGRESQL
from tests.sso.passing.support import World

pytestmark = ON_POSTGRESQL


@pytest.fixture
def wished(world: World, monkeypatch: pytest.MonkeyPatch) -> list[NewHop]:
    """Two hops of each of two cases, one process's first."""
    found: list[NewHop] = []
    monkeypatch.setattr(world.hops, "keep", lambda new: found.append(new) or Outcome.KEPT)
    cases = [world.open_case(), world.open_case()]
    for case in cases * 2:
        world.assisted(case)
    return found


def test_exchanges_of_two_processes_in_the_same_cases_wait_for_each_other(world: World, wished: list[NewHop]) -> None:
    first, second = SqlHops(world.database), SqlHops(world.database)
    one, other = crossed(
        world.database,
        lambda: first._commit(wished[:2]),
        lambda: second._commit(wished[:1:-1]),
        behind="UPDATE sso_cases",
    )
    assert one == other == [Outcome.KEPT] * 2
    assert len(world.hops.about(world.citizen.id, represented=(), limit=10)) == 4


def test_presences_that_two_processes_get_in_either_order_are_used_once(world: World, wished: list[NewHop]) -> None:
    first, second = SqlHops(world.database), SqlHops(world.database)
    one, other = crossed(
        world.database,
        lambda: first._commit(wished[:2]),
        lambda: second._commit(wished[1::-1]),
        behind="UPDATE sso_presences",
    )
    assert (one, other) == ([Outcome.KEPT] * 2, [Outcome.PRESENCE_USED] * 2)


def test_what_is_passed_on_while_the_case_is_closed_is_dead(world: World, wished: list[NewHop]) -> None:
    hop = wished[0]
    outcome, _ = crossed(
        world.database,
        lambda: SqlHops(world.database)._commit([hop]),
        lambda: world.cases_store.close(hop.case, at=world.clock.now(), ties=[Tie(TieKind.CASE, hop.case)]),
        behind="UPDATE sso_cases",
    )
    assert outcome == [Outcome.KEPT]
    assert world.revocations.first_cut([Tie(TieKind.CASE, hop.case)])


def test_nothing_is_passed_on_in_a_case_that_is_being_closed(world: World, wished: list[NewHop]) -> None:
    hop = wished[0]
    _, outcome = crossed(
        world.database,
        lambda: world.cases_store.close(hop.case, at=world.clock.now(), ties=[Tie(TieKind.CASE, hop.case)]),
        lambda: SqlHops(world.database)._commit([hop]),
        behind="UPDATE sso_cases",
    )
    assert outcome == [Outcome.CASE_TAKEN]
