from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.face import Field, FieldKind, parse_date
from tests.certs.pages import FOOD_CODE, RESIDENCE_CODE, face
from trust.kernel.errors import TrustError

TEXT = Field(key="name", label="名称", label_en="Name", max_length=5)
LINES = Field(key="items", label="项目", label_en="Items", kind=FieldKind.LINES, max_length=5)
NUMBER = Field(key="seats", label="座位", label_en="Seats", kind=FieldKind.INTEGER, minimum=1, maximum=9)
CHOICE = Field(key="form", label="业态", label_en="Form", kind=FieldKind.CHOICE, choices=("甲", "乙"))
DATE = Field(key="day", label="日期", label_en="Day", kind=FieldKind.DATE)
CODE = Field(key="code", label="编号", label_en="Code", pattern="[0-9]{3}", pattern_hint="3 digits")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (TEXT, "𠮷野家"),
        (TEXT, "一二三四五"),
        (TEXT, "A B"),
        (LINES, "甲\n乙"),
        (NUMBER, 1),
        (NUMBER, 9),
        (CHOICE, "乙"),
        (DATE, "2024-02-29"),
        (CODE, "007"),
    ],
)
def test_a_good_value_is_kept_as_it_is(field: Field, value: str | int) -> None:
    assert field.parse(value) == value


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (TEXT, "", "field-missing"),
        (TEXT, "  ", "field-missing"),
        (TEXT, 1, "field-wrong-kind"),
        (TEXT, ["a"], "field-wrong-kind"),
        (TEXT, "一二三四五六", "field-too-long"),
        (TEXT, "甲\n乙", "field-character"),
        (TEXT, "甲\x00", "field-character"),
        (TEXT, " 甲", "field-character"),
        (TEXT, "甲\u3000", "field-character"),
        (TEXT, "甲\u202e乙", "field-character"),  # right-to-left override
        (TEXT, "甲\u2066乙", "field-character"),  # isolate
        (TEXT, "甲\u200b乙", "field-character"),  # zero width space
        (TEXT, "甲\u2028乙", "field-character"),
        (TEXT, "甲\ud800", "field-character"),  # half a surrogate pair
        (TEXT, "甲\ue000", "field-character"),  # private use
        (LINES, "甲\r\n乙", "field-character"),
        (LINES, "甲\n", "field-character"),
        (NUMBER, "1", "field-wrong-kind"),
        (NUMBER, True, "field-wrong-kind"),
        (NUMBER, 1.0, "field-wrong-kind"),
        (NUMBER, 0, "field-range"),
        (NUMBER, 10, "field-range"),
        (CHOICE, "丙", "field-choice"),
        (DATE, "2026-02-29", "field-date"),
        (DATE, "20261121", "field-date"),
        (DATE, "2026-1-1", "field-date"),
        (DATE, "2026-W01-1", "field-date"),
        (DATE, "1799-12-31", "field-date"),
        (DATE, "2200-01-01", "field-date"),
        (CODE, "12", "field-pattern"),
        (CODE, "１２３", "field-pattern"),
    ],
)
def test_each_fault_has_its_code_and_names_the_field(field: Field, value: Any, code: str) -> None:
    with pytest.raises(TrustError) as caught:
        field.parse(value)
    assert (caught.value.code, caught.value.field) == (code, field.key)


def test_a_refused_character_is_named_by_its_code_point() -> None:
    with pytest.raises(TrustError, match=r"U\+202E"):
        TEXT.parse("甲\u202e乙")


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(TrustError) as caught:
        CODE.parse("11010519491231002X"[:10])
    assert "1101051949" not in str(caught.value)


@given(st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.lists(st.text()), st.floats()))
def test_any_value_raises_only_our_errors(value: object) -> None:
    for field in (TEXT, LINES, NUMBER, CHOICE, DATE, CODE):
        try:
            kept = field.parse(value)
        except TrustError:
            continue
        assert kept == value


def test_dates_at_the_edges_of_the_years_are_read() -> None:
    assert parse_date("1800-01-01", key="day") == date(1800, 1, 1)
    assert parse_date("2199-12-31", key="day") == date(2199, 12, 31)


def test_the_repr_of_a_face_shows_nothing_of_the_holder() -> None:
    shown = repr(face(RESIDENCE_CODE))
    for secret in ("王晓燕", "11010518501231002X", "幸福路", "YL-2026-000128"):
        assert secret not in shown


def test_the_kind_of_number_follows_the_holder() -> None:
    assert face(FOOD_CODE).holder_code_type == "001"
    assert face(RESIDENCE_CODE).holder_code_type == "111"
