"""The frame of every page for people who sign in: who is there, which language, which forms are ours.

How a page module uses it::

    def blueprint(browser: Browser, services: SessionServices) -> Blueprint:
        routes = browser.blueprint("sessions")          # every POST in it is checked against forgery

        @routes.get("/my/sessions")
        @browser.signed_in                              # others go to /sign-in and come back afterwards
        def sessions(*, visitor: Visitor) -> Response:
            return browser.page("sessions.html", texts=SESSIONS, rows=services.sessions.of(visitor.person.id))

        @routes.post("/my/sessions/end")
        @browser.signed_in
        def end(*, visitor: Visitor) -> Response:
            services.sessions.end(request.form.get("session", ""), by=visitor.person.id)
            return browser.go("/my/sessions", note="ended")   # 303; the note is shown once on the next page

        return routes

`texts` is the area's table `Mapping[Language, …]`: a frozen dataclass with a `zh` and an `en` instance, one field of
which is `notes`, a mapping of the codes given to `go` to sentences. The template extends `base.html` and finds the
area's sentences as `s`, the frame's as `f`, `link("/path")` for addresses, and has in each of its forms
`{{ csrf(form_token()) }}` (`{% from "_fields.html" import csrf %}`; that file also draws fields and their faults).
A form that was filled in wrongly is answered with the page itself and status 422; everything else that a POST does
ends in `go`. Whatever carries a person's number comes by POST and is never put into an address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Final, ParamSpec, Protocol
from urllib.parse import urlencode, urlsplit

import structlog
from apiflask import APIBlueprint
from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue

from portal.pages import rendering
from portal.pages.addresses import local_path
from portal.pages.cookies import Cookie, Cookies
from portal.pages.csrf import FormGuard, Marks
from portal.pages.rendering import Pages, language
from portal.pages.texts_frame import FRAME
from sso.accounts.domain import Person
from sso.signin.domain import Session
from trust.kernel.errors import NotFound, TrustError
from trust.kernel.randomness import Randomness
from verifier.report import Language

SIGN_IN: Final = "/sign-in"
STEP_UP: Final = "/step-up"
HOME: Final = "/my"
"""Where people land after a sign-in that led nowhere else."""

_VISITOR, _ASKED = "visitor", "visitor_asked"
_NEEDS_SESSION, _CROSS_SITE = "needs_session", "cross_site"
P = ParamSpec("P")

_log = structlog.get_logger("portal.browser")


class SessionFinder(Protocol):
    """Finds the session that a cookie belongs to (`sso.signin.sessions.Sessions`)."""

    def find(self, secret: str) -> Session | None:
        """Return the living session of this secret; None for any that ended or never was."""
        ...


class PersonFinder(Protocol):
    """Finds persons (`sso.accounts.service.PersonRegister`)."""

    def get(self, person_id: str) -> Person:
        """Return the person. Raises a `NotFound`."""
        ...


class AreaTexts(Protocol):
    """The sentences of one area of pages in one language."""

    @property
    def notes(self) -> Mapping[str, str]:
        """What a page says once after something was done, by the code given to `Browser.go`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is signed in on this browser."""

    session: Session
    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserServices:
    """What the frame needs; `public_url` is the one address under which people reach the pages."""

    sessions: SessionFinder
    persons: PersonFinder
    marks: Marks
    randomness: Randomness
    public_url: str


class Browser:
    """The frame, made once per application."""

    def __init__(self, app: Flask, pages: Pages, services: BrowserServices) -> None:
        self.cookies = Cookies(app, https=services.public_url.startswith("https://"))
        self._pages = pages
        self._services = services
        self._forms = FormGuard(
            self.cookies, services.marks, services.randomness, public_url=services.public_url.rstrip("/")
        )
        self._views = app.view_functions
        app.before_request(self._choose_language)
        app.context_processor(self._frame)

    def blueprint(self, name: str) -> Blueprint:
        """Return a blueprint whose every POST must come from a form of ours; `cross_site` exempts a view."""
        routes = APIBlueprint(name, __name__, enable_openapi=False)  # APIFlask asks each guarded blueprint about it
        routes.before_request(self._guard)
        return routes

    def visitor(self) -> Visitor | None:
        """Return who is signed in, None when nobody is; asked of the services once per request."""
        if not g.get(_ASKED, False):
            setattr(g, _VISITOR, self._find())
            setattr(g, _ASKED, True)
        found: Visitor | None = g.get(_VISITOR)
        return found

    def signed_in(self, view: Callable[P, ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        """Let only signed-in people reach the view, as its keyword `visitor`; others sign in first and come back."""

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            visitor = self.visitor()
            if visitor is None:
                return self.go(SIGN_IN, arguments={"next": _returning()})
            kwargs["visitor"] = visitor
            return view(*args, **kwargs)

        setattr(guarded, _NEEDS_SESSION, True)
        return guarded

    def page(
        self,
        template: str,
        *,
        texts: Mapping[Language, AreaTexts],
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> Response:
        """Return the page with the sentences of its area."""
        area = texts[language()]
        note = area.notes.get(self._take_note() or "")
        return Response(
            self._pages.render(template, s=area, note=note, **values),
            status=status,
            content_type="text/html; charset=utf-8",
        )

    def go(self, path: str, *, note: str | None = None, arguments: Mapping[str, str] | None = None) -> Response:
        """Send the browser on by 303 (RFC 9700 section 4.12: never 307, which would repeat the form's fields).

        `path` is one of ours, or an address that a service gave us for this purpose. `note` is a code of the next
        page's area.
        """
        if note is not None:
            self.cookies.put(Cookie.NOTE, note)
        query = f"{'&' if '?' in path else '?'}{urlencode(arguments)}" if arguments else ""
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path + query})

    def begin_session(self, secret: str) -> None:
        """Give the browser the secret of a session that was just opened or made stronger; the old one is forgotten."""
        self.cookies.put(Cookie.SESSION, secret)
        self._look_again()

    def forget_session(self) -> None:
        """Make the browser forget its session, after the service ended it."""
        self.cookies.drop(Cookie.SESSION)
        self._look_again()

    def form_token(self) -> str:
        """Return a token for a form of the present page."""
        visitor = self._visitor_or_none()
        return self._forms.token(visitor.session.id if visitor else None)

    def propose_language(self, tags: Sequence[str]) -> None:
        """Use the first language of `tags` (BCP 47) that we have, unless the person chose one before."""
        known: dict[str, Language] = {"zh": "zh", "en": "en"}
        wish = next((known[tag.lower()[:2]] for tag in tags if tag.lower()[:2] in known), None)
        if wish is not None and self.cookies.read(Cookie.LANGUAGE) is None:
            self.cookies.put(Cookie.LANGUAGE, wish)
            rendering.remember_language(wish)

    def visit(self) -> str:
        """Return a secret of this browser that is older than any sign-in (it is what its forms are bound to)."""
        return self._forms.visit()

    def static(self, name: str) -> str:
        """Return the address of a static file."""
        return self._pages.static(name)

    def _choose_language(self) -> None:
        asked = rendering.asked_language()
        if asked is not None:
            self.cookies.put(Cookie.LANGUAGE, asked)
        rendering.remember_language(self.cookies.read(Cookie.LANGUAGE))

    def _guard(self) -> None:
        if request.method != "POST":
            return
        view = self._views.get(request.endpoint or "")
        if getattr(view, _CROSS_SITE, False):
            return
        visitor = self.visitor()
        if visitor is None and getattr(view, _NEEDS_SESSION, False):
            return  # the session ended while the page stood open: the view sends to /sign-in and does nothing else
        self._forms.check(visitor.session.id if visitor else None)

    def _find(self) -> Visitor | None:
        secret = self.cookies.read(Cookie.SESSION)
        session = self._services.sessions.find(secret) if secret else None
        if session is None:
            return None
        try:
            person = self._services.persons.get(session.person)
        except NotFound as error:
            _log.warning("session without person", code=error.code)
            return None
        return Visitor(session=session, person=person) if person.active else None

    def _visitor_or_none(self) -> Visitor | None:
        """Return who is signed in for the page's head, which must stand also on the page that reports a failure."""
        try:
            return self.visitor()
        except TrustError:
            return None

    def _frame(self) -> dict[str, object]:
        return {
            "f": FRAME[language()],
            "account": self._visitor_or_none(),
            "form_token": self.form_token,
            "frame": True,
        }

    def _take_note(self) -> str | None:
        note = self.cookies.read(Cookie.NOTE)
        if note is not None:
            self.cookies.drop(Cookie.NOTE)
        return note

    def _look_again(self) -> None:
        setattr(g, _ASKED, False)


def cross_site(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Say that other sites send people here by POST, as the protocol of this address wants it; it changes nothing."""
    setattr(view, _CROSS_SITE, True)
    return view


def _returning() -> str:
    """Return where to come back to: this page, or for a form the page that it stood on."""
    if request.method == "GET":
        return local_path(request.full_path.rstrip("?"))
    parts = urlsplit(request.referrer or "")
    return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
