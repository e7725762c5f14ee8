"""My sign-ins, and the systems that I allowed something: see them, end them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from flask import Blueprint, Response, request

from portal.pages.browser import Browser, Visitor
from portal.pages.look_rows import SystemNames
from portal.pages.moments import day_of, minute_of
from portal.pages.rendering import language
from portal.pages.texts_looks import LOOKS_TEXTS
from portal.pages.texts_security import SECURITY_TEXTS
from portal.pages.texts_sessions import SESSION_TEXTS
from sso.counters.domain import Matter
from sso.provider.errors import ConsentUnknown
from sso.provider.grants import Consent
from sso.signin.domain import Session
from sso.signin.errors import SessionUnknown
from trust.kernel.errors import NotFound

SESSIONS: Final = "/my/sessions"


class OwnSessions(Protocol):
    """A person's sessions (`sso.signin.sessions.Sessions`)."""

    def of(self, person_id: str) -> Sequence[Session]:
        """Return the living sessions of a person, newest first."""
        ...

    def end(self, session_id: str, by: str, *, reason: str = "signed-out") -> None:
        """End a session of the person `by`. Raises `SessionUnknown`."""
        ...

    def end_all(self, person_id: str, *, keep: str | None = None, reason: str = "signed-out-everywhere") -> int:
        """End all sessions of a person but one; return how many."""
        ...


class OwnConsents(Protocol):
    """What a person allowed (`sso.provider.consents.ConsentDesk`)."""

    def of(self, person: str) -> Sequence[Consent]:
        """Return the consents that hold, newest first."""
        ...

    def withdraw(self, consent_id: str, *, person: str) -> None:
        """Take a consent back. Raises `ConsentUnknown`."""
        ...


class AnyMatters(Protocol):
    """The catalogue of matters (`sso.counters.service.CounterRegister`)."""

    def any_matter(self, code: str) -> Matter:
        """Return a matter, in force or retired. Raises a `NotFound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsServices:
    """What these pages are built on."""

    sessions: OwnSessions
    consents: OwnConsents
    matters: AnyMatters
    names: SystemNames


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A sign-in as the page lists it."""

    id: str
    client: str
    strength: str
    since: str
    seen: str
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """What one system was allowed."""

    id: str
    system: str
    matter: str
    gets: Sequence[str]
    given: str
    until: str


class SessionsPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: SessionsServices) -> None:
        self._browser = browser
        self._services = services

    def overview(self, *, visitor: Visitor) -> Response:
        """List sign-ins and consents, the present sign-in first."""
        sessions = sorted(
            self._services.sessions.of(visitor.person.id), key=lambda session: session.id != visitor.session.id
        )
        return self._browser.page(
            "sessions.html",
            texts=SESSION_TEXTS,
            rows=[_session_row(session, here=session.id == visitor.session.id) for session in sessions],
            consents=[self._consent_row(consent) for consent in self._services.consents.of(visitor.person.id)],
        )

    def end(self, *, visitor: Visitor) -> Response:
        """End one other sign-in; one that has ended already is as was wanted."""
        with suppress(SessionUnknown):
            self._services.sessions.end(request.form.get("session", ""), visitor.person.id, reason="ended-by-person")
        return self._browser.go(SESSIONS, note="ended")

    def end_others(self, *, visitor: Visitor) -> Response:
        """End every other sign-in."""
        self._services.sessions.end_all(visitor.person.id, keep=visitor.session.id)
        return self._browser.go(SESSIONS, note="others-ended")

    def withdraw(self, *, visitor: Visitor) -> Response:
        """Take a consent back."""
        with suppress(ConsentUnknown):
            self._services.consents.withdraw(request.form.get("consent", ""), person=visitor.person.id)
        return self._browser.go(SESSIONS, note="withdrawn")

    def _consent_row(self, consent: Consent) -> ConsentRow:
        words = LOOKS_TEXTS[language()].scopes
        return ConsentRow(
            id=consent.id,
            system=self._services.names.system_name(consent.client),
            matter=self._matter(consent.matter) if consent.matter else "",
            gets=[words[scope.value] for scope in sorted(consent.scopes) if scope.value in words],
            given=day_of(consent.given_at),
            until=day_of(consent.expires_at),
        )

    def _matter(self, code: str) -> str:
        try:
            found = self._services.matters.any_matter(code)
        except NotFound:
            return code
        return found.name if language() == "en" else found.name_zh


def blueprint(browser: Browser, services: SessionsServices) -> Blueprint:
    """Return the routes below `/my/sessions`."""
    pages = SessionsPages(browser, services)
    routes = browser.blueprint("sessions")
    routes.add_url_rule(SESSIONS, view_func=browser.signed_in(pages.overview))
    for name, view in (("end", pages.end), ("end-others", pages.end_others), ("withdraw", pages.withdraw)):
        routes.add_url_rule(f"{SESSIONS}/{name}", view_func=browser.signed_in(view), methods=["POST"])
    return routes


def _session_row(session: Session, *, here: bool) -> SessionRow:
    return SessionRow(
        id=session.id,
        client=session.client,
        strength=SECURITY_TEXTS[language()].strengths[session.strength - 1],
        since=minute_of(session.created_at),
        seen=minute_of(session.last_seen_at),
        here=here,
    )
