"""Clients' own access tokens, from client credentials: making them, and judging them at the API (RFC 9068).

A token is checked at every use, without a cache, in one query: a disabled client is out at once in every server
process, and so is a token that its client gave back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sso.provider.domain import AccessToken, Client, Scope, scopes_text
from sso.provider.errors import TokenExpired, TokenForeign, TokenMalformed, TokenRevoked
from sso.provider.signing import ACCESS_TOKEN_TYPE, TokenSigner, UnsignedToken
from sso.provider.tokens import LivenessStore
from sso.revocation.domain import Tie, TieKind
from trust.http.access import Principal
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

_REQUIRED = {
    "iss": str,
    "sub": str,
    "client_id": str,
    "aud": str,
    "exp": int,
    "iat": int,
    "jti": str,
    "scope": str,
    "authority": str,
}


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

    def issue(self, client: Client, scopes: frozenset[Scope], *, confirmation: str | None = None) -> AccessToken:
        """Return a signed token for `client`, bound to the key with the thumbprint `confirmation` if there is one.

        Raises what the signer raises.
        """
        jti = new_id(self._clock, self._randomness)
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
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
        if confirmation is not None:
            claims["cnf"] = {"jkt": confirmation}
        unsigned = UnsignedToken(claims=claims, typ=ACCESS_TOKEN_TYPE, document=f"token:{jti}", why="access token")
        value = self._signer.sign(unsigned, principal=f"client:{client.id}")
        return AccessToken(value=value, seconds=self._terms.seconds, scopes=scopes)


class AccessTokenChecker:
    """Judges access tokens; a `trust.http.access.TokenChecker`."""

    def __init__(self, terms: TokenTerms, signer: TokenSigner, liveness: LivenessStore, clock: Clock) -> None:
        self._terms = terms
        self._signer = signer
        self._liveness = liveness
        self._clock = clock

    def check(self, token: str) -> Principal:
        """Return the principal behind `token`.

        Raises:
            TokenMalformed: not a JWS, or a required claim is absent or of the wrong type.
            TokenForeign: another signer, algorithm, type, issuer or audience, or a person's token.
            TokenExpired: its life is over.
            TokenRevoked: its client gave it back, is gone or disabled.
        """
        return self.judge(self._signer.verify(token, typ=ACCESS_TOKEN_TYPE))

    def judge(self, verified: Mapping[str, Any]) -> Principal:
        """Return the principal behind a token whose signature and type were verified. Raises as `check`."""
        claims = _checked(verified)
        if claims["iss"] != self._terms.issuer or claims["aud"] != self._terms.audience:
            raise TokenForeign("The token names another issuer or audience.")
        if claims["sub"] != claims["client_id"]:
            raise TokenForeign("The token was not issued to a client.")
        if self._clock.now().timestamp() >= claims["exp"]:  # no leeway: who issues is who checks
            raise TokenExpired
        state = self._liveness.of(claims["client_id"], [Tie(TieKind.TOKEN, claims["jti"])])
        if state is None or not state.client.enabled or state.cut is not None:
            raise TokenRevoked
        client = state.client
        return Principal(
            client=client.id,
            authority=claims["authority"],
            scopes=frozenset(claims["scope"].split()),
            label=client.label,
            confirmation=claims["cnf"]["jkt"] if "cnf" in claims else None,
        )


def _checked(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims of RFC 9068 section 2.2 with their types checked."""
    if any(type(claims.get(name)) is not kind for name, kind in _REQUIRED.items()):
        raise TokenMalformed("A required claim is missing or has the wrong type.")
    return claims
