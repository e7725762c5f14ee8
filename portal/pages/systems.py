"""Relying systems for officers: the system administrator applies, the security administrator decides (law 9).

Everything that changes something wants a fresh sign-in with a second factor. The form is checked, shown as it would be
registered, and only then sent; what was typed travels in the page itself, so nothing half-done is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import quote

from flask import Blueprint, Response, request

from portal.pages import system_form
from portal.pages.browser import SIGN_IN, STEP_UP, Browser, Visitor
from portal.pages.faults import MENDABLE, fault_of, missing
from portal.pages.officers import FORM_TIME, Officers, actor_of
from portal.pages.rendering import language
from portal.pages.system_form import FIELDS, REASONS, REQUIRED, Values
from portal.pages.system_view import view_of
from portal.pages.texts_systems import SYSTEM_TEXTS
from sso.accounts.roles import Role
from sso.counters.domain import Matter
from sso.provider.application import Application, ApplicationKind, ApplicationState, Proposal, Registration
from sso.provider.applications import ApplicationDesk
from sso.provider.domain import Client, ClientAuthentication, Scope
from sso.provider.keyring import SIGNING_ALGORITHMS
from sso.provider.registration import API_TARGET
from sso.provider.service import ClientRegistry
from sso.signin.errors import SessionOver, StepUpRequired
from trust.kernel.errors import NotFound

SYSTEMS: Final = "/systems"
_APPLY: Final = "/systems/apply"
_APPLICATIONS: Final = "/systems/applications"
_DECIDED_SHOWN: Final = 50  # newest decided applications on the first page; each system's page shows all of its own


class Matters(Protocol):
    """The catalogue of matters (`sso.counters.service.CounterRegister`)."""

    def matters(self) -> Sequence[Matter]:
        """Return every matter."""
        ...


class Types(Protocol):
    """Certificate types and their names."""

    def type_names(self, *, english: bool) -> Sequence[tuple[str, str]]:
        """Return code and name of every type."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemServices:
    """What the pages are built on."""

    systems: ApplicationDesk
    clients: ClientRegistry
    officers: Officers
    matters: Matters
    types: Types


class SystemPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: SystemServices) -> None:
        self._browser = browser
        self._with = services
        self._desk = services.systems
        self._officers = services.officers

    def overview(self, *, visitor: Visitor) -> Response:
        """List systems, what waits, and what was decided last."""
        role = self._officers.holding(visitor)
        found = self._desk.applications()
        waiting = [view_of(self._officers, each) for each in found if each.state is ApplicationState.WAITING]
        decided = [
            view_of(self._officers, each) for each in reversed(found) if each.state is not ApplicationState.WAITING
        ]
        return self._page(
            "systems.html",
            systems=[client for client in self._with.clients.clients() if client.relying is not None],
            waiting=waiting,
            decided=decided[:_DECIDED_SHOWN],
            may_apply=role is Role.SYSTEM_ADMIN,
        )

    def system(self, client: str, *, visitor: Visitor) -> Response:
        """Show one system, its applications, and what can be applied for."""
        return self._system_page(client, self._officers.holding(visitor), {})

    def form(self, *, visitor: Visitor, client: str | None = None) -> Response:
        """Show the form, for a change filled in with what is registered."""
        self._officers.acting(visitor, Role.SYSTEM_ADMIN)
        return self._form_page(self._registered(client) if client else {"scopes": [Scope.OPENID]}, {}, client)

    def send(self, *, visitor: Visitor, client: str | None = None) -> Response:
        """Check the form, show it for a last look, or send it."""
        self._officers.acting(visitor, Role.SYSTEM_ADMIN, max_age=FORM_TIME)
        values = system_form.values_of(request.form)
        faults = missing(REQUIRED, SYSTEM_TEXTS[language()].missing)
        if faults or request.form.get("step") == "edit":
            return self._form_page(values, faults, client)
        try:
            proposal = self._desk.check(system_form.proposal_of(values), client=client)
            if request.form.get("step") == "send":
                return self._sent(proposal, client, visitor)
        except MENDABLE as error:
            return self._form_page(values, fault_of(error, FIELDS), client)
        return self._check_page(values, proposal, client)

    def rotate(self, client: str, *, visitor: Visitor) -> Response:
        """Apply for another secret."""
        return self._apply_about(client, visitor, "rotate", self._desk.apply_rotation)

    def disable(self, client: str, *, visitor: Visitor) -> Response:
        """Apply for the end of a system."""
        return self._apply_about(client, visitor, "disable", self._desk.apply_disabling)

    def application(self, application: str, *, visitor: Visitor) -> Response:
        """Show one application and what the visitor may do with it."""
        return self._application_page(application, visitor, {})

    def approve(self, application: str, *, visitor: Visitor) -> Response:
        """Approve an application."""
        self._officers.acting(visitor, Role.SECURITY_ADMIN)
        try:
            self._desk.approve(application, by=actor_of(visitor))
        except NotFound:
            raise
        except MENDABLE as error:
            return self._application_page(application, visitor, fault_of(error, ()))
        return self._browser.go(f"{_APPLICATIONS}/{application}", note="approved")

    def refuse(self, application: str, *, visitor: Visitor) -> Response:
        """Refuse an application, or take one's own back."""
        found = self._desk.get(application)
        own = found.requested_by == actor_of(visitor)
        self._officers.acting(visitor, *(() if own else (Role.SECURITY_ADMIN,)))
        reason = request.form.get("reason", "").strip()
        try:
            self._desk.refuse(application, by=actor_of(visitor), reason=reason)
        except MENDABLE as error:
            return self._application_page(application, visitor, fault_of(error, ("reason",)))
        return self._browser.go(f"{_APPLICATIONS}/{application}", note="refused")

    def secret(self, application: str, *, visitor: Visitor) -> Response:
        """Make the secret and show it: it stands in this answer alone."""
        self._officers.acting(visitor, Role.SYSTEM_ADMIN)
        try:
            registered = self._desk.collect(application, by=actor_of(visitor)).registered
        except NotFound:
            raise
        except MENDABLE as error:
            return self._application_page(application, visitor, fault_of(error, ()))
        return self._page("system_secret.html", registered=registered, onward=f"{_APPLICATIONS}/{application}")

    def back(self, **_names: str) -> Response:
        """Lead the address of a form's answer back to the page that the form stands on."""
        return self._browser.go(quote(_page_of(request.path)))

    def prove_again(self, _error: StepUpRequired) -> Response:
        """Send to the page on which one proves again who one is, and back to where one was."""
        onward = request.path if request.method == "GET" else _page_of(request.path)
        return self._browser.go(STEP_UP, arguments={"next": onward})

    def session_over(self, _error: SessionOver) -> Response:
        """Send to the sign-in page."""
        self._browser.forget_session()
        return self._browser.go(SIGN_IN, note="session-ended", arguments={"next": SYSTEMS})

    def _registered(self, client: str) -> dict[str, list[str]]:
        found = self._with.clients.get(client)
        registration = Registration.of(found)
        authority = found.authority.value
        return {} if registration is None else system_form.values_from(registration, authority=authority)

    def _sent(self, proposal: Proposal, client: str | None, visitor: Visitor) -> Response:
        by = actor_of(visitor)
        made = self._desk.apply_change(client, proposal, by=by) if client else self._desk.apply(proposal, by=by)
        return self._browser.go(f"{_APPLICATIONS}/{made.id}", note="applied")

    def _apply_about(self, client: str, visitor: Visitor, field: str, apply: Callable[..., Application]) -> Response:
        self._officers.acting(visitor, Role.SYSTEM_ADMIN)
        try:
            made = apply(client, by=actor_of(visitor), why=request.form.get(field, "").strip())
        except NotFound:
            raise
        except MENDABLE as error:
            return self._system_page(client, Role.SYSTEM_ADMIN, fault_of(error, (), otherwise=field))
        return self._browser.go(f"{_APPLICATIONS}/{made.id}", note="applied")

    def _form_page(self, values: Values, faults: dict[str, str], client: str | None) -> Response:
        english = language() == "en"
        chosen = [
            (matter.code, matter.name if english else matter.name_zh)
            for matter in self._with.matters.matters()
            if matter.retired_at is None
        ]
        targets = [(API_TARGET, SYSTEM_TEXTS[language()].api), *_targets(self._with.clients.clients(), without=client)]
        return self._page(
            "system_form.html",
            faults,
            values=values,
            action=_address(client),
            client=client,
            guarded=REASONS,
            matters=chosen,
            types=self._with.types.type_names(english=english),
            targets=targets,
            methods=tuple(ClientAuthentication),
            algorithms=SIGNING_ALGORITHMS,
        )

    def _check_page(self, values: Values, proposal: Proposal, client: str | None) -> Response:
        texts = SYSTEM_TEXTS[language()]
        asked = Registration(label=proposal.label, scopes=proposal.scopes, relying=proposal.relying)
        before = Registration.of(self._with.clients.get(client)) if client else None
        return self._page(
            "system_check.html",
            values=values,
            action=_address(client),
            authority=proposal.authority.value,
            why=proposal.why,
            rows=system_form.rows(asked, texts, reasons=proposal.reasons, before=before),
        )

    def _system_page(self, client_id: str, role: Role, faults: dict[str, str]) -> Response:
        client = self._with.clients.get(client_id)
        registration = Registration.of(client)
        texts = SYSTEM_TEXTS[language()]
        return self._page(
            "system.html",
            faults,
            client=client,
            rows=[] if registration is None else system_form.rows(registration, texts, reasons={}, before=None),
            history=[view_of(self._officers, each) for each in reversed(self._desk.applications(client=client_id))],
            may_apply=role is Role.SYSTEM_ADMIN and client.enabled,
            has_secret=registration is not None and registration.relying.authentication is ClientAuthentication.SECRET,
        )

    def _application_page(self, application_id: str, visitor: Visitor, faults: dict[str, str]) -> Response:
        role = self._officers.holding(visitor)
        found = self._desk.get(application_id)
        own = found.requested_by == actor_of(visitor)
        waiting = found.state is ApplicationState.WAITING
        return self._page(
            "system_application.html",
            faults,
            view=view_of(self._officers, found),
            own=own,
            may_decide=waiting and role is Role.SECURITY_ADMIN and not own,
            may_take_back=waiting and own,
            secret_due=own and self._desk.secret_due(found),
            exists=found.kind is not ApplicationKind.REGISTER or found.state is ApplicationState.APPROVED,
        )

    def _page(self, template: str, faults: dict[str, str] | None = None, **values: object) -> Response:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
        return self._browser.page(template, texts=SYSTEM_TEXTS, status=status, faults=faults or {}, **values)


def blueprint(browser: Browser, services: SystemServices) -> Blueprint:
    """Return the routes below `/systems`."""
    pages = SystemPages(browser, services)
    routes = browser.blueprint("systems")
    one, application = f"{SYSTEMS}/<client>", f"{_APPLICATIONS}/<application>"
    for path, view in (
        (SYSTEMS, pages.overview),
        (_APPLY, pages.form),
        (one, pages.system),
        (f"{one}/change", pages.form),
        (application, pages.application),
    ):
        routes.add_url_rule(path, endpoint=f"show {path}", view_func=browser.signed_in(view))
    for path, view in (
        (_APPLY, pages.send),
        (f"{one}/change", pages.send),
        (f"{one}/rotate", pages.rotate),
        (f"{one}/disable", pages.disable),
        (f"{application}/approve", pages.approve),
        (f"{application}/refuse", pages.refuse),
        (f"{application}/secret", pages.secret),
    ):
        routes.add_url_rule(path, endpoint=f"do {path}", view_func=browser.signed_in(view), methods=["POST"])
        if path not in {_APPLY, f"{one}/change"}:  # the language link of an answer is a GET
            routes.add_url_rule(path, endpoint=f"back {path}", view_func=pages.back)
    routes.register_error_handler(StepUpRequired, pages.prove_again)
    routes.register_error_handler(SessionOver, pages.session_over)
    return routes


def _address(client: str | None) -> str:
    return f"{SYSTEMS}/{client}/change" if client else _APPLY


def _page_of(path: str) -> str:
    """Return the page that the form sent to `path` stands on."""
    return path if path == _APPLY or path.endswith("/change") else path.rpartition("/")[0]


def _targets(clients: Sequence[Client], *, without: str | None) -> list[tuple[str, str]]:
    """Return the systems that trust can be passed to: those that tokens can be made for."""
    return [
        (client.id, client.label)
        for client in clients
        if client.enabled and client.id != without and client.relying is not None and client.relying.resource
    ]
