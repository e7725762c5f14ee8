"""The authorization endpoint without its pages: from a request to a code (RFC 6749 section 4.1, OIDC core).

How a page uses it::

    pending = desk.open(parameters)           # AuthorizationUnusable: a page; AuthorizationRefused: 303 to redirect_to
    need = desk.need(pending, session)        # with prompt=none raises AuthorizationRefused instead of asking
    address = desk.approve(pending, session)  # or desk.refuse(pending); then 303 to the address

Between the requests of the browser the page keeps `pending.id`, 256 random bits that nobody else learns, in a hidden
field or a cookie, and comes back with `find`. A consent counts only for the session that saw the page last: `need`
notes it, `approve` compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

import structlog

from sso.provider.domain import Client, RelyingSystem, Scope
from sso.provider.errors import (
    AuthorizationExpired,
    AuthorizationNotReady,
    AuthorizationRefused,
    AuthorizationUnusable,
)
from sso.provider.granting import Granting
from sso.provider.grants import CODE_SECONDS, Code
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import Approval, AuthorizationStore, ClientStore
from sso.provider.requests import (
    REQUEST_URI_PREFIX,
    AuthorizationRequest,
    Prompt,
    parse_request,
    single_values,
    usable_state,
)
from sso.signin.domain import Session, Strength
from trust.kernel.bearer_secrets import may_be_secret, new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness

PENDING_SECONDS: Final = 1800  # a person registers, finds a phone, asks a colleague: half an hour, then starts anew

_FRESH = frozenset({Prompt.LOGIN, Prompt.SELECT_ACCOUNT})
_log = structlog.get_logger("sso.authorize")


class Need(StrEnum):
    """What an authorization request still needs from the person."""

    SIGN_IN = "sign-in"
    STEP_UP = "step-up"
    CONSENT = "consent"
    NOTHING = "nothing"


_SILENT_REFUSALS = {
    Need.SIGN_IN: "login_required",
    Need.STEP_UP: "interaction_required",
    Need.CONSENT: "consent_required",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An authorization request that waits for a person. `id` is a secret of the browser that brought the request.

    `acr` is the strength that the session must have, `max_age` the seconds since its sign-in, each None when the client
    does not care. `seen_by` is the id of the session that saw the consent page last.
    """

    id: str = field(repr=False)
    client: Client
    relying: RelyingSystem
    request: AuthorizationRequest = field(repr=False)
    created_at: datetime
    expires_at: datetime
    seen_by: str | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the client asks for."""
        return self.request.scopes

    @property
    def matter(self) -> str | None:
        """The code of the matter, or None."""
        return self.request.matter

    @property
    def state(self) -> str | None:
        """The client's own mark, which goes back as it came."""
        return self.request.state

    @property
    def nonce(self) -> str | None:
        """What the ID token repeats."""
        return self.request.nonce

    @property
    def acr(self) -> Strength | None:
        """The strength that the client wants."""
        return self.request.acr

    @property
    def max_age(self) -> int | None:
        """Most seconds since the sign-in."""
        return self.request.max_age

    @property
    def prompt(self) -> frozenset[Prompt]:
        """What the client wants the person to be asked."""
        return self.request.prompt

    @property
    def ui_locales(self) -> tuple[str, ...]:
        """Languages that the client proposes, best first."""
        return self.request.ui_locales


class AuthorizationDesk:
    """Takes authorization requests, says what they need, and answers them."""

    def __init__(
        self,
        clients: ClientStore,
        store: AuthorizationStore,
        granting: Granting,
        *,
        issuer: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._clients = clients
        self._store = store
        self._granting = granting
        self._issuer = issuer
        self._clock = clock
        self._randomness = randomness

    def open(self, parameters: Mapping[str, Sequence[str]]) -> Pending:
        """Take the parameters of an authorization request and keep it for `PENDING_SECONDS`.

        Raises:
            AuthorizationUnusable: unknown client, unregistered redirect address, pushed request that is over; shown.
            AuthorizationRefused: anything else that is wrong; the client is told by redirect.
        """
        client, relying = self._client(_single(parameters, "client_id"))
        reference = _single(parameters, "request_uri") or ""
        if reference.startswith(REQUEST_URI_PREFIX):
            request = self._pushed(client, reference)
        else:
            request = self._direct(client, relying, parameters)
        now = self._clock.now()
        pending = Pending(
            id=new_secret(self._randomness),
            client=client,
            relying=relying,
            request=request,
            created_at=now,
            expires_at=now + timedelta(seconds=PENDING_SECONDS),
        )
        self._store.keep_pending(secret_digest(pending.id), request, created_at=now, expires_at=pending.expires_at)
        return pending

    def find(self, pending_id: str) -> Pending:
        """Return the pending request again. Raises `AuthorizationExpired`, `AuthorizationUnusable`."""
        if not may_be_secret(pending_id):
            raise AuthorizationExpired
        kept = self._store.find_pending(secret_digest(pending_id))
        if kept is None or self._clock.now() >= kept.expires_at:
            raise AuthorizationExpired
        client, relying = self._client(kept.request.client)
        if kept.request.redirect_uri not in relying.redirect_uris or not kept.request.scopes <= client.scopes:
            raise AuthorizationExpired(reason="registration changed")
        return Pending(
            id=pending_id,
            client=client,
            relying=relying,
            request=kept.request,
            created_at=kept.created_at,
            expires_at=kept.expires_at,
            seen_by=kept.seen_by,
        )

    def need(self, pending: Pending, session: Session | None) -> Need:
        """Return what is missing before `approve`, and note that this session is about to see the consent page.

        Raises `AuthorizationRefused` when something is missing but the client wants no page (prompt=none).
        """
        need = self._need(pending, session)
        if need is not Need.NOTHING and Prompt.NONE in pending.prompt:
            error = _SILENT_REFUSALS[need]
            raise AuthorizationRefused(error, redirect_to=self.refuse(pending, error))
        if need is Need.CONSENT and session is not None and pending.seen_by != session.id:
            self._store.note_seen(secret_digest(pending.id), session.id)
        return need

    def approve(self, pending: Pending, session: Session, *, represents: str | None = None) -> str:
        """Make the grant and its code, and return the address to send the browser to (status 303).

        `represents` is the id of the mandate on which the person acts, None when they act for themselves.

        Raises:
            AuthorizationNotReady: a step is missing, the session ended, or another session saw the consent page.
            AuthorizationExpired: the request was answered meanwhile, also by the same click sent twice.
            MandateNotUsable: the mandate does not hold for this person and matter.
        """
        need = self._need(pending, session)
        current = self.find(pending.id)
        if need in {Need.SIGN_IN, Need.STEP_UP} or (need is Need.CONSENT and current.seen_by != session.id):
            raise AuthorizationNotReady(need=need.value)
        now = self._clock.now()
        try:
            grant = self._granting.grant(
                current.client, current.relying, current.request, session, mandate_id=represents
            )
        except OAuthRefused as refusal:
            return self.refuse(pending, refusal.error)
        secret = new_secret(self._randomness)
        code = Code(
            digest=secret_digest(secret),
            redirect_uri=current.request.redirect_uri,
            challenge=current.request.challenge,
            nonce=current.request.nonce,
            confirmation=current.request.confirmation,
            expires_at=now + timedelta(seconds=CODE_SECONDS),
        )
        names = self._granting.names(grant, session)
        self._store.approve(
            Approval(
                pending=secret_digest(pending.id),
                session=session.id,
                person_tie=f"{session.person}/{session.person_epoch}",
                grant=grant,
                code=code,
                consent=self._granting.consent(grant, current.request),
                subject=names.subject,
                sid=names.sid,
            )
        )
        _log.info("authorization granted", client=current.client.id, grant=grant.id, mandate=represents)
        return self._address(current.request.redirect_uri, current.state, {"code": secret})

    def refuse(self, pending: Pending, error: str = "access_denied") -> str:
        """End the request and return the address that tells the client so (status 303)."""
        self._store.drop_pending(secret_digest(pending.id))
        _log.info("authorization refused", client=pending.client.id, error=error)
        return self._address(pending.request.redirect_uri, pending.state, {"error": error})

    def _need(self, pending: Pending, session: Session | None) -> Need:
        request = pending.request
        if session is None or session.auth_time < self._oldest(pending):
            return Need.SIGN_IN
        if request.acr is not None and session.strength < request.acr:
            return Need.STEP_UP
        now = self._clock.now()
        if Prompt.CONSENT in request.prompt or self._granting.must_ask(pending.relying, request, session, now=now):
            return Need.CONSENT
        return Need.NOTHING

    def _oldest(self, pending: Pending) -> datetime:
        """Return the earliest sign-in that the client accepts, reckoned from the moment of its request."""
        if _FRESH & pending.prompt:
            return pending.created_at
        if pending.max_age is not None:
            return pending.created_at - timedelta(seconds=pending.max_age)
        return datetime.min.replace(tzinfo=pending.created_at.tzinfo)

    def _client(self, client_id: str | None) -> tuple[Client, RelyingSystem]:
        # Ids are letters and digits: PostgreSQL fails on a NUL in a text.
        client = self._clients.find(client_id) if client_id and client_id.isalnum() else None
        if client is None or not client.enabled or client.relying is None or not client.relying.redirect_uris:
            _log.info("authorization request unusable", reason="client")
            raise AuthorizationUnusable("The system is not registered for sign-in.", field="client_id")
        return client, client.relying

    def _pushed(self, client: Client, reference: str) -> AuthorizationRequest:
        """Take a pushed request, once (RFC 9126 section 4); the other parameters of the address do not count."""
        digest = secret_digest(reference.removeprefix(REQUEST_URI_PREFIX))
        request = self._store.take_pushed(digest, client.id, self._clock.now())
        if request is None:
            _log.info("authorization request unusable", reason="request_uri", client=client.id)
            raise AuthorizationUnusable("The pushed request is over, or another system's.", field="request_uri")
        return request

    def _direct(
        self, client: Client, relying: RelyingSystem, parameters: Mapping[str, Sequence[str]]
    ) -> AuthorizationRequest:
        redirect_uri = _single(parameters, "redirect_uri")
        if redirect_uri is None or redirect_uri not in relying.redirect_uris:
            _log.info("authorization request unusable", reason="redirect_uri", client=client.id)
            raise AuthorizationUnusable("The address to return to is not registered.", field="redirect_uri")
        try:
            return parse_request(client, relying, single_values(parameters), pushed=False)
        except OAuthRefused as refusal:
            _log.info("authorization request refused", client=client.id, error=refusal.error, reason=refusal.officer)
            state = usable_state({"state": _single(parameters, "state") or ""})
            told = {"error": refusal.error, "error_description": refusal.description}
            address = self._address(redirect_uri, state, told)
            raise AuthorizationRefused(refusal.error, redirect_to=address) from None

    def _address(self, redirect_uri: str, state: str | None, members: Mapping[str, str]) -> str:
        """Return the redirect address with the answer, the state, and the issuer against mix-up (RFC 9207)."""
        marks = {"state": state} if state is not None else {}
        answer = urlencode({**members, **marks, "iss": self._issuer})
        return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{answer}"


def _single(parameters: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = parameters.get(name, ())
    return values[0] if len(values) == 1 else None
