from typing import Any

import pytest

from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.keycloak.acceptance import NAME_CHARACTERS, read_person
from sso.keycloak.errors import (
    UpstreamNameDiffers,
    UpstreamNameMissing,
    UpstreamNotNatural,
    UpstreamNumberInvalid,
    UpstreamNumberMissing,
    UpstreamPersonInactive,
    UpstreamPersonLinked,
    UpstreamSubjectConflict,
)
from tests.sso.keycloak.house import NAME, NUMBER, OTHER_NUMBER, House
from trust.formats.holders import HolderNumber
from trust.kernel.errors import TrustError

CODE = HolderNumber(kind="111", number=NUMBER)
COMPANY = "92110105MADEM0YX5T"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"holder_number": None}, UpstreamNumberMissing),
        ({"holder_number": ""}, UpstreamNumberMissing),
        ({"holder_number": int(NUMBER[:17])}, UpstreamNumberMissing),
        ({"holder_number": [NUMBER]}, UpstreamNumberMissing),
        ({"holder_number": NUMBER[:17] + "1"}, UpstreamNumberInvalid),  # the check digit
        ({"holder_number": NUMBER.lower()}, UpstreamNumberInvalid),
        ({"holder_number": f" {NUMBER}"}, UpstreamNumberInvalid),
        ({"holder_kind": "888"}, UpstreamNumberInvalid),
        ({"holder_kind": 111}, UpstreamNumberInvalid),
        ({"holder_kind": "001", "holder_number": COMPANY}, UpstreamNotNatural),
        ({"name": None}, UpstreamNameMissing),
        ({"name": ""}, UpstreamNameMissing),
        ({"name": "  "}, UpstreamNameMissing),
        ({"name": "张\u202e三"}, UpstreamNameMissing),
        ({"name": ["张三"]}, UpstreamNameMissing),
        ({"name": "张" * (NAME_CHARACTERS + 1)}, UpstreamNameMissing),
    ],
)
def test_claims_that_name_nobody_are_refused_and_nobody_is_registered(
    house: House, changes: dict[str, Any], refusal: type[TrustError]
) -> None:
    with pytest.raises(refusal) as caught:
        house.sign_in(**changes)
    assert house.persons.find(CODE) is None
    assert NUMBER[:17] not in str(caught.value) + str(caught.value.facts)


def test_the_kind_may_be_left_out_where_the_source_has_a_default(house: House) -> None:
    assert house.sign_in(holder_kind=None).person.code == CODE


def test_the_longest_name_is_taken_over(house: House) -> None:
    (settings,) = house.desk.sources()
    claims = {"holder_number": NUMBER, "name": "张" * NAME_CHARACTERS}
    assert len(read_person(settings, claims).name) == NAME_CHARACTERS


def test_whoever_comes_first_is_registered_once_with_the_evidence(house: House) -> None:
    first, again = house.sign_in(), house.sign_in()
    assert first.person.id == again.person.id
    (evidence,) = house.persons.evidence(first.person.id)
    assert (evidence.source, evidence.level) == ("keycloak:province", ProofingLevel.DOCUMENT_CHECKED)


def _known(house: House, name: str = NAME) -> Person:
    return house.persons.register(CODE, name)


def test_a_person_whom_we_know_is_recognised_by_their_number(house: House) -> None:
    known = _known(house)
    assert house.sign_in().person.id == known.id


def test_a_password_that_a_stranger_may_hold_is_not_made_trustworthy(house: House) -> None:
    """An account that nobody has seen a document for rises to a match of elements and no further."""
    _known(house)
    assert house.sign_in().person.level is ProofingLevel.TWO_ELEMENT_MATCH


def test_a_level_is_never_lowered(house: House) -> None:
    known = house.sign_in().person
    assert known.level is ProofingLevel.DOCUMENT_CHECKED
    (settings,) = house.desk.sources()
    house.persons.vouch(known.id, source=settings.evidence_source, level=ProofingLevel.SELF_ASSERTED)
    assert house.sign_in().person.level is ProofingLevel.DOCUMENT_CHECKED


@pytest.mark.parametrize("name", ["李四", "张三丰", "Zhang San"])
def test_another_name_for_a_known_number_is_refused(house: House, name: str) -> None:
    known = _known(house)
    with pytest.raises(UpstreamNameDiffers):
        house.sign_in(name=name)
    assert house.store.linked_person("province", b"") is None
    assert house.persons.get(known.id).level is ProofingLevel.SELF_ASSERTED


@pytest.mark.parametrize("name", ["张 三", " 张三", "张三·"])
def test_ways_of_writing_a_name_do_not_make_another(house: House, name: str) -> None:
    known = _known(house)
    assert house.sign_in(name=name).person.id == known.id


def test_a_subject_that_brings_another_number_is_refused(house: House) -> None:
    house.sign_in(sub="p")
    with pytest.raises(UpstreamSubjectConflict):
        house.sign_in(sub="p", holder_number=OTHER_NUMBER)
    assert house.persons.find(HolderNumber(kind="111", number=OTHER_NUMBER)) is None


def test_a_second_subject_for_one_person_is_refused(house: House) -> None:
    house.sign_in(sub="p")
    with pytest.raises(UpstreamPersonLinked):
        house.sign_in(sub="q")


def test_a_disabled_person_stays_out(house: House) -> None:
    known = house.sign_in().person
    house.persons.disable(known.id, by="admin", reason="测试停用")
    with pytest.raises(UpstreamPersonInactive):
        house.sign_in()
    assert house.persons.get(known.id).state is PersonState.DISABLED


def test_a_link_leads_to_whom_the_person_was_merged_into(house: House) -> None:
    passport = {"holder_kind": "414", "holder_number": "E12345678"}
    duplicate = house.sign_in(sub="p", **passport).person
    survivor = _known(house)
    house.persons.merge(duplicate.id, survivor.id, requested_by="one", approved_by="two", reason="同一人")
    assert house.sign_in(sub="p", **passport).person.id == survivor.id
    assert house.sign_in(sub="p").person.id == survivor.id


def test_a_race_for_one_link_ends_with_one_link(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both asked before either wrote: the loser finds the winner's link and goes on."""
    found = house.sign_in(sub="p")
    answers = iter([None])
    real = house.store.linked_person
    monkeypatch.setattr(house.store, "linked_person", lambda *each: next(answers, real(*each)))
    assert house.sign_in(sub="p").person.id == found.person.id


def test_a_race_for_one_subject_with_two_numbers_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.sign_in(sub="p")
    answers = iter([None])
    real = house.store.linked_person
    monkeypatch.setattr(house.store, "linked_person", lambda *each: next(answers, real(*each)))
    with pytest.raises(UpstreamSubjectConflict):
        house.sign_in(sub="p", holder_number=OTHER_NUMBER)


def test_a_race_for_one_registration_ends_with_one_person(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    known = _known(house)
    answers = iter([None])
    real = house.persons.find
    monkeypatch.setattr(house.persons, "find", lambda code: next(answers, real(code)))
    assert house.sign_in().person.id == known.id
