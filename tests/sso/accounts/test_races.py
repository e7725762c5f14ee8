"""Two at once: the database decides, one wins, and the other is told so."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sso.accounts.domain import PersonState
from sso.accounts.errors import MergeUnfit, PersonAlreadyRegistered, PersonNotActive
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.roles import Role
from sso.accounts.roles_errors import LastOfficer, RoleHeld
from tests.sso.accounts.world import NAME, OTHER, RESIDENT, World, resident
from tests.sso.databases import BOTH_DATABASES
from trust.kernel.errors import TrustError

TWO = {"requested_by": "王经办", "approved_by": "李审批"}

pytestmark = BOTH_DATABASES


def at_once(*acts: Callable[[], object]) -> list[type[TrustError] | None]:
    """Run the acts in threads of their own; returns the error of each, None for one that was done."""

    def run(act: Callable[[], object]) -> type[TrustError] | None:
        try:
            act()
        except TrustError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_two_registrations_of_a_number_one_is_done(world: World) -> None:
    outcomes = at_once(*[lambda: world.register.register(RESIDENT, NAME)] * 4)
    assert outcomes.count(None) == 1
    assert outcomes.count(PersonAlreadyRegistered) == 3


def test_of_many_applications_for_a_number_one_ticket_leads_to_the_account(world: World) -> None:
    world.sources[SourceName.POPULATION].known[(RESIDENT.text, NAME)] = Outcome.MATCH
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: world.applications.apply(RESIDENT, Claims(name=NAME)), range(4)))
    assert sum(world.applications.redeem(each.ticket) is not None for each in made) == 1


def test_a_ticket_is_redeemed_by_one(world: World) -> None:
    ticket = world.applications.invite(world.person().id).ticket
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: world.applications.redeem(ticket), range(4)))
    assert sum(person is not None for person in found) == 1


def test_two_merges_into_each_other_make_no_circle(world: World) -> None:
    one, two = world.person(), world.person(OTHER)
    outcomes = at_once(
        lambda: world.register.merge(one.id, two.id, **TWO),
        lambda: world.register.merge(two.id, one.id, **TWO),
    )
    assert sorted(outcomes, key=str) == sorted([None, MergeUnfit], key=str)
    states = {world.register.get(person.id).state for person in (one, two)}
    assert states == {PersonState.ACTIVE, PersonState.MERGED}
    assert world.register.survivor(one.id) == world.register.survivor(two.id)


def test_an_account_is_disabled_once(world: World) -> None:
    person = world.person()
    outcomes = at_once(*[lambda: world.register.disable(person.id, by="王经办", reason="本人挂失")] * 4)
    assert outcomes.count(None) == 1
    assert outcomes.count(PersonNotActive) == 3
    assert world.register.get(person.id).epoch == 2


def test_the_last_two_of_an_office_do_not_both_leave(world: World) -> None:
    officers = {role: world.person(resident(index), "官员").id for index, role in enumerate(Role, 10)}
    world.roles.found(officers, **TWO)
    second = world.roles.propose(world.person(resident(20), "候选").id, Role.AUDITOR, by=officers[Role.SYSTEM_ADMIN])
    world.roles.approve(second.id, by=officers[Role.SECURITY_ADMIN])
    first = next(grant for grant in world.roles.grants() if grant.person == officers[Role.AUDITOR])
    outcomes = at_once(
        *[lambda grant=grant: world.roles.end(grant.id, by=officers[Role.SECURITY_ADMIN]) for grant in (first, second)]
    )
    assert sorted(outcomes, key=str) == sorted([None, LastOfficer], key=str)


def test_a_person_is_proposed_for_one_office(world: World) -> None:
    officers = {role: world.person(resident(index), "官员").id for index, role in enumerate(Role, 10)}
    world.roles.found(officers, **TWO)
    person = world.person(resident(20), "候选").id
    outcomes = at_once(
        *[lambda role=role: world.roles.propose(person, role, by=officers[Role.SYSTEM_ADMIN]) for role in Role]
    )
    assert outcomes.count(None) == 1
    assert outcomes.count(RoleHeld) == 2
