"""Access tokens as JWTs: making them through the guarded signer, and judging them (RFC 9068).

A token is checked against its client's row at every use, without a cache: one look-up by primary key, and a disabled
client is out at once in every server process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sso.provider.domain import AccessToken, Client, Scope, scopes_text
from sso.provider.errors import TokenExpired, TokenForeign, TokenMalformed, TokenRevoked
from sso.provider.ports import ClientStore
from sso.provider.signing import ACCESS_TOKEN_TYPE, TokenSigner, UnsignedToken
from trust.http.access import Principal
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

LEEWAY_SECONDS = 0
"""Tolerance for `exp`: none, since the service that issues is the service that checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """What every token says the same: who issues, for whom, and for how long in seconds."""

    issuer: str
    audience: str
    seconds: int


class TokenIssuer:
    """Makes access tokens."""

    def __init__(self, terms: TokenTerms, signer: TokenSigner, *, clock: Clock, randomness: Randomness) -> None:
        self._terms = terms
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
        token = UnsignedToken(claims=claims, typ=ACCESS_TOKEN_TYPE, document=f"token:{jti}", why="access token")
        value = self._signer.sign(token, principal=f"client:{client.id}")
        return AccessToken(value=value, seconds=self._terms.seconds, scopes=scopes)


class AccessTokenChecker:
    """Judges access tokens; a `trust.http.access.TokenChecker`."""

    def __init__(self, terms: TokenTerms, signer: TokenSigner, store: ClientStore, clock: Clock) -> None:
        self._terms = terms
        self._signer = signer
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
        claims = _checked(self._signer.verify(token, typ=ACCESS_TOKEN_TYPE))
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


def _checked(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims once those of RFC 9068 section 2.2 are there and have their types."""
    required = {"iss": str, "sub": str, "client_id": str, "aud": str, "exp": int, "iat": int, "jti": str}
    required |= {"scope": str, "authority": str}
    if any(type(claims.get(name)) is not kind for name, kind in required.items()):
        raise TokenMalformed("A required claim is missing or has the wrong type.")
    return claims
