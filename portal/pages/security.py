"""Security settings: a signed-in person's password, one-time codes, passkeys and recovery codes.

Each change wants a fresh proof, the strongest that the person has; the service insists on it, the pages ask for it
before anything is typed. Secrets that are shown once (the key of an app, recovery codes) stand in the answer to the
POST that made them: keeping them for a redirect would mean keeping them.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request

from portal.pages.browser import SIGN_IN, STEP_UP, Browser, Visitor
from portal.pages.cookies import Cookie
from portal.pages.faults import MENDABLE, fault_of, missing, retry_headers, status_for
from portal.pages.moments import day_of, minute_of
from portal.pages.ports import Credentials
from portal.pages.qr_images import qr_image
from portal.pages.rendering import language
from portal.pages.texts_frame import FRAME
from portal.pages.texts_security import SECURITY_TEXTS
from sso.signin.credentials import Enrolled, Passkey
from sso.signin.desk import FRESH
from sso.signin.devices import Device
from sso.signin.errors import SessionOver, StepUpRequired
from trust.http import headers
from trust.http.rate import client_address
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError

SECURITY: Final = "/security"
_PASSWORD: Final = "/security/password"  # noqa: S105  an address
_CODES: Final = "/security/codes"
_PASSKEYS: Final = "/security/passkeys/add"
_RECOVERY: Final = "/security/recovery-codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityServices:
    """What the security settings are built on."""

    desk: Credentials
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """A passkey as the page lists it."""

    id: str
    label: str
    added: str
    used: str


class SecurityPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: SecurityServices) -> None:
        self._browser = browser
        self._desk = services.desk
        self._clock = services.clock

    def overview(self, *, visitor: Visitor) -> Response:
        """Show what the person can sign in with."""
        enrolled = self._desk.enrolled(visitor.person.id)
        rows = [_row(passkey) for passkey in enrolled.passkeys]
        return self._browser.page("security.html", texts=SECURITY_TEXTS, enrolled=enrolled, passkeys=rows)

    def password_form(self, *, visitor: Visitor) -> Response:
        """Show the form for a new password."""
        enrolled = self._fresh(visitor)
        return self._form("change_password.html", {}, enrolled=enrolled)

    def change_password(self, *, visitor: Visitor) -> Response:
        """Change the password, or choose the first one."""
        enrolled = self._fresh(visitor)
        fields = ("old", "password", "again") if enrolled.password else ("password", "again")
        if faults := _faults(fields):
            return self._form("change_password.html", faults, enrolled=enrolled)
        try:
            self._set_password(visitor, enrolled)
        except (StepUpRequired, SessionOver):
            raise
        except MENDABLE as error:
            faults = fault_of(error, fields, otherwise=fields[0])
            return self._form("change_password.html", faults, error, enrolled=enrolled)
        return self._browser.go(SECURITY, note="password-changed")

    def codes_form(self, *, visitor: Visitor) -> Response:
        """Explain one-time codes."""
        self._fresh(visitor)
        return self._form("codes.html", {}, enrolment=None, confirming=False)

    def begin_codes(self, *, visitor: Visitor) -> Response:
        """Show the secret of the app, this once."""
        enrolment = self._desk.enrol_totp(visitor.session)
        return self._form("codes.html", {}, enrolment=enrolment, qr=qr_image(enrolment.uri))

    def confirm_codes(self, *, visitor: Visitor) -> Response:
        """Turn one-time codes on."""
        try:
            self._desk.confirm_totp(visitor.session, request.form.get("code", ""), self._device())
        except (StepUpRequired, SessionOver):
            raise
        except MENDABLE as error:
            faults = fault_of(error, ("code",), otherwise="code")
            return self._form("codes.html", faults, error, enrolment=None, confirming=True)
        return self._browser.go(SECURITY, note="codes-on")

    def remove_codes(self, *, visitor: Visitor) -> Response:
        """Turn one-time codes off."""
        self._desk.remove_totp(visitor.session)
        return self._browser.go(SECURITY, note="codes-off")

    def passkey_form(self, *, visitor: Visitor) -> Response:
        """Show the form for a new passkey."""
        self._fresh(visitor)
        return self._passkey_form({})

    def passkey_options(self, *, visitor: Visitor) -> Response:
        """Give the script the options."""
        return Response(self._desk.enrol_passkey(visitor.session), content_type="application/json")

    def add_passkey(self, *, visitor: Visitor) -> Response:
        """Register the passkey that the browser made."""
        answer, label = request.form.get("credential", ""), request.form.get("label", "").strip()
        try:
            self._desk.confirm_passkey(visitor.session, answer, label)
        except (StepUpRequired, SessionOver):
            raise
        except MENDABLE as error:
            return self._passkey_form(fault_of(error, ("label",)), error)
        return self._browser.go(SECURITY, note="passkey-added")

    def remove_passkey(self, *, visitor: Visitor) -> Response:
        """Remove a passkey."""
        self._desk.remove_passkey(visitor.session, request.form.get("passkey", ""))
        return self._browser.go(SECURITY, note="passkey-removed")

    def recovery_codes(self, *, visitor: Visitor) -> Response:
        """Make new recovery codes and show them, this once."""
        codes = self._desk.new_recovery_codes(visitor.session)
        return self._browser.page("recovery_codes.html", texts=SECURITY_TEXTS, codes=codes, onward=SECURITY)

    def to_overview(self) -> Response:
        """Lead addresses that only take forms back to the page with the form."""
        return self._browser.go(SECURITY)

    def prove_again(self, _error: StepUpRequired) -> Response:
        """Send to the page on which one proves again who one is, and back to where one was."""
        onward = request.path if request.method == "GET" else SECURITY
        return self._browser.go(STEP_UP, arguments={"next": onward})

    def session_over(self, _error: SessionOver) -> Response:
        """Send to the sign-in page."""
        self._browser.forget_session()
        return self._browser.go(SIGN_IN, note="session-ended", arguments={"next": SECURITY})

    def _set_password(self, visitor: Visitor, enrolled: Enrolled) -> None:
        new = request.form.get("password", "")
        if not enrolled.password:
            self._desk.enrol_password(visitor.person.id, new)
            return
        changed = self._desk.change_password(visitor.session, request.form.get("old", ""), new, self._device())
        self._browser.cookies.put(Cookie.DEVICE, changed.device_token)
        self._browser.begin_session(changed.secret)

    def _fresh(self, visitor: Visitor) -> Enrolled:
        """Return what the person has. Raises `StepUpRequired` as the service will, before anything is typed."""
        enrolled = self._desk.enrolled(visitor.person.id)
        if not visitor.session.meets(enrolled.strongest, now=self._clock.now(), max_age=FRESH):
            raise StepUpRequired
        return enrolled

    def _device(self) -> Device:
        agent = request.headers.get("User-Agent", "")
        token = self._browser.cookies.read(Cookie.DEVICE)
        return Device.of(address=client_address(), user_agent=agent, token=token)

    def _passkey_form(self, faults: dict[str, str], error: TrustError | None = None) -> Response:
        headers.allow_own_script()
        return self._form("passkey_add.html", faults, error, script=self._browser.static("passkey.js"))

    def _form(
        self, template: str, faults: dict[str, str], error: TrustError | None = None, **values: object
    ) -> Response:
        status = status_for(error) if faults else HTTPStatus.OK
        answer = self._browser.page(template, texts=SECURITY_TEXTS, status=status, faults=faults, **values)
        answer.headers.update(retry_headers(error))
        return answer


def blueprint(browser: Browser, services: SecurityServices) -> Blueprint:
    """Return the routes below `/security`."""
    pages = SecurityPages(browser, services)
    routes = browser.blueprint("security")
    for path, get, post in (
        (SECURITY, pages.overview, None),
        (_PASSWORD, pages.password_form, pages.change_password),
        (_CODES, pages.codes_form, pages.begin_codes),
        (f"{_CODES}/confirm", None, pages.confirm_codes),
        (f"{_CODES}/remove", None, pages.remove_codes),
        (_PASSKEYS, pages.passkey_form, pages.add_passkey),
        ("/security/passkeys/options", None, pages.passkey_options),
        ("/security/passkeys/remove", None, pages.remove_passkey),
        (_RECOVERY, None, pages.recovery_codes),
    ):
        if get is not None:
            routes.add_url_rule(path, view_func=browser.signed_in(get))
        if post is not None:
            routes.add_url_rule(path, view_func=browser.signed_in(post), methods=["POST"])
    for number, path in enumerate((f"{_CODES}/confirm", _RECOVERY)):  # the language link of their answers is a GET
        routes.add_url_rule(path, endpoint=f"back_{number}", view_func=pages.to_overview)
    routes.register_error_handler(StepUpRequired, pages.prove_again)
    routes.register_error_handler(SessionOver, pages.session_over)
    return routes


def _faults(fields: tuple[str, ...]) -> dict[str, str]:
    texts = SECURITY_TEXTS[language()]
    found = missing(fields, texts.missing)
    if not found and request.form.get("again") != request.form.get("password"):
        found["again"] = FRAME[language()].passwords_differ
    return found


def _row(passkey: Passkey) -> PasskeyRow:
    return PasskeyRow(
        id=passkey.id,
        label=passkey.label,
        added=day_of(passkey.created_at),
        used=minute_of(passkey.last_used_at) if passkey.last_used_at else "",
    )
