"""Acting under a mandate, and its end: each reason has its own code, and live tokens die with it."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.accounts.domain import PersonState, ProofingLevel
from sso.mandates.domain import Mandate, MandateKind
from sso.mandates.errors import (
    MandateAgentDisabled,
    MandateAgentNotProofed,
    MandateExpired,
    MandateFromRegister,
    MandateMatterNotCovered,
    MandateNotAccepted,
    MandateNotOneOff,
    MandateNotYetValid,
    MandatePrincipalDisabled,
    MandateTypeNotCovered,
    MandateUnknown,
    MandateUsed,
    MandateWithdrawn,
    NotEntitledToGrant,
)
from sso.revocation.domain import Tie, TieKind
from tests.fakes import MOMENT
from tests.sso.counters.support import FOOD, RESIDENCE, uscc
from tests.sso.databases import BOTH_DATABASES
from tests.sso.mandates.support import LICENCE, PERMIT, YEAR, Office
from trust.kernel.errors import TrustError


def test_a_mandate_that_holds_is_returned(office: Office) -> None:
    for mandate in (office.own, office.granted(), office.one_off()):
        assert office.check(mandate) == mandate
        assert office.check(mandate, types=frozenset({FOOD})) == mandate
    assert office.check(office.own, None) == office.own


def test_each_reason_against_a_mandate_has_its_code(office: Office) -> None:
    offer, granted, used, withdrawn = office.offer(), office.granted(), office.one_off(), office.granted()
    later = office.granted(valid_from=MOMENT + timedelta(days=2))
    short = office.granted(valid_until=MOMENT + timedelta(days=1))
    office.desk.use_one_off(used.id, "case-1")
    office.desk.withdraw(withdrawn.id, by=office.boss.id)
    office.clock.advance(days=1)
    cases: list[tuple[Mandate, dict[str, object], type[TrustError], str]] = [
        (offer, {}, MandateNotAccepted, "mandate-not-accepted"),
        (used, {}, MandateUsed, "mandate-used"),
        (used, {"case": "case-2"}, MandateUsed, "mandate-used"),
        (withdrawn, {}, MandateWithdrawn, "mandate-withdrawn"),
        (later, {}, MandateNotYetValid, "mandate-not-yet-valid"),
        (short, {}, MandateExpired, "mandate-expired"),
        (granted, {"matter": PERMIT}, MandateMatterNotCovered, "mandate-matter-not-covered"),
        (granted, {"matter": None}, MandateMatterNotCovered, "mandate-matter-not-covered"),
        (granted, {"types": frozenset({FOOD, RESIDENCE})}, MandateTypeNotCovered, "mandate-type-not-covered"),
        (office.own, {"matter": None, "types": frozenset({FOOD})}, MandateTypeNotCovered, "mandate-type-not-covered"),
        (granted, {"agent": office.other.id}, MandateUnknown, "mandate-unknown"),
        (replace(granted, id="none"), {}, MandateUnknown, "mandate-unknown"),
        (replace(granted, id="a\x00"), {}, MandateUnknown, "mandate-unknown"),
    ]
    for mandate, values, error, code in cases:
        with pytest.raises(error) as caught:
            office.check(mandate, **values)  # type: ignore[arg-type]
        assert caught.value.code == code
        assert mandate not in office.usable(office.agent, PERMIT)
    assert office.usable(office.agent) == [granted]


@pytest.mark.parametrize("state", [PersonState.DISABLED, PersonState.MERGED, PersonState.DECEASED])
def test_nobody_acts_for_or_as_a_person_whose_account_ended(office: Office, state: PersonState) -> None:
    mandate = office.granted()
    office.town.persons.change(office.agent, state=state)
    with pytest.raises(MandateAgentDisabled) as agent:
        office.check(mandate)
    assert agent.value.code == "mandate-agent-disabled"
    assert office.usable(office.agent) == []
    office.town.persons.change(office.agent, state=PersonState.ACTIVE)
    office.town.persons.change(office.firm, state=state)
    with pytest.raises(MandatePrincipalDisabled) as principal:
        office.check(mandate)
    assert principal.value.code == "mandate-principal-disabled"
    assert office.usable(office.agent) == []


def test_an_expired_document_suspends_acting_for_an_organisation(office: Office) -> None:
    mandate = office.granted()
    office.town.persons.change(office.agent, level=ProofingLevel.TWO_ELEMENT_MATCH)
    with pytest.raises(MandateAgentNotProofed):
        office.check(mandate)
    assert office.usable(office.agent) == []


def test_a_token_hangs_on_the_mandate_and_on_the_represented(office: Office) -> None:
    mandate = office.granted()
    assert office.desk.ties(mandate) == {
        Tie(TieKind.MANDATE, mandate.id),
        Tie(TieKind.PERSON, f"{office.firm.id}/1"),
    }


def test_withdrawing_cuts_the_tie(office: Office) -> None:
    mandate, other = office.granted(), office.granted()
    assert not office.is_cut(mandate)
    ended = office.desk.withdraw(mandate.id, by=office.boss.id)
    assert (ended.withdrawn_at, ended.withdrawn_by) == (MOMENT, office.boss.id)
    assert office.is_cut(mandate)
    assert not office.is_cut(other)


def test_the_first_withdrawal_stands(office: Office) -> None:
    mandate = office.granted()
    first = office.desk.withdraw(mandate.id, by=office.agent.id)
    office.clock.advance(days=1)
    assert office.desk.withdraw(mandate.id, by=office.boss.id) == first


def test_agent_representative_and_natural_principal_withdraw(office: Office) -> None:
    assert office.desk.withdraw(office.granted().id, by=office.agent.id).withdrawn_by == office.agent.id
    mine = office.one_off(by=office.other, principal=office.other.id)
    assert office.desk.withdraw(mine.id, by=office.other.id).withdrawn_by == office.other.id


def test_a_stranger_learns_nothing_by_withdrawing(office: Office) -> None:
    mandate = office.granted()
    stranger = office.town.persons.natural("周陌生")
    for mandate_id in (mandate.id, "none"):
        with pytest.raises(MandateUnknown):
            office.desk.withdraw(mandate_id, by=stranger.id)
    assert not office.is_cut(mandate)


def test_the_legal_representatives_mandate_ends_in_the_register_only(office: Office) -> None:
    with pytest.raises(MandateFromRegister) as caught:
        office.desk.withdraw(office.own.id, by=office.boss.id)
    assert caught.value.code == "mandate-from-register"


def test_a_one_off_mandate_is_used_up_by_one_case(office: Office) -> None:
    mandate = office.one_off()
    used = office.desk.use_one_off(mandate.id, "case-1")
    assert (used.used_at, used.used_case) == (MOMENT, "case-1")
    assert not office.is_cut(mandate)
    with pytest.raises(MandateUsed) as caught:
        office.desk.use_one_off(mandate.id, "case-2")
    assert caught.value.code == "mandate-used"


def test_the_same_case_again_changes_nothing(office: Office) -> None:
    mandate = office.one_off()
    used = office.desk.use_one_off(mandate.id, "case-1")
    office.clock.advance(hours=1)
    assert office.desk.use_one_off(mandate.id, "case-1") == used
    assert office.check(mandate, case="case-1") == used


def test_only_one_off_mandates_that_hold_are_used_up(office: Office) -> None:
    with pytest.raises(MandateNotOneOff) as caught:
        office.desk.use_one_off(office.granted().id, "case-1")
    assert caught.value.code == "mandate-not-one-off"
    with pytest.raises(MandateNotAccepted):
        office.desk.use_one_off(office.offer_one_off().id, "case-1")
    with pytest.raises(MandateUnknown):
        office.desk.use_one_off("none", "case-1")
    withdrawn, expired = office.one_off(), office.one_off()
    office.desk.withdraw(withdrawn.id, by=office.agent.id)
    with pytest.raises(MandateWithdrawn):
        office.desk.use_one_off(withdrawn.id, "case-1")
    office.clock.advance(days=7)
    with pytest.raises(MandateExpired):
        office.desk.use_one_off(expired.id, "case-1")


@BOTH_DATABASES
def test_of_many_cases_at_once_exactly_one_uses_the_mandate(office: Office) -> None:
    mandate = office.one_off()
    won: list[str] = []
    lost: list[str] = []

    def use(case: str) -> None:
        try:
            won.append(str(office.desk.use_one_off(mandate.id, case).used_case))
        except MandateUsed:
            lost.append(case)

    threads = [threading.Thread(target=use, args=(f"case-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert office.desk.get(mandate.id).used_case == won[0]


def test_a_withdrawal_beats_a_use_or_comes_after_it(office: Office) -> None:
    mandate = office.one_off()
    office.desk.use_one_off(mandate.id, "case-1")
    office.desk.withdraw(mandate.id, by=office.boss.id)
    with pytest.raises(MandateWithdrawn):
        office.desk.use_one_off(mandate.id, "case-1")
    with pytest.raises(MandateWithdrawn):
        office.check(mandate, case="case-1")


def test_lists_are_for_those_who_have_a_part(office: Office) -> None:
    offer = office.offer()
    assert office.desk.of_agent(office.agent.id) == (offer,)
    assert office.desk.of_principal(office.firm.id, by=office.boss.id) == (office.own, offer)
    mine = office.offer_one_off(by=office.other, principal=office.other.id)
    assert office.desk.of_principal(office.other.id, by=office.other.id) == (mine,)
    for stranger in (office.agent, office.other):
        with pytest.raises(NotEntitledToGrant):
            office.desk.of_principal(office.firm.id, by=stranger.id)


def test_a_person_may_represent_several_organisations(office: Office) -> None:
    second = office.town.persons.legal("演示二馆", number=uscc(7))
    office.representatives.from_register(second.id, office.boss.id)
    assert set(office.desk.organisations_of(office.boss.id)) == {office.firm.id, second.id}
    assert {each.principal for each in office.usable(office.boss, None)} == {office.firm.id, second.id}
    assert office.desk.organisations_of(office.agent.id) == ()


@given(
    offset=st.integers(-400, 400),
    used=st.booleans(),
    withdrawn=st.booleans(),
    accepted=st.booleans(),
    matter=st.sampled_from([None, LICENCE, PERMIT]),
)
def test_a_mandate_covers_exactly_what_it_says(
    offset: int, used: bool, withdrawn: bool, accepted: bool, matter: str | None
) -> None:
    mandate = Mandate(
        id="1",
        kind=MandateKind.ONE_OFF,
        principal="a",
        agent="b",
        granted_by="a",
        matters=frozenset({LICENCE}),
        types=frozenset(),
        valid_from=MOMENT,
        valid_until=MOMENT + YEAR,
        created_at=MOMENT,
        offered_until=MOMENT + YEAR,
        accepted_at=MOMENT if accepted else None,
        used_at=MOMENT if used else None,
        used_case="case-1" if used else None,
        withdrawn_at=MOMENT if withdrawn else None,
    )
    now = MOMENT + timedelta(days=offset)
    expected = 0 <= offset < 365 and not used and not withdrawn and accepted and matter == LICENCE
    assert mandate.covers(matter, now=now) is expected
    assert (mandate.fault(matter, now=now) is None) is expected
    if mandate.covers(matter, now=now):
        assert mandate.live(now)
