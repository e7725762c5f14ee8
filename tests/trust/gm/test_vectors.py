"""Every published value comes out, and everything that must be refused is refused."""

import pytest

from tests.trust.gm.published import (
    CIPHERTEXT_DER,
    E_VALUE,
    ENCRYPTION,
    IDENT,
    MESSAGE,
    MUST_REFUSE,
    PKCS8,
    PLAINTEXT,
    POINT,
    SIGNATURE,
    SIGNATURE_DER,
    SPKI,
    VALUES,
    R,
    S,
)
from trust.gm import curve, encoding, sm2, sm3, sm4
from trust.gm.errors import CiphertextInvalid, KeyUnusable, SignatureMalformed


@pytest.mark.parametrize("vector", VALUES["sm3"], ids=lambda vector: vector["ascii"][:8])
@pytest.mark.parametrize("implementation", [sm3.new, sm3.CryptographySm3])
def test_sm3_of_gbt_32905(vector, implementation) -> None:
    assert implementation(vector["ascii"].encode()).hexdigest() == vector["digest"]
    assert sm3.sm3(vector["ascii"].encode()).hex() == vector["digest"]


def test_sm4_block_of_gbt_32907() -> None:
    key, block = (bytes.fromhex(VALUES["sm4"][name]) for name in ("key", "plaintext"))
    assert sm4.encrypt_cbc(key, bytes(16), block)[:16].hex() == VALUES["sm4"]["ecb_1_round"]


def test_sm4_a_million_rounds_of_gbt_32907() -> None:
    key, block = (bytes.fromhex(VALUES["sm4"][name]) for name in ("key", "plaintext"))
    # CBC over zeros feeds each output block back into the cipher: the same chain as a million rounds of the bare block.
    chain = sm4.encrypt_cbc(key, block, bytes(16 * 1_000_000))
    assert chain[16 * 999_999 : 16 * 1_000_000].hex() == VALUES["sm4"]["ecb_1000000_rounds"]


def test_sm4_gcm_of_rfc_8998() -> None:
    vector = {name: bytes.fromhex(value) for name, value in VALUES["sm4_gcm"].items()}
    sealed = vector["ciphertext"] + vector["tag"]
    assert sm4.encrypt_gcm(vector["key"], vector["iv"], vector["plaintext"], vector["aad"]) == sealed
    assert sm4.decrypt_gcm(vector["key"], vector["iv"], sealed, vector["aad"]) == vector["plaintext"]


def test_the_curve_is_that_of_gbt_32918_5() -> None:
    names = {"p": curve.P, "a": curve.A, "b": curve.B, "n": curve.N, "gx": curve.GX, "gy": curve.GY}
    assert names == {name: int(value, 16) for name, value in VALUES["sm2_curve"].items()}
    assert curve.is_on_curve(curve.GX, curve.GY)


def test_za_and_e_of_gbt_32918_5() -> None:
    key = sm2.PublicKey.from_point(POINT)
    assert key.za(IDENT).hex() == key.za().hex() == SIGNATURE["za"]
    assert key.message_digest(MESSAGE) == E_VALUE


def test_signature_of_gbt_32918_5_verifies() -> None:
    key = sm2.PublicKey.from_spki(SPKI)
    key.verify(MESSAGE, SIGNATURE_DER)
    key.verify(MESSAGE, SIGNATURE_DER, ident=IDENT)
    key.verify_digest(E_VALUE, SIGNATURE_DER)
    assert encoding.decode_signature(SIGNATURE_DER) == (R, S)
    assert encoding.encode_signature(R, S) == SIGNATURE_DER


def test_keys_of_gbt_32918_5_load_and_come_back_byte_for_byte() -> None:
    key = sm2.PrivateKey.from_pkcs8(PKCS8)
    assert key.public_key.point == POINT
    assert key.public_key.spki == SPKI
    assert key.to_pkcs8() == PKCS8


def test_ciphertext_of_gbt_32918_5_decrypts() -> None:
    assert sm2.PrivateKey.from_pkcs8(PKCS8).decrypt(CIPHERTEXT_DER) == PLAINTEXT
    parts = encoding.decode_ciphertext(CIPHERTEXT_DER)
    assert parts.point.hex() == "04" + ENCRYPTION["x1"] + ENCRYPTION["y1"]
    assert encoding.encode_ciphertext(parts) == CIPHERTEXT_DER
    assert encoding.split_c1c3c2(parts.point + parts.c3 + parts.c2) == parts


@pytest.mark.parametrize("name", [name for name in MUST_REFUSE if name.startswith("signature_")])
def test_a_signature_that_must_be_refused_is(name) -> None:
    key = sm2.PublicKey.from_point(POINT)
    with pytest.raises(SignatureMalformed):
        key.verify(MESSAGE, MUST_REFUSE[name])
    with pytest.raises(SignatureMalformed):
        key.verify_digest(E_VALUE, MUST_REFUSE[name])


@pytest.mark.parametrize("name", [name for name in MUST_REFUSE if name.startswith("ciphertext_")])
def test_a_ciphertext_that_must_be_refused_is(name) -> None:
    with pytest.raises(CiphertextInvalid):
        sm2.PrivateKey.from_pkcs8(PKCS8).decrypt(MUST_REFUSE[name])


def test_a_point_off_the_curve_must_be_refused() -> None:
    with pytest.raises(KeyUnusable):
        sm2.PublicKey.from_spki(MUST_REFUSE["spki_point_off_curve"])
