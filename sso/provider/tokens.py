"""Access tokens as JWTs: making them through the guarded signer, and judging them (RFC 9068, RFC 7515).

The signing input is built here and given to the signer as the message: the private key stays in its device (law 1),
and each token is in the ledger before it exists (law 2). A token is checked against its client's row at every use,
without a cache: one look-up by primary key, and a disabled client is out at once in every server process.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jws
from joserfc.errors import JoseError

from sso.provider.domain import AccessToken, Client, Scope, scopes_text
from sso.provider.errors import TokenExpired, TokenForeign, TokenMalformed, TokenRevoked
from sso.provider.keyring import ALGORITHM, Keyring
from sso.provider.ports import ClientStore
from trust.http.access import Principal
from trust.kernel.clock import Clock
from trust.kernel.encoding import base64url, canonical_json
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.keys import KeyPurpose, Signer, SigningRequest, UseContext

TYPE = "at+jwt"
"""The `typ` of an access token (RFC 9068 section 2.1); it keeps other JWTs of the same issuer out."""

MAX_TOKEN_CHARACTERS = 4096
"""Longest token that is looked at; ours have about 700. More is an attack on the parser."""

LEEWAY_SECONDS = 0
"""Tolerance for `exp`: none, since the service that issues is the service that checks."""

_COORDINATE_BYTES = 32  # of P-256; r and s are fixed to it in a JWS (RFC 7518 section 3.4)
_HEADER_MEMBERS = {"alg", "kid", "typ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """What every token says the same: who issues, for whom, and for how long in seconds."""

    issuer: str
    audience: str
    seconds: int


class TokenIssuer:
    """Makes access tokens."""

    def __init__(
        self, terms: TokenTerms, keyring: Keyring, signer: Signer, *, clock: Clock, randomness: Randomness
    ) -> None:
        self._terms = terms
        self._keyring = keyring
        self._signer = signer
        self._clock = clock
        self._randomness = randomness

    @property
    def seconds(self) -> int:
        """The life of a token."""
        return self._terms.seconds

    def issue(self, client: Client, scopes: frozenset[Scope]) -> AccessToken:
        """Return a signed token for `client`. Raises what the signer raises."""
        jti = new_id(self._clock, self._randomness)
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self._terms.issuer,
            "sub": client.id,
            "client_id": client.id,
            "aud": self._terms.audience,
            "iat": now,
            "exp": now + self._terms.seconds,
            "jti": jti,
            "scope": scopes_text(scopes),
            "authority": str(client.authority),
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._keyring.signing_id}
        message = f"{base64url(canonical_json(header))}.{base64url(canonical_json(claims))}"
        context = UseContext(principal=f"client:{client.id}", why="access token", document=f"token:{jti}")
        request = SigningRequest(message=message.encode(), context=context)
        signature = self._signer.sign(self._keyring.signing_ref, request, purpose=KeyPurpose.TOKEN_SIGNING)
        value = f"{message}.{base64url(_fixed_length(signature.value))}"
        return AccessToken(value=value, seconds=self._terms.seconds, scopes=scopes)


class AccessTokenChecker:
    """Judges access tokens; a `trust.http.access.TokenChecker`."""

    def __init__(self, terms: TokenTerms, keyring: Keyring, store: ClientStore, clock: Clock) -> None:
        self._terms = terms
        self._keyring = keyring
        self._store = store
        self._clock = clock

    def check(self, token: str) -> Principal:
        """Return the principal behind `token`.

        Raises:
            TokenMalformed: not a JWS, or a required claim is absent or of the wrong type.
            TokenForeign: another signer, algorithm, type, issuer or audience.
            TokenExpired: its life is over.
            TokenRevoked: its client is gone or disabled.
        """
        claims = _claims(self._verified_payload(token))
        if claims["iss"] != self._terms.issuer or claims["aud"] != self._terms.audience:
            raise TokenForeign("The token names another issuer or audience.")
        if claims["sub"] != claims["client_id"]:
            raise TokenForeign("The token was not issued to a client.")
        if self._clock.now().timestamp() >= claims["exp"] + LEEWAY_SECONDS:
            raise TokenExpired
        client = self._store.find(claims["client_id"])
        if client is None or not client.enabled:
            raise TokenRevoked
        return Principal(
            client=client.id,
            authority=claims["authority"],
            scopes=frozenset(claims["scope"].split()),
            label=client.label,
        )

    def _verified_payload(self, token: str) -> bytes:
        """Return the payload once header and signature are ours (RFC 8725: algorithm and type are checked first)."""
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise TokenMalformed
        try:
            _check_spelling(token)
            candidate = jws.extract_compact(token.encode())
        except (JoseError, ValueError, RecursionError):
            raise TokenMalformed from None
        header = candidate.headers()
        if set(header) != _HEADER_MEMBERS or header["alg"] != ALGORITHM or header["typ"] != TYPE:
            raise TokenForeign("The token has another algorithm or type.")
        key = self._keyring.find(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None:
            raise TokenForeign("The token was signed with another key.")
        try:
            return jws.deserialize_compact(token.encode(), key, algorithms=[ALGORITHM]).payload
        except (JoseError, ValueError):
            raise TokenForeign("The signature of the token is not ours.") from None


def _claims(payload: bytes) -> Mapping[str, Any]:
    """Return the claims of RFC 9068 section 2.2 with their types checked; the signature has been verified before."""
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        raise TokenMalformed from None
    required = {"iss": str, "sub": str, "client_id": str, "aud": str, "exp": int, "iat": int, "jti": str}
    required |= {"scope": str, "authority": str}
    if not isinstance(claims, dict) or any(type(claims.get(name)) is not kind for name, kind in required.items()):
        raise TokenMalformed("A required claim is missing or has the wrong type.")
    return claims


def _check_spelling(token: str) -> None:
    """Refuse a second spelling of the same bytes: the decoder skips foreign characters and spare bits."""
    for segment in token.split("."):
        padded = segment + "=" * (-len(segment) % 4)
        if base64url(base64.urlsafe_b64decode(padded)) != segment:
            raise TokenMalformed


def _fixed_length(signature: bytes) -> bytes:
    """Turn DER SEQ{r, s} into r || s."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
