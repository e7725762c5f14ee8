"""Signing out at the wish of a relying system (OpenID Connect RP-Initiated Logout 1.0): `end_session_endpoint`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from portal.pages.browser import Browser, cross_site
from portal.pages.signin import SIGNED_OUT
from portal.pages.texts_signin import SIGN_IN_TEXTS
from sso.provider.logout import LogoutRequest
from sso.provider.oauth_errors import OAuthRefused
from sso.signin.domain import Session
from trust.http import headers

LOGOUT: Final = "/oauth/logout"
_CONFIRM: Final = "/oauth/logout/confirm"


class Logouts(Protocol):
    """What the pages need of `sso.provider.logout.LogoutDesk`."""

    def open(self, parameters: Mapping[str, Sequence[str]], session: Session | None) -> LogoutRequest:
        """Return what is asked. Raises `OAuthRefused`, shown and never redirected."""
        ...

    def complete(self, request: LogoutRequest, session: Session | None) -> str | None:
        """End the session and return where the browser goes on."""
        ...


class LeavingPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, desk: Logouts) -> None:
        self._browser = browser
        self._desk = desk

    @cross_site
    def logout(self) -> Response:
        """Judge the request; ask the person unless the system proved that it means this very session."""
        fields = request.form if request.method == "POST" else request.args
        session = self._session()
        try:
            asked = self._desk.open(dict(fields.lists()), session)
        except OAuthRefused as refusal:
            return self._refused(refusal)
        self._browser.propose_language(asked.ui_locales)
        if request.method == "POST" and session is None:
            # A form of another site comes without our cookie (SameSite=Lax): whoever is signed in shows on a GET only.
            return self._browser.go(f"{LOGOUT}?{urlencode(asked.parameters)}")
        if asked.confirm:
            return self._question(asked)
        return self._done(asked, session)

    def confirm(self) -> Response:
        """Sign out after the person said so; the request is judged anew."""
        session = self._session()
        try:
            asked = self._desk.open(dict(request.form.lists()), session)
        except OAuthRefused as refusal:
            return self._refused(refusal)
        return self._done(asked, session)

    def _session(self) -> Session | None:
        visitor = self._browser.visitor()
        return visitor.session if visitor is not None else None

    def _question(self, asked: LogoutRequest) -> Response:
        if asked.redirect_to is not None:
            headers.allow_form_target(asked.redirect_to)
        return self._browser.page(
            "sign_out.html",
            texts=SIGN_IN_TEXTS,
            action=_CONFIRM,
            keep=asked.parameters,
            system=asked.client.label if asked.client else "",
        )

    def _done(self, asked: LogoutRequest, session: Session | None) -> Response:
        target = self._desk.complete(asked, session)
        self._browser.forget_session()
        return self._browser.go(target or SIGNED_OUT)

    def _refused(self, refusal: OAuthRefused) -> Response:
        return self._browser.page(
            "logout_error.html", texts=SIGN_IN_TEXTS, status=HTTPStatus.BAD_REQUEST, error=refusal
        )


def blueprint(browser: Browser, desk: Logouts) -> Blueprint:
    """Return the routes `/oauth/logout` and `/oauth/logout/confirm`."""
    pages = LeavingPages(browser, desk)
    routes = browser.blueprint("leaving")
    routes.add_url_rule(LOGOUT, view_func=pages.logout, methods=["GET", "POST"])
    routes.add_url_rule(_CONFIRM, view_func=pages.confirm, methods=["POST"])
    return routes
