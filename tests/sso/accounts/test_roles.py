"""Three offices, never two of them in one hand."""

import pytest

from sso.accounts.errors import PersonNotActive, PersonUnknown
from sso.accounts.roles import Role
from sso.accounts.roles_errors import (
    LastOfficer,
    RoleApproverProposes,
    RoleDecided,
    RoleGrantUnknown,
    RoleHeld,
    RoleMissing,
    RolesFounded,
    RolesIncomplete,
)
from tests.sso.accounts.world import COMPANY, World, resident

OPERATORS = {"requested_by": "王经办", "approved_by": "李审批"}
SYSTEM, SECURITY, AUDITOR = Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR


@pytest.fixture
def officers(world: World) -> dict[Role, str]:
    return {role: world.person(resident(index), "官员").id for index, role in enumerate(Role, 10)}


@pytest.fixture
def founded(world: World, officers: dict[Role, str]) -> dict[Role, str]:
    world.roles.found(officers, **OPERATORS)
    return officers


def candidate(world: World, index: int = 20) -> str:
    return world.person(resident(index), "候选").id


def test_the_first_three_are_installed_once(world: World, founded: dict[Role, str]) -> None:
    assert {role: world.roles.role_of(person) for role, person in founded.items()} == {role: role for role in Role}
    others = {role: candidate(world, 30 + index) for index, role in enumerate(Role)}
    with pytest.raises(RolesFounded) as caught:
        world.roles.found(others, **OPERATORS)
    assert caught.value.code == "roles-founded"


def test_the_first_three_are_three_persons_named_by_two(world: World, officers: dict[Role, str]) -> None:
    cases = [
        ({**officers, AUDITOR: officers[SYSTEM]}, OPERATORS, RoleHeld, "role-held"),
        ({SYSTEM: officers[SYSTEM]}, OPERATORS, RolesIncomplete, "roles-incomplete"),
        (officers, {"requested_by": "王", "approved_by": "王"}, RoleApproverProposes, "same-person"),
        ({**officers, AUDITOR: "nobody"}, OPERATORS, PersonUnknown, "person-unknown"),
    ]
    for named, two, error, code in cases:
        with pytest.raises(error) as caught:
            world.roles.found(named, **two)
        assert caught.value.code == code
    assert world.roles.grants() == []


def test_an_office_takes_a_proposal_and_an_approval(world: World, founded: dict[Role, str]) -> None:
    person = candidate(world)
    grant = world.roles.propose(person, AUDITOR, by=founded[SYSTEM])
    assert world.roles.role_of(person) is None
    approved = world.roles.approve(grant.id, by=founded[SECURITY])
    assert approved.in_force
    assert (approved.proposed_by, approved.approved_by) == (founded[SYSTEM], founded[SECURITY])
    assert world.roles.role_of(person) is AUDITOR
    assert world.roles.require(person, AUDITOR) is AUDITOR


@pytest.mark.parametrize("role", list(Role))
def test_nobody_holds_two_offices(world: World, founded: dict[Role, str], role: Role) -> None:
    person = candidate(world)
    world.roles.propose(person, AUDITOR, by=founded[SYSTEM])
    for held in (person, founded[SECURITY]):
        with pytest.raises(RoleHeld) as caught:
            world.roles.propose(held, role, by=founded[SYSTEM])
        assert caught.value.code == "role-held"


def test_only_the_right_office_proposes_and_approves(world: World, founded: dict[Role, str]) -> None:
    person = candidate(world)
    for by in (founded[SECURITY], founded[AUDITOR], person):
        with pytest.raises(RoleMissing) as caught:
            world.roles.propose(person, AUDITOR, by=by)
        assert caught.value.code == "role-missing"
    grant = world.roles.propose(person, AUDITOR, by=founded[SYSTEM])
    for by in (founded[SYSTEM], founded[AUDITOR], person):
        with pytest.raises(RoleMissing):
            world.roles.approve(grant.id, by=by)
    with pytest.raises(RoleApproverProposes):
        world.roles.propose(founded[SYSTEM], AUDITOR, by=founded[SYSTEM])


def test_an_office_ends_and_leaves_its_history(world: World, founded: dict[Role, str]) -> None:
    person = candidate(world)
    grant = world.roles.propose(person, AUDITOR, by=founded[SYSTEM])
    world.roles.approve(grant.id, by=founded[SECURITY])
    ended = world.roles.end(grant.id, by=founded[SECURITY])
    assert not ended.in_force
    assert world.roles.role_of(person) is None
    assert ended in world.roles.grants()
    again = world.roles.propose(person, SYSTEM, by=founded[SYSTEM])
    assert world.roles.end(again.id, by=person).ended_by == person


def test_what_was_decided_stays_decided(world: World, founded: dict[Role, str]) -> None:
    grant = world.roles.propose(candidate(world), AUDITOR, by=founded[SYSTEM])
    world.roles.end(grant.id, by=founded[SECURITY])
    for act in (world.roles.approve, world.roles.end):
        with pytest.raises(RoleDecided) as caught:
            act(grant.id, by=founded[SECURITY])
        assert caught.value.code == "role-decided"
        with pytest.raises(RoleGrantUnknown) as unknown:
            act("nothing", by=founded[SECURITY])
        assert unknown.value.code == "role-grant-unknown"


def test_the_last_officer_stays(world: World, founded: dict[Role, str]) -> None:
    last = next(grant for grant in world.roles.grants() if grant.role is AUDITOR)
    with pytest.raises(LastOfficer) as caught:
        world.roles.end(last.id, by=founded[SYSTEM])
    assert caught.value.code == "last-officer"
    second = world.roles.propose(candidate(world), AUDITOR, by=founded[SYSTEM])
    world.roles.approve(second.id, by=founded[SECURITY])
    assert world.roles.end(last.id, by=founded[SYSTEM]).ended_at is not None


def test_an_office_sleeps_while_the_account_is_not_active(world: World, founded: dict[Role, str]) -> None:
    world.register.disable(founded[SYSTEM], by="李审批", reason="调查期间")
    assert world.roles.role_of(founded[SYSTEM]) is None
    with pytest.raises(RoleMissing):
        world.roles.propose(candidate(world), AUDITOR, by=founded[SYSTEM])


def test_an_officer_is_a_natural_person_with_an_active_account(world: World, founded: dict[Role, str]) -> None:
    company = world.register.register(COMPANY, "演示市朝晖区㛃䶮小馆")
    person = candidate(world)
    grant = world.roles.propose(person, AUDITOR, by=founded[SYSTEM])
    world.register.disable(person, by="李审批", reason="调查期间")
    with pytest.raises(PersonNotActive):
        world.roles.approve(grant.id, by=founded[SECURITY])
    for unfit in (company.id, person):
        with pytest.raises(PersonNotActive) as caught:
            world.roles.propose(unfit, AUDITOR, by=founded[SYSTEM])
        assert caught.value.code == "person-not-active"
