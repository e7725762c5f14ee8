"""The code with which a citizen shows a counter that they are there (`sso.passing.presence`).

It opens nothing by itself: the counter's system exchanges it once, within a minute, and the citizen sees that it did.
The page asks for the next code by itself for five minutes, then waits for a hand.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from flask import Blueprint, Response, request

from portal.pages.addresses import address
from portal.pages.browser import Browser, Visitor
from portal.pages.moments import second_of
from portal.pages.qr_images import qr_image
from portal.pages.rendering import language
from portal.pages.texts_showing import SHOWING_TEXTS
from sso.passing.domain import QR_SECONDS
from sso.passing.presence import IssuedCode
from sso.signin.domain import Session

PRESENCE: Final = "/my/presence"
_CODE: Final = f"{PRESENCE}/code"
RENEW_SECONDS: Final = QR_SECONDS - 5
"""When the page asks for the next code, seconds; the old one is void from then on."""

ROUNDS: Final = 5
"""Codes that the page fetches by itself: a phone left lying shows no more, and its sign-in may end by idleness."""


class Presences(Protocol):
    """Presence of citizens (`sso.passing.presence.PresenceDesk`)."""

    def issue_qr(self, session: Session) -> IssuedCode:
        """Return a code of a minute; the session's earlier ones are void."""
        ...

    def void(self, session: Session, code: str) -> None:
        """Make a code unusable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceServices:
    """What these pages are built on."""

    desk: Presences


class PresencePages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: PresenceServices) -> None:
        self._browser = browser
        self._desk = services.desk

    def explain(self, **_visitor: Visitor) -> Response:
        """Say what the code is for."""
        return self._browser.page("presence.html", texts=SHOWING_TEXTS)

    def begin(self, **_visitor: Visitor) -> Response:
        """Go on to the first code."""
        return self._browser.go(_CODE)

    def code(self, *, visitor: Visitor) -> Response:
        """Show the code of this minute."""
        turn = _turn()
        if turn > ROUNDS:
            return self._browser.go(PRESENCE, note="rested")
        issued = self._desk.issue_qr(visitor.session)
        answer = self._browser.page(
            "presence_code.html",
            texts=SHOWING_TEXTS,
            qr=qr_image(issued.code),
            code=issued.code,
            until=second_of(issued.presence.expires_at),
        )
        again = address(_CODE, language(), {"turn": str(turn + 1)})
        answer.headers["Refresh"] = f"{RENEW_SECONDS}; url={again}"
        return answer

    def void(self, *, visitor: Visitor) -> Response:
        """Make the present code unusable."""
        self._desk.void(visitor.session, request.form.get("code", ""))
        return self._browser.go(PRESENCE, note="voided")


def blueprint(browser: Browser, services: PresenceServices) -> Blueprint:
    """Return the routes below `/my/presence`."""
    pages = PresencePages(browser, services)
    routes = browser.blueprint("presence")
    routes.add_url_rule(PRESENCE, view_func=browser.signed_in(pages.explain))
    routes.add_url_rule(PRESENCE, view_func=browser.signed_in(pages.begin), methods=["POST"])
    routes.add_url_rule(_CODE, view_func=browser.signed_in(pages.code))
    routes.add_url_rule(f"{PRESENCE}/void", view_func=browser.signed_in(pages.void), methods=["POST"])
    return routes


def _turn() -> int:
    """Return how many codes the page has fetched, this one included; a text that is no number is the last."""
    text = request.args.get("turn", "1")
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 1 else ROUNDS + 1
