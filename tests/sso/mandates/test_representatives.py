"""Legal representatives: one at a time, from the register or by order of two operators."""

import threading

import pytest

from sso.accounts.domain import PersonState, ProofingLevel
from sso.mandates.domain import MandateKind
from sso.mandates.errors import (
    MandateAgentNotProofed,
    MandatePrincipalUnfit,
    MandateUnknown,
    MandateWithdrawn,
    NotEntitledToGrant,
    RepresentativeNotConfirmed,
    RepresentativeRegisterAbsent,
)
from sso.mandates.representatives import OPERATORS, REGISTER, Representatives
from tests.sso.counters.support import APPROVES, ASKS, resident_number, uscc
from tests.sso.databases import BOTH_DATABASES
from tests.sso.mandates.support import Office
from trust.authority.errors import SamePerson
from trust.formats.holders import HolderNumber
from trust.kernel.text_errors import PersonalNumberInText


def test_the_register_makes_a_legal_representative_of_every_matter(office: Office) -> None:
    assert (office.own.kind, office.own.matters, office.own.types, office.own.valid_until) == (
        MandateKind.LEGAL_REPRESENTATIVE,
        frozenset(),
        frozenset(),
        None,
    )
    assert office.own.granted_by == REGISTER
    assert office.usable(office.boss) == [office.own]


def test_saying_the_same_again_changes_nothing(office: Office) -> None:
    office.clock.advance(days=1)
    assert office.representatives.from_register(office.firm.id, office.boss.id) == office.own
    assert not office.is_cut(office.own)


def test_a_change_ends_the_former_representative(office: Office) -> None:
    new = office.representatives.from_register(office.firm.id, office.other.id)
    former = office.desk.get(office.own.id)
    assert (former.withdrawn_by, former.withdrawn_at) == (REGISTER, office.clock.now())
    assert office.is_cut(office.own)
    assert not office.is_cut(new)
    with pytest.raises(MandateWithdrawn):
        office.check(office.own)
    with pytest.raises(NotEntitledToGrant):
        office.offer()
    assert office.offer(by=office.other).granted_by == office.other.id


def test_what_the_former_one_granted_stays_the_organisations(office: Office) -> None:
    kept, hanging = office.granted(), office.granted(ends_with_representative=True)
    office.representatives.from_register(office.firm.id, office.other.id)
    assert office.check(kept) == kept
    assert not office.is_cut(kept)
    assert office.is_cut(hanging)
    assert office.desk.get(hanging.id).withdrawn_by == REGISTER
    with pytest.raises(MandateUnknown):
        office.desk.withdraw(kept.id, by=office.boss.id)
    assert office.desk.withdraw(kept.id, by=office.other.id).withdrawn_by == office.other.id


def test_an_offer_that_was_to_end_with_the_representative_cannot_be_accepted(office: Office) -> None:
    offer = office.offer(ends_with_representative=True)
    office.representatives.from_register(office.firm.id, office.other.id)
    with pytest.raises(MandateWithdrawn):
        office.accepted(offer)


def test_a_natural_principals_mandate_hangs_on_no_representative(office: Office) -> None:
    mandate = office.one_off(by=office.other, principal=office.other.id, ends_with_representative=True)
    assert not mandate.ends_with_representative


def test_a_former_representative_can_come_back(office: Office) -> None:
    office.representatives.from_register(office.firm.id, office.other.id)
    again = office.representatives.from_register(office.firm.id, office.boss.id)
    assert again.id != office.own.id
    assert office.usable(office.boss) == [again]
    assert office.usable(office.other) == []


def test_only_an_active_organisation_is_represented_by_an_active_natural_person(office: Office) -> None:
    second = office.town.persons.legal("演示二馆", number=uscc(7))
    disabled = office.town.persons.natural("李停用", state=PersonState.DISABLED)
    dissolved = office.town.persons.legal("演示三馆", number=uscc(8), state=PersonState.DECEASED)
    for legal, person in (
        (office.boss, office.agent),
        (office.firm, second),
        (office.firm, disabled),
        (dissolved, office.agent),
    ):
        with pytest.raises(MandatePrincipalUnfit) as caught:
            office.representatives.from_register(legal.id, person.id)
        assert caught.value.code == "mandate-principal-unfit"
    assert office.usable(office.boss) == [office.own]


def test_whom_the_register_confirms_may_claim(office: Office) -> None:
    second = office.town.persons.legal("演示二馆", number=uscc(7))
    with pytest.raises(RepresentativeNotConfirmed) as caught:
        office.representatives.claim(second.code, by=office.agent.id)
    assert caught.value.code == "mandate-representative-not-confirmed"
    office.register.entries[second.code.text] = (office.agent.code.text, office.agent.name)
    claimed = office.representatives.claim(second.code, by=office.agent.id)
    assert office.usable(office.agent, None) == [claimed]


@pytest.mark.parametrize("level", [ProofingLevel.SELF_ASSERTED, ProofingLevel.TWO_ELEMENT_MATCH])
def test_name_and_number_of_a_representative_claim_nothing(office: Office, level: ProofingLevel) -> None:
    """Whoever registered with them would see, and withdraw, the mandates of the organisation."""
    office.register.entries[office.firm.code.text] = (office.other.code.text, office.other.name)
    office.town.persons.change(office.other, level=level)
    with pytest.raises(MandateAgentNotProofed):
        office.representatives.claim(office.firm.code, by=office.other.id)
    assert office.desk.organisations_of(office.other.id) == ()


def test_a_claim_tells_nothing_about_accounts(office: Office) -> None:
    unregistered = HolderNumber(kind="001", number=uscc(9))
    office.register.entries[unregistered.text] = (office.agent.code.text, office.agent.name)
    with pytest.raises(RepresentativeNotConfirmed):
        office.representatives.claim(unregistered, by=office.agent.id)
    with pytest.raises(MandatePrincipalUnfit):
        office.representatives.claim(office.other.code, by=office.agent.id)


def test_without_a_register_nobody_claims_and_nothing_ends(office: Office) -> None:
    alone = Representatives(
        office.store,
        persons=office.town.persons,
        source=None,
        clock=office.clock,
        randomness=office.town.randomness,
    )
    for ask in (
        lambda: alone.claim(office.firm.code, by=office.other.id),
        lambda: alone.recheck(office.firm.id),
    ):
        with pytest.raises(RepresentativeRegisterAbsent) as caught:
            ask()
        assert caught.value.code == "mandate-register-absent"
    assert not office.is_cut(office.own)


def test_a_representative_whom_the_register_drops_loses_the_mandate(office: Office) -> None:
    office.register.entries[office.firm.code.text] = (office.boss.code.text, office.boss.name)
    assert office.representatives.recheck(office.firm.id) == office.own
    office.register.entries.clear()
    assert office.representatives.recheck(office.firm.id) is None
    assert office.is_cut(office.own)
    assert office.representatives.recheck(office.firm.id) is None


def test_an_order_needs_two_operators_and_is_kept(office: Office) -> None:
    def order(approved_by: str, reason: str = "登记机关来函") -> str:
        return office.representatives.order(
            office.firm.id, office.other.id, requested_by=ASKS, approved_by=approved_by, reason=reason
        ).id

    with pytest.raises(SamePerson):
        order(ASKS)
    with pytest.raises(PersonalNumberInText):
        order(APPROVES, resident_number(3))
    assert office.usable(office.boss) == [office.own]
    mandate = order(APPROVES)
    assert office.desk.get(mandate).granted_by == OPERATORS
    kept = office.representatives.orders(mandate)
    assert [(each.order, each.requested_by, each.approved_by, each.reason) for each in kept] == [
        ("grant", ASKS, APPROVES, "登记机关来函")
    ]


def test_operators_end_any_mandate(office: Office) -> None:
    granted = office.granted()

    def order(mandate_id: str, approved_by: str = APPROVES) -> None:
        office.representatives.order_withdrawal(
            mandate_id, requested_by=ASKS, approved_by=approved_by, reason="法院裁定"
        )

    with pytest.raises(SamePerson):
        order(granted.id, ASKS)
    with pytest.raises(MandateUnknown):
        order("none")
    order(granted.id)
    order(granted.id)
    assert office.is_cut(granted)
    assert len(office.representatives.orders(granted.id)) == 1
    order(office.own.id)
    assert office.desk.organisations_of(office.boss.id) == ()


@BOTH_DATABASES
def test_two_registrations_at_once_leave_one_representative(office: Office) -> None:
    people = [office.town.persons.natural(f"候选{number}") for number in range(6)]

    def register(person: str) -> None:
        office.representatives.from_register(office.firm.id, person)

    threads = [threading.Thread(target=register, args=(person.id,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    live = [each for each in office.store.of_principal(office.firm.id) if each.withdrawn_at is None]
    assert len(live) == 1
    assert office.store.representative_of(office.firm.id) == live[0]


@BOTH_DATABASES
def test_a_grant_loses_against_a_change_of_the_representative(office: Office) -> None:
    stale = office.own.id
    office.representatives.from_register(office.firm.id, office.other.id)
    offer = office.offer(by=office.other)
    with pytest.raises(NotEntitledToGrant):
        office.store.add(offer, under=stale, limit=10)
