"""Signing out at the wish of a relying system (OpenID Connect RP-Initiated Logout 1.0).

Only the session of the browser that asks is ever ended. Its owner is asked first, unless the hint is an ID token of
this very session at this client: a hint alone can be replayed by anybody who once saw it (dex PR 4945). The browser
goes on only to an address that the client registered, letter by letter, and nowhere when the hint is not ours.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog

from sso.provider.domain import Client
from sso.provider.errors import TokenForeign, TokenMalformed
from sso.provider.keyring import SIGNING_ALGORITHMS
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import ClientFinder
from sso.provider.signing import ID_TOKEN_TYPE, TokenSigner
from sso.provider.subjects import PairwiseSubjects
from sso.signin.domain import Session
from trust.kernel.errors import NotFound

MAX_STATE_CHARACTERS = 1024
"""Longest `state` that is handed back: a client's random value has fewer, and an address has an end."""

PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")

_log = structlog.get_logger("sso.logout")


class SessionEnd(Protocol):
    """Ends sessions (`sso.signin.sessions`)."""

    def end(self, session_id: str, by: str) -> None:
        """End a session of the person `by`. Raises a `NotFound` error when it is over already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A request to sign out that was judged.

    `confirm` says that the person must be asked before `LogoutDesk.complete`; `client` is who sent them, for the page.
    `redirect_to` is where the browser goes afterwards, `state` included, or None: then the page says that it is done.
    """

    client: Client | None
    redirect_to: str | None
    confirm: bool
    ui_locales: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


class LogoutDesk:
    """Judges requests to sign out, and signs out."""

    def __init__(
        self,
        clients: ClientFinder,
        sessions: SessionEnd,
        signer: TokenSigner,
        subjects: PairwiseSubjects,
        *,
        issuer: str,
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._signer = signer
        self._subjects = subjects
        self._issuer = issuer

    def open(self, parameters: Mapping[str, Sequence[str]], session: Session | None) -> LogoutRequest:
        """Return what the request asks for. `session` is that of the browser's cookie.

        Whoever confirms by form posts `LogoutRequest.parameters` again, which are judged again.

        Raises `OAuthRefused("invalid_request")`, shown on a page and never redirected: a repeated or overlong
        parameter, a hint that is no ID token of ours, an address that is not the client's.
        """
        values = _single(parameters)
        hint = self._hint(values.get("id_token_hint"))
        client = self._client(values.get("client_id"), hint)
        return LogoutRequest(
            client=client,
            redirect_to=_destination(client, values),
            confirm=session is not None and not self._is_of(hint, client, session),
            ui_locales=tuple(values.get("ui_locales", "").split()),
            parameters=values,
        )

    def complete(self, request: LogoutRequest, session: Session | None) -> str | None:
        """End the browser's session, if it has one, and return where it goes on, or None.

        The caller has asked the person when `request.confirm` says so.
        """
        if session is not None:
            with suppress(NotFound):  # ended a moment ago, in another window or by a lapse: that is what was wanted
                self._sessions.end(session.id, by=session.person)
            _log.info("signed out", client=request.client and request.client.id, asked=request.confirm)
        return request.redirect_to

    def _hint(self, token: str | None) -> Mapping[str, Any] | None:
        """Return the claims of an ID token that we issued to one client; a hint may have expired (section 2)."""
        if not token:
            return None
        try:
            claims = self._signer.verify(token, typ=ID_TOKEN_TYPE, algorithms=SIGNING_ALGORITHMS)
        except (TokenMalformed, TokenForeign) as error:
            raise _refused("The id_token_hint is not an ID token of this service.", error.code) from None
        if claims.get("iss") != self._issuer or _audience(claims) is None:
            raise _refused("The id_token_hint is not an ID token of this service.", "issuer or audience")
        return claims

    def _client(self, identifier: str | None, hint: Mapping[str, Any] | None) -> Client | None:
        """Return the client that sent the person here. One that was disabled since is as unknown as any other."""
        hinted = _audience(hint) if hint else None
        if identifier and hinted and identifier != hinted:
            raise _refused("client_id is not the client of the id_token_hint.", "two clients")
        name = identifier or hinted
        usable = name is not None and name.isascii() and name.isalnum()
        client = self._clients.find(name) if name and usable else None
        return client if client and client.enabled and client.relying else None

    def _is_of(self, hint: Mapping[str, Any] | None, client: Client | None, session: Session) -> bool:
        """Return whether the hint is of this very session: the `sid` that only this client knows it by."""
        if hint is None or client is None:
            return False
        return hint.get("sid") == self._subjects.session(session.id, client=client.id)


def _single(parameters: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the known parameters, each once; unknown ones do not matter (section 2)."""
    values = {}
    for name in PARAMETERS:
        given = parameters.get(name, ())
        if len(given) > 1:
            raise _refused(f"The parameter {name} is repeated.", "repeated parameter")
        if given and given[0]:
            values[name] = given[0]
    if len(values.get("state", "")) > MAX_STATE_CHARACTERS:
        raise _refused(f"state has at most {MAX_STATE_CHARACTERS} characters.", "state too long")
    return values


def _audience(claims: Mapping[str, Any]) -> str | None:
    """Return the one client of an ID token: a string, or a list of one."""
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    return audience if isinstance(audience, str) and audience else None


def _destination(client: Client | None, values: Mapping[str, str]) -> str | None:
    address = values.get("post_logout_redirect_uri")
    if address is None:
        return None
    if client is None or client.relying is None:
        raise _refused("post_logout_redirect_uri needs an id_token_hint or a client_id.", "no client")
    if address not in client.relying.post_logout_redirect_uris:
        raise _refused("post_logout_redirect_uri is not registered for this client.", "address not registered")
    if "state" not in values:
        return address
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("state", values["state"])])
    return urlunsplit(parts._replace(query=query))


def _refused(description: str, officer: str) -> OAuthRefused:
    _log.warning("logout request refused", reason=officer)
    return OAuthRefused("invalid_request", description, officer=officer)
