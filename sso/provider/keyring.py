"""The keys under which tokens are signed and checked, as JSON Web Keys (RFC 7517)."""

from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc.jwk import ECKey

from sso.provider.errors import TokenKeyUnusable
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef

ALGORITHM = "ES256"
"""The one algorithm of our tokens (RFC 7518 section 3.4): no relying party knows SM2 in JOSE yet."""


class Keyring:
    """The public halves of the token keys. The first one given signs; the others only still verify."""

    def __init__(self, keys: Sequence[KeyInfo]) -> None:
        """Take the keys, newest first. Raises `TokenKeyUnusable`."""
        if not keys:
            raise TokenKeyUnusable("No key of the purpose token-signing was given.")
        by_id = [(_public(info), info) for info in keys]
        self._keys = {jwk.thumbprint(): jwk for jwk, _ in by_id}
        self.signing_id: str = by_id[0][0].thumbprint()
        self.signing_ref: KeyRef = by_id[0][1].ref

    def find(self, key_id: str) -> ECKey | None:
        """Return the key with this thumbprint (RFC 7638), or None."""
        return self._keys.get(key_id)

    def document(self) -> dict[str, list[dict[str, Any]]]:
        """Return the JWK set as it is published (RFC 7517 section 5)."""
        return {
            "keys": [
                {**jwk.as_dict(private=False), "kid": key_id, "alg": ALGORITHM, "use": "sig"}
                for key_id, jwk in self._keys.items()
            ]
        }


def _public(info: KeyInfo) -> ECKey:
    if info.purpose is not KeyPurpose.TOKEN_SIGNING or info.algorithm is not Algorithm.ECDSA_P256_SHA256:
        raise TokenKeyUnusable("Tokens need a key of the purpose token-signing and of ECDSA on P-256.", key=info.ref)
    try:
        key = load_der_public_key(info.public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise TokenKeyUnusable("The public half of the token key cannot be read.", key=info.ref) from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise TokenKeyUnusable("The public half of the token key is not on P-256.", key=info.ref)
    return ECKey.import_key(key)
