import contextlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.kernel.errors import TrustError
from trust.kernel.identifier_errors import CertificateIdentifierVersion, ResidentIdInvalid
from trust.kernel.identifiers import CertificateIdentifier, ResidentId, Sex, Uscc, is_type_code

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/identifiers/identifiers.json").read_text("utf-8"))
LICENCE = VECTORS["licence_identifier"]
USCC = VECTORS["unified_social_credit_code"]
RESIDENT = VECTORS["resident_identity_number"]
PERMIT = VECTORS["residence_permit_hk_mo_tw"]

TYPE = "11100000000013338W011"
ISSUER = Uscc(value="11100000000013338W")


def refusal(parse: Any, text: str) -> TrustError:
    with pytest.raises(TrustError) as caught:
        parse(text, field="number")
    error = caught.value
    assert error.field == "number"
    if len(text) > 1:
        assert text not in str(error)
        assert text not in repr(error.facts)
    return error


@pytest.mark.parametrize("row", [row for row in LICENCE["valid"] if row.get("strict_valid", True)])
def test_a_well_formed_certificate_identifier_is_taken_apart_and_put_together(row: dict[str, Any]) -> None:
    identifier = CertificateIdentifier.parse(row["value"])
    parts = row["parts"]
    assert (identifier.type_code, identifier.issuer.value) == (parts["type"], parts["issuer"])
    assert (identifier.serial, identifier.version) == (parts["serial"], int(parts["version"]))
    assert identifier.value == str(identifier) == row["value"]
    assert (
        CertificateIdentifier.build(parts["type"], Uscc.parse(parts["issuer"]), parts["serial"], int(parts["version"]))
        == identifier
    )


@pytest.mark.parametrize("row", [row for row in LICENCE["valid"] if not row.get("strict_valid", True)])
def test_an_identifier_with_a_region_code_as_issuer_is_refused(row: dict[str, Any]) -> None:
    assert refusal(CertificateIdentifier.parse, row["value"]).code == "certificate-identifier-issuer"


@pytest.mark.parametrize("row", LICENCE["invalid"])
def test_each_fault_of_a_certificate_identifier_has_its_code(row: dict[str, Any]) -> None:
    assert refusal(CertificateIdentifier.parse, row["value"]).code == f"certificate-identifier-{row['reason']}"


def test_the_next_version_keeps_all_other_parts() -> None:
    first, second = LICENCE["valid"][0]["value"], LICENCE["valid"][1]["value"]
    assert CertificateIdentifier.parse(first).next_version().value == second


def test_version_999_has_no_successor() -> None:
    last = CertificateIdentifier.build(TYPE, ISSUER, "1", 999)
    with pytest.raises(CertificateIdentifierVersion):
        last.next_version()


@pytest.mark.parametrize("version", [0, 1000, -1])
def test_a_version_outside_001_to_999_cannot_be_built(version: int) -> None:
    with pytest.raises(CertificateIdentifierVersion):
        CertificateIdentifier.build(TYPE, ISSUER, "1", version)


@pytest.mark.parametrize(
    ("serial", "fits"), [("", False), ("A" * 32, True), ("A" * 33, False), ("a", False), ("1\n", False)]
)
def test_a_serial_has_1_to_32_digits_and_capitals(serial: str, fits: bool) -> None:
    if fits:
        assert CertificateIdentifier.build(TYPE, ISSUER, serial).serial == serial
    else:
        assert refusal(_build, serial).code == "certificate-identifier-serial"


def _build(serial: str, field: str) -> None:
    try:
        CertificateIdentifier.build(TYPE, ISSUER, serial)
    except TrustError as error:
        error.field = field
        raise


def test_an_overlong_identifier_is_refused_unread() -> None:
    assert refusal(CertificateIdentifier.parse, "1" * 1_000_000).code == "certificate-identifier-structure"


@given(
    serial=st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=32),
    version=st.integers(1, 999),
)
def test_what_is_built_parses_to_the_same_value(serial: str, version: int) -> None:
    identifier = CertificateIdentifier.build(TYPE, ISSUER, serial, version)
    assert CertificateIdentifier.parse(identifier.value) == identifier


@given(position=st.integers(0, 200), character=st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_any_one_changed_character_is_refused(position: int, character: str) -> None:
    text = LICENCE["valid"][0]["value"]
    position %= len(text)
    changed = text[:position] + character + text[position + 1 :]
    if changed == text:
        CertificateIdentifier.parse(changed)
    else:
        with pytest.raises(TrustError):
            CertificateIdentifier.parse(changed)


@pytest.mark.parametrize("row", USCC["valid"])
def test_a_valid_credit_code_is_taken(row: dict[str, Any]) -> None:
    assert str(Uscc.parse(row["value"])) == row["value"]


@pytest.mark.parametrize("row", USCC["invalid"])
def test_each_fault_of_a_credit_code_has_its_code(row: dict[str, Any]) -> None:
    assert refusal(Uscc.parse, row["value"]).code == f"uscc-{row['reason']}"


def test_the_region_of_a_credit_code_is_digits() -> None:
    assert refusal(Uscc.parse, "91A50100M000100Y43").code == "uscc-characters"


@pytest.mark.parametrize("row", [*RESIDENT["valid"], *PERMIT["valid"]])
def test_a_valid_resident_number_tells_birth_and_sex(row: dict[str, Any]) -> None:
    number = ResidentId.parse(row["value"])
    assert number.birth_date == date.fromisoformat(row["birth"])
    assert number.sex is Sex(row["sex"])
    assert number.is_permit == (row in PERMIT["valid"])


@pytest.mark.parametrize("row", [*RESIDENT["invalid"], *PERMIT["invalid"]])
def test_each_fault_of_a_resident_number_has_its_code(row: dict[str, Any]) -> None:
    assert refusal(ResidentId.parse, row["value"]).code == f"resident-id-{row['reason']}"


@pytest.mark.parametrize("year", ["1799", "2100"])
def test_a_birth_year_outside_1800_to_2099_is_refused(year: str) -> None:
    assert refusal(ResidentId.parse, f"110105{year}01010010").code == "resident-id-date"


@pytest.mark.parametrize("day", ["18000101", "20991231"])
def test_a_birth_year_at_the_bounds_is_accepted(day: str) -> None:
    births = []
    for check in "0123456789X":  # one of them fits
        with contextlib.suppress(ResidentIdInvalid):
            births.append(ResidentId.parse(f"110105{day}001{check}").birth_date)
    assert births == [date.fromisoformat(day)]


def test_a_text_too_long_for_an_identifier_is_not_looked_at() -> None:
    assert refusal(CertificateIdentifier.parse, "x" * 128).code == "certificate-identifier-characters"
    assert refusal(CertificateIdentifier.parse, "x" * 129).code == "certificate-identifier-structure"


def test_a_resident_number_never_shows_itself() -> None:
    number = ResidentId.parse("11010519491231002X")
    assert str(number) == "1****************X"
    assert number.value not in repr(number) + f"{number}"


@pytest.mark.parametrize("parse", [ResidentId.parse, Uscc.parse, CertificateIdentifier.parse])
@given(text=st.text(max_size=120))
def test_arbitrary_text_raises_only_our_errors(parse: Any, text: str) -> None:
    with contextlib.suppress(TrustError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "good"), [(TYPE, True), (TYPE[:-1], False), (TYPE[:-1] + "A", False), (TYPE[:-1] + "１", False)]
)
def test_a_type_code_is_a_credit_code_and_three_digits(text: str, good: bool) -> None:
    assert is_type_code(text) is good
