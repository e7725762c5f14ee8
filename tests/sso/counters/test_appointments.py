"""Clerks: two names for each change, and what hung on the clerk before ends with it."""

import threading
from datetime import timedelta

import pytest

from sso.accounts.domain import PersonState, ProofingLevel
from sso.counters.domain import CHANGE_LIFE, CLERK_COUNTERS_MAX, ChangeKind, ChangeState, Clerk, ClerkChange
from sso.counters.errors import (
    ChangeDecided,
    ChangeLapsed,
    ChangeUnknown,
    ClerkCountersInvalid,
    ClerkDisabled,
    ClerkNotDisabled,
    ClerkNotEligible,
    ClerkRegistered,
    ClerkUnknown,
    CounterClosed,
    CounterOfAnotherAuthority,
    CounterUnknown,
    StaffNumberInvalid,
)
from tests.fakes import MOMENT
from tests.sso.counters.support import (
    APPROVES,
    ASKS,
    AUTHORITY,
    OTHER_AUTHORITY,
    PersonMissing,
    Town,
    resident_number,
)
from tests.sso.databases import BOTH_DATABASES
from trust.authority.errors import SamePerson
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import Uscc
from trust.kernel.text_errors import PersonalNumberInText, TextLength


def ask(town: Town, person: str, **values: object) -> ClerkChange:
    asked = {
        "staff_number": "YS-0427",
        "authority": AUTHORITY,
        "counters": [],
        "requested_by": ASKS,
        "reason": "新入职",
    } | values
    return town.appointments.request_clerk(person, **asked)  # type: ignore[arg-type]


def test_a_clerk_is_registered_by_two_people(town: Town) -> None:
    person, counter = town.persons.natural("郑窗口"), town.counter()
    change = ask(town, person.id, counters=[counter.id])
    assert town.register.clerk_of(person.id) is None
    town.clock.advance(hours=1)
    clerk = town.appointments.approve(change.id, approved_by=APPROVES)
    assert clerk == town.register.clerk_of(person.id) == town.register.clerk(clerk.id)
    assert (clerk.name, clerk.staff_number, clerk.counters) == ("郑窗口", "YS-0427", {counter.id})
    kept = town.appointments.changes(clerk=clerk.id)
    assert [(each.requested_by, each.decided_by, each.state) for each in kept] == [
        (ASKS, APPROVES, ChangeState.APPROVED)
    ]
    assert kept[0].decided_at == MOMENT + timedelta(hours=1)


@pytest.mark.parametrize("approver", [ASKS, f" {ASKS} ", "周·申请"])
def test_whoever_asks_does_not_approve(town: Town, approver: str) -> None:
    change = ask(town, town.persons.natural("郑窗口").id)
    with pytest.raises(SamePerson):
        town.appointments.approve(change.id, approved_by=approver)
    assert town.appointments.change(change.id).state is ChangeState.WAITING


def test_each_kind_of_change_needs_two_people(town: Town) -> None:
    clerk = town.clerk(town.persons.natural("郑窗口"))
    posting = town.appointments.request_posting(clerk.id, counters=[], requested_by=ASKS, reason="轮岗")
    disabling = town.appointments.request_disabling(clerk.id, requested_by=ASKS, reason="离岗")
    for change in (posting, disabling):
        with pytest.raises(SamePerson):
            town.appointments.approve(change.id, approved_by=ASKS)
    town.appointments.approve(disabling.id, approved_by=APPROVES)
    enabling = town.appointments.request_enabling(clerk.id, requested_by=ASKS, reason="返岗")
    with pytest.raises(SamePerson):
        town.appointments.approve(enabling.id, approved_by=ASKS)
    assert not town.register.clerk(clerk.id).enabled


def test_disabling_cuts_the_tie_and_enabling_gives_another(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    clerk = town.clerk(person)
    disabled = town.disable(clerk)
    assert disabled.disabled_at == MOMENT
    assert town.is_cut(clerk.tie)
    assert town.register.clerk_of(person.id) is None
    change = town.appointments.request_enabling(clerk.id, requested_by=ASKS, reason="返岗")
    enabled = town.appointments.approve(change.id, approved_by=APPROVES)
    assert enabled == town.register.clerk_of(person.id)
    assert enabled.tie != clerk.tie
    assert not town.is_cut(enabled.tie)
    assert town.is_cut(clerk.tie)
    assert [each.kind for each in town.appointments.changes(clerk=clerk.id)] == [
        ChangeKind.REGISTER,
        ChangeKind.DISABLE,
        ChangeKind.ENABLE,
    ]


def test_posting_cuts_the_tie(town: Town) -> None:
    first, second = town.counter("一号"), town.counter("二号")
    clerk = town.clerk(town.persons.natural("郑窗口"), first)
    change = town.appointments.request_posting(clerk.id, counters=[second.id], requested_by=ASKS, reason="轮岗")
    assert not town.is_cut(clerk.tie)
    posted = town.appointments.approve(change.id, approved_by=APPROVES)
    assert town.is_cut(clerk.tie)
    assert (posted.counters, posted.epoch) == ({second.id}, clerk.epoch + 1)


def test_a_refused_request_does_nothing_and_stays_on_record(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    change = ask(town, person.id)
    assert town.appointments.refuse(change.id, refused_by=ASKS).state is ChangeState.REFUSED
    assert town.register.clerk_of(person.id) is None
    for decide in (
        lambda: town.appointments.approve(change.id, approved_by=APPROVES),
        lambda: town.appointments.refuse(change.id, refused_by=APPROVES),
    ):
        with pytest.raises(ChangeDecided) as caught:
            decide()
        assert caught.value.code == "clerk-change-decided"
    assert town.appointments.changes(state=ChangeState.WAITING) == ()
    assert len(town.appointments.changes(state=ChangeState.REFUSED)) == 1


def test_a_request_lapses(town: Town) -> None:
    change = ask(town, town.persons.natural("郑窗口").id)
    town.clock.advance(seconds=CHANGE_LIFE.total_seconds())
    with pytest.raises(ChangeLapsed) as caught:
        town.appointments.approve(change.id, approved_by=APPROVES)
    assert caught.value.code == "clerk-change-lapsed"
    town.clock.advance(seconds=-1)
    assert town.appointments.approve(change.id, approved_by=APPROVES).enabled


def test_an_unknown_request_is_not_found(town: Town) -> None:
    for decide in (
        lambda: town.appointments.approve("none", approved_by=APPROVES),
        lambda: town.appointments.refuse("none", refused_by=APPROVES),
    ):
        with pytest.raises(ChangeUnknown) as caught:
            decide()
        assert caught.value.code == "clerk-change-unknown"


def test_a_person_is_one_clerk_at_a_time(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    clerk = town.clerk(person)
    with pytest.raises(ClerkRegistered) as caught:
        ask(town, person.id, authority=OTHER_AUTHORITY, staff_number="1")
    assert caught.value.code == "clerk-registered"
    town.disable(clerk)
    moved = ask(town, person.id, authority=OTHER_AUTHORITY, staff_number="1")
    assert town.appointments.approve(moved.id, approved_by=APPROVES).authority == Uscc.parse(OTHER_AUTHORITY)
    back = town.appointments.request_enabling(clerk.id, requested_by=ASKS, reason="返岗")
    with pytest.raises(ClerkRegistered):
        town.appointments.approve(back.id, approved_by=APPROVES)
    assert town.appointments.change(back.id).state is ChangeState.WAITING


def test_a_staff_number_is_never_given_twice(town: Town) -> None:
    town.disable(town.clerk(town.persons.natural("郑窗口")))
    change = ask(town, town.persons.natural("冯窗口").id)
    with pytest.raises(ClerkRegistered):
        town.appointments.approve(change.id, approved_by=APPROVES)


@pytest.mark.parametrize("staff_number", ["", "-1", "1 2", "x" * 21, "工号一"])
def test_a_staff_number_has_a_form(town: Town, staff_number: str) -> None:
    with pytest.raises(StaffNumberInvalid) as caught:
        ask(town, town.persons.natural("郑窗口").id, staff_number=staff_number)
    assert caught.value.code == "staff-number-invalid"
    assert town.appointments.changes() == ()


def test_no_text_of_a_request_holds_a_number_of_a_person(town: Town) -> None:
    person, number = town.persons.natural("郑窗口"), resident_number(7)
    for field in ("staff_number", "requested_by", "reason"):
        with pytest.raises(PersonalNumberInText):
            ask(town, person.id, **{field: number})
    with pytest.raises(TextLength):
        ask(town, person.id, reason="")


@pytest.mark.parametrize(
    ("level", "state"),
    [
        (ProofingLevel.SELF_ASSERTED, PersonState.ACTIVE),
        (ProofingLevel.IN_PERSON, PersonState.DISABLED),
        (ProofingLevel.IN_PERSON, PersonState.MERGED),
    ],
)
def test_a_clerk_is_a_proofed_active_natural_person(town: Town, level: ProofingLevel, state: PersonState) -> None:
    with pytest.raises(ClerkNotEligible) as caught:
        ask(town, town.persons.natural("郑窗口", level=level, state=state).id)
    assert caught.value.code == "clerk-not-eligible"


def test_an_organisation_or_nobody_is_no_clerk(town: Town) -> None:
    with pytest.raises(ClerkNotEligible):
        ask(town, town.persons.legal("演示小馆").id)
    with pytest.raises(PersonMissing):
        ask(town, "none")


def test_eligibility_is_asked_again_at_the_approval(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    change = ask(town, person.id)
    town.persons.change(person, state=PersonState.DISABLED)
    with pytest.raises(ClerkNotEligible):
        town.appointments.approve(change.id, approved_by=APPROVES)
    assert town.register.clerks() == ()


def test_a_clerk_is_posted_to_open_counters_of_their_own_authority(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    foreign = town.register.add_counter(name="一号", authority=OTHER_AUTHORITY)
    closed = town.register.close_counter(town.counter().id)
    faults: list[tuple[str, type[TrustError], str]] = [
        ("none", CounterUnknown, "counter-unknown"),
        (foreign.id, CounterOfAnotherAuthority, "counter-of-another-authority"),
        (closed.id, CounterClosed, "counter-closed"),
    ]
    clerk = town.clerk(town.persons.natural("冯窗口"), staff_number="YS-0428")
    for counter, error, code in faults:
        with pytest.raises(error) as caught:
            ask(town, person.id, counters=[counter])
        assert caught.value.code == code
        with pytest.raises(error):
            town.appointments.request_posting(clerk.id, counters=[counter], requested_by=ASKS, reason="轮岗")


def test_a_counter_closed_meanwhile_stops_the_approval(town: Town) -> None:
    counter = town.counter()
    change = ask(town, town.persons.natural("郑窗口").id, counters=[counter.id])
    town.register.close_counter(counter.id)
    with pytest.raises(CounterClosed):
        town.appointments.approve(change.id, approved_by=APPROVES)
    assert town.appointments.change(change.id).state is ChangeState.WAITING


def test_a_clerk_is_posted_to_at_most_so_many_counters(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    counters = [town.counter(f"{number}号").id for number in range(CLERK_COUNTERS_MAX + 1)]
    assert len(ask(town, person.id, counters=counters[1:]).counters) == CLERK_COUNTERS_MAX
    with pytest.raises(ClerkCountersInvalid) as caught:
        ask(town, person.id, counters=counters)
    assert caught.value.code == "clerk-counters-invalid"


def test_changes_that_contradict_the_state_are_refused(town: Town) -> None:
    clerk = town.clerk(town.persons.natural("郑窗口"))
    with pytest.raises(ClerkNotDisabled) as not_disabled:
        town.appointments.request_enabling(clerk.id, requested_by=ASKS, reason="返岗")
    assert not_disabled.value.code == "clerk-not-disabled"
    late = town.appointments.request_posting(clerk.id, counters=[], requested_by=ASKS, reason="轮岗")
    town.disable(clerk)
    with pytest.raises(ClerkDisabled):
        town.appointments.approve(late.id, approved_by=APPROVES)
    with pytest.raises(ClerkDisabled):
        town.appointments.request_disabling(clerk.id, requested_by=ASKS, reason="离岗")
    with pytest.raises(ClerkDisabled):
        town.appointments.request_posting(clerk.id, counters=[], requested_by=ASKS, reason="轮岗")
    for unknown in (
        lambda: town.appointments.request_disabling("none", requested_by=ASKS, reason="离岗"),
        lambda: town.register.clerk("none"),
        lambda: town.register.clerk("a\x00"),
    ):
        with pytest.raises(ClerkUnknown):
            unknown()


@BOTH_DATABASES
def test_two_approvals_at_once_are_one_approval(town: Town) -> None:
    clerk = town.clerk(town.persons.natural("郑窗口"))
    change = town.appointments.request_disabling(clerk.id, requested_by=ASKS, reason="离岗")
    outcomes: list[object] = []

    def approve() -> None:
        try:
            outcomes.append(town.appointments.approve(change.id, approved_by=APPROVES))
        except ChangeDecided as error:
            outcomes.append(error)

    threads = [threading.Thread(target=approve) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, Clerk) for outcome in outcomes) == 1
    assert town.register.clerk(clerk.id).epoch == clerk.epoch + 1


def test_the_name_is_the_accounts_own(town: Town) -> None:
    person = town.persons.natural("郑窗口")
    clerk = town.clerk(person)
    town.persons.change(person, name="郑新名")
    assert town.register.clerk(clerk.id).name == "郑新名"
    assert town.register.clerk(clerk.id).shown == "郑** (*****27)"
    assert town.register.clerks(Uscc.parse(AUTHORITY)) == (town.register.clerk(clerk.id),)
