import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import CountingRandomness
from trust.kernel.bearer_secrets import SECRET_CHARACTERS, may_be_secret, new_secret, secret_digest


def test_a_secret_has_256_random_bits_and_one_form():
    randomness = CountingRandomness()
    first, second = new_secret(randomness), new_secret(randomness)
    assert first != second
    assert len(first) == SECRET_CHARACTERS
    assert may_be_secret(first)


def test_another_length_or_another_alphabet_is_no_secret():
    assert not may_be_secret("x" * (SECRET_CHARACTERS - 1))
    assert not may_be_secret("x" * (SECRET_CHARACTERS + 1))
    assert not may_be_secret("é" * SECRET_CHARACTERS)


def test_the_digest_is_the_plain_one():
    assert secret_digest("abc") == hashlib.sha256(b"abc").digest()


@given(st.text(alphabet=st.characters(codec=None), max_size=64))
def test_any_text_has_a_digest(text):
    assert len(secret_digest(text)) == 32
