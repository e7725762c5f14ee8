"""The software side of each algorithm of the closed table: make a key, load it, sign with it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trust.gm import sm2
from trust.gm.errors import KeyUnusable
from trust.kernel.algorithms import Algorithm

_ECDSA = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareKey:
    """A loaded private key: it can sign, and shows only its public half (DER SubjectPublicKeyInfo)."""

    public_key: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)


def generate(algorithm: Algorithm) -> bytes:
    """Return a fresh private key as PKCS#8, from the crypto library's own generator."""
    if algorithm is Algorithm.SM2_SM3:
        return sm2.PrivateKey.generate().to_pkcs8()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load(algorithm: Algorithm, pkcs8: bytes) -> SoftwareKey:
    """Return the key ready to sign. Raises `KeyUnusable` when the bytes are no key of this algorithm."""
    if algorithm is Algorithm.SM2_SM3:
        key = sm2.PrivateKey.from_pkcs8(pkcs8)
        return SoftwareKey(public_key=key.public_key.spki, sign=key.sign)
    p256 = _load_p256(pkcs8)
    spki = p256.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SoftwareKey(public_key=spki, sign=lambda message: p256.sign(message, _ECDSA))


def _load_p256(pkcs8: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_der_private_key(pkcs8, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable("The bytes are not a P-256 key.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnusable("The bytes are a key of another kind than P-256.")
    return key
