"""Two server processes that keep hops of the same cases at once, on PostgreSQL: neither fails the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sso.passing.store.hops import NewHop, Outcome, SqlHops
from sso.provider.oauth_errors import OAuthRefused
from sso.revocation.domain import Tie, TieKind
from tests.sso.crossing import crossed
from tests.sso.databases import ON_POSTGRESQL
from tests.sso.passing.support import World
from trust.kernel.bearer_secrets import secret_digest
from trust.kernel.errors import NotAuthenticated

pytestmark = ON_POSTGRESQL


ROUNDS = 50


@pytest.fixture
def wished(world: World, monkeypatch: pytest.MonkeyPatch) -> list[NewHop]:
    """Two hops of each of two cases, one process's first."""
    found: list[NewHop] = []
    monkeypatch.setattr(world.hops, "keep", lambda new: found.append(new) or Outcome.KEPT)
    cases = [world.open_case(), world.open_case()]
    for case in cases * 2:
        world.assisted(case)
    return found


def test_exchanges_of_two_processes_in_the_same_case_wait_for_each_other(world: World, wished: list[NewHop]) -> None:
    first, second = SqlHops(world.database), SqlHops(world.database)
    outcomes = crossed(
        world.database,
        lambda: first.keep(wished[0]),
        lambda: second.keep(wished[2]),
        behind="UPDATE sso_cases",
    )
    assert outcomes == (Outcome.KEPT, Outcome.KEPT)
    assert len(world.hops.about(world.citizen.id, limit=10)) == 2


def test_a_presence_that_two_processes_get_is_used_once(world: World, wished: list[NewHop]) -> None:
    first, second = SqlHops(world.database), SqlHops(world.database)
    outcomes = crossed(
        world.database,
        lambda: first.keep(wished[0]),
        lambda: second.keep(wished[0]),
        behind="UPDATE sso_presences",
    )
    assert outcomes == (Outcome.KEPT, Outcome.PRESENCE_USED)


def test_what_is_passed_on_while_the_case_is_closed_is_dead(world: World, wished: list[NewHop]) -> None:
    hop = wished[0]
    outcome, _ = crossed(
        world.database,
        lambda: SqlHops(world.database).keep(hop),
        lambda: world.cases_store.close(hop.case, at=world.clock.now(), ties=[Tie(TieKind.CASE, hop.case)]),
        behind="UPDATE sso_cases",
    )
    assert outcome is Outcome.KEPT
    assert world.revocations.first_cut([Tie(TieKind.CASE, hop.case)])


def test_nothing_is_passed_on_in_a_case_that_is_being_closed(world: World, wished: list[NewHop]) -> None:
    hop = wished[0]
    _, outcome = crossed(
        world.database,
        lambda: world.cases_store.close(hop.case, at=world.clock.now(), ties=[Tie(TieKind.CASE, hop.case)]),
        lambda: SqlHops(world.database).keep(hop),
        behind="UPDATE sso_cases",
    )
    assert outcome is Outcome.CASE_TAKEN


def test_no_check_accepts_what_was_passed_on_while_a_tie_was_being_cut(world: World) -> None:
    """A mandate is withdrawn, a clerk disabled, a session ended: each is one tie."""
    for number in range(ROUNDS):
        mandate, facts = world.represented()
        clerk = Tie(TieKind.CLERK, f"{world.clerk.id}/{number}")
        actor = world.clerk_token(ties=frozenset({clerk}))
        token, case = world.token(world.citizen, world.hall, **facts), world.open_case().id
        acting = {"subject_token": token, "actor_token": actor, "case": case, "audience": world.next.id}

        def passed(acting: dict[str, str] = acting) -> list[str]:
            try:
                return [world.exchange(world.hall, **acting)["access_token"] for _ in range(4)]
            except OAuthRefused:
                return []

        tie = (mandate.tie, clerk)[number % 2]
        with ThreadPoolExecutor(3) as pool:
            running = [pool.submit(passed) for _ in range(2)]
            pool.submit(world.revocations.cut, [tie], reason="withdrawn", at=world.clock.now()).result()
            ended = [text for each in running for text in each.result()]
        for text in (*ended, (token, actor)[number % 2]):
            with pytest.raises(NotAuthenticated):
                world.read(text)
        assert passed() == []


def test_of_two_codes_of_one_session_made_at_once_the_later_one_is_good(world: World) -> None:
    session = world.session(world.citizen)
    codes = crossed(
        world.database,
        lambda: world.presence.issue_qr(session),
        lambda: world.presence.issue_qr(session),
        behind="UPDATE sso_presences",
    )
    found = [world.presences.find(secret_digest(issued.code)) for issued in codes]
    assert [presence is None for presence in found] == [True, False]
