import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from certs.catalogue import SHIPPED, Catalogue
from certs.errors import CatalogueBroken, TypeUnknown
from certs.face import FieldKind, Role
from tests.certs.pages import DATA, FOOD, FOOD_CODE, RESIDENCE, RESIDENCE_CODE, TODAY, catalogue, face, kind
from trust.kernel.errors import TrustError


@pytest.mark.parametrize("code", DATA)
def test_the_shipped_types_take_their_sample(code: str) -> None:
    found = face(code)
    assert found.type_code == code
    assert dict(found.values) == DATA[code]


def test_the_two_shipped_types_are_named_in_both_languages() -> None:
    assert {(found.name, found.name_en, found.holder_kind) for found in catalogue().types} == {
        ("食品经营许可证", "Food Business Licence", "001"),
        ("居住证", "Residence Permit", "111"),
    }


def test_every_limit_of_the_shipped_types_has_a_reason() -> None:
    for found in catalogue().types:
        for field in found.fields:
            assert field.because or field.kind is FieldKind.DATE, field.key


@pytest.mark.parametrize("code", DATA)
def test_stored_values_parse_to_the_same_face_on_a_later_day(code: str) -> None:
    first = face(code)
    assert kind(code).parse_face(first.values, today=date(2030, 1, 1)) == first


BAD: list[tuple[str, str, dict[str, object], str, str | None]] = [
    ("unknown field", FOOD_CODE, {"colour": "red"}, "field-unknown", "colour"),
    ("unknown field that looks like a number", FOOD_CODE, {"11010519491231002X": "x"}, "field-unknown", None),
    ("missing", FOOD_CODE, {"signatory": None}, "field-missing", "signatory"),
    ("too long", FOOD_CODE, {"operator": "长" * 121}, "field-too-long", "operator"),
    ("bad date", FOOD_CODE, {"valid_to": "2031-02-30"}, "field-date", "valid_to"),
    ("issued tomorrow", FOOD_CODE, {"issued_on": "2026-11-22"}, "date-order", "issued_on"),
    ("ends before it starts", FOOD_CODE, {"valid_to": "2026-11-20"}, "date-order", "valid_to"),
    ("valid too long", FOOD_CODE, {"valid_to": "2031-11-22"}, "validity-too-long", "valid_to"),
    ("wrong check character", FOOD_CODE, {"credit_code": "91000000MA00000901"}, "uscc-check", "credit_code"),
    ("licence number of another form", FOOD_CODE, {"licence_number": "JY1"}, "field-pattern", "licence_number"),
    ("unknown form", FOOD_CODE, {"business_form": "夜市"}, "field-choice", "business_form"),
    ("not text", FOOD_CODE, {"operator": 7}, "field-wrong-kind", "operator"),
    (
        "wrong check character",
        RESIDENCE_CODE,
        {"resident_id": "110105185012310020"},
        "resident-id-check",
        "resident_id",
    ),
    ("another birth date", RESIDENCE_CODE, {"birth_date": "1850-12-30"}, "field-contradiction", "birth_date"),
    ("another sex", RESIDENCE_CODE, {"sex": "男"}, "field-contradiction", "sex"),
    (
        "born after the issue",
        RESIDENCE_CODE,
        {"resident_id": "110105202701010024", "birth_date": "2027-01-01"},
        "date-order",
        "resident_id",
    ),
    ("ends before it starts", RESIDENCE_CODE, {"valid_from": "2027-11-21"}, "date-order", "valid_to"),
    (
        "over before it was issued",
        RESIDENCE_CODE,
        {"valid_from": "2025-01-01", "valid_to": "2025-12-31"},
        "date-order",
        "valid_to",
    ),
]


@pytest.mark.parametrize(("code", "changes", "error", "field"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_each_bad_face_has_its_code_and_field(code: str, changes: dict[str, object], error: str, field: str) -> None:
    with pytest.raises(TrustError) as caught:
        face(code, **changes)
    assert (caught.value.code, caught.value.field) == (error, field)
    assert "11010519491231002X" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"operator": "长" * 120}, {"valid_to": "2031-11-21"}, {"valid_to": "2026-11-21"}])
def test_a_value_exactly_at_its_limit_is_taken(changes: dict[str, object]) -> None:
    face(FOOD_CODE, **changes)


def test_a_licence_issued_on_29_february_may_run_to_1_march() -> None:
    leap = {"issued_on": "2024-02-29", "valid_to": "2029-03-01"}
    assert face(FOOD_CODE, **leap).valid_to == date(2029, 3, 1)


COMMON = {
    Role.HOLDER_NAME: FOOD["operator"],
    Role.HOLDER_NUMBER: FOOD["credit_code"],
    Role.NUMBER: FOOD["licence_number"],
    Role.VALID_TO: FOOD["valid_to"],
}


def test_what_a_caller_knows_by_role_goes_into_the_right_fields() -> None:
    common = {role: str(value) for role, value in COMMON.items()}
    rest = {key: value for key, value in FOOD.items() if value not in common.values()}
    assert kind(FOOD_CODE).parse_face(rest, today=TODAY, common=common) == face(FOOD_CODE)


def test_the_start_of_validity_may_stand_beside_a_face_that_does_not_print_it() -> None:
    found = kind(FOOD_CODE).parse_face(FOOD, today=TODAY, common={Role.VALID_FROM: "2026-12-01"})
    assert found.valid_from == date(2026, 12, 1)


def test_a_value_given_twice_must_agree() -> None:
    with pytest.raises(TrustError) as caught:
        kind(FOOD_CODE).parse_face(FOOD, today=TODAY, common={Role.HOLDER_NAME: "另一家公司"})
    assert (caught.value.code, caught.value.field) == ("field-contradiction", "operator")


def test_a_value_given_twice_alike_is_taken() -> None:
    common = {Role.VALID_FROM: str(RESIDENCE["valid_from"])}
    assert kind(RESIDENCE_CODE).parse_face(RESIDENCE, today=TODAY, common=common) == face(RESIDENCE_CODE)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeUnknown):
        catalogue().get("11000000DEM0YX001B999")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "types")
    return tmp_path / "types"


BREAKS = [
    ("no TOML", lambda _: "code = "),
    ("not UTF-8", lambda _: "\udcff"),
    ("wrong code", lambda text: text.replace("11000000DEM0YX001B001", "11000000DEM0YX001X001")),
    ("unknown setting", lambda text: 'colour = "red"\n' + text),
    ("unknown setting of a field", lambda text: text.replace("max_length = 18", "max_size = 18")),
    ("unknown kind", lambda text: text.replace('kind = "choice"', 'kind = "menu"')),
    ("no holder", lambda text: text.replace('role = "holder-name"\n', "")),
    ("optional holder", lambda text: text.replace('role = "holder-name"', 'role = "holder-name"\nrequired = false')),
    ("role twice", lambda text: text.replace('key = "signatory"', 'key = "signatory"\nrole = "number"')),
    ("key twice", lambda text: text.replace('key = "signatory"', 'key = "operator"')),
]


@pytest.mark.parametrize("damage", [row[1] for row in BREAKS], ids=[row[0] for row in BREAKS])
def test_a_broken_definition_names_its_folder(copied: Path, damage: object) -> None:
    path = copied / "food-business-licence" / "type.toml"
    path.write_bytes(damage(path.read_text("utf-8")).encode("utf-8", "surrogateescape"))
    with pytest.raises(CatalogueBroken, match="food-business-licence"):
        Catalogue.load(copied)


def test_a_type_without_a_template_is_refused(copied: Path) -> None:
    (copied / "residence-permit" / "template.typ").unlink()
    with pytest.raises(CatalogueBroken, match="residence-permit"):
        Catalogue.load(copied)


def test_two_folders_with_one_code_are_refused(copied: Path) -> None:
    shutil.copytree(copied / "residence-permit", copied / "residence-permit-2")
    with pytest.raises(CatalogueBroken, match="same type code"):
        Catalogue.load(copied)


def test_a_type_is_only_what_was_parsed() -> None:
    with pytest.raises(CatalogueBroken):
        replace(kind(FOOD_CODE), code="x")
