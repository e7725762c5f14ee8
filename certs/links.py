"""The links in the QR codes of certificates: made for a new certificate, checked when one is scanned.

The token is a keyed digest of the identifier: without the key nobody makes a code that leads to a verification, so a
forger cannot print one for an identifier that was merely guessed or seen.
"""

import hmac

from trust.formats.qr import VerificationLink, parse_verification_link
from trust.kernel.encoding import base64url
from trust.kernel.identifiers import CertificateIdentifier
from trust.sealing import BlindIndex
from verifier.errors import LinkForged

_DOMAIN = "certs.link"


class VerificationLinks:
    """Makes and reads verification links of the service at `base_url`; implements `verifier.ports.LinkReader`."""

    def __init__(self, *, base_url: str, index: BlindIndex) -> None:
        self._base_url = base_url
        self._index = index

    def link(self, identifier: CertificateIdentifier) -> VerificationLink:
        """Return the link for the QR code of a certificate."""
        return VerificationLink(base_url=self._base_url, identifier=identifier, token=self._token(identifier))

    def check_token(self, identifier: CertificateIdentifier, token: str) -> None:
        """Raise `LinkForged` unless `token` was made for `identifier`; takes the same time for any wrong token."""
        if not hmac.compare_digest(self._token(identifier).encode(), token.encode("utf-8", "replace")):
            raise LinkForged(field="t")

    def identifier(self, text: str) -> str:
        """Return the identifier that a scanned text names. Raises `QrForeign`, `QrMalformed`, `LinkForged`."""
        link = parse_verification_link(text, self._base_url)
        self.check_token(link.identifier, link.token)
        return link.identifier.value

    def _token(self, identifier: CertificateIdentifier) -> str:
        return base64url(self._index.of(identifier.value, domain=_DOMAIN))
