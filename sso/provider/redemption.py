"""Redeeming codes and rotating refresh tokens: what the token endpoint does with a grant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from sso.provider.domain import Client, ClientAuthentication, RelyingSystem, Scope
from sso.provider.errors import TokenExpired
from sso.provider.grants import (
    CodeFault,
    Grant,
    Redeemed,
    RefreshToken,
)
from sso.provider.issuing import GrantTokens, Issue, Issued
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import GrantStore
from trust.kernel.bearer_secrets import may_be_secret, new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness

FOREIGN: Final = "The token was issued to another client."

_log = structlog.get_logger("sso.grants")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated client at the token endpoint, with the thumbprint of its DPoP key or None."""

    client: Client
    relying: RelyingSystem
    confirmation: str | None = field(default=None)

    @property
    def public(self) -> bool:
        """Whether nothing but the code or the refresh token itself proves the client."""
        return self.relying.authentication is ClientAuthentication.NONE


class Redemption:
    """Turns codes and refresh tokens into answers of the token endpoint (RFC 6749 section 5.1)."""

    def __init__(
        self, store: GrantStore, tokens: GrantTokens, *, refresh_seconds: int, clock: Clock, randomness: Randomness
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._randomness = randomness

    def take_code(self, caller: Caller, code: str) -> Redeemed | None:
        """Return a code of this client, which is consumed whatever comes next, or None.

        A code that comes a second time takes all tokens of its grant with it (RFC 6749 section 4.1.2).
        """
        if not may_be_secret(code):
            return None
        found = self._store.redeem(secret_digest(code), caller.client.id, self._clock.now())
        if isinstance(found, CodeFault):
            log = _log.warning if found is CodeFault.REPLAYED else _log.info
            log("code refused", reason=found.value, client=caller.client.id)
            return None
        return found

    def answer_code(self, caller: Caller, redeemed: Redeemed) -> Mapping[str, object]:
        """Return the answer to a code that was taken, and whose redirect address and verifier were compared.

        Raises `OAuthRefused` when the code was bound to another key (RFC 9449 section 10).
        """
        grant, code = redeemed.grant, redeemed.code
        if code.confirmation is not None and code.confirmation != caller.confirmation:
            raise OAuthRefused("invalid_grant", "The code is bound to another key.")
        scopes = grant.contents.scopes
        secret: str | None = None
        if (
            Scope.OFFLINE_ACCESS in scopes
        ):  # kept before anything is signed: the signatures' entries take it to the disk
            now, secret = self._clock.now(), new_secret(self._randomness)
            self._store.keep_refresh(self._refresh(secret, grant, caller, now), now)
        return _answer(self._issue(caller, grant, scopes, code.nonce), scopes, caller, secret)

    def find_refresh(self, caller: Caller, secret: str) -> RefreshToken | None:
        """Return a usable refresh token of this client, or None; one that was used before ends its family."""
        token = self._mine(caller.client, secret)
        if token is None:
            _log.info("refresh token refused", reason="unknown or foreign", client=caller.client.id)
            return None
        if token.used:
            self._store.end(token.grant, reason="refresh-reused", at=self._clock.now())
            _log.warning("refresh token reused", client=caller.client.id, grant=token.grant.id)
            return None
        if not self._alive(token, caller.client):
            _log.info("refresh token refused", reason="over", client=caller.client.id, grant=token.grant.id)
            return None
        if token.confirmation is not None and token.confirmation != caller.confirmation:
            _log.warning("refresh token refused", reason="another key", client=caller.client.id)
            return None
        return token

    def peek_refresh(self, client: Client, secret: str) -> RefreshToken | None:
        """Return a usable refresh token of this client, or None; nothing is used up or ended."""
        token = self._mine(client, secret)
        return token if token is not None and not token.used and self._alive(token, client) else None

    def give_back(self, client: Client, secret: str) -> None:
        """End the grant of a refresh token of this client (RFC 7009). Raises `OAuthRefused` for another client's."""
        token = self._find(secret)
        if token is None:
            return
        if token.grant.contents.client != client.id:
            raise OAuthRefused("invalid_grant", FOREIGN)
        self._store.end(token.grant, reason="revoked-by-client", at=self._clock.now())
        _log.info("grant revoked", client=client.id, grant=token.grant.id)

    def answer_refresh(self, caller: Caller, token: RefreshToken, scopes: frozenset[str]) -> Mapping[str, object]:
        """Return the answer to a refresh token. Signing comes first: a signer that fails costs nobody the session.

        There is no grace for an answer that got lost: whoever presents the old token again, thief or victim, ends the
        family, since nobody can tell them apart. Raises `OAuthRefused` for the one who comes second.
        """
        issued = self._issue(caller, token.grant, scopes, None)
        now = self._clock.now()
        secret = new_secret(self._randomness)
        if not self._store.rotate(token.digest, self._refresh(secret, token.grant, caller, now), now):
            _log.warning("refresh token reused", client=caller.client.id, grant=token.grant.id)
            raise OAuthRefused("invalid_grant", "The refresh token is not usable.")
        return _answer(issued, scopes, caller, secret)

    def _find(self, secret: str) -> RefreshToken | None:
        if not may_be_secret(secret):
            return None
        return self._store.find_refresh(secret_digest(secret))

    def _mine(self, client: Client, secret: str) -> RefreshToken | None:
        token = self._find(secret)
        return token if token is not None and token.grant.contents.client == client.id else None

    def _alive(self, token: RefreshToken, client: Client) -> bool:
        """Whether it has time left, nothing it hangs on has ended, and the client still has the right to its scopes."""
        fits = token.grant.contents.scopes <= {scope.value for scope in client.scopes}
        return fits and self._clock.now() < token.expires_at and not self._store.is_cut(token.grant)

    def _issue(self, caller: Caller, grant: Grant, scopes: frozenset[str], nonce: str | None) -> Issued:
        wanted = Issue(
            grant=grant, relying=caller.relying, scopes=scopes, nonce=nonce, confirmation=caller.confirmation
        )
        try:
            return self._tokens.issue(wanted)
        except TokenExpired:
            raise OAuthRefused("invalid_grant", "The sign-in is over.") from None

    def _refresh(self, secret: str, grant: Grant, caller: Caller, now: datetime) -> RefreshToken:
        return RefreshToken(
            digest=secret_digest(secret),
            grant=grant,
            confirmation=caller.confirmation if caller.public else None,
            expires_at=min(now + timedelta(seconds=self._refresh_seconds), grant.expires_at),
        )


def _answer(issued: Issued, scopes: frozenset[str], caller: Caller, refresh: str | None) -> Mapping[str, object]:
    answer: dict[str, object] = {
        "access_token": issued.access.value,
        "token_type": "Bearer" if caller.confirmation is None else "DPoP",
        "expires_in": issued.access.seconds,
        "scope": " ".join(sorted(scopes)),
    }
    if issued.id_token is not None:
        answer["id_token"] = issued.id_token
    if refresh is not None:
        answer["refresh_token"] = refresh
    return answer
