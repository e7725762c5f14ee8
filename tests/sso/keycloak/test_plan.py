from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.keycloak.plan import Action, Difference, compare
from sso.keycloak.provisioner import Provisioner
from sso.keycloak.provisioning_errors import KeycloakRefused, PlanStale, RealmForeign, RealmObjectForeign
from sso.keycloak.realm import Found, Kind, Place, comparable, document_of, merged
from tests.fakes import MOMENT
from tests.sso.keycloak.realms import ADDRESS, MemoryRealm, desired, mark_of, system

REALM = Place(kind=Kind.REALM, name="yinxin")


@pytest.fixture
def realm() -> MemoryRealm:
    return MemoryRealm()


@pytest.fixture
def provisioner(realm: MemoryRealm) -> Provisioner:
    return Provisioner(realm)


def client(number: int = 1) -> Place:
    return Place(kind=Kind.CLIENT, name=system(number).id)


def test_an_empty_keycloak_gets_everything_in_an_order_that_works(realm: MemoryRealm, provisioner: Provisioner) -> None:
    wanted = desired(system(1), system(2))
    plan = provisioner.plan(wanted)
    assert not realm.calls  # a plan does nothing
    assert {each.action for each in plan.changes} == {Action.CREATE}
    assert plan.changes[0].place == REALM
    kinds = [list(Kind).index(each.place.kind) for each in plan.changes]
    assert kinds == sorted(kinds)
    assert provisioner.apply(plan, wanted).in_step
    assert mark_of(realm.parts[REALM]) == ADDRESS


def test_a_second_run_does_nothing(realm: MemoryRealm, provisioner: Provisioner) -> None:
    wanted = desired(system())
    provisioner.apply(provisioner.plan(wanted), wanted)
    realm.calls.clear()
    plan = provisioner.plan(wanted)
    assert plan.in_step
    provisioner.apply(plan, wanted)
    assert not realm.calls


def test_a_run_that_was_refused_half_way_goes_on_where_it_stopped(realm: MemoryRealm, provisioner: Provisioner) -> None:
    wanted = desired(system(1), system(2))
    realm.refusals[client(2)] = KeycloakRefused()
    with pytest.raises(KeycloakRefused):
        provisioner.apply(provisioner.plan(wanted), wanted)
    realm.refusals.clear()
    done = set(realm.parts)
    plan = provisioner.plan(wanted)
    assert done.isdisjoint(each.place for each in plan.changes)
    assert provisioner.apply(plan, wanted).in_step


def test_a_change_by_hand_is_told_with_both_values_and_put_back_alone(
    realm: MemoryRealm, provisioner: Provisioner
) -> None:
    wanted = desired(system())
    provisioner.apply(provisioner.plan(wanted), wanted)
    realm.parts[client()]["directAccessGrantsEnabled"] = True
    realm.parts[client()]["theme"] = "theirs"
    plan = provisioner.plan(wanted)
    (change,) = plan.changes
    assert change.action is Action.CHANGE
    assert change.differences == (Difference(name="directAccessGrantsEnabled", before=True, after=False),)
    provisioner.apply(plan, wanted)
    assert realm.parts[client()]["theme"] == "theirs"
    assert realm.parts[client()]["directAccessGrantsEnabled"] is False


def test_a_realm_of_others_is_refused(realm: MemoryRealm, provisioner: Provisioner) -> None:
    realm.parts[REALM] = {"realm": "yinxin"}
    realm.foreign.add(REALM)
    with pytest.raises(RealmForeign) as caught:
        provisioner.plan(desired())
    assert caught.value.code == "keycloak-realm-foreign"


def test_one_part_of_others_stops_all_of_it(realm: MemoryRealm, provisioner: Provisioner) -> None:
    realm.parts[client()] = {"clientId": system().id}
    realm.foreign.add(client())
    plan = provisioner.plan(desired(system()))
    assert plan.foreign == (client(),)
    assert not plan.changes
    assert not plan.in_step
    with pytest.raises(RealmObjectForeign):
        provisioner.apply(plan, desired(system()))
    assert not realm.calls


def test_a_plan_that_no_longer_fits_the_realm_is_not_applied(realm: MemoryRealm, provisioner: Provisioner) -> None:
    wanted = desired(system())
    plan = provisioner.plan(wanted)
    provisioner.apply(plan, wanted)
    realm.calls.clear()
    with pytest.raises(PlanStale):
        provisioner.apply(plan, wanted)
    assert not realm.calls


def test_a_plan_for_other_registrations_is_not_applied(realm: MemoryRealm, provisioner: Provisioner) -> None:
    plan = provisioner.plan(desired(system(1)))
    with pytest.raises(PlanStale):
        provisioner.apply(plan, desired(system(2)))
    assert not realm.calls


def test_what_is_wanted_no_more_stays_until_it_is_pruned(realm: MemoryRealm, provisioner: Provisioner) -> None:
    both, one = desired(system(1), system(2)), desired(system(1))
    provisioner.apply(provisioner.plan(both), both)
    plan = provisioner.plan(one)
    assert plan.in_step
    assert plan.extra == (client(2),)  # its mapper goes with it and is not told apart
    assert provisioner.apply(plan, one).extra == (client(2),)
    pruned = provisioner.plan(one, prune=True)
    assert [(each.action, each.place) for each in pruned.changes] == [(Action.DELETE, client(2))]
    assert provisioner.apply(pruned, one, prune=True).extra == ()
    assert client(2) not in realm.parts
    assert client(1) in realm.parts


def test_pruning_leaves_what_others_made(realm: MemoryRealm, provisioner: Provisioner) -> None:
    provisioner.apply(provisioner.plan(desired()), desired())
    theirs = Place(kind=Kind.CLIENT, name="canteen")
    realm.parts[theirs] = {"clientId": "canteen"}
    realm.foreign.add(theirs)
    plan = provisioner.plan(desired(), prune=True)
    assert plan.in_step
    assert plan.extra == ()


def test_a_mapper_added_to_what_is_ours_is_told_and_pruned(realm: MemoryRealm, provisioner: Provisioner) -> None:
    provisioner.apply(provisioner.plan(desired()), desired())
    leak = Place(kind=Kind.SCOPE_MAPPER, owner="yinxin", name="leak")
    realm.parts[leak] = {"name": "leak"}
    assert provisioner.plan(desired()).extra == (leak,)
    pruned = provisioner.plan(desired(), prune=True)
    provisioner.apply(pruned, desired(), prune=True)
    assert leak not in realm.parts


def test_a_disabled_system_is_shut_if_it_is_there_and_else_not_made(
    realm: MemoryRealm, provisioner: Provisioner
) -> None:
    shut = desired(replace(system(), disabled_at=MOMENT))
    provisioner.apply(provisioner.plan(shut), shut)
    assert client() not in realm.parts
    wanted = desired(system())
    provisioner.apply(provisioner.plan(wanted), wanted)
    plan = provisioner.plan(shut)
    assert [each.differences for each in plan.changes] == [(Difference(name="enabled", before=True, after=False),)]


_LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3)


@given(leaf=_LEAF)
def test_what_was_written_compares_as_itself(leaf: object) -> None:
    value = comparable(leaf)
    place = Place(kind=Kind.SCOPE, name="s")
    found = Found(place=place, id="1", ours=True, document=document_of({"a/b.c": value}))
    assert found.value("a/b.c") == value
    assert found.value("a/absent") == found.value("absent/b") == ""


@given(order=st.permutations(["x", "y", "z"]))
def test_the_order_of_a_list_means_nothing(order: list[str]) -> None:
    assert comparable(order) == ("x", "y", "z")


def test_merging_leaves_the_original_and_everything_unnamed_alone() -> None:
    document = {"a": {"b": 1, "c": 2}, "d": None}
    assert merged(document, {"a/b": 3, "d/e": "f"}) == {"a": {"b": 3, "c": 2}, "d": {"e": "f"}}
    assert document == {"a": {"b": 1, "c": 2}, "d": None}


def test_keycloaks_own_values_show_in_no_text_of_a_part() -> None:
    found = Found(place=client(), id="1", ours=True, document={"secret": "s3cret"})
    assert "s3cret" not in repr(compare(desired(system()), (found,)))
