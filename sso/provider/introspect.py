"""Token introspection (RFC 7662): denied by default, complete where allowed.

Told of a token are the system it is for, the client it was issued to, and clients with the registered right. Everybody
else, and everybody about a token that is not alive, hears `active: false` and nothing more (section 2.2).
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog

from sso.provider.claims import ReadToken
from sso.provider.client_tokens import AccessTokenChecker
from sso.provider.domain import Client, ClientAuthentication, Scope
from sso.provider.endpoint import Authenticator
from sso.provider.messages import FormRequest, JsonAnswer, check_form, json_answer, refused_answer, required
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.redemption import Redemption
from sso.provider.reference import REFERENCE_CLAIM
from sso.provider.signing import ACCESS_TOKEN_TYPE, TokenSigner
from sso.provider.subjects import PairwiseSubjects
from sso.provider.tokens import PersonTokenReader
from trust.kernel.errors import NotAuthenticated

_INACTIVE: Final[Mapping[str, object]] = {"active": False}
_log = structlog.get_logger("sso.introspection")


Note = Callable[[ReadToken, Client], None]


def _unnoted(_token: ReadToken, _client: Client) -> None:
    """Nobody keeps who asked."""


class Introspection:
    """Answers questions about tokens."""

    def __init__(
        self,
        authenticator: Authenticator,
        signer: TokenSigner,
        persons: PersonTokenReader,
        clients: AccessTokenChecker,
        redemption: Redemption,
        *,
        subjects: PairwiseSubjects,
        note: Note = _unnoted,
    ) -> None:
        """`note` keeps for the person that a system asked about their token."""
        self._authenticator = authenticator
        self._signer = signer
        self._persons = persons
        self._clients = clients
        self._redemption = redemption
        self._subjects = subjects
        self._note = note

    def answer(self, request: FormRequest) -> JsonAnswer:
        """Return what the token says, `active: false`, or an error of RFC 6749 section 5.2."""
        try:
            check_form(request)
            client = self._authenticator.authenticate(request)
            _check_confidential(client)
            token = required(request, "token")
        except OAuthRefused as refusal:
            _log.info("introspection refused", error=refusal.error, reason=refusal.officer)
            return refused_answer(refusal)
        return json_answer(self._about(token, client))

    def _about(self, token: str, client: Client) -> Mapping[str, object]:
        if "." not in token:
            return self._about_refresh(token, client)
        try:
            claims = self._signer.verify(token, typ=ACCESS_TOKEN_TYPE)
            if not _permitted(claims, client):
                _log.warning("introspection denied", client=client.id, token=claims.get("jti"))
                return _INACTIVE
            session = self._judged_session(claims, client)
        except NotAuthenticated as error:
            _log.debug("token not active", client=client.id, reason=error.code)
            return _INACTIVE
        told = {name: value for name, value in claims.items() if name != REFERENCE_CLAIM}
        return told | session | {"active": True, "token_type": "DPoP" if "cnf" in claims else "Bearer"}

    def _judged_session(self, claims: Mapping[str, Any], client: Client) -> dict[str, str]:
        """Judge the token; return the `sid` under which sign-out will be told to this client, where there is one.

        Whoever got the token by exchange has seen no ID token: without it, it could not tell which session ended.
        """
        if REFERENCE_CLAIM not in claims:
            self._clients.judge(claims)
            return {}
        token = self._persons.judge(claims)
        self._note(token, client)
        session = token.contents.session
        return {} if session is None else {"sid": self._subjects.session(session, client=client.id)}

    def _about_refresh(self, token: str, client: Client) -> Mapping[str, object]:
        """Answer about a refresh token to its own client; asking uses nothing up."""
        found = self._redemption.peek_refresh(client, token)
        if found is None:
            return _INACTIVE
        return {
            "active": True,
            "client_id": client.id,
            "scope": " ".join(sorted(found.grant.contents.scopes)),
            "exp": int(found.expires_at.timestamp()),
        }


def _permitted(claims: Mapping[str, Any], client: Client) -> bool:
    mine = client.relying is not None and bool(client.relying.resource) and claims["aud"] == client.relying.resource
    return mine or claims["client_id"] == client.id or Scope.TOKENS_INTROSPECT in client.scopes


def _check_confidential(client: Client) -> None:
    if client.relying is not None and client.relying.authentication is ClientAuthentication.NONE:
        raise OAuthRefused(
            "invalid_client",
            "The client could not be authenticated.",
            status=HTTPStatus.UNAUTHORIZED,
            officer="a public client asked about a token",
        )
