"""Files changed at random: never VALID, and never an error that is not ours."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifier import world
from tests.verifier.suspicion import VERIFIER, code_of, plain
from verifier.report import Verdict


@pytest.mark.parametrize("offset", range(0, 100, 7))
def test_every_cut_end_is_refused(offset):
    pdf = world.good()
    assert code_of(pdf[: len(pdf) * (offset + 1) // 101]) in ("pdf-malformed", "not-a-document")


@pytest.mark.parametrize("start", range(13))
def test_no_flipped_byte_leaves_a_file_valid(start):
    """Every fifth byte over all the runs, and of each another bit."""
    pdf = world.stamped(object_streams=bool(start % 2), room=1700)
    assert VERIFIER.verify_file(pdf).verdict is Verdict.VALID
    for at in range(start, len(pdf), 13 * 5):
        changed = bytearray(pdf)
        changed[at] ^= 1 << (at % 7)
        assert code_of(bytes(changed)) != "valid"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=3000))
def test_random_bytes_raise_only_our_errors(data):
    assert code_of(data) in ("not-a-document", "pdf-malformed")
    assert code_of(b"%PDF-1.7\n" + data) in ("pdf-malformed", "unsigned", "pdf-bomb")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_files_are_never_valid_and_raise_only_our_errors(data):
    pdf = plain() if data.draw(st.booleans()) else world.good()
    at = data.draw(st.integers(0, len(pdf) - 1))
    cut = data.draw(st.integers(0, 60))
    piece = data.draw(st.binary(max_size=60))
    changed = pdf[:at] + piece + pdf[at + cut :]
    if changed != pdf:
        code_of(changed)


TOKENS = st.sampled_from(
    [b"<<", b">>", b"[", b"]", b"/Length 9", b"1 0 R", b"stream\n", b"endobj", b"0", b"99999999", b"/V", b"null", b"()"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100_000), TOKENS), min_size=1, max_size=6))
def test_tokens_strewn_over_a_file_never_make_it_valid(strewn):
    pdf = bytearray(plain())
    for at, token in strewn:
        place = at % (len(pdf) - len(token))
        pdf[place : place + len(token)] = token
    if bytes(pdf) != plain():
        code_of(bytes(pdf))
