import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trust.gm.published import CIPHERTEXT_DER, E_VALUE, MESSAGE, PKCS8, PLAINTEXT, POINT, SIGNATURE_DER
from trust.gm import encoding, engine, sm2, sm3
from trust.gm.curve import MAX_ID_BYTES, N
from trust.gm.errors import (
    CiphertextInvalid,
    DigestUnusable,
    EngineFailed,
    KeyUnusable,
    PlaintextUnusable,
    SignatureInvalid,
    SignerIdUnusable,
)
from trust.kernel.errors import TrustError

KEY = sm2.PrivateKey.from_pkcs8(PKCS8)
PUBLIC = sm2.PublicKey.from_point(POINT)
OTHER = sm2.PrivateKey.generate()


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_signed_verifies_under_the_same_identifier_only(message, ident) -> None:
    signature = KEY.sign(message, ident=ident)
    PUBLIC.verify(message, signature, ident=ident)
    with pytest.raises(SignatureInvalid):
        PUBLIC.verify(message, signature, ident=ident + b"x")


def test_the_default_identifier_is_the_default_and_not_the_empty_one() -> None:
    signature = KEY.sign(MESSAGE)
    PUBLIC.verify(MESSAGE, signature, ident=b"1234567812345678")
    with pytest.raises(SignatureInvalid):
        PUBLIC.verify(MESSAGE, signature, ident=b"")


@given(st.integers(min_value=0, max_value=8 * len(SIGNATURE_DER) - 1))
def test_any_changed_bit_of_a_signature_is_refused(bit) -> None:
    with pytest.raises(SignatureInvalid):
        PUBLIC.verify(MESSAGE, flip(SIGNATURE_DER, bit))


@given(st.integers(min_value=0, max_value=8 * len(MESSAGE) - 1))
def test_any_changed_bit_of_a_message_is_refused(bit) -> None:
    with pytest.raises(SignatureInvalid) as refusal:
        PUBLIC.verify(flip(MESSAGE, bit), SIGNATURE_DER)
    assert refusal.value.code == "signature-invalid"


@given(st.integers(min_value=0, max_value=255))
def test_any_changed_bit_of_a_digest_is_refused(bit) -> None:
    with pytest.raises(SignatureInvalid):
        PUBLIC.verify_digest(flip(E_VALUE, bit), SIGNATURE_DER)


@given(st.integers(min_value=0, max_value=8 * len(CIPHERTEXT_DER) - 1))
def test_any_changed_bit_of_a_ciphertext_is_refused(bit) -> None:
    with pytest.raises(CiphertextInvalid) as refusal:
        KEY.decrypt(flip(CIPHERTEXT_DER, bit))
    assert refusal.value.code == "ciphertext-invalid"


@given(st.integers(min_value=0, max_value=8 * 64 - 1))
def test_any_changed_bit_of_a_point_is_refused(bit) -> None:
    with pytest.raises(KeyUnusable):
        sm2.PublicKey.from_point(POINT[:1] + flip(POINT[1:], bit))


@given(st.integers(min_value=1, max_value=N - 1), st.integers(min_value=1, max_value=N - 1))
def test_numbers_in_range_that_are_no_signature_are_refused_as_such_and_not_as_our_fault(r, s) -> None:
    with pytest.raises(SignatureInvalid):
        PUBLIC.verify_digest(E_VALUE, encoding.encode_signature(r, s))


@pytest.mark.parametrize(("r", "s"), [(1, N - 1), (N - 1, 1), (1, 1), (N - 1, N - 1)])
def test_edge_values_of_r_and_s_are_refused(r, s) -> None:
    # r + s = n makes t zero, which GB/T 32918.2 section 7.1 step B5 refuses.
    with pytest.raises(SignatureInvalid):
        PUBLIC.verify_digest(E_VALUE, encoding.encode_signature(r, s))


@given(st.binary(max_size=120))
def test_verifying_and_decrypting_random_bytes_raise_only_our_errors(data) -> None:
    with pytest.raises(TrustError):
        PUBLIC.verify(data, data)
    with pytest.raises(TrustError):
        KEY.decrypt(data)


def test_another_key_does_not_verify() -> None:
    with pytest.raises(SignatureInvalid):
        OTHER.public_key.verify(MESSAGE, SIGNATURE_DER)


def test_two_signatures_over_one_message_differ() -> None:
    assert KEY.sign(MESSAGE) != KEY.sign(MESSAGE)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_digest_of_another_length_is_refused(length) -> None:
    for call in (lambda e: PUBLIC.verify_digest(e, SIGNATURE_DER), KEY.sign_digest):
        with pytest.raises(DigestUnusable) as refusal:
            call(bytes(length))
        assert refusal.value.code == "digest-unusable"


def test_an_identifier_may_be_as_long_as_entl_can_say_and_no_longer() -> None:
    longest = b"i" * MAX_ID_BYTES
    PUBLIC.verify(MESSAGE, KEY.sign(MESSAGE, ident=longest), ident=longest)
    for call in (
        lambda ident: PUBLIC.verify(MESSAGE, SIGNATURE_DER, ident=ident),
        lambda ident: KEY.sign(MESSAGE, ident=ident),
    ):
        with pytest.raises(SignerIdUnusable) as refusal:
            call(longest + b"i")
        assert refusal.value.code == "signer-id-unusable"


def test_the_cache_of_za_is_bounded_and_right_beyond_its_bound() -> None:
    key = sm2.PublicKey.from_point(POINT)
    idents = [bytes((number,)) for number in range(50)]
    first = [key.za(ident) for ident in idents]
    assert first == [key.za(ident) for ident in idents]
    assert len(set(first)) == len(idents)
    assert len(key._za) <= sm2._MAX_CACHED_IDS


@given(st.binary(min_size=1, max_size=400))
def test_what_was_encrypted_decrypts(plaintext) -> None:
    ciphertext = PUBLIC.encrypt(plaintext)
    assert KEY.decrypt(ciphertext) == plaintext
    assert encoding.decode_ciphertext(ciphertext).c2 != plaintext


def test_a_ciphertext_for_another_key_does_not_decrypt() -> None:
    with pytest.raises(CiphertextInvalid):
        OTHER.decrypt(CIPHERTEXT_DER)


@pytest.mark.parametrize("length", [1, sm2.MAX_PLAINTEXT_BYTES])
def test_plaintexts_up_to_the_limit_are_encrypted(length) -> None:
    plaintext = token_bytes(length)
    assert KEY.decrypt(PUBLIC.encrypt(plaintext)) == plaintext


@pytest.mark.parametrize("length", [0, sm2.MAX_PLAINTEXT_BYTES + 1])
def test_plaintexts_beyond_the_limits_are_refused(length) -> None:
    with pytest.raises(PlaintextUnusable) as refusal:
        PUBLIC.encrypt(bytes(length))
    assert refusal.value.code == "plaintext-unusable"


class MaskOfZeros:
    """An engine's key whose mask was all zero the first `times` times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.inner = engine.current().load_public(POINT)

    def encrypt(self, plaintext: bytes) -> bytes:
        if not self.times:
            return self.inner.encrypt(plaintext)
        self.times -= 1
        parts = encoding.decode_ciphertext(CIPHERTEXT_DER)
        return encoding.encode_ciphertext(encoding.Ciphertext(x=parts.x, y=parts.y, c3=parts.c3, c2=plaintext))


def test_a_mask_of_zeros_is_thrown_away_and_drawn_again() -> None:
    key = sm2.PublicKey.from_point(POINT)
    key._handle = MaskOfZeros(3)
    assert KEY.decrypt(key.encrypt(PLAINTEXT)) == PLAINTEXT


def test_an_engine_that_never_masks_is_our_fault_and_sends_nothing() -> None:
    key = sm2.PublicKey.from_point(POINT)
    key._handle = MaskOfZeros(10**6)
    with pytest.raises(EngineFailed):
        key.encrypt(PLAINTEXT)


def test_a_decrypted_text_equal_to_its_ciphertext_is_refused() -> None:
    class Echo:
        point = POINT

        def sign_digest(self, e):
            return e

        def decrypt(self, ciphertext):
            return encoding.decode_ciphertext(ciphertext).c2

    with pytest.raises(CiphertextInvalid):
        sm2.PrivateKey(Echo(), using=engine.current()).decrypt(CIPHERTEXT_DER)


def test_generated_keys_differ_and_come_back() -> None:
    first, second = sm2.PrivateKey.generate(), sm2.PrivateKey.generate()
    assert first.public_key != second.public_key
    again = sm2.PrivateKey.from_pkcs8(first.to_pkcs8())
    assert again.public_key == first.public_key
    first.public_key.verify(b"x", again.sign(b"x"))


def test_a_public_half_that_does_not_belong_is_refused() -> None:
    mixed = PKCS8.replace(POINT, OTHER.public_key.point)
    with pytest.raises(KeyUnusable, match="does not belong"):
        sm2.PrivateKey.from_pkcs8(mixed)


def test_a_private_key_without_its_public_half_gets_the_right_one() -> None:
    scalar = encoding.decode_pkcs8(PKCS8).scalar
    assert sm2.PrivateKey.from_pkcs8(bytes(encoding.encode_pkcs8(scalar, None))).public_key.point == POINT


def test_the_scalar_read_from_a_file_is_overwritten(monkeypatch) -> None:
    seen = []

    def remember(pkcs8):
        parts = encoding.PrivateKeyParts(scalar=bytearray.fromhex("07" * 32), point=None)
        seen.append(parts.scalar)
        return parts

    monkeypatch.setattr(sm2.encoding, "decode_pkcs8", remember)
    sm2.PrivateKey.from_pkcs8(b"")
    assert seen == [bytearray(32)]


def test_a_private_key_shows_nothing_and_stays_here() -> None:
    assert repr(KEY) == str(KEY) == "PrivateKey(…)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(KEY)


def test_public_keys_are_values() -> None:
    again = sm2.PublicKey.from_spki(PUBLIC.spki)
    assert again == PUBLIC == KEY.public_key
    assert hash(again) == hash(PUBLIC)
    assert OTHER.public_key != PUBLIC
    assert PUBLIC != POINT
    assert POINT.hex() in repr(PUBLIC)


def test_threads_share_a_key() -> None:
    key, public = sm2.PrivateKey.from_pkcs8(PKCS8), sm2.PublicKey.from_point(POINT)

    def work(number: int) -> None:
        message, ident = number.to_bytes(4, "big"), b"id%d" % (number % 3)
        signature = key.sign(message, ident=ident)
        public.verify(message, signature, ident=ident)
        with pytest.raises(SignatureInvalid):
            public.verify(message + b"!", signature, ident=ident)
        assert key.decrypt(public.encrypt(message)) == message

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(240))) == [None] * 240


def test_buffers_of_any_kind_are_hashed() -> None:
    for message in (bytearray(MESSAGE), memoryview(MESSAGE)):
        PUBLIC.verify(message, SIGNATURE_DER)
        assert sm3.sm3(message) == sm3.sm3(MESSAGE)
