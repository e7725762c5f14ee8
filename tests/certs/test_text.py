"""Free text that is kept in clear takes no resident identity number, however it is written (law 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.text import PURPOSE_MAX, check_clear_text
from trust.kernel.errors import TrustError

NUMBER = "11010519491231002X"  # the sample number of GB 11643
FULL_WIDTH = "".join(chr(ord(character) + 0xFEE0) for character in NUMBER)
ARABIC_INDIC = "".join(chr(0x660 + int(character)) if character.isdigit() else character for character in NUMBER)


def refusal(text):
    with pytest.raises(TrustError) as caught:
        check_clear_text(text, field="reason", most=PURPOSE_MAX)
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
    assert check_clear_text(text, field="reason", most=PURPOSE_MAX) == text


@given(st.lists(st.sampled_from(" -._/\u3000、，·"), max_size=17), st.data())
def test_no_marks_between_the_digits_hide_a_number(marks, pick):
    text = NUMBER
    for mark in marks:
        place = pick.draw(st.integers(min_value=1, max_value=len(text) - 1))
        text = text[:place] + mark + text[place:]
    assert refusal(text).code == "personal-number-in-text"
