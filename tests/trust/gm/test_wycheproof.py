"""Wycheproof: SM4-GCM as it stands; the encodings of its ECDSA signatures carried over to the SM2 decoder by rule."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.trust.gm.published import VECTORS
from trust.gm import encoding, sm4
from trust.gm.curve import N
from trust.gm.errors import CipherParameterUnusable, CiphertextInvalid, SignatureMalformed

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
STRUCTURAL = {"BerEncodedSignature", "InvalidEncoding", "InvalidTypesInSignature", "MissingZero"}


def cases(name: str) -> list[Any]:
    groups = json.loads((VECTORS / "wycheproof" / name).read_text("utf-8"))["testGroups"]
    return [test for group in groups for test in group["tests"]]


ENCODINGS = cases("ecdsa_secp256r1_sha256_test.json")
GCM = cases("sm4_gcm_test.json")


def accepted(signature: bytes, order: int) -> tuple[int, int] | None:
    try:
        return encoding.decode_signature(signature, order=order)
    except SignatureMalformed:
        return None


def by_rule(signature: bytes, order: int) -> tuple[int, int] | None:
    """Strict DER by another decoder (pyca/cryptography, in Rust), then the range."""
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return None
    return (r, s) if 0 < r < order and 0 < s < order else None


def test_the_corpora_are_complete() -> None:
    assert (len(ENCODINGS), len(GCM)) == (484, 104)


def test_every_structural_fault_is_refused() -> None:
    faulty = [case for case in ENCODINGS if STRUCTURAL & set(case["flags"]) and case["result"] == "invalid"]
    assert len(faulty) > 150
    assert [case["tcId"] for case in faulty if accepted(bytes.fromhex(case["sig"]), N)] == []


@pytest.mark.parametrize("order", [N, P256_ORDER], ids=["sm2", "p256"])
def test_each_encoding_is_judged_as_by_an_independent_strict_decoder(order) -> None:
    signatures = [bytes.fromhex(case["sig"]) for case in ENCODINGS]
    assert [accepted(value, order) for value in signatures] == [by_rule(value, order) for value in signatures]


def test_every_valid_signature_decodes_under_its_own_order_and_comes_back() -> None:
    valid = [bytes.fromhex(case["sig"]) for case in ENCODINGS if case["result"] == "valid"]
    for value in valid:
        r, s = encoding.decode_signature(value, order=P256_ORDER)
        if r < N and s < N:
            assert encoding.encode_signature(r, s) == value


def test_lax_decoding_takes_what_is_strict_and_nothing_out_of_range() -> None:
    for case in ENCODINGS:
        value = bytes.fromhex(case["sig"])
        strict = accepted(value, N)
        try:
            lax = encoding.decode_signature_lax(value)
        except SignatureMalformed:
            assert strict is None
            continue
        assert strict in (None, lax)
        assert all(0 < number < N for number in lax)


@pytest.mark.parametrize("case", GCM, ids=lambda case: f"tc{case['tcId']}")
def test_sm4_gcm(case) -> None:
    key, nonce, associated, message, ciphertext, tag = (
        bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
    )
    if len(nonce) != sm4.GCM_NONCE_BYTES:
        with pytest.raises(CipherParameterUnusable) as refusal:
            sm4.decrypt_gcm(key, nonce, ciphertext + tag, associated)
        assert refusal.value.field == "nonce"
    elif case["result"] == "valid":
        assert sm4.decrypt_gcm(key, nonce, ciphertext + tag, associated) == message
        assert sm4.encrypt_gcm(key, nonce, message, associated) == ciphertext + tag
    else:
        with pytest.raises(CiphertextInvalid):
            sm4.decrypt_gcm(key, nonce, ciphertext + tag, associated)
