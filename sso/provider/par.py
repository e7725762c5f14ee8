"""Pushed authorization requests (RFC 9126): judged before the browser comes, used once, within a minute."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import structlog

from sso.provider.domain import Client, RelyingSystem
from sso.provider.endpoint import Authenticator, Proofs
from sso.provider.messages import PROOFS_OF_CLIENT, FormRequest, JsonAnswer, check_form, json_answer, refused_answer
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import AuthorizationStore
from sso.provider.requests import REQUEST_URI_PREFIX, AuthorizationRequest, parse_request, single_values
from trust.kernel.bearer_secrets import new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness

PUSHED_SECONDS: Final = 60  # the client redirects the browser at once

_log = structlog.get_logger("sso.par")


class PushedRequests:
    """Answers pushed requests. `address` is the public address of the endpoint, which DPoP proofs name."""

    def __init__(
        self,
        authenticator: Authenticator,
        proofs: Proofs,
        store: AuthorizationStore,
        *,
        address: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._authenticator = authenticator
        self._proofs = proofs
        self._store = store
        self._address = address
        self._clock = clock
        self._randomness = randomness

    def answer(self, request: FormRequest) -> JsonAnswer:
        """Return a `request_uri`, or an error of RFC 9126 section 2.3."""
        try:
            check_form(request)
            client = self._authenticator.authenticate(request)
            pushed = self._parsed(client, request)
        except OAuthRefused as refusal:
            _log.info("pushed request refused", error=refusal.error, reason=refusal.officer)
            return refused_answer(refusal)
        secret, now = new_secret(self._randomness), self._clock.now()
        expires_at = now + timedelta(seconds=PUSHED_SECONDS)
        self._store.keep_pushed(secret_digest(secret), pushed, created_at=now, expires_at=expires_at)
        members = {"request_uri": REQUEST_URI_PREFIX + secret, "expires_in": PUSHED_SECONDS}
        return json_answer(members, status=HTTPStatus.CREATED)

    def _parsed(self, client: Client, request: FormRequest) -> AuthorizationRequest:
        form = {name: values for name, values in request.form.items() if name not in PROOFS_OF_CLIENT}
        values = single_values(form)
        if "request_uri" in values:
            raise OAuthRefused("invalid_request", "A pushed request holds no request_uri (RFC 9126 section 2.1).")
        relying = _relying(client)
        if values.get("redirect_uri") not in relying.redirect_uris:
            raise OAuthRefused("invalid_request", "The redirect_uri is missing or not registered.")
        parsed = parse_request(client, relying, values, pushed=True)
        return self._bound(parsed, request)

    def _bound(self, parsed: AuthorizationRequest, request: FormRequest) -> AuthorizationRequest:
        """Return the request bound to the key of its proof (RFC 9449 section 10.1)."""
        thumbprint = self._proofs.of_headers(request.dpop, method="POST", url=self._address)
        if thumbprint is None:
            return parsed
        if parsed.confirmation not in {None, thumbprint}:
            raise OAuthRefused("invalid_dpop_proof", "The proof and dpop_jkt name different keys.")
        return replace(parsed, confirmation=thumbprint)


def _relying(client: Client) -> RelyingSystem:
    if client.relying is None or not client.relying.redirect_uris:
        raise OAuthRefused("unauthorized_client", "People do not sign in to this client.")
    return client.relying
