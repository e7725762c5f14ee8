"""Signing in: by password with or without one-time code, by passkey, through another platform; and signing out."""

from contextlib import suppress
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request

from portal.pages.addresses import local_path
from portal.pages.asking import Asking
from portal.pages.browser import HOME, SIGN_IN, Browser
from portal.pages.cookies import Cookie
from portal.pages.entering import CODE_PAGE, Entrance, SignInServices, typed_number
from portal.pages.faults import MENDABLE, fault_of, missing, retry_headers, status_for
from portal.pages.rendering import language
from portal.pages.texts_signin import SIGN_IN_TEXTS
from sso.keycloak.errors import UpstreamDeclined
from sso.provider.requests import Prompt
from sso.signin.errors import AttemptEnded, SessionOver, SessionUnknown
from trust.formats.holders import RESIDENT_ID_KIND
from trust.http import headers
from trust.http.rate import client_address
from trust.kernel.errors import TrustError

SIGNED_OUT: Final = "/signed-out"
_FIELDS = ("kind", "number", "password")
_FRESH = frozenset({Prompt.LOGIN, Prompt.SELECT_ACCOUNT})


class SignInPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, asking: Asking, services: SignInServices) -> None:
        self._browser = browser
        self._services = services
        self._entrance = Entrance(browser, asking, services)

    def form(self) -> Response:
        """Show the form."""
        return self._form({})

    def enter(self) -> Response:
        """Judge number and password."""
        faults = missing(("number", "password"), SIGN_IN_TEXTS[language()].missing)
        if faults:
            return self._form(faults, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            return self._entrance.proceed(
                self._services.desk.with_password(
                    typed_number(), request.form.get("password", ""), self._entrance.device()
                )
            )
        except MENDABLE as error:
            return self._form(fault_of(error, _FIELDS), status=status_for(error), error=error)

    def code_form(self) -> Response:
        """Show the form of the second step."""
        if self._browser.cookies.read(Cookie.ATTEMPT) is None:
            return self._browser.go(SIGN_IN, note="attempt-ended")
        return self._code_form({})

    def enter_code(self) -> Response:
        """Judge the one-time code."""
        attempt = self._browser.cookies.read(Cookie.ATTEMPT)
        if attempt is None:
            return self._browser.go(SIGN_IN, note="attempt-ended")
        try:
            signed_in = self._services.desk.with_code(attempt, request.form.get("code", ""), self._entrance.device())
        except (AttemptEnded, SessionOver):
            self._browser.cookies.drop(Cookie.ATTEMPT)
            return self._browser.go(SIGN_IN, note="attempt-ended")
        except MENDABLE as error:
            return self._code_form(fault_of(error, ("code",), otherwise="code"), status=status_for(error), error=error)
        return self._entrance.proceed(signed_in)

    def passkey_options(self) -> Response:
        """Give the script the options of a passkey sign-in."""
        self._services.limiter.admit(client_address())
        return Response(self._services.desk.passkey_challenge(), content_type="application/json")

    def enter_passkey(self) -> Response:
        """Judge what the passkey answered."""
        try:
            answer = request.form.get("credential", "")
            return self._entrance.proceed(self._services.desk.with_passkey(answer, self._entrance.device()))
        except MENDABLE as error:
            return self._form(fault_of(error, ()), status=status_for(error), error=error)

    def go_upstream(self, source: str) -> Response:
        """Send the browser to another platform. It changes nothing here, so it may be a link.

        Who is signed in comes to prove again who they are, for a system or for a change of credentials.
        """
        self._services.limiter.admit(client_address())
        pending = self._entrance.pending()
        asked = pending is not None and (pending.max_age is not None or bool(_FRESH & pending.prompt))
        fresh = asked or self._browser.visitor() is not None
        target = self._services.upstreams.begin(source, self._browser.visit(), fresh=fresh)
        self._browser.cookies.put(Cookie.RETURN, self._entrance.onward() or HOME)
        return self._browser.go(target)

    def back_from_upstream(self, source: str) -> Response:
        """Take the browser back from another platform and open a session."""
        onward = local_path(self._browser.cookies.read(Cookie.RETURN), otherwise=HOME)
        self._browser.cookies.drop(Cookie.RETURN)
        try:
            found = self._services.upstreams.finish(source, dict(request.args.lists()), self._browser.visit())
        except UpstreamDeclined:
            return self._browser.go(SIGN_IN, note="upstream-declined", arguments={"next": onward})
        label = self._entrance.device().label
        session, secret = self._services.sessions.open(
            found.person, found.strength, found.methods, label, proved_at=found.auth_time
        )
        self._services.upstreams.opened(found, session)
        self._entrance.take_over(session, secret)
        return self._browser.go(onward)

    def sign_out_form(self) -> Response:
        """Ask whether to sign out: for whoever comes by a link."""
        if self._browser.visitor() is None:
            return self._browser.go(SIGNED_OUT)
        return self._browser.page("sign_out.html", texts=SIGN_IN_TEXTS, action="/sign-out", keep={})

    def sign_out(self) -> Response:
        """End the session, and with it every token and every system's sign-in that hangs on it."""
        visitor = self._browser.visitor()
        if visitor is not None:
            with suppress(SessionUnknown):  # it ended in the same moment, in another tab or by its age: as was wanted
                self._services.sessions.end(visitor.session.id, visitor.person.id)
        self._browser.forget_session()
        return self._browser.go(SIGNED_OUT)

    def signed_out(self) -> Response:
        """Say that nobody is signed in any more."""
        return self._browser.page("signed_out.html", texts=SIGN_IN_TEXTS)

    def _form(
        self, faults: dict[str, str], *, status: HTTPStatus = HTTPStatus.OK, error: TrustError | None = None
    ) -> Response:
        headers.allow_own_script()
        pending = self._entrance.pending()
        answer = self._browser.page(
            "sign_in.html",
            texts=SIGN_IN_TEXTS,
            status=status,
            faults=faults,
            next=self._entrance.onward(),
            system=pending.client.label if pending else "",
            kind=request.form.get("kind", RESIDENT_ID_KIND),
            sources=self._sources(),
            script=self._browser.static("passkey.js"),
        )
        answer.headers.update(retry_headers(error))
        return answer

    def _code_form(
        self, faults: dict[str, str], *, status: HTTPStatus = HTTPStatus.OK, error: TrustError | None = None
    ) -> Response:
        self._entrance.pending()
        answer = self._browser.page(
            "sign_in_code.html", texts=SIGN_IN_TEXTS, status=status, faults=faults, next=self._entrance.onward()
        )
        answer.headers.update(retry_headers(error))
        return answer

    def _sources(self) -> list[tuple[str, str]]:
        chinese = language() == "zh"
        return [
            (found.name, found.title_zh if chinese else found.title) for found in self._services.upstreams.sources()
        ]


def blueprint(browser: Browser, asking: Asking, services: SignInServices) -> Blueprint:
    """Return the routes below `/sign-in` and `/sign-out`, and those to and from other platforms."""
    pages = SignInPages(browser, asking, services)
    routes = browser.blueprint("signin")
    routes.add_url_rule(SIGN_IN, view_func=pages.form)
    routes.add_url_rule(SIGN_IN, view_func=pages.enter, methods=["POST"])
    routes.add_url_rule(CODE_PAGE, view_func=pages.code_form)
    routes.add_url_rule(CODE_PAGE, view_func=pages.enter_code, methods=["POST"])
    routes.add_url_rule("/sign-in/passkey/options", view_func=pages.passkey_options, methods=["POST"])
    routes.add_url_rule("/sign-in/passkey", view_func=pages.enter_passkey, methods=["POST"])
    routes.add_url_rule("/sign-in/upstream/<source>", view_func=pages.go_upstream)
    routes.add_url_rule("/sso/upstream/<source>/callback", view_func=pages.back_from_upstream)
    routes.add_url_rule("/sign-out", view_func=pages.sign_out_form)
    routes.add_url_rule("/sign-out", view_func=pages.sign_out, methods=["POST"])
    routes.add_url_rule(SIGNED_OUT, view_func=pages.signed_out)
    return routes
