"""JWTs that clients signed: their assertions (RFC 7523) and their DPoP proofs (RFC 9449). Judged by RFC 8725.

Strictly read by `strict_jws`, verified by joserfc with the algorithms of a closed list and keys of sufficient length.
"""

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sso.provider import strict_jws
from sso.provider.strict_jws import CompactJws

MAX_CHARACTERS = 6144
"""Longest JWT of a client that is looked at. A proof with an RSA key of 4096 bits has about 2,500."""

MAX_JTI_CHARACTERS = 256
"""Longest `jti` that is looked at: anybody's random bytes have fewer."""

LEAST_RSA_BITS = 2048
MOST_RSA_BITS = 8192  # verifying costs time that grows with the key, and the caller chooses it

_KEY_TYPES: Mapping[str, tuple[str, type[ECKey] | type[RSAKey]]] = {
    "ES256": ("EC", ECKey),
    "RS256": ("RSA", RSAKey),
    "PS256": ("RSA", RSAKey),
}
ALGORITHMS = tuple(_KEY_TYPES)
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class _Registry(jws.JWSRegistry):
    max_header_length = strict_jws.MAX_HEADER_CHARACTERS  # the library's own 512 bytes hold no RSA key


_REGISTRY = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)  # `read` has judged the header


class JwtRefused(ValueError):
    """A JWT of a client is not accepted; the text says why, for the officer. It never leaves this package."""


def read(token: str) -> CompactJws:
    """Take the JWT apart. Raises `JwtRefused`, also for an algorithm that is not in the list."""
    try:
        parsed = strict_jws.parse(token, most=MAX_CHARACTERS)
    except ValueError as error:
        raise JwtRefused(f"not a compact JWS: {error}") from None
    if parsed.header["alg"] not in _KEY_TYPES:
        raise JwtRefused("algorithm not accepted")
    if "crit" in parsed.header or "b64" in parsed.header:
        raise JwtRefused("a critical header member is not known here")
    return parsed


def may_have_signed(jwk: object, parsed: CompactJws) -> bool:
    """Return whether a registered JWK is one for signatures of the algorithm, and the one named, if one is named."""
    if not isinstance(jwk, dict):
        return False
    header = parsed.header
    fits = jwk.get("kty") == _KEY_TYPES[header["alg"]][0] and jwk.get("alg", header["alg"]) == header["alg"]
    return fits and jwk.get("use", "sig") == "sig" and ("kid" not in header or jwk.get("kid") == header["kid"])


def public_key(jwk: object, algorithm: str) -> ECKey | RSAKey:
    """Return the key of a JWK for this algorithm. Raises `JwtRefused` for a private, weak or unfitting one."""
    key_type, kind = _KEY_TYPES[algorithm]
    if not isinstance(jwk, dict) or jwk.get("kty") != key_type or _PRIVATE_MEMBERS & jwk.keys():
        raise JwtRefused("the key is not a public key of the algorithm")
    try:
        _check_strength(jwk)
        return kind.import_key(jwk)
    except JwtRefused:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise JwtRefused("the key cannot be read") from None


def _check_strength(jwk: Mapping[str, Any]) -> None:
    if jwk["kty"] == "EC":
        if jwk["crv"] != "P-256":
            raise JwtRefused("the key is not on P-256")
        return
    if not LEAST_RSA_BITS <= int.from_bytes(strict_jws.decode(jwk["n"]), "big").bit_length() <= MOST_RSA_BITS:
        raise JwtRefused(f"an RSA key has {LEAST_RSA_BITS} to {MOST_RSA_BITS} bits")


def verified_claims(token: str, parsed: CompactJws, key: ECKey | RSAKey) -> Mapping[str, Any]:
    """Return the claims once the signature is the key's. Raises `JwtRefused`."""
    try:
        jws.deserialize_compact(token.encode(), key, algorithms=[parsed.header["alg"]], registry=_REGISTRY)
        return parsed.claims()
    except (JoseError, ValueError, TypeError):
        raise JwtRefused("wrong signature or payload") from None
