"""What one upstream platform says about itself: its discovery document and its keys, cached and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sso.keycloak.errors import UpstreamMetadataInvalid, UpstreamUnavailable
from sso.keycloak.fetched import Fetched
from sso.keycloak.ports import UpstreamTransport
from sso.keycloak.sources import UpstreamSource, is_safe_address
from trust.kernel.clock import Clock

MAX_KEYS: Final = 32
"""Most keys read from one set; a Keycloak realm has two to four."""

_RSA_BITS: Final = 2048  # RFC 7518 section 3.3: smaller is not allowed
_CURVE: Final = "P-256"
_PUBLIC_MEMBERS: Final = ("kty", "n", "e", "crv", "x", "y", "kid", "alg")

VerificationKey = RSAKey | ECKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The addresses that a sign-in needs. `names_issuer`: answers carry `iss` (RFC 9207), so one without is refused."""

    authorization: str
    token: str
    keys: str
    names_issuer: bool


class UpstreamProvider:
    """One upstream, as its source describes it. Safe between threads; each process fetches for itself."""

    def __init__(self, source: UpstreamSource, transport: UpstreamTransport, clock: Clock) -> None:
        self.source = source
        self.transport = transport
        self._endpoints = Fetched(self._discovered, clock)
        self._keys = Fetched(self._fetched_keys, clock)

    def endpoints(self) -> Endpoints:
        """Return the endpoints. Raises `UpstreamUnavailable`, `UpstreamMetadataInvalid`."""
        return self._endpoints.get()

    def key(self, key_id: str) -> VerificationKey | None:
        """Return the verification key of this id, or None. Raises as `endpoints`."""
        return self._keys.get(lambda keys: key_id in keys).get(key_id)

    def _fetched_keys(self) -> Mapping[str, VerificationKey]:
        return _keys(self.transport.get(self.endpoints().keys))

    def _discovered(self) -> Endpoints:
        """Read the discovery document; its issuer must be ours to the letter (OIDC discovery section 4.3)."""
        issuer = self.source.issuer
        document = self.transport.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise UpstreamMetadataInvalid("The discovery document names another issuer.", source=self.source.name)
        found = [document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        addresses = [each for each in found if isinstance(each, str) and is_safe_address(each)]
        if len(addresses) != len(found):
            raise UpstreamMetadataInvalid("An endpoint is missing or not https.", source=self.source.name)
        return Endpoints(
            authorization=addresses[0],
            token=addresses[1],
            keys=addresses[2],
            names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )


def _keys(document: Mapping[str, Any]) -> Mapping[str, VerificationKey]:
    """Return the usable keys by id; what we cannot use (encryption keys, other curves) is left out.

    Raises `UpstreamUnavailable` for what is no key set (RFC 7517 section 5).
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise UpstreamUnavailable("The upstream platform's key set cannot be read.")
    return {each["kid"]: key for each in _candidates(listed) if (key := _key(each)) is not None}


def _candidates(listed: Sequence[object]) -> list[dict[str, Any]]:
    """Return the signature keys whose id is theirs alone: of two keys with one id neither is known."""
    signing = [
        each
        for each in listed
        if isinstance(each, dict) and isinstance(each.get("kid"), str) and each.get("use", "sig") == "sig"
    ]
    ids = [each["kid"] for each in signing]
    return [each for each in signing if ids.count(each["kid"]) == 1]


def _key(jwk: dict[str, Any]) -> VerificationKey | None:
    """Return an RSA key of 2048 bits or more, or one on P-256; its private members, if any, are never read."""
    public = {name: jwk[name] for name in _PUBLIC_MEMBERS if isinstance(jwk.get(name), str)}
    try:
        if public.get("kty") == "RSA":
            rsa = RSAKey.import_key(public)
            return rsa if rsa.public_key.key_size >= _RSA_BITS else None
        return ECKey.import_key(public) if public.get("crv") == _CURVE else None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
