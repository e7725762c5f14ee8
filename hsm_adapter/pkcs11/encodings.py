"""Between what a token keeps and returns and what the rest of the house speaks: SubjectPublicKeyInfo and signatures."""

import struct
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from hsm_adapter.errors import DeviceCannot
from hsm_adapter.pkcs11.cryptoki import (
    CKA_CLASS,
    CKA_DECRYPT,
    CKA_DERIVE,
    CKA_EC_PARAMS,
    CKA_EC_POINT,
    CKA_EXTRACTABLE,
    CKA_ID,
    CKA_KEY_TYPE,
    CKA_LABEL,
    CKA_MODULUS,
    CKA_MODULUS_BITS,
    CKA_PRIVATE,
    CKA_PUBLIC_EXPONENT,
    CKA_SENSITIVE,
    CKA_SIGN,
    CKA_TOKEN,
    CKA_UNWRAP,
    CKA_VERIFY,
    CKK_RSA,
    CKM_EC_KEY_PAIR_GEN,
    CKM_ECDSA,
    CKM_RSA_PKCS,
    CKM_RSA_PKCS_KEY_PAIR_GEN,
    CKM_SHA256_RSA_PKCS,
    CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY,
)
from hsm_adapter.pkcs11.errors import AnswerUnusable, MechanismRefused
from hsm_adapter.pkcs11.quirks import CKK_EC, PointForm, Quirks, SignatureForm, Takes
from trust.gm import der
from trust.kernel.algorithms import RSA_PUBLIC_EXPONENT, Algorithm
from trust.signatures import sm2_key

TRUE: Final = b"\x01"
FALSE: Final = b"\x00"
_P256: Final = bytes.fromhex("06082a8648ce3d030107")
_SM2: Final = bytes.fromhex("06082a811ccf5501822d")
_EC_PUBLIC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_RSA_ALGORITHM: Final = bytes.fromhex("300d06092a864886f70d0101010500")
_SHA256_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 section 9.2, note 1
_POINT_BYTES: Final = 65
_COORDINATE_BYTES: Final = 32
_BIT_STRING: Final = 0x03
_OCTET_STRING: Final = 0x04

Read = Callable[[int], bytes | None]
"""Reads an attribute of a public key; None where there is none."""


def ulong(value: int) -> bytes:
    """Return a CK_ULONG as it lies in memory here."""
    return struct.pack("L", value)


def public_key(read: Read, quirks: Quirks) -> bytes:
    """Return the DER SubjectPublicKeyInfo of a public key.

    Raises `AnswerUnusable` when it is of no kind that the table has, or its value has another form than the profile
    says.
    """
    if read(CKA_KEY_TYPE) == ulong(CKK_RSA):
        return _rsa(read(CKA_MODULUS), read(CKA_PUBLIC_EXPONENT))
    curve = read(CKA_EC_PARAMS)
    if curve not in (_P256, _SM2):
        raise AnswerUnusable("The key is neither RSA nor on P-256 or SM2's curve.")
    algorithm = der.element(der.SEQUENCE, _EC_PUBLIC_KEY, curve)
    return der.element(der.SEQUENCE, algorithm, _bits(_point(read(CKA_EC_POINT), quirks.ec_point)))


def _rsa(modulus: bytes | None, exponent: bytes | None) -> bytes:
    if not modulus or not exponent:
        raise AnswerUnusable("The RSA key shows no modulus or no public exponent.")
    numbers = (der.unsigned(int.from_bytes(part, "big")) for part in (modulus, exponent))
    return der.element(der.SEQUENCE, _RSA_ALGORITHM, _bits(der.element(der.SEQUENCE, *numbers)))


def _bits(content: bytes) -> bytes:
    return der.element(_BIT_STRING, b"\x00", content)


def _point(value: bytes | None, form: PointForm) -> bytes:
    if form is PointForm.OCTET_STRING:
        outer = der.Reader(value or b"", AnswerUnusable)
        value = bytes(outer.contents(_OCTET_STRING))
        outer.finish()
    if value is None or len(value) != _POINT_BYTES:
        raise AnswerUnusable(f"CKA_EC_POINT is not an uncompressed point as {form}.")
    return value


def mechanism_of(algorithm: Algorithm, quirks: Quirks) -> int:
    """Return the CKM_* that signs. Raises `MechanismRefused` when the profile gives none for SM2."""
    if algorithm is Algorithm.ECDSA_P256_SHA256:
        return CKM_ECDSA
    if algorithm is Algorithm.RSA_PKCS1_SHA256:
        return CKM_RSA_PKCS if quirks.rsa_takes is Takes.DIGEST else CKM_SHA256_RSA_PKCS
    if quirks.sm2_sign is None:
        raise MechanismRefused("The profile gives no `sm2_sign`.")
    return quirks.sm2_sign


def to_sign(algorithm: Algorithm, spki: bytes, message: bytes, quirks: Quirks) -> bytes:
    """Return what the mechanism is given for a message."""
    if algorithm is Algorithm.ECDSA_P256_SHA256:
        return sha256(message).digest()
    if algorithm is Algorithm.RSA_PKCS1_SHA256:
        return _SHA256_DIGEST_INFO + sha256(message).digest() if quirks.rsa_takes is Takes.DIGEST else message
    return sm2_key(spki).message_digest(message) if quirks.sm2_takes is Takes.DIGEST else message


def from_signed(algorithm: Algorithm, value: bytes, quirks: Quirks) -> bytes:
    """Return a signature as the house has it. Raises `AnswerUnusable`; whether it is right is the guard's question."""
    if algorithm is Algorithm.RSA_PKCS1_SHA256:
        return value
    form = quirks.sm2_signature if algorithm is Algorithm.SM2_SM3 else quirks.ecdsa_signature
    if form is SignatureForm.DER:
        return value
    if len(value) != 2 * _COORDINATE_BYTES:
        raise AnswerUnusable(f"A signature has {len(value)} bytes where r || s has {2 * _COORDINATE_BYTES}.")
    r, s = value[:_COORDINATE_BYTES], value[_COORDINATE_BYTES:]
    return der.element(der.SEQUENCE, *(der.unsigned(int.from_bytes(part, "big")) for part in (r, s)))


def generation(algorithm: Algorithm, quirks: Quirks) -> tuple[int, dict[int, bytes]]:
    """Return the CKM_* that makes a pair, and what the public template says about the kind of key.

    Raises `DeviceCannot` when the profile gives no mechanism for SM2.
    """
    if algorithm is Algorithm.RSA_PKCS1_SHA256:
        kind = {CKA_KEY_TYPE: ulong(CKK_RSA), CKA_MODULUS_BITS: ulong(quirks.rsa_modulus_bits)}
        if quirks.sends_public_exponent:
            kind[CKA_PUBLIC_EXPONENT] = RSA_PUBLIC_EXPONENT.to_bytes(3, "big")
        return CKM_RSA_PKCS_KEY_PAIR_GEN, kind
    if algorithm is Algorithm.ECDSA_P256_SHA256:
        return CKM_EC_KEY_PAIR_GEN, {CKA_KEY_TYPE: ulong(CKK_EC), CKA_EC_PARAMS: _P256}
    if quirks.sm2_generate is None:
        raise DeviceCannot("The profile gives no `sm2_generate`.")
    return quirks.sm2_generate, {CKA_KEY_TYPE: ulong(quirks.sm2_key_type), CKA_EC_PARAMS: _SM2}


def templates(
    kind: dict[int, bytes], *, key_id: bytes, label: str, quirks: Quirks
) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Return the public and the private template of a new pair: a token object that signs and nothing else."""
    shared = {CKA_TOKEN: TRUE, CKA_KEY_TYPE: kind[CKA_KEY_TYPE]}
    if quirks.honours_id:
        shared[CKA_ID] = key_id
    if quirks.honours_labels:
        shared[CKA_LABEL] = label.encode()
    public = {CKA_CLASS: ulong(CKO_PUBLIC_KEY), **shared, **kind, CKA_PRIVATE: FALSE, CKA_VERIFY: TRUE}
    private = {
        CKA_CLASS: ulong(CKO_PRIVATE_KEY),
        **shared,
        CKA_PRIVATE: TRUE,
        CKA_SENSITIVE: TRUE,
        CKA_EXTRACTABLE: FALSE,
        CKA_SIGN: TRUE,
        CKA_DECRYPT: FALSE,
        CKA_UNWRAP: FALSE,
        CKA_DERIVE: FALSE,
    }
    return public, private
