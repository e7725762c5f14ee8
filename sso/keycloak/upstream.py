"""The desk for signing in through an upstream platform: authorization code with PKCE, judged to the last claim.

`begin` sends the browser away, `finish` takes it back. Between them stands one row: the digest of `state`, bound to the
browser that began, to one source and its own redirect URI, good once and for ten minutes.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import structlog

from sso.keycloak.acceptance import Acceptance, read_person
from sso.keycloak.domain import PendingUpstream, UpstreamOrigin, UpstreamSignIn
from sso.keycloak.errors import (
    UpstreamBrowserDiffers,
    UpstreamDeclined,
    UpstreamMixUp,
    UpstreamResponseMalformed,
    UpstreamStateUnusable,
    UpstreamTokenInvalid,
    UpstreamUnavailable,
    UpstreamUnknown,
)
from sso.keycloak.sources import UpstreamSource
from sso.keycloak.store import DatabaseUpstreamStore, Logout
from sso.keycloak.upstream_provider import Endpoints, UpstreamProvider
from sso.keycloak.upstream_tokens import Expected, UpstreamTokens
from sso.signin.domain import Method, Session
from trust.kernel.bearer_secrets import new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.encoding import base64url
from trust.kernel.errors import TrustError
from trust.kernel.randomness import Randomness
from trust.sealing import BlindIndex, FieldCipher

PENDING_SECONDS: Final = 600
"""How long a sign-in may take upstream, seconds: time to find the phone, not to leave a link lying about."""

MAX_PARAMETER_CHARACTERS: Final = 2048
"""Longest value in the answer that is looked at; Keycloak's code has about 110 characters."""

_ERROR_CHARACTERS: Final = 40  # of an error that somebody else chose, in the log
_OF_ERRORS: Final = frozenset("_abcdefghijklmnopqrstuvwxyz")  # the names of RFC 6749 and OIDC; no digit (law 7)

_log = structlog.get_logger("sso.keycloak")


class UpstreamDesk:
    """Everything that the pages need of upstream platforms."""

    def __init__(
        self,
        providers: Sequence[UpstreamProvider],
        store: DatabaseUpstreamStore,
        acceptance: Acceptance,
        *,
        vault: tuple[FieldCipher, BlindIndex],
        clock: Clock,
        randomness: Randomness,
        public_url: str,
    ) -> None:
        self._providers = {each.source.name: each for each in providers}
        self._store = store
        self._acceptance = acceptance
        self._fields, self._index = vault
        self._clock = clock
        self._randomness = randomness
        self._public_url = public_url

    def sources(self) -> Sequence[UpstreamSource]:
        """Return the sources that the sign-in page offers, in the operator's order."""
        return tuple(each.source for each in self._providers.values() if each.source.enabled)

    def begin(self, source: str, browser_binding: str, *, fresh: bool = False) -> str:
        """Return where to send the browser; `fresh` has the person sign in anew there (OIDC core `prompt=login`).

        The browser could leave those wishes out: `finish` insists on the time of the sign-in all the same.

        `browser_binding` is a secret of this browser alone, such as its pre-session cookie.

        Raises:
            UpstreamUnknown: no such source, or switched off.
            UpstreamUnavailable, UpstreamMetadataInvalid: from the upstream's discovery document.
        """
        provider = self._provider(source)
        endpoints = provider.endpoints()
        state, nonce, verifier = (new_secret(self._randomness) for _ in range(3))  # 43 characters do for RFC 7636
        now = self._clock.now()
        key = secret_digest(state)
        settings = provider.source
        max_age = 0 if fresh else settings.max_age_seconds
        pending = PendingUpstream(
            source=source,
            browser=secret_digest(browser_binding),
            nonce=secret_digest(nonce),
            verifier=self._fields.seal(verifier.encode(), place=_place(key)),
            oldest=now - timedelta(seconds=max_age),
            expires_at=now + timedelta(seconds=PENDING_SECONDS),
        )
        self._store.add(key, pending, now=now)
        asked = {
            "client_id": settings.client_id,
            "response_type": "code",
            "redirect_uri": settings.callback(self._public_url),
            "scope": settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "max_age": str(max_age),
        }
        separator = "&" if "?" in endpoints.authorization else "?"
        return endpoints.authorization + separator + urlencode(asked | ({"prompt": "login"} if fresh else {}))

    def finish(self, source: str, parameters: Mapping[str, Sequence[str]], browser_binding: str) -> UpstreamSignIn:
        """Return who signed in upstream. `parameters` is the query with every value of every name.

        Raises:
            UpstreamUnknown, UpstreamResponseMalformed, UpstreamStateUnusable, UpstreamBrowserDiffers, UpstreamMixUp,
            UpstreamDeclined, UpstreamCodeRefused, UpstreamTokenInvalid, UpstreamUnavailable, UpstreamMetadataInvalid,
            and the refusals of `read_person` and `Acceptance.accept`.
        """
        with _refusals_logged(self._known(source)):
            return self._finished(source, parameters, browser_binding)

    def opened(self, sign_in: UpstreamSignIn, session: Session) -> None:
        """Remember that this sign-in opened `session`, so that the upstream's logout ends it."""
        self._store.remember(session.id, sign_in.origin, expires_at=session.expires_at, now=self._clock.now())

    def log_out(self, source: str, logout_token: str) -> int:
        """End the sessions that an upstream's logout token means, and return how many; their tokens end with them.

        Raises `UpstreamUnknown`, `UpstreamTokenInvalid` (also for a token used before), and as `begin`.
        """
        with _refusals_logged(self._known(source)):
            return self._ended(source, logout_token)

    def _finished(self, source: str, parameters: Mapping[str, Sequence[str]], browser_binding: str) -> UpstreamSignIn:
        provider = self._provider(source)
        answer = _single(parameters)
        key = secret_digest(answer.get("state", ""))
        pending = self._taken(key, source, browser_binding)
        endpoints = provider.endpoints()
        _check_issuer(provider.source, endpoints, answer)
        if "error" in answer:
            raise UpstreamDeclined(source=source, error=_printable(answer["error"]))
        if not answer.get("code"):
            raise UpstreamResponseMalformed("The answer holds no code.", source=source)
        tokens = provider.transport.post(
            endpoints.token,
            {
                "grant_type": "authorization_code",
                "code": answer["code"],
                "redirect_uri": provider.source.callback(self._public_url),
                "code_verifier": self._fields.open(pending.verifier, place=_place(key)).decode(),
            },
        )
        return self._accepted(provider, pending, tokens)

    def _taken(self, key: bytes, source: str, browser_binding: str) -> PendingUpstream:
        """Use the state up, unless another browser or another source's redirect URI brings it."""
        now = self._clock.now()
        pending = self._store.find(key)
        if pending is None or pending.expires_at <= now:
            raise UpstreamStateUnusable(source=source)
        if not hmac.compare_digest(pending.browser, secret_digest(browser_binding)):
            raise UpstreamBrowserDiffers(source=source)
        if not self._store.take(key):
            raise UpstreamStateUnusable(source=source)
        if pending.source != source:
            raise UpstreamMixUp("The answer came to the address of another platform.", source=source)
        return pending

    def _accepted(
        self, provider: UpstreamProvider, pending: PendingUpstream, tokens: Mapping[str, Any]
    ) -> UpstreamSignIn:
        settings = provider.source
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise UpstreamUnavailable("The upstream platform gave no id_token.", source=settings.name)
        expected = Expected(
            nonce_digest=pending.nonce,
            access_token=access_token if isinstance(access_token, str) else None,
            oldest=pending.oldest,
        )
        claims = UpstreamTokens(provider).id_token(id_token, expected, now=self._clock.now())
        origin = self._origin(settings.name, claims["sub"], claims.get("sid"))
        claimed = read_person(settings, claims)
        person = self._acceptance.accept(settings, origin.subject, claimed)
        return UpstreamSignIn(
            person=person,
            strength=settings.strength_of(claims),
            methods=(Method.UPSTREAM, *_methods(claims)),
            # Whole seconds of another clock: what was asked for at this moment was not proved before it.
            auth_time=max(datetime.fromtimestamp(claims["auth_time"], tz=UTC), pending.oldest),
            origin=origin,
        )

    def _ended(self, source: str, logout_token: str) -> int:
        provider = self._provider(source)
        now = self._clock.now()
        told = UpstreamTokens(provider).logout_token(logout_token, now=now)
        ended = self._store.log_out(
            Logout(
                token=self._index.of(f"{source}\x00{told.jti}", domain="sso.upstream.jti"),
                source=source,
                subject=None if told.subject is None else self._subject(source, told.subject),
                session=None if told.session is None else self._session(source, told.session),
                at=now,
                expires_at=told.useless_from,
            )
        )
        if ended is None:
            raise UpstreamTokenInvalid("The check of jti failed.", check="jti")
        _log.info("upstream logout", source=source, sessions=len(ended))
        return len(ended)

    def _known(self, name: str) -> str | None:
        """Return the name if it is one of ours: anything else is what somebody typed into an address (law 7)."""
        return name if name in self._providers else None

    def _provider(self, name: str) -> UpstreamProvider:
        provider = self._providers.get(name)
        if provider is None or not provider.source.enabled:
            raise UpstreamUnknown
        return provider

    def _origin(self, source: str, subject: str, session: object) -> UpstreamOrigin:
        named = session if isinstance(session, str) and session else None
        return UpstreamOrigin(
            source=source,
            subject=self._subject(source, subject),
            session=None if named is None else self._session(source, named),
        )

    def _subject(self, source: str, subject: str) -> bytes:
        return self._index.of(f"{source}\x00{subject}", domain="sso.upstream.subject")

    def _session(self, source: str, session: str) -> bytes:
        return self._index.of(f"{source}\x00{session}", domain="sso.upstream.session")


@contextmanager
def _refusals_logged(source: str | None) -> Iterator[None]:
    try:
        yield
    except TrustError as refusal:
        _log.warning("upstream refused", **({"source": source} | refusal.facts), code=refusal.code)
        raise


def _single(parameters: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return each parameter once. Raises `UpstreamResponseMalformed` for repeated or overlong ones, or no state."""
    if any(len(values) != 1 or len(values[0]) > MAX_PARAMETER_CHARACTERS for values in parameters.values()):
        raise UpstreamResponseMalformed("A parameter stands twice or is too long.")
    answer = {name: values[0] for name, values in parameters.items()}
    if not answer.get("state"):
        raise UpstreamResponseMalformed("The answer holds no state.")
    return answer


def _check_issuer(source: UpstreamSource, endpoints: Endpoints, answer: Mapping[str, str]) -> None:
    """The answer names who gave it, errors too (RFC 9207 section 2.4)."""
    named = answer.get("iss")
    if named is None and not endpoints.names_issuer:
        return
    if named != source.issuer:
        raise UpstreamMixUp("The answer names another issuer, or none.", source=source.name)


def _methods(claims: Mapping[str, Any]) -> tuple[Method, ...]:
    """Return those of the upstream's methods that we have names for; they inform, the strength decides."""
    said = claims.get("amr")
    known = {each.value for each in Method} - {Method.UPSTREAM.value}
    listed = said if isinstance(said, list) else []
    return tuple(Method(each) for each in dict.fromkeys(filter(_is_text, listed)) if each in known)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _printable(error: str) -> str:
    return "".join(each for each in error[:_ERROR_CHARACTERS] if each in _OF_ERRORS)


def _place(key: bytes) -> str:
    return f"sso_upstream_logins.verifier:{key.hex()}"
