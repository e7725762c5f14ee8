"""Proving again who one is: because a system, or a change of credentials, wants a surer or a fresher sign-in."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, request

from portal.pages.asking import Asking, handle_in
from portal.pages.browser import SIGN_IN, STEP_UP, Browser, Visitor
from portal.pages.entering import Entrance, SignInServices
from portal.pages.faults import MENDABLE, fault_of, retry_headers, status_for
from portal.pages.texts_signin import SIGN_IN_TEXTS
from sso.signin.credentials import Enrolled
from sso.signin.desk import SecondFactorNeeded, SignedIn
from sso.signin.domain import Method, Session, Strength
from sso.signin.errors import SessionOver
from trust.http import headers
from trust.http.rate import client_address
from trust.kernel.errors import TrustError


class StepUpPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, asking: Asking, services: SignInServices) -> None:
        self._browser = browser
        self._services = services
        self._entrance = Entrance(browser, asking, services)

    def form(self, *, visitor: Visitor) -> Response:
        """Offer the means that the person has and that are sure enough."""
        return self._form(visitor, {})

    def by_password(self, *, visitor: Visitor) -> Response:
        """Judge the password."""
        return self._tried(
            visitor,
            "password",
            lambda: self._services.desk.confirm_password(
                visitor.session, request.form.get("password", ""), self._entrance.device()
            ),
        )

    def by_code(self, *, visitor: Visitor) -> Response:
        """Judge the one-time code."""
        return self._tried(
            visitor,
            "code",
            lambda: self._services.desk.step_up_with_code(
                visitor.session, request.form.get("code", ""), self._entrance.device()
            ),
        )

    def by_passkey(self, *, visitor: Visitor) -> Response:
        """Judge what the passkey answered."""
        return self._tried(
            visitor,
            "form",
            lambda: self._services.desk.step_up_with_passkey(visitor.session, request.form.get("credential", "")),
        )

    def passkey_options(self, *, visitor: Visitor) -> Response:
        """Give the script the options."""
        self._services.limiter.admit(client_address())
        return Response(self._services.desk.passkey_challenge(visitor.session), content_type="application/json")

    def _tried(self, visitor: Visitor, field: str, attempt: Callable[[], SignedIn | SecondFactorNeeded]) -> Response:
        try:
            return self._entrance.proceed(attempt())
        except SessionOver:
            self._browser.forget_session()
            return self._browser.go(SIGN_IN, note="session-ended", arguments={"next": self._entrance.onward()})
        except MENDABLE as error:
            return self._form(visitor, fault_of(error, (field,), otherwise=field), status_for(error), error)

    def _form(
        self,
        visitor: Visitor,
        faults: dict[str, str],
        status: HTTPStatus = HTTPStatus.OK,
        error: TrustError | None = None,
    ) -> Response:
        pending = self._entrance.pending()
        enrolled = self._services.desk.enrolled(visitor.person.id)
        # A system says what it wants; our own pages, which change credentials, want the strongest that there is.
        means = _means(enrolled, visitor.session, pending.acr if pending is not None else enrolled.strongest)
        if Strength.PASSKEY in means:
            headers.allow_own_script()
        onward = self._entrance.onward()
        answer = self._browser.page(
            "step_up.html",
            texts=SIGN_IN_TEXTS,
            status=status,
            faults=faults,
            next=onward,
            handle=handle_in(onward) if pending is not None else "",
            passkey=Strength.PASSKEY in means,
            code=Strength.ONE_TIME_CODE in means,
            password=Strength.PASSWORD in means,
            script=self._browser.static("passkey.js"),
        )
        answer.headers.update(retry_headers(error))
        return answer


def blueprint(browser: Browser, asking: Asking, services: SignInServices) -> Blueprint:
    """Return the routes below `/step-up`."""
    pages = StepUpPages(browser, asking, services)
    routes = browser.blueprint("stepping")
    routes.add_url_rule(STEP_UP, view_func=browser.signed_in(pages.form))
    for path, view in (
        ("password", pages.by_password),
        ("code", pages.by_code),
        ("passkey", pages.by_passkey),
        ("passkey/options", pages.passkey_options),
    ):
        routes.add_url_rule(f"{STEP_UP}/{path}", view_func=browser.signed_in(view), methods=["POST"])
    return routes


def _means(enrolled: Enrolled, session: Session, wanted: Strength | None) -> frozenset[Strength]:
    """Return the means to offer: those that the person has, that may renew this session and that reach `wanted`.

    The password leads to the strength of a one-time code where these are set up, as the code is asked for next; for a
    session that a password opened, the code alone is enough.
    """
    least = max(wanted or Strength.PASSWORD, session.strength)
    means = {Strength.PASSKEY} if enrolled.passkeys else set()
    if enrolled.codes and Method.PASSWORD in session.methods and least <= Strength.ONE_TIME_CODE:
        means.add(Strength.ONE_TIME_CODE)
    elif enrolled.password and least <= (Strength.ONE_TIME_CODE if enrolled.codes else Strength.PASSWORD):
        means.add(Strength.PASSWORD)
    return frozenset(means)
