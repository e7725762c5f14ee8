"""The authorization endpoint's pages: what a relying system asks for, and the person's answer (RFC 6749 section 4.1).

1 the system sends the browser to /oauth/authorize · 2 /oauth/continue looks what is still needed and sends the person
to sign in or to prove again, each of which leads back to it · 3 the consent page · 4 the answer goes to the system.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

import structlog
from flask import Blueprint, Response, request

from portal.pages.asking import CONTINUE, HANDLE, Asking, address_of
from portal.pages.browser import SIGN_IN, STEP_UP, Browser, PersonFinder, Visitor, cross_site
from portal.pages.moments import day_of, minute_of
from portal.pages.rendering import language
from portal.pages.texts_consent import CONSENT_TEXTS
from sso.counters.domain import Matter
from sso.mandates.domain import Mandate
from sso.provider.authorize import Need, Pending
from sso.provider.domain import Scope
from sso.provider.errors import (
    AuthorizationMatterOver,
    AuthorizationNotReady,
    AuthorizationRefused,
    AuthorizationUnusable,
)
from sso.provider.requests import Prompt
from sso.signin.domain import Session
from trust.http import headers
from trust.http.rate import RateLimiter, client_address
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound

_MATTER_OVER = "invalid_request"  # what the system is told: as when the matter ends between consent and code
_log = structlog.get_logger("portal.consent")


class AuthorizationPages(Protocol):
    """What the pages need of `sso.provider.authorize.AuthorizationDesk`."""

    def open(self, parameters: Mapping[str, Sequence[str]]) -> Pending:
        """Take a request. Raises `AuthorizationUnusable`, `AuthorizationRefused`."""
        ...

    def find(self, pending_id: str) -> Pending:
        """Return it again. Raises `AuthorizationUnusable`."""
        ...

    def need(self, pending: Pending, session: Session | None) -> Need:
        """Return what is missing. Raises `AuthorizationRefused`."""
        ...

    def approve(self, pending: Pending, session: Session, *, represents: str | None = None) -> str:
        """Answer the request and return where to go."""
        ...

    def refuse(self, pending: Pending, error: str = "access_denied") -> str:
        """Refuse the request and return where to go."""
        ...


class UsableMandates(Protocol):
    """Finds for whom someone may act (`sso.mandates.service.MandateDesk`)."""

    def usable(self, agent: str, matter: str | None, now: datetime) -> Sequence[Mandate]:
        """Return the mandates on which `agent` may act in `matter`."""
        ...


class Matters(Protocol):
    """The catalogue of matters (`sso.counters.service.CounterRegister`)."""

    def matter(self, code: str) -> Matter:
        """Return the matter in force. Raises a `NotFound`."""
        ...


class Names(Protocol):
    """Names of certificate types and authorities as people know them; both fall back on the code."""

    def type_name(self, code: str, *, english: bool) -> str:
        """Return the name of a certificate type."""
        ...

    def authority_name(self, uscc: str, *, english: bool) -> str:
        """Return the name of an authority."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentServices:
    """What the consent pages are built on."""

    desk: AuthorizationPages
    persons: PersonFinder
    mandates: UsableMandates
    matters: Matters
    names: Names
    limiter: RateLimiter
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody for whom the person may act, as the page offers them."""

    mandate: str
    name: str
    kind: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who asks, what, why, for how long, as whom: the page in the words of one language."""

    handle: str
    system: str
    authority: str
    sandbox: bool
    gets: Sequence[str]
    types: Sequence[str]
    purpose: str
    matter: str
    until: str
    principals: Sequence[Principal]


class ConsentPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, asking: Asking, services: ConsentServices) -> None:
        self._browser = browser
        self._asking = asking
        self._services = services
        self._desk = services.desk

    @cross_site
    def authorize(self) -> Response:
        """Take a request from a relying system."""
        self._services.limiter.admit(client_address())
        try:
            pending = self._desk.open(_parameters())
        except AuthorizationRefused as refusal:
            return self._browser.go(refusal.redirect_to)
        except AuthorizationUnusable as error:
            return self._unusable(error)
        self._browser.propose_language(pending.ui_locales)
        return self._browser.go(address_of(self._asking.keep(pending.id)))

    def take_up(self) -> Response:
        """Go on with a request: sign in, prove again, ask, or answer it."""
        visitor = self._browser.visitor()
        try:
            pending = self._asking.find(request.args.get(HANDLE, ""))
            need = self._desk.need(pending, visitor.session if visitor else None)
        except AuthorizationRefused as refusal:
            return self._browser.go(refusal.redirect_to)
        except AuthorizationUnusable as error:
            return self._unusable(error)
        if visitor is None or need in {Need.SIGN_IN, Need.STEP_UP}:
            return self._browser.go(_proof_page(pending, visitor), arguments=_back())
        if need is Need.CONSENT:
            return self._asked(pending, visitor)
        return self._answered(pending, self._desk.approve(pending, visitor.session))

    def answer(self, *, visitor: Visitor) -> Response:
        """Carry the person's answer to the system."""
        handle = request.form.get(HANDLE, "")
        try:
            pending = self._asking.find(handle)
            if request.form.get("decision") != "allow":
                return self._answered(pending, self._desk.refuse(pending))
            mandate = request.form.get("represents") or None
            return self._answered(pending, self._desk.approve(pending, visitor.session, represents=mandate))
        except AuthorizationNotReady:
            return self._browser.go(address_of(handle), note="not-ready")
        except AuthorizationUnusable as error:
            return self._unusable(error)

    def _asked(self, pending: Pending, visitor: Visitor) -> Response:
        """Show the consent page; when the matter is over, say so and offer the way back instead."""
        try:
            ask = _ask(self._services, pending, visitor)
        except AuthorizationMatterOver as error:
            self._asking.drop(pending.id)
            return self._unusable(error, back=self._desk.refuse(pending, _MATTER_OVER))
        headers.allow_form_target(pending.request.redirect_uri)
        return self._browser.page("consent.html", texts=CONSENT_TEXTS, ask=ask)

    def _answered(self, pending: Pending, target: str) -> Response:
        self._asking.drop(pending.id)
        return self._browser.go(target)

    def _unusable(self, error: AuthorizationUnusable, *, back: str = "") -> Response:
        _log.info("refused", code=error.code, field=error.field)
        return self._browser.page(
            "authorization_error.html", texts=CONSENT_TEXTS, status=HTTPStatus.BAD_REQUEST, error=error, back=back
        )


def blueprint(browser: Browser, asking: Asking, services: ConsentServices) -> Blueprint:
    """Return the routes `/oauth/authorize`, `/oauth/continue` and `/oauth/consent`."""
    pages = ConsentPages(browser, asking, services)
    routes = browser.blueprint("consent")
    routes.add_url_rule("/oauth/authorize", view_func=pages.authorize, methods=["GET", "POST"])
    routes.add_url_rule(CONTINUE, view_func=pages.take_up)
    routes.add_url_rule("/oauth/consent", view_func=browser.signed_in(pages.answer), methods=["POST"])
    return routes


def _parameters() -> Mapping[str, Sequence[str]]:
    """Return the request's parameters with every value of every name (OIDC core section 3.1.2.1: GET or form)."""
    fields = request.form if request.method == "POST" else request.args
    return dict(fields.lists())


def _back() -> dict[str, str]:
    return {"next": address_of(request.args.get(HANDLE, ""))}


def _proof_page(pending: Pending, visitor: Visitor | None) -> str:
    """Return where to prove who one is; who is signed in already proves it again and stays who they are."""
    return SIGN_IN if visitor is None or Prompt.SELECT_ACCOUNT in pending.prompt else STEP_UP


def _ask(services: ConsentServices, pending: Pending, visitor: Visitor) -> Ask:
    texts, english = CONSENT_TEXTS[language()], language() == "en"
    matter = _matter(services, pending)
    return Ask(
        handle=request.args.get(HANDLE, ""),
        system=pending.client.label,
        authority=services.names.authority_name(pending.client.authority.value, english=english),
        sandbox=pending.relying.sandbox,
        gets=[sentence for scope, sentence in texts.scopes.items() if scope in pending.scopes],
        types=_types(services, pending, matter),
        purpose="" if matter is None else matter.purpose if english else matter.purpose_zh,
        matter="" if matter is None else matter.name if english else matter.name_zh,
        until=minute_of(visitor.session.expires_at),
        principals=[
            _principal(services, mandate)
            for mandate in services.mandates.usable(visitor.person.id, pending.matter, services.clock.now())
        ],
    )


def _matter(services: ConsentServices, pending: Pending) -> Matter | None:
    """Return what it is for. Raises `AuthorizationMatterOver`."""
    try:
        return services.matters.matter(pending.matter) if pending.matter is not None else None
    except NotFound:
        raise AuthorizationMatterOver(field="matter") from None


def _types(services: ConsentServices, pending: Pending, matter: Matter | None) -> list[str]:
    """Return the certificate types that the system will be able to read: those of matter and registration alike."""
    if matter is None or Scope.CERTS_READ not in pending.scopes:
        return []
    english = language() == "en"
    return [services.names.type_name(code, english=english) for code in sorted(matter.types & pending.relying.types)]


def _principal(services: ConsentServices, mandate: Mandate) -> Principal:
    return Principal(
        mandate=mandate.id,
        name=services.persons.get(mandate.principal).name,
        kind=CONSENT_TEXTS[language()].as_kinds[mandate.kind],
        until=day_of(mandate.valid_until) if mandate.valid_until else "",
    )
