"""Independent implementations, both ways: gmssl, gmalg, and the openssl command line."""

import subprocess
from secrets import token_bytes

import gmalg
import pytest
from gmssl import sm2 as gmssl_sm2

from tests.trust.gm.published import E_VALUE, MESSAGE, PKCS8, POINT, SIGNATURE, SIGNATURE_DER
from trust.gm import encoding, sm2, sm3
from trust.gm.curve import DEFAULT_ID
from trust.gm.errors import CiphertextInvalid, SignatureInvalid

KEY = sm2.PrivateKey.from_pkcs8(PKCS8)
D = bytes.fromhex(SIGNATURE["d"])
MESSAGES = [b"", b"x", MESSAGE, bytes(1000)]


def gmssl_oracle() -> gmssl_sm2.CryptSM2:
    oracle = gmssl_sm2.CryptSM2(D.hex(), "", mode=1)
    oracle.public_key = POINT[1:].hex()
    return oracle


def test_gmssl_with_the_published_nonce_gives_the_published_signature() -> None:
    assert gmssl_oracle().sign(E_VALUE, SIGNATURE["k"]) == SIGNATURE["r"] + SIGNATURE["s"]


@pytest.mark.parametrize("message", MESSAGES, ids=len)
def test_gmssl_and_we_verify_each_other(message) -> None:
    oracle = gmssl_oracle()
    theirs = bytes.fromhex(oracle.sign_with_sm3(message))
    KEY.public_key.verify(message, encoding.encode_signature(*encoding.decode_signature_lax(theirs)))
    r, s = encoding.decode_signature(KEY.sign(message))
    assert oracle.verify_with_sm3(f"{r:064x}{s:064x}", message)


def test_gmssl_and_we_decrypt_each_other() -> None:
    oracle = gmssl_oracle()
    plaintext = token_bytes(48)
    theirs = encoding.split_c1c3c2(b"\x04" + oracle.encrypt(plaintext))
    assert KEY.decrypt(encoding.encode_ciphertext(theirs)) == plaintext
    ours = encoding.decode_ciphertext(KEY.public_key.encrypt(plaintext))
    assert oracle.decrypt(ours.point[1:] + ours.c3 + ours.c2) == plaintext


def gmalg_oracle(ident: bytes = DEFAULT_ID) -> gmalg.SM2:
    return gmalg.SM2(D, ident, POINT)


@pytest.mark.parametrize("ident", [DEFAULT_ID, b"ALICE123@YAHOO.COM", "某机关".encode()], ids=len)
def test_gmalg_and_we_verify_each_other_under_any_identifier(ident) -> None:
    oracle = gmalg_oracle(ident)
    r, s = (int.from_bytes(part, "big") for part in oracle.sign(MESSAGE))
    KEY.public_key.verify(MESSAGE, encoding.encode_signature(r, s), ident=ident)
    r, s = encoding.decode_signature(KEY.sign(MESSAGE, ident=ident))
    assert oracle.verify(MESSAGE, r.to_bytes(32, "big"), s.to_bytes(32, "big"))


def test_gmalg_computes_the_same_public_key_for_a_fresh_private_key() -> None:
    key = sm2.PrivateKey.generate()
    scalar = bytes(encoding.decode_pkcs8(key.to_pkcs8()).scalar)
    assert gmalg_oracle().generate_pk(scalar) == key.public_key.point


def test_gmalg_and_we_decrypt_each_other() -> None:
    oracle = gmalg_oracle()
    plaintext = token_bytes(48)
    assert KEY.decrypt(encoding.encode_ciphertext(encoding.split_c1c3c2(oracle.encrypt(plaintext)))) == plaintext
    ours = encoding.decode_ciphertext(KEY.public_key.encrypt(plaintext))
    assert oracle.decrypt(ours.point + ours.c3 + ours.c2) == plaintext


@pytest.fixture
def workplace(tmp_path):
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "key.der").write_bytes(KEY.to_pkcs8())
    (tmp_path / "public.der").write_bytes(KEY.public_key.spki)
    return tmp_path


def openssl(workplace, *arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=workplace, capture_output=True, check=True).stdout


ID_OPTION = "distid:1234567812345678"


@pytest.mark.integration
def test_openssl_dgst_and_we_verify_each_other(workplace) -> None:
    common = ("dgst", "-sm3", "-sigopt", ID_OPTION, "-keyform", "DER")
    KEY.public_key.verify(MESSAGE, openssl(workplace, *common, "-sign", "key.der", "message"))
    (workplace / "signature").write_bytes(KEY.sign(MESSAGE))
    verify = (*common, "-verify", "public.der", "-signature", "signature", "message")
    assert openssl(workplace, *verify) == b"Verified OK\n"


@pytest.mark.integration
def test_openssl_without_the_identifier_signs_under_the_empty_one(workplace) -> None:
    signature = openssl(workplace, "dgst", "-sm3", "-keyform", "DER", "-sign", "key.der", "message")
    KEY.public_key.verify(MESSAGE, signature, ident=b"")
    with pytest.raises(SignatureInvalid):
        KEY.public_key.verify(MESSAGE, signature)


@pytest.mark.integration
def test_openssl_pkeyutl_and_we_verify_each_other_over_a_ready_digest(workplace) -> None:
    (workplace / "e").write_bytes(E_VALUE)
    common = ("pkeyutl", "-keyform", "DER", "-in", "e")
    KEY.public_key.verify_digest(E_VALUE, openssl(workplace, *common, "-sign", "-inkey", "key.der"))
    (workplace / "signature").write_bytes(KEY.sign_digest(E_VALUE))
    verify = (*common, "-verify", "-pubin", "-inkey", "public.der", "-sigfile", "signature")
    assert b"Verified Successfully" in openssl(workplace, *verify)


@pytest.mark.integration
def test_openssl_pkeyutl_and_we_verify_each_other_over_a_message(workplace) -> None:
    common = ("pkeyutl", "-keyform", "DER", "-in", "message", "-rawin", "-digest", "sm3", "-pkeyopt", ID_OPTION)
    KEY.public_key.verify(MESSAGE, openssl(workplace, *common, "-sign", "-inkey", "key.der"))
    (workplace / "signature").write_bytes(SIGNATURE_DER)
    verify = (*common, "-verify", "-pubin", "-inkey", "public.der", "-sigfile", "signature")
    assert b"Verified Successfully" in openssl(workplace, *verify)


@pytest.mark.integration
def test_openssl_pkeyutl_and_we_decrypt_each_other(workplace) -> None:
    common = ("pkeyutl", "-keyform", "DER")
    theirs = openssl(workplace, *common, "-encrypt", "-pubin", "-inkey", "public.der", "-in", "message")
    assert KEY.decrypt(theirs) == MESSAGE
    (workplace / "ciphertext").write_bytes(KEY.public_key.encrypt(MESSAGE))
    assert openssl(workplace, *common, "-decrypt", "-inkey", "key.der", "-in", "ciphertext") == MESSAGE


@pytest.mark.integration
def test_keys_made_by_openssl_load(workplace) -> None:
    openssl(workplace, "genpkey", "-algorithm", "SM2", "-out", "made.pem")
    openssl(workplace, "pkcs8", "-topk8", "-nocrypt", "-in", "made.pem", "-outform", "DER", "-out", "made.der")
    key = sm2.PrivateKey.from_pkcs8((workplace / "made.der").read_bytes())
    made = openssl(workplace, "pkey", "-inform", "DER", "-in", "made.der", "-pubout", "-outform", "DER")
    assert key.public_key.spki == made


@pytest.mark.integration
def test_openssl_computes_the_same_sm3(workplace) -> None:
    assert openssl(workplace, "dgst", "-sm3", "-binary", "message") == sm3.sm3(MESSAGE)


def test_gmssl_shows_what_an_unchecked_c3_lets_through_and_we_refuse() -> None:
    parts = encoding.decode_ciphertext(KEY.public_key.encrypt(b"pay 100"))
    altered = bytes((parts.c2[0] ^ 1,)) + parts.c2[1:]
    assert gmssl_oracle().decrypt(parts.point[1:] + parts.c3 + altered) == b"qay 100"
    with pytest.raises(CiphertextInvalid):
        KEY.decrypt(encoding.encode_ciphertext(encoding.Ciphertext(x=parts.x, y=parts.y, c3=parts.c3, c2=altered)))
