"""Who grants what to whom, and for how long."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sso.accounts.domain import PersonState, ProofingLevel
from sso.counters.errors import MatterRetired, MatterUnknown
from sso.mandates import domain
from sso.mandates.domain import MATTERS_MAX, OFFER_LIFE, ONE_OFF_LIFE, STANDING_LIFE, START_AHEAD, MandateKind
from sso.mandates.errors import (
    GranterNotProofed,
    MandateAgentNotProofed,
    MandateAgentUnfit,
    MandateExpired,
    MandateKindNotGrantable,
    MandateLimitReached,
    MandateMattersInvalid,
    MandateOfferLapsed,
    MandatePrincipalDisabled,
    MandateTimeInvalid,
    MandateTypesInvalid,
    MandateUnknown,
    MandateWithdrawn,
    NotEntitledToGrant,
    StepUpNeeded,
    SubDelegationRefused,
)
from sso.signin.domain import Strength
from tests.fakes import MOMENT
from tests.sso.counters.support import FOOD, RESIDENCE, PersonMissing, matter
from tests.sso.mandates.support import ADVICE, LICENCE, PERMIT, YEAR, Office


def test_the_legal_representative_grants_and_the_agent_accepts(office: Office) -> None:
    offer = office.offer()
    assert (offer.granted_by, offer.accepted, offer.types) == (office.boss.id, False, {FOOD})
    assert office.usable(office.agent) == []
    office.clock.advance(days=1)
    accepted = office.accepted(offer)
    assert accepted == replace(offer, accepted_at=MOMENT + timedelta(days=1)) == office.desk.get(offer.id)
    assert office.usable(office.agent) == [accepted]


def test_accepting_again_changes_nothing(office: Office) -> None:
    mandate = office.granted()
    office.clock.advance(days=400)
    assert office.accepted(mandate) == mandate


def test_nobody_is_made_an_agent_without_knowing(office: Office) -> None:
    offer = office.offer()
    for stranger in (office.other, office.boss):
        with pytest.raises(MandateUnknown):
            office.desk.accept(offer.id, by=stranger.id)
    assert not office.desk.get(offer.id).accepted


def test_an_offer_lapses(office: Office) -> None:
    offer = office.offer()
    office.clock.advance(seconds=OFFER_LIFE.total_seconds())
    with pytest.raises(MandateOfferLapsed) as caught:
        office.accepted(offer)
    assert caught.value.code == "mandate-offer-lapsed"
    office.clock.advance(seconds=-1)
    assert office.accepted(offer).accepted


def test_an_offer_that_ended_cannot_be_accepted(office: Office) -> None:
    short = office.offer_one_off()
    office.clock.advance(days=7)
    with pytest.raises(MandateExpired):
        office.accepted(short)
    withdrawn = office.offer()
    office.desk.withdraw(withdrawn.id, by=office.boss.id)
    with pytest.raises(MandateWithdrawn):
        office.accepted(withdrawn)


def test_an_agent_of_an_organisation_is_known_by_document(office: Office) -> None:
    offer = office.offer()
    office.town.persons.change(office.agent, level=ProofingLevel.TWO_ELEMENT_MATCH)
    with pytest.raises(MandateAgentNotProofed) as caught:
        office.accepted(offer)
    assert caught.value.code == "mandate-agent-not-proofed"


@pytest.mark.parametrize("strength", list(Strength))
def test_granting_needs_a_strong_sign_in(office: Office, strength: Strength) -> None:
    if strength >= Strength.ONE_TIME_CODE:
        office.desk.grant(office.command(), by=office.boss.id, strength=strength)
        return
    with pytest.raises(StepUpNeeded) as caught:
        office.desk.grant(office.command(), by=office.boss.id, strength=strength)
    assert caught.value.code == "mandate-step-up"


@pytest.mark.parametrize("level", list(ProofingLevel))
def test_granting_for_an_organisation_needs_a_checked_document(office: Office, level: ProofingLevel) -> None:
    office.town.persons.change(office.boss, level=level)
    if level >= ProofingLevel.DOCUMENT_CHECKED:
        assert office.offer().granted_by == office.boss.id
        return
    with pytest.raises(GranterNotProofed) as caught:
        office.offer()
    assert caught.value.code == "mandate-granter-not-proofed"


def test_a_disabled_granter_or_principal_grants_nothing(office: Office) -> None:
    office.town.persons.change(office.boss, state=PersonState.DISABLED)
    with pytest.raises(GranterNotProofed):
        office.offer()
    office.town.persons.change(office.firm, state=PersonState.DISABLED)
    with pytest.raises(MandatePrincipalDisabled) as caught:
        office.offer()
    assert caught.value.code == "mandate-principal-disabled"


def test_a_stranger_grants_nothing(office: Office) -> None:
    with pytest.raises(NotEntitledToGrant) as caught:
        office.offer(by=office.other)
    assert caught.value.code == "mandate-not-entitled"


@pytest.mark.parametrize("kind", [MandateKind.STANDING_AGENT, MandateKind.ONE_OFF])
def test_an_agent_never_passes_a_mandate_on(office: Office, kind: MandateKind) -> None:
    office.granted(kind=kind, valid_until=MOMENT + timedelta(days=7))
    with pytest.raises(SubDelegationRefused) as caught:
        office.offer(by=office.agent, agent=office.other.id)
    assert caught.value.code == "mandate-sub-delegation"


def test_an_agent_of_a_natural_person_passes_nothing_on(office: Office) -> None:
    office.one_off(by=office.other, principal=office.other.id)
    with pytest.raises(SubDelegationRefused):
        office.offer_one_off(by=office.agent, principal=office.other.id, agent=office.boss.id)


def test_a_former_agent_is_a_stranger(office: Office) -> None:
    office.desk.withdraw(office.granted().id, by=office.boss.id)
    with pytest.raises(NotEntitledToGrant):
        office.offer(by=office.agent, agent=office.other.id)


def test_a_natural_person_grants_one_off_mandates_only(office: Office) -> None:
    mandate = office.one_off(by=office.other, principal=office.other.id)
    assert (mandate.principal, mandate.kind) == (office.other.id, MandateKind.ONE_OFF)
    with pytest.raises(MandateKindNotGrantable) as caught:
        office.offer(by=office.other, principal=office.other.id)
    assert caught.value.code == "mandate-kind"


@pytest.mark.parametrize("level", [ProofingLevel.SELF_ASSERTED, ProofingLevel.TWO_ELEMENT_MATCH])
def test_name_and_number_alone_grant_accept_and_act_for_nobody(office: Office, level: ProofingLevel) -> None:
    """An account of that level may be a stranger's; what they granted would outlast the person's own proofing."""
    offer = office.offer_one_off(by=office.other, principal=office.other.id)
    mandate = office.one_off(by=office.other, principal=office.other.id)
    office.town.persons.change(office.other, level=level)
    with pytest.raises(GranterNotProofed):
        office.offer_one_off(by=office.other, principal=office.other.id)
    office.town.persons.change(office.agent, level=level)
    for act in (lambda: office.accepted(offer), lambda: office.check(mandate)):
        with pytest.raises(MandateAgentNotProofed):
            act()
    assert office.usable(office.agent) == []


def test_the_legal_representatives_own_kind_is_not_granted(office: Office) -> None:
    with pytest.raises(MandateKindNotGrantable):
        office.offer(kind=MandateKind.LEGAL_REPRESENTATIVE)


def test_an_agent_is_another_active_natural_person(office: Office) -> None:
    disabled = office.town.persons.natural("李停用", state=PersonState.DISABLED)
    for agent in (office.boss.id, disabled.id, office.firm.id):
        with pytest.raises(MandateAgentUnfit) as caught:
            office.offer(agent=agent)
        assert caught.value.code == "mandate-agent-unfit"
    with pytest.raises(PersonMissing):
        office.offer(agent="none")


def test_a_mandate_names_matters_in_force(office: Office) -> None:
    with pytest.raises(MatterUnknown):
        office.offer(matters=frozenset({"none"}))
    office.town.register.retire_matter(ADVICE)
    with pytest.raises(MatterRetired):
        office.offer(matters=frozenset({LICENCE, ADVICE}))


@pytest.mark.parametrize(
    ("kind", "count", "good"),
    [
        (MandateKind.STANDING_AGENT, 0, False),
        (MandateKind.STANDING_AGENT, MATTERS_MAX, True),
        (MandateKind.STANDING_AGENT, MATTERS_MAX + 1, False),
        (MandateKind.ONE_OFF, 0, False),
        (MandateKind.ONE_OFF, 2, False),
    ],
)
def test_the_number_of_matters_is_bounded(office: Office, kind: MandateKind, count: int, good: bool) -> None:
    codes = frozenset(f"m{number}" for number in range(count))
    if good:
        for code in codes:
            office.town.register.add_matter(matter(code))
        assert office.offer(kind=kind, matters=codes).matters == codes
        return
    with pytest.raises(MandateMattersInvalid) as caught:
        office.command(kind=kind, matters=codes)
    assert caught.value.code == "mandate-matters"


def test_types_are_those_of_the_matters_or_fewer(office: Office) -> None:
    both = frozenset({LICENCE, PERMIT})
    assert office.offer(matters=both).types == {FOOD, RESIDENCE}
    assert office.offer(matters=both, types=frozenset({RESIDENCE})).types == {RESIDENCE}
    with pytest.raises(MandateTypesInvalid) as caught:
        office.offer(types=frozenset({RESIDENCE}))
    assert caught.value.code == "mandate-types"
    many = frozenset(f"{number}" for number in range(domain.TYPES_MAX + 1))
    with pytest.raises(MandateTypesInvalid):
        office.command(types=many)


def test_no_types_never_mean_all_for_an_agent(office: Office) -> None:
    mandate = office.offer(matters=frozenset({ADVICE}))
    assert mandate.types == frozenset()
    assert mandate.types_for(matter(ADVICE, types=(FOOD,))) == frozenset()
    assert office.own.types_for(matter(ADVICE, types=(FOOD,))) == {FOOD}


@pytest.mark.parametrize(
    ("kind", "begins", "ends", "good"),
    [
        (MandateKind.STANDING_AGENT, None, STANDING_LIFE, True),
        (MandateKind.STANDING_AGENT, None, STANDING_LIFE + timedelta(seconds=1), False),
        (MandateKind.ONE_OFF, None, ONE_OFF_LIFE, True),
        (MandateKind.ONE_OFF, None, ONE_OFF_LIFE + timedelta(seconds=1), False),
        (MandateKind.ONE_OFF, None, timedelta(0), False),
        (MandateKind.STANDING_AGENT, timedelta(days=2), timedelta(days=2), False),
        (MandateKind.STANDING_AGENT, START_AHEAD, YEAR, True),
        (MandateKind.STANDING_AGENT, START_AHEAD + timedelta(seconds=1), YEAR, False),
        (MandateKind.STANDING_AGENT, timedelta(days=-1), YEAR, True),
    ],
)
def test_the_period_has_limits(
    office: Office, kind: MandateKind, begins: timedelta | None, ends: timedelta, good: bool
) -> None:
    start = None if begins is None else MOMENT + begins
    if good:
        mandate = office.offer(kind=kind, valid_from=start, valid_until=MOMENT + ends)
        assert mandate.valid_from == max(MOMENT, start or MOMENT)
        return
    with pytest.raises(MandateTimeInvalid) as caught:
        office.offer(kind=kind, valid_from=start, valid_until=MOMENT + ends)
    assert caught.value.code == "mandate-time"


def test_a_moment_has_a_time_zone(office: Office) -> None:
    with pytest.raises(MandateTimeInvalid):
        office.command(valid_until=datetime(2027, 1, 1))


def test_an_organisation_has_so_many_live_mandates(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sso.mandates.service.ORGANISATION_MANDATES_MAX", 3)
    first, second, _third = office.offer(), office.one_off(), office.granted()
    with pytest.raises(MandateLimitReached) as caught:
        office.offer()
    assert caught.value.code == "mandate-limit"
    office.desk.use_one_off(second.id, "case-1")
    office.offer()
    with pytest.raises(MandateLimitReached):
        office.offer()
    office.desk.withdraw(first.id, by=office.boss.id)
    office.offer()


def test_lapsed_and_expired_mandates_do_not_count(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sso.mandates.service.ORGANISATION_MANDATES_MAX", 1)
    office.offer()
    office.clock.advance(seconds=OFFER_LIFE.total_seconds())
    office.granted()
    office.clock.advance(seconds=YEAR.total_seconds())
    office.offer()


def test_a_natural_person_has_a_limit_of_their_own(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sso.mandates.service.PERSON_MANDATES_MAX", 1)
    office.offer_one_off(by=office.other, principal=office.other.id)
    with pytest.raises(MandateLimitReached):
        office.offer_one_off(by=office.other, principal=office.other.id)
