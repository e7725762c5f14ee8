"""What may become a password, and its hash."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zxcvbn import matching
from zxcvbn.matching import RANKED_DICTIONARIES

from sso.signin.errors import PasswordCharacters, PasswordLength, PasswordWeak
from sso.signin.passwords import OWASP, PASSWORD_MAX, PASSWORD_MIN, Argon2idHasher, check_new_password
from tests.sso.signin.world import CHEAP, PASSWORD, ZHANG

_STRONG = "vK7#qLz2!mXw" * 11


def test_the_cost_is_the_one_of_owasp():
    assert (OWASP.passes, OWASP.memory_kib) == (2, 19456)
    hashed = Argon2idHasher().hash(PASSWORD)
    assert hashed.startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2idHasher().matches(hashed, PASSWORD)
    assert not Argon2idHasher().outdated(hashed)
    assert Argon2idHasher(CHEAP).outdated(hashed)


@pytest.mark.parametrize("length", [PASSWORD_MIN, PASSWORD_MAX])
def test_the_bounds_themselves_are_accepted(length):
    assert check_new_password(_STRONG[:length], ZHANG) == _STRONG[:length]


@pytest.mark.parametrize("length", [0, PASSWORD_MIN - 1, PASSWORD_MAX + 1, 10_000])
def test_too_short_and_too_long_are_refused(length):
    with pytest.raises(PasswordLength) as caught:
        check_new_password((_STRONG * 100)[:length], ZHANG)
    assert caught.value.field == "password"


def test_length_counts_characters_after_normalisation():
    with pytest.raises(PasswordLength):
        check_new_password("e\u0301" * (PASSWORD_MIN - 1), ZHANG)


@pytest.mark.parametrize("foreign", ["\x00", "\n", "\x7f", "\ud800"])
def test_what_no_keyboard_types_is_refused(foreign):
    with pytest.raises(PasswordCharacters):
        check_new_password(PASSWORD + foreign, ZHANG)


@pytest.mark.parametrize(
    "weak",
    [
        "password123",
        "1234567890",
        "qwertyuiop",
        "aaaaaaaaaaaaaaa",
        "11010519491231002X",
        "zhang19491231",
        "张三张三张三张三张三",
    ],
)
def test_first_guesses_are_refused_the_persons_own_name_and_number_among_them(weak):
    with pytest.raises(PasswordWeak) as caught:
        check_new_password(weak, ZHANG)
    assert weak not in caught.value.detail


def test_words_in_chinese_are_a_password():
    assert check_new_password("紫色灯笼 十七只鹳 冰川底下", ZHANG)


def test_nothing_of_the_person_stays_in_the_library():
    check_new_password(PASSWORD, ZHANG)
    assert "user_inputs" not in RANKED_DICTIONARIES


LOOK_ALIKE = "4@8({[<36!1|0$5+7%29"


@pytest.mark.parametrize("text", [LOOK_ALIKE * 6, "1|7" * 40, "4@8({[<6!1|0$57+%2" * 5, "p4$$w0rd!1|" * 9])
def test_signs_that_look_like_letters_cost_no_more_than_others(monkeypatch, text):
    """The library tries every reading of them, thousands for these: seconds, in which nobody else is served."""
    tried: list[str] = []
    known = matching.dictionary_match

    def counted(password, *more, **named):
        tried.append(password)
        return known(password, *more, **named)

    monkeypatch.setattr(matching, "dictionary_match", counted)
    with contextlib.suppress(PasswordWeak):
        check_new_password(text[:PASSWORD_MAX], ZHANG)
    assert len(tried) <= 100, len(tried)
    assert max(map(len, tried)) <= 36


@pytest.mark.parametrize("text", ["4@8({[<6!1|0$57+%2xQ", "1!2@3#4$5%6^7&8*9(0)", "7+%29|0$5!1{[<(84@6"])
def test_a_password_of_many_different_signs_is_strong_enough_by_its_beginning(text):
    assert check_new_password(text, ZHANG) == text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_the_check_fail_otherwise(text):
    try:
        accepted = check_new_password(text, ZHANG)
    except (PasswordLength, PasswordCharacters, PasswordWeak):
        return
    hasher = Argon2idHasher(CHEAP)
    assert hasher.matches(hasher.hash(accepted), text)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_hashes_are_salted_and_match_their_own_password_only(one, other):
    hasher = Argon2idHasher(CHEAP)
    hashed = hasher.hash(one)
    assert hasher.hash(one) != hashed
    assert hasher.matches(hashed, one)
    assert hasher.matches(hashed, other) == hasher.matches(hasher.hash(other), one)
