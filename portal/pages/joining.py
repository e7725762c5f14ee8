"""Registering, and recovering an account. No page tells whether a number has an account."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request

from portal.pages.asking import Asking
from portal.pages.browser import HOME, SIGN_IN, Browser
from portal.pages.cookies import Cookie
from portal.pages.entering import Entrance, SignInServices, typed_number
from portal.pages.faults import MENDABLE, fault_of, missing, retry_headers, status_for
from portal.pages.ports import Registration
from portal.pages.rendering import language
from portal.pages.texts_frame import FRAME
from portal.pages.texts_security import SECURITY_TEXTS
from portal.pages.texts_signin import SIGN_IN_TEXTS
from sso.accounts.ports import Claims
from sso.signin.errors import AttemptEnded
from trust.formats.holders import RESIDENT_ID_KIND
from trust.http.rate import client_address
from trust.kernel.errors import TrustError

RECOVER: Final = "/recover"
RENEW: Final = "/recover/password"
_FIELDS = ("kind", "number", "name", "password", "again", "code")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningServices:
    """What the pages for registering and recovering are built on."""

    registration: Registration
    signing_in: SignInServices


class JoiningPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, asking: Asking, services: JoiningServices) -> None:
        self._browser = browser
        self._services = services
        self._entrance = Entrance(browser, asking, services.signing_in)

    def form(self) -> Response:
        """Show the registration form."""
        return self._page("register.html", {})

    def register(self) -> Response:
        """Take a registration; whatever became of it, the next page is the same."""
        self._services.signing_in.limiter.admit(client_address())
        if faults := _faults("number", "name", "password", "again"):
            return self._page("register.html", faults)
        try:
            claims = Claims(name=request.form.get("name", "").strip())
            self._services.registration.register(typed_number(), claims, request.form.get("password", ""))
        except MENDABLE as error:
            return self._page("register.html", fault_of(error, _FIELDS), error)
        return self._browser.go(SIGN_IN, note="registered")

    def recover_form(self) -> Response:
        """Ask for number and code."""
        return self._page("recover.html", {})

    def recover(self) -> Response:
        """Judge the code."""
        if faults := _faults("number", "code"):
            return self._page("recover.html", faults)
        try:
            found = self._services.signing_in.desk.recover(
                typed_number(), request.form.get("code", ""), self._entrance.device()
            )
        except MENDABLE as error:
            return self._page("recover.html", fault_of(error, _FIELDS), error)
        self._browser.cookies.put(Cookie.ATTEMPT, found.secret)
        return self._browser.go(RENEW)

    def renew_form(self) -> Response:
        """Ask for a new password."""
        if self._browser.cookies.read(Cookie.ATTEMPT) is None:
            return self._browser.go(RECOVER, note="attempt-ended")
        return self._renew_page({})

    def renew(self) -> Response:
        """Set the new password and show the new recovery codes: in this one answer, as nobody keeps them."""
        attempt = self._browser.cookies.read(Cookie.ATTEMPT)
        if attempt is None:
            return self._browser.go(RECOVER, note="attempt-ended")
        if faults := _faults("password", "again"):
            return self._renew_page(faults)
        try:
            renewed = self._services.signing_in.desk.renew(
                attempt, request.form.get("password", ""), self._entrance.device()
            )
        except AttemptEnded:
            self._browser.cookies.drop(Cookie.ATTEMPT)
            return self._browser.go(RECOVER, note="attempt-ended")
        except MENDABLE as error:
            return self._renew_page(fault_of(error, _FIELDS), error)
        self._entrance.let_in(renewed.signed_in)
        return self._browser.page(
            "recovery_codes.html", texts=SECURITY_TEXTS, codes=renewed.recovery_codes, onward=HOME
        )

    def _renew_page(self, faults: dict[str, str], error: TrustError | None = None) -> Response:
        texts = SIGN_IN_TEXTS[language()]
        return self._page(
            "choose_password.html", faults, error, heading=texts.renew_title, lead=texts.renew_lead, action=RENEW
        )

    def _page(
        self, template: str, faults: dict[str, str], error: TrustError | None = None, **values: object
    ) -> Response:
        answer = self._browser.page(
            template,
            texts=SIGN_IN_TEXTS,
            status=status_for(error) if faults else HTTPStatus.OK,
            faults=faults,
            kind=request.form.get("kind", RESIDENT_ID_KIND),
            **values,
        )
        answer.headers.update(retry_headers(error))
        return answer


def blueprint(browser: Browser, asking: Asking, services: JoiningServices) -> Blueprint:
    """Return the routes `/register`, `/recover` and `/recover/password`."""
    pages = JoiningPages(browser, asking, services)
    routes = browser.blueprint("joining")
    routes.add_url_rule("/register", view_func=pages.form)
    routes.add_url_rule("/register", view_func=pages.register, methods=["POST"])
    routes.add_url_rule(RECOVER, view_func=pages.recover_form)
    routes.add_url_rule(RECOVER, view_func=pages.recover, methods=["POST"])
    routes.add_url_rule(RENEW, view_func=pages.renew_form)
    routes.add_url_rule(RENEW, view_func=pages.renew, methods=["POST"])
    return routes


def _faults(*fields: str) -> dict[str, str]:
    """Return what is missing from the form, and whether its two passwords differ."""
    texts = SIGN_IN_TEXTS[language()]
    found = missing(fields, texts.missing)
    if not found and "again" in fields and request.form.get("again") != request.form.get("password"):
        found["again"] = FRAME[language()].passwords_differ
    return found
