"""How accounts end, come back and become one."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso.accounts.domain import Act, Person, PersonState, ProofingLevel
from sso.accounts.errors import (
    AccountApproverRequests,
    MergeUnfit,
    OwnAccount,
    PersonNotActive,
    PersonStateUnchanged,
    PersonUnknown,
)
from sso.accounts.roles import Role
from sso.accounts.store import persons
from tests.sso.accounts.world import COMPANY, NAME, OTHER, PASSPORT, RESIDENT, World, resident
from trust.kernel.text_errors import PersonalNumberInText, TextLength

WHY = "经核实为同一人"
TWO = {"requested_by": "王经办", "approved_by": "李审批"}


def merge(world: World, duplicate: Person, survivor: Person) -> Person:
    return world.register.merge(duplicate.id, survivor.id, reason=WHY, **TWO)


def test_disabling_ends_everything_in_the_same_commit(world: World) -> None:
    person = world.person()
    after = world.register.disable(person.id, by="王经办", reason="本人挂失")
    assert (after.state, after.epoch, after.active) == (PersonState.DISABLED, 2, False)
    assert world.is_cut(person)


def test_a_disabled_account_comes_back_with_its_new_epoch(world: World) -> None:
    person = world.person()
    world.register.disable(person.id, by="王经办", reason="本人挂失")
    after = world.register.enable(person.id, reason="本人解除挂失", **TWO)
    assert (after.state, after.epoch) == (PersonState.ACTIVE, 2)
    assert world.is_cut(person)
    assert not world.is_cut(after)
    assert [change.act for change in world.register.changes(person.id)] == [Act.REGISTERED, Act.DISABLED, Act.ENABLED]


def test_a_death_recorded_by_mistake_can_be_undone(world: World) -> None:
    person = world.person()
    assert world.register.end(person.id, by="王经办", reason="登记注销").state is PersonState.DECEASED
    assert world.register.enable(person.id, reason="登记更正", **TWO).active


def test_steps_that_the_state_does_not_admit(world: World) -> None:
    person = world.person()
    with pytest.raises(PersonStateUnchanged) as caught:
        world.register.enable(person.id, reason=WHY, **TWO)
    assert caught.value.code == "person-state-unchanged"
    world.register.disable(person.id, by="王经办", reason=WHY)
    with pytest.raises(PersonNotActive) as refused:
        world.register.disable(person.id, by="王经办", reason=WHY)
    assert refused.value.code == "person-not-active"
    world.register.end(person.id, by="王经办", reason=WHY)
    with pytest.raises(PersonNotActive):
        world.register.end(person.id, by="王经办", reason=WHY)
    with pytest.raises(PersonUnknown):
        world.register.disable("nobody", by="王经办", reason=WHY)


def test_a_reason_is_a_reason_and_holds_no_number(world: World) -> None:
    person = world.person()
    with pytest.raises(TextLength) as short:
        world.register.disable(person.id, by="王经办", reason="")
    assert short.value.code == "text-length"
    with pytest.raises(PersonalNumberInText) as number:
        world.register.disable(person.id, by="王经办", reason=f"号码 {RESIDENT.number}")
    assert number.value.code == "personal-number-in-text"
    assert world.register.get(person.id).active


@pytest.mark.parametrize("approver", ["王经办", "王 经办", "王经办 "])
def test_whoever_asks_does_not_approve(world: World, approver: str) -> None:
    one, two = world.person(), world.person(OTHER)
    with pytest.raises(AccountApproverRequests) as caught:
        world.register.merge(one.id, two.id, requested_by="王经办", approved_by=approver, reason=WHY)
    assert caught.value.code == "same-person"
    with pytest.raises(AccountApproverRequests):
        world.register.enable(one.id, requested_by="王经办", approved_by=approver, reason=WHY)


def test_nobody_decides_about_their_own_account(world: World) -> None:
    one, two = world.person(), world.person(OTHER)
    for pair in ({"requested_by": one.id, "approved_by": "李审批"}, {"requested_by": "王经办", "approved_by": two.id}):
        with pytest.raises(OwnAccount) as caught:
            world.register.merge(one.id, two.id, reason=WHY, **pair)
        assert caught.value.code == "own-account"


def test_after_a_merge_every_number_leads_to_the_survivor(world: World) -> None:
    survivor, duplicate = world.person(), world.register.register(PASSPORT, NAME)
    after = merge(world, duplicate, survivor)
    assert world.register.find(PASSPORT) == world.register.find(RESIDENT) == after
    assert after.code == RESIDENT
    assert set(world.register.codes(survivor.id)) == {PASSPORT, RESIDENT}
    assert world.register.codes(duplicate.id) == ()
    gone = world.register.get(duplicate.id)
    assert (gone.state, gone.merged_into, gone.code) == (PersonState.MERGED, survivor.id, PASSPORT)
    assert world.register.survivor(duplicate.id) == after


def test_a_merge_ends_the_sessions_of_both(world: World) -> None:
    survivor, duplicate = world.person(), world.register.register(PASSPORT, NAME)
    after = merge(world, duplicate, survivor)
    assert world.is_cut(survivor)
    assert world.is_cut(duplicate)
    assert (after.epoch, world.register.get(duplicate.id).epoch) == (2, 2)
    assert not world.is_cut(after)


def test_a_merge_lends_no_level_but_keeps_the_history_together(world: World) -> None:
    survivor = world.person()
    duplicate = world.in_person(world.register.register(PASSPORT, NAME).id, kind="414")
    after = merge(world, duplicate, survivor)
    assert after.level is ProofingLevel.SELF_ASSERTED
    assert [piece.person for piece in world.register.evidence(survivor.id)] == [duplicate.id]
    merged = [change for change in world.register.changes(survivor.id) if change.act is Act.MERGED]
    assert {(change.person, change.other) for change in merged} == {
        (survivor.id, duplicate.id),
        (duplicate.id, survivor.id),
    }
    assert {(change.requested_by, change.approved_by, change.reason) for change in merged} == {
        ("王经办", "李审批", WHY)
    }


def test_merges_that_are_none(world: World) -> None:
    person, other = world.person(), world.person(OTHER)
    company = world.register.register(COMPANY, "演示市朝晖区㛃䶮小馆")
    gone = merge(world, world.register.register(PASSPORT, NAME), other) and world.register.get(
        next(each.person for each in world.register.changes(other.id) if each.person != other.id)
    )
    for duplicate, survivor in ((person, person), (person, company), (gone, person), (person, gone)):
        with pytest.raises(MergeUnfit) as caught:
            merge(world, duplicate, survivor)
        assert caught.value.code == "merge-unfit"
    with pytest.raises(PersonUnknown):
        world.register.merge("nobody", person.id, **TWO)
    assert world.register.get(person.id) == person


def test_a_duplicate_in_office_is_not_merged(world: World) -> None:
    officers = {role: world.person(resident(index), "官员").id for index, role in enumerate(Role, 10)}
    world.roles.found(officers, **TWO)
    with pytest.raises(MergeUnfit):
        merge(world, world.register.get(officers[Role.AUDITOR]), world.person())


def test_a_refused_merge_changes_nothing_at_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    survivor, duplicate = world.person(), world.register.register(PASSPORT, NAME)
    cut = persons.cut_within

    def broken(unit, ties, *, reason, at) -> None:
        cut(unit, ties, reason=reason, at=at)
        if any(tie.id.startswith(max(survivor.id, duplicate.id)) for tie in ties):
            raise RuntimeError

    monkeypatch.setattr(persons, "cut_within", broken)
    with pytest.raises(RuntimeError):
        merge(world, duplicate, survivor)
    assert world.register.get(survivor.id) == survivor
    assert world.register.get(duplicate.id) == duplicate
    assert not world.is_cut(survivor)
    assert not world.is_cut(duplicate)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
def test_chains_of_merges_end_and_every_number_leads_to_one_account(pairs: list[tuple[int, int]]) -> None:
    folder = Path(tempfile.mkdtemp())
    world = World(folder)
    people = [world.person(resident(index)) for index in range(1, 6)]
    roots = {person.id: person.id for person in people}
    for left, right in pairs:
        duplicate, survivor = people[left].id, people[right].id
        fits = duplicate != survivor and roots[duplicate] == duplicate and roots[survivor] == survivor
        try:
            world.register.merge(duplicate, survivor, **TWO)
        except MergeUnfit:
            assert not fits
        else:
            assert fits
            roots = {person: survivor if root == duplicate else root for person, root in roots.items()}
    for index, person in enumerate(people, 1):
        root = roots[person.id]
        assert world.register.survivor(person.id).id == root
        found = world.register.find(resident(index))
        assert found is not None
        assert found.id == root
        assert found.level is ProofingLevel.SELF_ASSERTED
    for root in set(roots.values()):
        merged = {person for person, own in roots.items() if own == root and person != root}
        assert set(world.store.merged_into(root)) == merged
        assert len(world.register.codes(root)) == len(merged) + 1
    world.close()
    shutil.rmtree(folder)
