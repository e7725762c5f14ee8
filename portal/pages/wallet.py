"""My certificates: those of the signed-in person, and of the organisations that they represent.

Every read goes through the library's one door and leaves a row of its own (law 8); nothing is kept by the browser.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import quote

from flask import Blueprint, Response

from certs.access_log import OwnLook, Purpose, Release
from certs.domain import Certificate
from certs.library import IssuedFile, Opened
from certs.ports import Principal
from certs.preview import png
from portal.pages.acting import Acting, ActingDesk
from portal.pages.browser import Browser, Visitor
from portal.pages.consent import Names
from portal.pages.moments import minute_of
from portal.pages.rendering import language
from portal.pages.texts import TEXTS
from portal.pages.texts_wallet import WALLET_TEXTS
from trust.formats.holders import HolderNumber
from trust.kernel.identifiers import CertificateIdentifier
from verifier.ports import LibraryState

CERTIFICATES: Final = "/my/certificates"
_SCALE: Final = 1.5  # pixels a point: sharp on a phone, 100 ms of work
STATE_ICONS: Final[Mapping[LibraryState, str]] = {
    LibraryState.ISSUED: "pass",
    LibraryState.SUSPENDED: "open",
    LibraryState.REVOKED: "fail",
    LibraryState.SUPERSEDED: "none",
    LibraryState.EXPIRED: "fail",
}


class OwnCertificates(Protocol):
    """The certificates (`certs.service.CertificateService`); that class says what each method raises."""

    def find_released(
        self, principal: Principal, holder: HolderNumber | None, purpose: Purpose, release: Release
    ) -> Sequence[Certificate]:
        """Return the certificates that `release` opens."""
        ...

    def get(
        self, principal: Principal, identifier: CertificateIdentifier, purpose: Purpose, release: Release | None = None
    ) -> Opened:
        """Return a certificate with its contents."""
        ...

    def file(
        self, principal: Principal, identifier: CertificateIdentifier, purpose: Purpose, release: Release | None = None
    ) -> IssuedFile:
        """Return the signed file."""
        ...

    def state(self, certificate: Certificate) -> tuple[LibraryState, datetime]:
        """Return how a certificate stands now, and since when."""
        ...


class FieldNames(Names, Protocol):
    """Names of types and authorities, and of what stands on a certificate."""

    def field_names(self, type_code: str, *, english: bool) -> Mapping[str, str]:
        """Return the labels of a type's fields by key, in the order of the certificate; none for an unknown type."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletServices:
    """What the pages of a person's certificates are built on."""

    certificates: OwnCertificates
    acting: ActingDesk
    names: FieldNames


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """A certificate as the list shows it. `icon` and `state` say how it stands."""

    identifier: str
    name: str
    authority: str
    icon: str
    state: str
    valid_from: str
    valid_to: str


class WalletPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: WalletServices) -> None:
        self._browser = browser
        self._certificates = services.certificates
        self._acting = services.acting
        self._names = services.names

    def overview(self, *, visitor: Visitor) -> Response:
        """List the certificates, newest first."""
        choices = self._acting.choices(visitor)
        acting = self._acting.chosen(choices)
        release = acting.release
        found = self._certificates.find_released(OwnLook(), None, release.purpose_zh, release)
        rows = [self._row(certificate) for certificate in found]
        return self._page("certificates.html", rows=rows, choices=choices, acting=acting)

    def details(self, identifier: str, *, visitor: Visitor) -> Response:
        """Show one certificate."""
        acting, name = self._asked(visitor, identifier)
        release = acting.release
        opened = self._certificates.get(OwnLook(), name, release.purpose_zh, release)
        return self._page(
            "certificate.html", row=self._row(opened.certificate), facts=self._facts(opened), acting=acting
        )

    def preview(self, identifier: str, *, visitor: Visitor) -> Response:
        """Return the first page as a picture, which no browser keeps."""
        return _private(Response(png(self._file(visitor, identifier).content, _SCALE), mimetype="image/png"))

    def file(self, identifier: str, *, visitor: Visitor) -> Response:
        """Return the signed file as issued."""
        issued = self._file(visitor, identifier)
        kind = self._names.type_name(issued.certificate.type_code, english=language() == "en")
        plain = issued.certificate.identifier
        answer = _private(Response(issued.content, mimetype="application/pdf"))
        answer.headers["Content-Disposition"] = (  # RFC 6266 with the extended form of RFC 8187
            f"attachment; filename=\"{plain}.pdf\"; filename*=UTF-8''{quote(f'{kind}-{plain}.pdf', safe='')}"
        )
        return answer

    def _file(self, visitor: Visitor, identifier: str) -> IssuedFile:
        acting, name = self._asked(visitor, identifier)
        release = acting.release
        return self._certificates.file(OwnLook(), name, release.purpose_zh, release)

    def _asked(self, visitor: Visitor, identifier: str) -> tuple[Acting, CertificateIdentifier]:
        acting = self._acting.chosen(self._acting.choices(visitor))
        return acting, CertificateIdentifier.parse(identifier, field="identifier")

    def _page(self, template: str, **values: object) -> Response:
        return self._browser.page(template, texts=WALLET_TEXTS, **values)  # type: ignore[arg-type]  # values of the template

    def _row(self, certificate: Certificate) -> CertificateRow:
        english, texts = language() == "en", WALLET_TEXTS[language()]
        state, _ = self._certificates.state(certificate)
        return CertificateRow(
            identifier=certificate.identifier,
            name=self._names.type_name(certificate.type_code, english=english),
            authority=self._names.authority_name(certificate.authority, english=english),
            icon=STATE_ICONS[state],
            state=TEXTS[language()].states[state],
            valid_from=certificate.valid_from.isoformat(),
            valid_to=certificate.valid_to.isoformat() if certificate.valid_to else texts.without_end,
        )

    def _facts(self, opened: Opened) -> list[tuple[str, str]]:
        """Return label and value of what stands on the certificate; a person's number is masked wherever it occurs."""
        texts, contents, certificate = WALLET_TEXTS[language()], opened.contents, opened.certificate
        code = contents.holder.code
        number = code.number if code.is_legal_person else code.masked
        labels = self._names.field_names(certificate.type_code, english=language() == "en")
        face = [
            (label, str(contents.face[key]).replace(code.number, number))
            for key, label in labels.items()
            if key in contents.face
        ]
        return [
            (texts.holder, contents.holder.name),
            (texts.holder_number, number),
            (texts.number, contents.number),
            *face,
            (texts.issued_at, minute_of(certificate.issued_at)),
            (texts.identifier, certificate.identifier),
        ]


def blueprint(browser: Browser, services: WalletServices) -> Blueprint:
    """Return the routes below `/my/certificates`."""
    pages = WalletPages(browser, services)
    routes = browser.blueprint("wallet")
    one = f"{CERTIFICATES}/<identifier>"
    for path, view in (
        (CERTIFICATES, pages.overview),
        (one, pages.details),
        (f"{one}/preview.png", pages.preview),
        (f"{one}/file", pages.file),
    ):
        routes.add_url_rule(path, view_func=browser.signed_in(view))
    return routes


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"  # no other page may draw or embed it
    return answer
