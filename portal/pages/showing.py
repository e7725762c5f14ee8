"""Showing a certificate: the holder's page with its changing code, and the page of whoever scans it.

The page asks for itself again before the code runs out (the header `Refresh`, which needs no script), until the show is
over; so each code on a screen is younger than a minute. The limit is essential to what the code is for (WCAG 2.2.1).
"""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from flask import Blueprint, Response, request

from certs.access_log import Release
from certs.library import Shown
from certs.library_errors import ShowOver
from certs.showing import CODE_SECONDS, SHOW_SECONDS, Show, ShowCode
from portal.pages.acting import AS, ActingDesk
from portal.pages.addresses import address
from portal.pages.browser import Browser, Visitor
from portal.pages.consent import Names
from portal.pages.moments import day_of, second_of
from portal.pages.qr_images import qr_image
from portal.pages.rendering import language
from portal.pages.texts_showing import SHOWING_TEXTS
from portal.pages.verification import Judge, view_of
from portal.pages.wallet import CERTIFICATES
from sso.revocation.domain import Tie
from trust.http.rate import RateLimiter, client_address
from trust.kernel.identifiers import CertificateIdentifier

SHOWS: Final = "/my/shows"
RENEW_SECONDS: Final = CODE_SECONDS - 10
"""When the page asks for the next code, seconds: whoever scans at the last moment still has ten to open it."""

_log = structlog.get_logger("portal.showing")


class Shows(Protocol):
    """Shows of certificates (`certs.showing.ShowDesk`); that class says what each method raises."""

    def begin(
        self, identifier: CertificateIdentifier, release: Release, *, session: str, ties: Collection[Tie]
    ) -> Show:
        """Begin a show."""
        ...

    def find(self, show_id: str, *, session: str) -> Show:
        """Return a show of this session."""
        ...

    def code(self, show_id: str, *, session: str) -> ShowCode:
        """Return a fresh code."""
        ...

    def void(self, show_id: str, *, session: str) -> Show:
        """End a show at once."""
        ...

    def scan(self, code: str) -> Shown:
        """Return what a code shows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowingServices:
    """What these pages are built on; `public_url` is what the codes begin with."""

    shows: Shows
    acting: ActingDesk
    names: Names
    judge: Judge
    limiter: RateLimiter
    public_url: str


class ShowingPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: ShowingServices) -> None:
        self._browser = browser
        self._services = services
        self._shows = services.shows

    def begin(self, *, visitor: Visitor) -> Response:
        """Begin to show a certificate."""
        acting = self._services.acting.chosen(self._services.acting.choices(visitor))
        identifier = CertificateIdentifier.parse(request.form.get("identifier", ""), field="identifier")
        show = self._shows.begin(identifier, acting.release, session=visitor.session.id, ties=acting.ties)
        return self._browser.go(f"{SHOWS}/{show.id}", arguments=acting.arguments)

    def code(self, show_id: str, *, visitor: Visitor) -> Response:
        """Show the code of this minute."""
        show = self._shows.find(show_id, session=visitor.session.id)
        try:
            fresh = self._shows.code(show_id, session=visitor.session.id)
        except ShowOver:
            return self._page("show_over.html", show, state="voided" if show.voided_at else "ended")
        answer = self._page(
            "show.html",
            show,
            qr=qr_image(f"{self._services.public_url.rstrip('/')}/s/{fresh.code}"),
            until=second_of(fresh.expires_at),
            minutes=SHOW_SECONDS // 60,
        )
        again = address(f"{SHOWS}/{show_id}", language(), _kept())
        answer.headers["Refresh"] = f"{RENEW_SECONDS}; url={again}"
        return answer

    def void(self, *, visitor: Visitor) -> Response:
        """End the show now."""
        show = self._shows.void(request.form.get("show", ""), session=visitor.session.id)
        return self._browser.go(f"{SHOWS}/{show.id}", arguments=_kept())

    def scanned(self, code: str) -> Response:
        """Verify what somebody shows, for whoever scanned it."""
        self._services.limiter.admit(client_address())
        try:
            shown = self._shows.scan(code)
        except ShowOver as error:
            _log.info("refused", code=error.code)
            return _unlisted(
                self._browser.page("scan_over.html", texts=SHOWING_TEXTS, status=HTTPStatus.NOT_FOUND, error=error)
            )
        report = self._services.judge.verify_file(shown.content)
        return _unlisted(
            self._browser.page(
                "scanned.html", texts=SHOWING_TEXTS, report=view_of(report, language()), facts=_facts(shown)
            )
        )

    def _page(self, template: str, show: Show, **values: object) -> Response:
        kind = CertificateIdentifier.parse(show.identifier).type_code
        return self._browser.page(
            template,
            texts=SHOWING_TEXTS,
            show=show,
            name=self._services.names.type_name(kind, english=language() == "en"),
            mandate=request.values.get(AS, ""),
            back=address(f"{CERTIFICATES}/{show.identifier}", language(), _kept()),
            **values,  # type: ignore[arg-type]  # all of them are values of the template
        )


def blueprint(browser: Browser, services: ShowingServices) -> Blueprint:
    """Return the routes below `/my/shows`, and `/s/<code>` for whoever scans."""
    pages = ShowingPages(browser, services)
    routes = browser.blueprint("showing")
    routes.add_url_rule(SHOWS, view_func=browser.signed_in(pages.begin), methods=["POST"])
    routes.add_url_rule(f"{SHOWS}/void", view_func=browser.signed_in(pages.void), methods=["POST"])
    routes.add_url_rule(f"{SHOWS}/<show_id>", view_func=browser.signed_in(pages.code))
    routes.add_url_rule("/s/<code>", view_func=pages.scanned)
    return routes


def _kept() -> dict[str, str]:
    name = request.values.get(AS, "")
    return {AS: name} if name else {}


def _facts(shown: Shown) -> list[tuple[str, str]]:
    """Return whose certificate it is and for how long: a person's number masked, as the screen faces strangers."""
    texts, code, certificate = SHOWING_TEXTS[language()], shown.contents.holder.code, shown.certificate
    return [
        (texts.holder, shown.contents.holder.name),
        (texts.holder_number, code.number if code.is_legal_person else code.masked),
        (texts.number, shown.contents.number),
        (texts.valid_from, certificate.valid_from.isoformat()),
        (texts.valid_to, certificate.valid_to.isoformat() if certificate.valid_to else texts.without_end),
        (texts.issued_on, day_of(certificate.issued_at)),
    ]


def _unlisted(answer: Response) -> Response:
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
