"""SM3 and SM4 beyond the published values."""

import hashlib

import pytest
from gmssl import func
from gmssl import sm3 as gmssl_sm3
from gmssl import sm4 as gmssl_sm4
from hypothesis import given
from hypothesis import strategies as st

from trust.gm import sm3, sm4
from trust.gm.errors import CipherParameterUnusable, CiphertextInvalid

KEY, BLOCK, NONCE = bytes(range(16)), bytes(range(16, 32)), bytes(range(12))


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_both_sm3_implementations_agree_with_gmssl_in_pieces_and_copies(first, second) -> None:
    expected = gmssl_sm3.sm3_hash(func.bytes_to_list(first + second))
    for new in (sm3.new, sm3.CryptographySm3):
        state = new(first)
        branch = state.copy()
        state.update(second)
        assert state.hexdigest() == expected
        assert state.digest() == bytes.fromhex(expected)
        assert branch.digest() == sm3.sm3(first)
        assert (state.name, state.digest_size, state.block_size) == ("sm3", 32, 64)


def test_without_sm3_in_hashlib_cryptography_is_taken(monkeypatch) -> None:
    def absent(name):
        raise ValueError(name)

    monkeypatch.setattr(hashlib, "new", absent)
    assert not sm3._hashlib_has_sm3()


@given(st.binary(max_size=100))
def test_cbc_agrees_with_gmssl_and_comes_back(plaintext) -> None:
    oracle = gmssl_sm4.CryptSM4()
    oracle.set_key(KEY, gmssl_sm4.SM4_ENCRYPT)
    ciphertext = sm4.encrypt_cbc(KEY, BLOCK, plaintext)
    assert ciphertext == oracle.crypt_cbc(BLOCK, plaintext)
    assert sm4.decrypt_cbc(KEY, BLOCK, ciphertext) == plaintext


@given(st.binary(max_size=100), st.binary(max_size=40), st.integers(min_value=0))
def test_any_changed_bit_under_gcm_is_refused(plaintext, associated, bit) -> None:
    sealed = bytearray(sm4.encrypt_gcm(KEY, NONCE, plaintext, associated))
    assert sm4.decrypt_gcm(KEY, NONCE, bytes(sealed), associated) == plaintext
    sealed[bit // 8 % len(sealed)] ^= 1 << bit % 8
    with pytest.raises(CiphertextInvalid):
        sm4.decrypt_gcm(KEY, NONCE, bytes(sealed), associated)


def test_other_associated_data_is_refused() -> None:
    with pytest.raises(CiphertextInvalid):
        sm4.decrypt_gcm(KEY, NONCE, sm4.encrypt_gcm(KEY, NONCE, b"x", b"a"), b"b")


@pytest.mark.parametrize("length", [0, 15])
def test_a_sealed_value_without_room_for_its_tag_is_refused(length) -> None:
    with pytest.raises(CiphertextInvalid):
        sm4.decrypt_gcm(KEY, NONCE, bytes(length))


@pytest.mark.parametrize("ciphertext", [b"", bytes(15), bytes(17), bytes(16)])
def test_cbc_text_that_is_not_whole_or_not_padded_is_refused_alike(ciphertext) -> None:
    with pytest.raises(CiphertextInvalid) as refusal:
        sm4.decrypt_cbc(KEY, BLOCK, ciphertext)
    assert refusal.value.detail == CiphertextInvalid.title


@pytest.mark.parametrize("function", [sm4.encrypt_cbc, sm4.decrypt_cbc, sm4.encrypt_gcm, sm4.decrypt_gcm])
@pytest.mark.parametrize(("key", "second", "field"), [(15, 0, "key"), (17, 0, "key"), (0, 0, "key"), (16, 1, None)])
def test_parameters_of_a_wrong_length_are_refused_by_name(function, key, second, field) -> None:
    gcm = function in (sm4.encrypt_gcm, sm4.decrypt_gcm)
    right = sm4.GCM_NONCE_BYTES if gcm else sm4.BLOCK_BYTES
    with pytest.raises(CipherParameterUnusable) as refusal:
        function(bytes(key), bytes(right + second), bytes(32))
    assert refusal.value.field == (field or ("nonce" if gcm else "iv"))
    assert refusal.value.code == "cipher-parameter-unusable"
