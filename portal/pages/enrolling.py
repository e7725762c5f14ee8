"""Redeeming an enrolment ticket: who was proofed at a counter chooses a first password.

The ticket (`sso.accounts.applications`) comes on paper or as the fragment of an address, which browsers never send; it
is typed, or put into the form by our own script, and travels by POST. It is good for one time: a password that does not
fit gives the form a new ticket instead.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from flask import Blueprint, Response, request

from portal.pages.browser import SIGN_IN, Browser
from portal.pages.faults import MENDABLE, fault_of, missing, retry_headers, status_for
from portal.pages.rendering import language
from portal.pages.texts_enrolling import ENROL_TEXTS
from portal.pages.texts_frame import FRAME
from sso.accounts.applications import Application
from sso.accounts.domain import Person
from sso.signin.errors import PasswordEnrolled
from trust.http import headers
from trust.http.rate import RateLimiter, client_address
from trust.kernel.errors import RateLimited, TrustError

ENROL: Final = "/enrol"
_DONE: Final = f"{ENROL}/done"
_TICKET: Final = "ticket"

_log = structlog.get_logger("portal.enrolling")


class Tickets(Protocol):
    """Enrolment tickets (`sso.accounts.applications.PublicRegistrations`)."""

    def redeem(self, ticket: str) -> Person | None:
        """Return the person behind a ticket, once; None when it leads nowhere."""
        ...

    def invite(self, person_id: str) -> Application:
        """Return a new ticket for an account without credentials."""
        ...


class FirstPasswords(Protocol):
    """First passwords (`sso.signin.service.SignInDesk`)."""

    def enrol_password(self, person_id: str, password: str) -> None:
        """Give a person their first password. Raises `PasswordEnrolled`, and what a password can be refused for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolServices:
    """What these pages are built on; `limiter` is kept by address."""

    tickets: Tickets
    passwords: FirstPasswords
    limiter: RateLimiter


class EnrolPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: EnrolServices) -> None:
        self._browser = browser
        self._services = services

    def form(self) -> Response:
        """Ask for the ticket and a password."""
        return self._page({}, "")

    def enrol(self) -> Response:
        """Set the password of whom the ticket leads to."""
        ticket = "".join(request.form.get(_TICKET, "").split())
        if faults := self._missing():
            return self._page(faults, ticket)
        try:
            self._services.limiter.admit(client_address())
        except RateLimited as error:
            return self._page(fault_of(error, ()), ticket, error)
        person = self._services.tickets.redeem(ticket)
        if person is None:
            _log.info("ticket refused")
            return self._page({_TICKET: ENROL_TEXTS[language()].ticket_dead}, "")
        return self._with_password(person)

    def done(self) -> Response:
        """Confirm, and lead to the sign-in."""
        return self._browser.page("enrolled.html", texts=ENROL_TEXTS, onward=SIGN_IN)

    def _with_password(self, person: Person) -> Response:
        try:
            self._services.passwords.enrol_password(person.id, request.form.get("password", ""))
        except PasswordEnrolled as error:
            return self._page(fault_of(error, ()), "", error)
        except MENDABLE as error:
            fresh = self._services.tickets.invite(person.id).ticket
            return self._page(fault_of(error, ("password",), otherwise="password"), fresh, error)
        _log.info("password enrolled by ticket", person=person.id)
        return self._browser.go(_DONE)

    def _missing(self) -> dict[str, str]:
        texts = ENROL_TEXTS[language()]
        faults = missing((_TICKET, "password", "again"), texts.missing)
        if not faults and request.form.get("again") != request.form.get("password"):
            faults["again"] = FRAME[language()].passwords_differ
        return faults

    def _page(self, faults: dict[str, str], ticket: str, error: TrustError | None = None) -> Response:
        headers.allow_own_script()
        answer = self._browser.page(
            "enrol.html",
            texts=ENROL_TEXTS,
            status=status_for(error) if faults else HTTPStatus.OK,
            faults=faults,
            ticket=ticket,
            script=self._browser.static("enrol.js"),
        )
        answer.headers.update(retry_headers(error))
        return answer


def blueprint(browser: Browser, services: EnrolServices) -> Blueprint:
    """Return the routes `/enrol` and `/enrol/done`."""
    pages = EnrolPages(browser, services)
    routes = browser.blueprint("enrolling")
    routes.add_url_rule(ENROL, view_func=pages.form)
    routes.add_url_rule(ENROL, view_func=pages.enrol, methods=["POST"])
    routes.add_url_rule(_DONE, view_func=pages.done)
    return routes
