"""Free text in clear takes no resident identity number, however written (law 7), and one person is one (law 9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.kernel.errors import TrustError
from trust.kernel.text import PERSON_MAX, REASON_MAX, check_clear_text, check_person, check_reason, is_same_person

NUMBER = "11010519491231002X"  # the sample number of GB 11643
FULL_WIDTH = "".join(chr(ord(character) + 0xFEE0) for character in NUMBER)
ARABIC_INDIC = "".join(chr(0x660 + int(character)) if character.isdigit() else character for character in NUMBER)


def refusal(text):
    with pytest.raises(TrustError) as caught:
        check_clear_text(text, field="reason", most=REASON_MAX)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        NUMBER.lower(),
        f"本人{NUMBER}办理",
        f"7{NUMBER}",
        f"{NUMBER}7",
        "110105 19491231 002X",
        "110105-19491231-002X",
        "110105\u300019491231\u3000002X",
        "1101 0519 4912 3100 2X",
        "110105.1949.12.31.002x",
        FULL_WIDTH,
        ARABIC_INDIC,
    ],
)
def test_a_number_of_a_person_is_refused_however_it_is_written(text):
    error = refusal(text)
    assert (error.code, error.field) == ("personal-number-in-text", "reason")
    assert NUMBER not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "办理延续许可",
        "110105194912310021",  # the check character does not fit
        "电话 010-12345678，2026-11-21 来函",
        "1.2.156.3005.2.11000000DEM0YX001B001.11000000DEM0YX001B.20261121BFKCYWXD3368.001.A",
    ],
)
def test_other_numbers_pass(text):
    assert check_clear_text(text, field="reason", most=REASON_MAX) == text


@given(st.lists(st.sampled_from(" -._/\u3000、，·"), max_size=17), st.data())
def test_no_marks_between_the_digits_hide_a_number(marks, pick):
    text = NUMBER
    for mark in marks:
        place = pick.draw(st.integers(min_value=1, max_value=len(text) - 1))
        text = text[:place] + mark + text[place:]
    assert refusal(text).code == "personal-number-in-text"


@pytest.mark.parametrize(
    ("check", "text", "code"),
    [
        (check_person, "王" * PERSON_MAX, None),
        (check_person, "王" * (PERSON_MAX + 1), "text-length"),
        (check_person, "王", None),
        (check_person, " ", "text-length"),
        (check_person, "王\u202e经办", "text-characters"),
        (check_person, NUMBER, "personal-number-in-text"),
        (check_reason, "注销", None),
        (check_reason, "注", "text-length"),
        (check_reason, "由" * REASON_MAX, None),
        (check_reason, "由" * (REASON_MAX + 1), "text-length"),
        (check_reason, f"证号{NUMBER}作废", "personal-number-in-text"),
    ],
)
def test_a_name_and_a_reason_are_bounded_and_hold_no_number(check, text, code):
    if code is None:
        assert check(text, field="by") == text
        return
    with pytest.raises(TrustError) as caught:
        check(text, field="by")
    assert (caught.value.code, caught.value.field) == (code, "by")


@pytest.mark.parametrize("other", ["王经办", " 王经办 ", "王 经办", "王\u3000经办"])
def test_white_space_makes_no_second_person(other):
    assert is_same_person("王经办", other)


@pytest.mark.parametrize("other", ["Li Ming", "LI MING", "liming", "Ｌｉ Ｍｉｎｇ"])
def test_case_and_width_make_no_second_person(other):
    assert is_same_person("Li Ming", other)


@pytest.mark.parametrize(
    "other", ["王经办.", "王·经办", "王经办\ufe0f", "王经办\U000e0100", "王\u034f经办", "王经办\u3164"]
)
def test_signs_and_marks_that_nobody_sees_make_no_second_person(other):
    assert is_same_person("王经办", other)


def test_letters_of_one_look_and_one_meaning_make_no_second_person():
    assert is_same_person("金一", "\uf90a一")
    assert is_same_person("José", "Jose\u0301")


@pytest.mark.parametrize("other", ["王审批", "王\U000323b0", "王"])
def test_other_names_are_other_persons(other):
    assert not is_same_person("王经办", other)


@pytest.mark.parametrize("blank", ["\u3164\u3164", "\u115f\u1160", "\u2800\u2800", "注\u034f销"])
def test_letters_that_show_nothing_are_refused(blank):
    assert refusal(blank).code == "text-characters"


@pytest.mark.parametrize("text", ["..", "· ·", "\ufe0f\ufe0f", "——"])
def test_signs_alone_are_no_reason_and_no_name(text):
    for check in (check_reason, check_person):
        with pytest.raises(TrustError) as caught:
            check(text, field="by")
        assert caught.value.code == "text-length"
