"""The software side of each algorithm of the closed table: make a key, load it, sign with it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trust.gm import sm2
from trust.gm.errors import KeyUnusable
from trust.kernel.algorithms import RSA_MODULUS_BITS, RSA_PUBLIC_EXPONENT, Algorithm

_SHA256 = hashes.SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_PKCS1 = padding.PKCS1v15()


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareKey:
    """A loaded private key: it can sign, and shows only its public half (DER SubjectPublicKeyInfo)."""

    public_key: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)


def generate(algorithm: Algorithm) -> bytes:
    """Return a fresh private key as PKCS#8, from the crypto library's own generator."""
    if algorithm is Algorithm.SM2_SM3:
        return sm2.PrivateKey.generate().to_pkcs8()
    made: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if algorithm is Algorithm.RSA_PKCS1_SHA256:
        made = rsa.generate_private_key(RSA_PUBLIC_EXPONENT, min(RSA_MODULUS_BITS))
    else:
        made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load(algorithm: Algorithm, pkcs8: bytes) -> SoftwareKey:
    """Return the key ready to sign. Raises `KeyUnusable` when the bytes are no key of this algorithm."""
    if algorithm is Algorithm.SM2_SM3:
        key = sm2.PrivateKey.from_pkcs8(pkcs8)
        return SoftwareKey(public_key=key.public_key.spki, sign=key.sign)
    private = _load(pkcs8)
    if algorithm is Algorithm.RSA_PKCS1_SHA256:
        return _rsa(private)
    return _p256(private)


def _load(pkcs8: bytes) -> object:
    try:
        return serialization.load_der_private_key(pkcs8, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable("The bytes are not a private key.") from None


def _p256(key: object) -> SoftwareKey:
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnusable("The bytes are a key of another kind than P-256.")
    return SoftwareKey(public_key=_spki(key.public_key()), sign=lambda message: key.sign(message, _ECDSA))


def _rsa(key: object) -> SoftwareKey:
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size not in RSA_MODULUS_BITS:
        raise KeyUnusable("The bytes are a key of another kind than RSA of 3072 or 4096 bits.")
    return SoftwareKey(public_key=_spki(key.public_key()), sign=lambda message: key.sign(message, _PKCS1, _SHA256))


def _spki(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
