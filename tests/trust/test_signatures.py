import json
from contextlib import nullcontext

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.trust.gm.published import VECTORS
from trust.gm import sm2
from trust.gm.errors import KeyUnusable, SignatureInvalid, SignatureMalformed
from trust.kernel.algorithms import TABLE, Algorithm
from trust.signatures import _VERIFIERS, AlgorithmRefused, algorithm_of, verify
from trust.signatures import _p256_key as p256_key
from trust.signatures import _rsa_key as rsa_key
from trust.signatures import sm2_key as cached_sm2_key

MESSAGE = b"message"
WYCHEPROOF = json.loads((VECTORS / "wycheproof" / "ecdsa_secp256r1_sha256_test.json").read_text("utf-8"))["testGroups"]
RSA_WYCHEPROOF = [
    group
    for bits in (3072, 4096)
    for group in json.loads((VECTORS / "wycheproof" / f"rsa_signature_{bits}_sha256_test.json").read_text("utf-8"))[
        "testGroups"
    ]
]
SM2 = sm2.PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 3072)


def spki_of(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, form: serialization.PublicFormat | None = None) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, form or serialization.PublicFormat.SubjectPublicKeyInfo)


SPKI = {
    Algorithm.SM2_SM3: SM2.public_key.spki,
    Algorithm.ECDSA_P256_SHA256: spki_of(P256.public_key()),
    Algorithm.RSA_PKCS1_SHA256: spki_of(RSA.public_key()),
}
SIGNATURES = {
    Algorithm.SM2_SM3: SM2.sign(MESSAGE),
    Algorithm.ECDSA_P256_SHA256: P256.sign(MESSAGE, ec.ECDSA(hashes.SHA256())),
    Algorithm.RSA_PKCS1_SHA256: RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256()),
}
every_algorithm = pytest.mark.parametrize("algorithm", list(Algorithm))


def test_every_algorithm_of_the_table_can_be_verified_and_no_other() -> None:
    assert set(_VERIFIERS) == set(TABLE) == set(Algorithm)


@every_algorithm
def test_a_right_signature_verifies(algorithm) -> None:
    verify(algorithm, SPKI[algorithm], MESSAGE, SIGNATURES[algorithm])


@given(st.sampled_from(list(Algorithm)), st.integers(min_value=0), st.booleans())
def test_any_changed_bit_is_refused(algorithm, bit, in_message) -> None:
    parts = [bytearray(MESSAGE), bytearray(SIGNATURES[algorithm])]
    part = parts[0 if in_message else 1]
    part[bit // 8 % len(part)] ^= 1 << bit % 8
    with pytest.raises(SignatureInvalid):
        verify(algorithm, SPKI[algorithm], bytes(parts[0]), bytes(parts[1]))


@every_algorithm
@pytest.mark.parametrize("signature", [b"", b"\x30\x00", bytes(64)], ids=["empty", "no numbers", "raw zeros"])
def test_a_malformed_signature_is_refused(algorithm, signature) -> None:
    with pytest.raises(SignatureMalformed):
        verify(algorithm, SPKI[algorithm], MESSAGE, signature)


@every_algorithm
def test_the_key_of_one_algorithm_is_refused_under_the_other(algorithm) -> None:
    for other in set(Algorithm) - {algorithm}:
        with pytest.raises(KeyUnusable):
            verify(algorithm, SPKI[other], MESSAGE, SIGNATURES[algorithm])


@every_algorithm
def test_a_key_that_is_not_one_is_refused(algorithm) -> None:
    spki = SPKI[algorithm]
    for bad in (b"", spki[:-1], spki + b"\x00", spki[:-64] + bytes(63) + b"\x01"):
        with pytest.raises(KeyUnusable) as refusal:
            verify(algorithm, bad, MESSAGE, SIGNATURES[algorithm])
        assert refusal.value.code == "key-unusable"


@pytest.mark.parametrize("name", ["RSA-SHA1", "", "sm2-sm3"])
def test_an_algorithm_outside_the_table_is_refused(name) -> None:
    with pytest.raises(AlgorithmRefused) as refusal:
        verify(name, SPKI[Algorithm.SM2_SM3], MESSAGE, b"")
    assert refusal.value.code == "algorithm-refused"


@every_algorithm
def test_the_key_tells_its_algorithm(algorithm) -> None:
    assert algorithm_of(SPKI[algorithm]) is algorithm


def test_a_key_of_no_algorithm_in_the_table_is_refused() -> None:
    for spki in (b"", spki_of(ec.generate_private_key(ec.SECP384R1()).public_key())):
        with pytest.raises(AlgorithmRefused):
            algorithm_of(spki)


@pytest.mark.parametrize("group", WYCHEPROOF, ids=lambda group: group["publicKeyDer"][54:62])
def test_p256_is_judged_as_by_wycheproof(group) -> None:
    # Among them are right signatures with r or s above the order of SM2: each algorithm decodes under its own order.
    spki = bytes.fromhex(group["publicKeyDer"])
    for case in group["tests"]:
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        expected = nullcontext() if case["result"] == "valid" else pytest.raises(SignatureInvalid)
        with expected:
            verify(Algorithm.ECDSA_P256_SHA256, spki, message, signature)


@pytest.mark.parametrize(
    "group", RSA_WYCHEPROOF, ids=lambda group: f"{group['keySize']} {group['publicKeyDer'][66:74]}"
)
def test_rsa_is_judged_as_by_wycheproof(group) -> None:
    spki, usual = bytes.fromhex(group["publicKeyDer"]), group["publicKey"]["publicExponent"] == "010001"
    for case in group["tests"]:
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        if not usual:  # a signature that is right in itself, under a key with the exponent 3
            with pytest.raises(KeyUnusable):
                verify(Algorithm.RSA_PKCS1_SHA256, spki, message, signature)
            continue
        # What Wycheproof leaves open (a DigestInfo without its NULL) is refused: one signature has one padding.
        expected = nullcontext() if case["result"] == "valid" else pytest.raises(SignatureInvalid)
        with expected:
            verify(Algorithm.RSA_PKCS1_SHA256, spki, message, signature)


@pytest.mark.parametrize(("bits", "exponent"), [(2048, 65537), (3080, 65537), (3072, 3)])
def test_an_rsa_key_outside_the_table_is_refused(bits, exponent) -> None:
    spki = spki_of(rsa.generate_private_key(exponent, bits).public_key())
    with pytest.raises(AlgorithmRefused):
        algorithm_of(spki)
    with pytest.raises(KeyUnusable):
        verify(Algorithm.RSA_PKCS1_SHA256, spki, MESSAGE, bytes(bits // 8))


def test_an_rsa_key_of_4096_bits_is_of_the_table() -> None:
    key = rsa.generate_private_key(65537, 4096)
    spki = spki_of(key.public_key())
    verify(algorithm_of(spki), spki, MESSAGE, key.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256()))


def test_rsa_with_another_digest_or_padding_is_refused() -> None:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    for made in (RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA512()), RSA.sign(MESSAGE, pss, hashes.SHA256())):
        with pytest.raises(SignatureInvalid):
            verify(Algorithm.RSA_PKCS1_SHA256, SPKI[Algorithm.RSA_PKCS1_SHA256], MESSAGE, made)


def test_keys_are_parsed_once_and_the_cache_is_bounded() -> None:
    caches = {
        Algorithm.SM2_SM3: cached_sm2_key,
        Algorithm.ECDSA_P256_SHA256: p256_key,
        Algorithm.RSA_PKCS1_SHA256: rsa_key,
    }
    for algorithm, cache in caches.items():
        cache.cache_clear()
        for _ in range(3):
            verify(algorithm, SPKI[algorithm], MESSAGE, SIGNATURES[algorithm])
        assert (cache.cache_info().misses, cache.cache_info().maxsize) == (1, 1024)
