"""Verifying with every algorithm of the closed table (law 10): what is not in it is refused, and the key decides.

SM2 and ECDSA carry DER SEQ{r, s}, decoded strictly: one signature has one spelling. An RSA signature is as long as its
modulus (RFC 8017 section 8.2.2), and its padding is compared whole, never parsed.
"""

from collections.abc import Callable
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trust.gm import sm2
from trust.gm.encoding import decode_signature
from trust.gm.errors import KeyUnusable, SignatureInvalid, SignatureMalformed
from trust.kernel.algorithms import RSA_MODULUS_BITS, RSA_PUBLIC_EXPONENT, Algorithm
from trust.kernel.errors import InvalidInput

_CACHED_KEYS: Final = 1024
"""Parsed keys kept per algorithm: every issuing authority of a city, at about one KiB each."""
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_SM2_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_ECDSA_SHA256: Final = ec.ECDSA(hashes.SHA256())
_RSA_ALGORITHM: Final = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption, NULL (RFC 3279 section 2.3.1)
_RSA_ALGORITHM_AT: Final = 4  # behind the tag and three octets of length that moduli of the table take
_BITS_PER_BYTE: Final = 8
_SHA256: Final = hashes.SHA256()
_PKCS1: Final = padding.PKCS1v15()


class AlgorithmRefused(InvalidInput):
    """The algorithm is not in the closed table, or the key belongs to none in it."""

    code = "algorithm-refused"
    title = "The algorithm is not accepted."
    title_zh = "不接受该算法。"
    remedy = "Use SM2 with SM3, ECDSA on P-256 with SHA-256, or RSA of 3072 or 4096 bits with SHA-256."
    remedy_zh = "请使用 SM2（配 SM3）、P-256 曲线上的 ECDSA（配 SHA-256）或 3072、4096 位 RSA（配 SHA-256）。"


@lru_cache(maxsize=_CACHED_KEYS)
def sm2_key(public_key_spki: bytes) -> sm2.PublicKey:
    """Return the SM2 key, parsed once. Raises `KeyUnusable`."""
    return sm2.PublicKey.from_spki(public_key_spki)


@lru_cache(maxsize=_CACHED_KEYS)
def _p256_key(public_key_spki: bytes) -> ec.EllipticCurvePublicKey:
    if not public_key_spki.startswith(_P256_SPKI_PREFIX):
        raise KeyUnusable("The key is not an uncompressed point on the named curve P-256.")
    point = public_key_spki[len(_P256_SPKI_PREFIX) :]
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise KeyUnusable("The public key is not a point on the curve P-256.") from None


@lru_cache(maxsize=_CACHED_KEYS)
def _rsa_key(public_key_spki: bytes) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_der_public_key(public_key_spki)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable("The bytes are not an RSA key.") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyUnusable("The key is of another kind than RSA.")
    if key.key_size not in RSA_MODULUS_BITS or key.public_numbers().e != RSA_PUBLIC_EXPONENT:
        raise KeyUnusable("An RSA key has a modulus of 3072 or 4096 bits and the public exponent 65537.")
    spelled = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if spelled != public_key_spki:
        raise KeyUnusable("The RSA key is not spelled as DER demands.")
    return key


def _verify_sm2(public_key_spki: bytes, message: bytes, signature: bytes) -> None:
    sm2_key(public_key_spki).verify(message, signature)


def _verify_p256(public_key_spki: bytes, message: bytes, signature: bytes) -> None:
    key = _p256_key(public_key_spki)
    decode_signature(signature, order=_P256_ORDER)
    try:
        key.verify(signature, message, _ECDSA_SHA256)
    except InvalidSignature:
        raise SignatureInvalid from None


def _verify_rsa(public_key_spki: bytes, message: bytes, signature: bytes) -> None:
    key = _rsa_key(public_key_spki)
    if len(signature) != key.key_size // _BITS_PER_BYTE:
        raise SignatureMalformed("An RSA signature is as long as the modulus.")
    try:
        key.verify(signature, message, _PKCS1, _SHA256)
    except InvalidSignature:
        raise SignatureInvalid from None


_VERIFIERS: Final = MappingProxyType[Algorithm, Callable[[bytes, bytes, bytes], None]](
    {
        Algorithm.SM2_SM3: _verify_sm2,
        Algorithm.ECDSA_P256_SHA256: _verify_p256,
        Algorithm.RSA_PKCS1_SHA256: _verify_rsa,
    }
)


def algorithm_of(public_key_spki: bytes) -> Algorithm:
    """Return the algorithm that a DER SubjectPublicKeyInfo stands for: the key decides, never the signature.

    Raises:
        AlgorithmRefused: the key is of no algorithm in the table.
    """
    if public_key_spki.startswith(_SM2_SPKI_PREFIX):
        return Algorithm.SM2_SM3
    if public_key_spki.startswith(_P256_SPKI_PREFIX):
        return Algorithm.ECDSA_P256_SHA256
    if public_key_spki[_RSA_ALGORITHM_AT:].startswith(_RSA_ALGORITHM):
        return _rsa_of_the_table(public_key_spki)
    raise AlgorithmRefused("The key is neither RSA nor SM2 or ECDSA P-256 on a named curve with an uncompressed point.")


def _rsa_of_the_table(public_key_spki: bytes) -> Algorithm:
    try:
        _rsa_key(public_key_spki)
    except KeyUnusable as error:
        raise AlgorithmRefused(error.detail) from None
    return Algorithm.RSA_PKCS1_SHA256


def verify(algorithm: Algorithm, public_key_spki: bytes, message: bytes, signature: bytes) -> None:
    """Return when `signature` was made over `message` with this key. SM2 uses the default identifier (GM/T 0009).

    Raises:
        SignatureInvalid: it was not, or it is not strict DER with r and s in range (`SignatureMalformed`).
        KeyUnusable: the key is not one of this algorithm.
        AlgorithmRefused: the algorithm is not in the closed table.
    """
    verifier = _VERIFIERS.get(algorithm)
    if verifier is None:
        raise AlgorithmRefused("The algorithm is not in the table of accepted algorithms.")
    verifier(public_key_spki, message, signature)
