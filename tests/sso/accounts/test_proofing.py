"""Sources and clerks: what each can give, and what they refuse."""

from datetime import UTC, date, datetime

import pytest

from sso.accounts.domain import Act, PersonState, ProofingLevel
from sso.accounts.errors import (
    AccountApproverRequests,
    ClerkProofsThemselves,
    DocumentExpired,
    DocumentKindMismatch,
    MobileNumberInvalid,
    NameMismatch,
    NameUnchanged,
    NumberOfKindHeld,
    NumberOfOtherSubject,
    PersonAlreadyRegistered,
    PersonNotActive,
    PersonUnknown,
    ProofingClaimMissing,
    ProofingNotConfirmed,
    ProofingSourceName,
    ProofingSourceUnknown,
    SocialSecurityNumberInvalid,
    SubjectEnded,
)
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.service import Decision
from sso.counters.errors import ClerkDisabled, ClerkNotPosted
from tests.sso.accounts.world import (
    COMPANY,
    COUNTER,
    LONG_AGO,
    NAME,
    NEXT_YEAR,
    OTHER,
    PASSPORT,
    RESIDENT,
    TODAY,
    World,
    resident,
)
from trust.formats.holders import HolderNumber

MATCH = ProofingLevel.TWO_ELEMENT_MATCH
POPULATION = SourceName.POPULATION.value
CLAIMS = Claims(name=NAME)


def confirmed(world: World, name: SourceName = SourceName.POPULATION, outcome: Outcome = Outcome.MATCH) -> None:
    world.sources[name].known[(RESIDENT.text, NAME)] = outcome


def test_a_match_of_two_elements_gives_its_level_and_is_kept(world: World) -> None:
    person = world.person()
    confirmed(world)
    assert world.register.prove(person.id, POPULATION, CLAIMS).level is MATCH
    [piece] = world.register.evidence(person.id)
    assert (piece.source, piece.level, piece.at, piece.counter) == (POPULATION, MATCH, world.clock.now(), None)
    assert world.sources[SourceName.POPULATION].asked == [(RESIDENT, CLAIMS)]


def test_a_source_gives_no_more_than_its_own_ceiling(world: World) -> None:
    person = world.person()
    confirmed(world)
    world.sources[SourceName.POPULATION].ceiling = ProofingLevel.SELF_ASSERTED
    assert world.register.prove(person.id, POPULATION, CLAIMS).level is ProofingLevel.SELF_ASSERTED


def test_a_source_that_claims_a_higher_ceiling_is_held_to_the_table(world: World) -> None:
    person = world.person()
    confirmed(world)
    world.sources[SourceName.POPULATION].ceiling = ProofingLevel.IN_PERSON
    assert world.register.prove(person.id, POPULATION, CLAIMS).level is MATCH


def test_three_sources_together_give_what_one_gives(world: World) -> None:
    person = world.person()
    claims = Claims(name=NAME, mobile="13900000018", social_security="110105000018")
    for name in (SourceName.POPULATION, SourceName.MOBILE_CARRIER, SourceName.SOCIAL_SECURITY):
        confirmed(world, name)
        assert world.register.prove(person.id, name.value, claims).level is MATCH
    assert len(world.register.evidence(person.id)) == 3


@pytest.mark.parametrize(
    ("source", "claims", "error", "code", "field"),
    [
        ("astrology", CLAIMS, ProofingSourceUnknown, "proofing-source-unknown", "source"),
        ("legal-person-register", CLAIMS, ProofingSourceUnknown, "proofing-source-unknown", "source"),
        ("mobile-carrier", CLAIMS, ProofingClaimMissing, "proofing-claim-missing", "mobile"),
        ("social-security", CLAIMS, ProofingClaimMissing, "proofing-claim-missing", "social_security"),
        ("population-register", CLAIMS, ProofingNotConfirmed, "proofing-not-confirmed", None),
        ("population-register", Claims(name="别名"), NameMismatch, "name-mismatch", "name"),
    ],
)
def test_what_cannot_be_proved_leaves_no_evidence(
    world: World, source: str, claims: Claims, error: type[Exception], code: str, field: str | None
) -> None:
    person = world.person()
    with pytest.raises(error) as caught:
        world.register.prove(person.id, source, claims)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert world.register.evidence(person.id) == []


@pytest.mark.parametrize("mobile", ["", "1390000001", "139000000180", "23900000018", "+8613900000018", "１3900000018"])
def test_a_mobile_number_has_eleven_digits(mobile: str) -> None:
    with pytest.raises(MobileNumberInvalid) as caught:
        Claims(name=NAME, mobile=mobile)
    assert caught.value.code == "mobile-number-invalid"


@pytest.mark.parametrize("number", ["12345", "1" * 21, "abcdef", "1234 567"])
def test_a_social_security_number_has_six_to_twenty_characters(number: str) -> None:
    with pytest.raises(SocialSecurityNumberInvalid) as caught:
        Claims(name=NAME, social_security=number)
    assert caught.value.code == "social-security-number-invalid"


@pytest.mark.parametrize("number", ["123456", "1" * 20])
def test_the_bounds_of_a_social_security_number_are_admitted(number: str) -> None:
    assert Claims(name=NAME, social_security=number).item("social_security") == number


def test_claims_show_nothing_personal() -> None:
    assert repr(Claims(name=NAME, mobile="13900000018", social_security="110105000018")) == "Claims()"


def test_a_name_that_differs_in_writing_alone_is_the_same(world: World) -> None:
    person = world.register.register(PASSPORT, "SUN Shili")
    with pytest.raises(ProofingSourceUnknown):  # past the comparison of names
        world.register.prove(person.id, POPULATION, Claims(name="sun shili"))


def test_a_register_that_knows_the_person_ended_ends_the_account(world: World) -> None:
    person = world.person()
    confirmed(world, outcome=Outcome.ENDED)
    with pytest.raises(SubjectEnded) as caught:
        world.register.prove(person.id, POPULATION, CLAIMS)
    assert caught.value.code == "subject-ended"
    after = world.register.get(person.id)
    assert (after.state, after.epoch) == (PersonState.DECEASED, 2)
    assert world.is_cut(person)
    assert world.register.changes(person.id)[-1].requested_by == "source:population-register"


def test_an_ended_account_is_not_proofed(world: World) -> None:
    person = world.person()
    world.register.end(person.id, by="王经办")
    with pytest.raises(PersonNotActive) as caught:
        world.register.prove(person.id, POPULATION, CLAIMS)
    assert caught.value.code == "person-not-active"
    with pytest.raises(PersonNotActive):
        world.in_person(person.id)


def test_a_clerk_raises_the_level_and_stands_in_the_evidence(world: World) -> None:
    person = world.person()
    after = world.in_person(person.id, controls_account=True)
    assert (after.level, after.document_expires) == (ProofingLevel.IN_PERSON, NEXT_YEAR)
    [piece] = world.register.evidence(person.id)
    assert (piece.source, piece.counter, piece.clerk) == ("counter", COUNTER, "clerk-1")
    assert (piece.document_kind, piece.document_expires) == ("111", NEXT_YEAR)


def test_a_document_counts_to_the_end_of_its_last_day_in_china(world: World) -> None:
    person = world.in_person(world.person().id, expires=TODAY)
    world.clock.moment = datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)
    assert world.register.get(person.id).level is ProofingLevel.IN_PERSON
    world.clock.moment = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert world.register.get(person.id).level is MATCH
    assert world.register.get(person.id).document_expires == TODAY


def test_a_document_without_an_end_never_lowers_the_level(world: World) -> None:
    person = world.in_person(world.person().id, expires=None)
    world.clock.advance(days=36500)
    assert world.register.get(person.id).level is ProofingLevel.IN_PERSON
    assert person.document_expires is None


def test_a_renewed_document_brings_the_level_back(world: World) -> None:
    person = world.in_person(world.person().id, expires=TODAY)
    world.clock.advance(days=2)
    assert world.register.get(person.id).level is MATCH
    again = world.in_person(person.id, expires=NEXT_YEAR)
    assert (again.level, again.document_expires) == (ProofingLevel.IN_PERSON, NEXT_YEAR)


def test_what_a_clerk_may_not_do_leaves_no_evidence(world: World) -> None:
    person, clerk = world.person(), world.clerk()
    good = {"clerk": clerk, "counter": COUNTER, "document_kind": "111", "document_expires": NEXT_YEAR}
    cases = [
        (person.id, {"clerk": world.clerk(disabled=True)}, ClerkDisabled, "clerk-disabled"),
        (person.id, {"counter": "counter-2"}, ClerkNotPosted, "clerk-not-posted"),
        (person.id, {"document_kind": "414"}, DocumentKindMismatch, "document-kind-mismatch"),
        (person.id, {"document_kind": "abc"}, DocumentKindMismatch, "document-kind-mismatch"),
        (person.id, {"document_expires": LONG_AGO}, DocumentExpired, "document-expired"),
        (person.id, {"document_expires": date(2026, 11, 20)}, DocumentExpired, "document-expired"),
        (clerk.person, {}, ClerkProofsThemselves, "clerk-proofs-themselves"),
        ("nobody", {}, PersonUnknown, "person-unknown"),
    ]
    for person_id, changed, error, code in cases:
        with pytest.raises(error) as caught:
            world.register.prove_in_person(person_id, **(good | changed))
        assert caught.value.code == code
    assert world.register.evidence(person.id) == []


def test_a_clerk_does_not_proof_themselves_through_a_merged_account(world: World) -> None:
    clerk = world.clerk()
    other = world.person()
    world.register.merge(clerk.person, other.id, requested_by="王经办", approved_by="李审批")
    with pytest.raises(ClerkProofsThemselves):
        world.register.prove_in_person(
            other.id, clerk=clerk, counter=COUNTER, document_kind="111", document_expires=None
        )


def test_what_a_stranger_may_have_prepared_ends_when_the_person_comes(world: World) -> None:
    person = world.person()
    after = world.in_person(person.id)
    assert (after.epoch, after.credentials_from) == (2, world.clock.now())
    assert world.is_cut(person)
    assert not world.is_cut(after)
    assert [change.act for change in world.register.changes(person.id)] == [Act.REGISTERED, Act.CREDENTIALS_ENDED]


def test_who_shows_the_account_keeps_it(world: World) -> None:
    person = world.person()
    after = world.in_person(person.id, controls_account=True)
    assert (after.epoch, after.credentials_from) == (1, None)
    assert not world.is_cut(person)


def test_a_second_visit_ends_nothing(world: World) -> None:
    first = world.in_person(world.person().id)
    world.clock.advance(days=1)
    again = world.in_person(first.id)
    assert (again.epoch, again.credentials_from) == (first.epoch, first.credentials_from)


def test_an_upstream_platform_is_held_below_its_ceiling_and_repeats_itself_freely(world: World) -> None:
    person = world.person()
    for _ in range(3):
        after = world.register.vouch(
            person.id, source="keycloak:province", level=ProofingLevel.IN_PERSON, ceiling=MATCH
        )
        assert after.level is MATCH
    assert len(world.register.evidence(person.id)) == 1
    highest = world.register.vouch(person.id, source="keycloak:province", level=ProofingLevel.IN_PERSON)
    assert highest.level is ProofingLevel.DOCUMENT_CHECKED


@pytest.mark.parametrize("source", ["counter", "population-register", "keycloak:", "keycloak:a b", ":x"])
def test_an_upstream_platform_cannot_pass_for_another_source(world: World, source: str) -> None:
    with pytest.raises(ProofingSourceName) as caught:
        world.register.vouch(world.person().id, source=source, level=MATCH)
    assert caught.value.code == "proofing-source-name"


def test_a_rename_is_confirmed_for_the_number_and_keeps_the_former_name(world: World) -> None:
    person = world.in_person(world.person().id)
    world.sources[SourceName.POPULATION].known[(RESIDENT.text, "孙新名")] = Outcome.MATCH
    after = world.register.rename(person.id, "孙新名", source=POPULATION, claims=Claims(name="孙新名"))
    assert (after.name, after.level, after.name_version) == ("孙新名", MATCH, 2)  # the document shows the former name
    [change] = [each for each in world.register.changes(person.id) if each.act is Act.RENAMED]
    assert change.former_name == NAME
    assert NAME not in repr(change)
    assert world.register.find(RESIDENT) == after


def test_a_rename_by_a_document_gives_the_level_of_the_document(world: World) -> None:
    person = world.in_person(world.person().id)
    after = world.register.rename_in_person(person.id, "孙新名", sighting=world.sighting())
    assert (after.name, after.level) == ("孙新名", ProofingLevel.IN_PERSON)


def test_a_rename_on_an_account_without_documents_ends_its_credentials(world: World) -> None:
    person = world.person()
    after = world.register.rename_in_person(person.id, "孙新名", sighting=world.sighting())
    assert after.credentials_from == world.clock.now()
    assert world.is_cut(person)


def test_a_rename_that_nobody_confirms_or_that_changes_nothing_is_refused(world: World) -> None:
    person = world.person()
    with pytest.raises(ProofingNotConfirmed):
        world.register.rename(person.id, "孙新名", source=POPULATION, claims=Claims(name="孙新名"))
    with pytest.raises(NameMismatch):
        world.register.rename(person.id, "孙新名", source=POPULATION, claims=CLAIMS)
    with pytest.raises(NameUnchanged) as caught:
        world.register.rename_in_person(person.id, NAME, sighting=world.sighting())
    assert caught.value.code == "name-unchanged"
    assert world.register.get(person.id) == person


def test_a_renewed_passport_becomes_the_number_shown_and_the_old_one_still_leads_here(world: World) -> None:
    person = world.in_person(world.register.register(PASSPORT, "SUN SHILI").id, kind="414")
    renewed = HolderNumber(kind="414", number="E87654321")
    after = world.register.add_code(person.id, renewed, sighting=world.sighting("414"))
    assert after.code == renewed
    assert world.register.find(PASSPORT) == world.register.find(renewed) == after
    assert set(world.register.codes(person.id)) == {PASSPORT, renewed}


def test_another_kind_of_number_is_added_beside_the_one_shown(world: World) -> None:
    person = world.person()
    after = world.register.add_code(person.id, PASSPORT, sighting=world.sighting("414"))
    assert after.code == RESIDENT
    assert world.register.find(PASSPORT) == after


def test_numbers_that_cannot_be_added(world: World) -> None:
    person, other = world.in_person(world.person().id), world.register.register(PASSPORT, "别人")
    cases = [
        (OTHER, "111", NumberOfKindHeld, "number-of-kind-held"),
        (COMPANY, "001", NumberOfOtherSubject, "number-of-other-subject"),
        (PASSPORT, "414", PersonAlreadyRegistered, "person-already-registered"),
        (HolderNumber(kind="516", number="H01234567"), "414", DocumentKindMismatch, "document-kind-mismatch"),
    ]
    for code, kind, error, slug in cases:
        with pytest.raises(error) as caught:
            world.register.add_code(person.id, code, sighting=world.sighting(kind))
        assert caught.value.code == slug
    assert world.register.codes(person.id) == (RESIDENT,)
    assert world.register.find(PASSPORT) == other
    assert len(world.register.evidence(person.id)) == 1
    assert world.register.find(resident(3)) is None


def test_an_organisation_keeps_its_tokens_when_its_licence_is_checked(world: World) -> None:
    company = world.register.register(COMPANY, "演示市朝晖区㛃䶮小馆")
    after = world.in_person(company.id, kind="001")
    assert (after.level, after.epoch) == (ProofingLevel.IN_PERSON, 1)


def test_two_operators_decide_about_a_name_or_number_and_both_are_kept(world: World) -> None:
    person = world.person()
    decision = Decision(requested_by="周申请", approved_by="吴审批", reason="本人到窗口申明")
    world.register.rename_in_person(person.id, "孙新名", sighting=world.sighting(), decision=decision)
    world.register.add_code(person.id, PASSPORT, sighting=world.sighting("414"), decision=decision)
    acts = [change for change in world.register.changes(person.id) if change.approved_by is not None]
    assert [change.act for change in acts] == [Act.RENAMED, Act.NUMBER_ADDED]
    assert {(change.requested_by, change.approved_by, change.reason) for change in acts} == {
        ("周申请", "吴审批", "本人到窗口申明")
    }


@pytest.mark.parametrize("pair", [("周申请", "周申请"), ("周申请", "周 申请")])
def test_one_operator_decides_nothing_about_a_name_or_number(world: World, pair: tuple[str, str]) -> None:
    person = world.person()
    decision = Decision(requested_by=pair[0], approved_by=pair[1], reason="本人到窗口申明")
    before = world.register.get(person.id)
    for act in (
        lambda: world.register.rename_in_person(person.id, "孙新名", sighting=world.sighting(), decision=decision),
        lambda: world.register.add_code(person.id, PASSPORT, sighting=world.sighting("414"), decision=decision),
        lambda: world.register.rename(
            person.id, "孙新名", source=POPULATION, claims=Claims(name="孙新名"), decision=decision
        ),
    ):
        with pytest.raises(AccountApproverRequests):
            act()
    assert world.register.get(person.id) == before
