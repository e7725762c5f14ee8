"""What the verifier asks of others: anchors and CRLs, and the state of a certificate in the library.

Both are ports: `portal.wiring` plugs the service's own authority and library in, the offline command a folder of
files. The verifier never fetches anything by an address that it read from the artefact.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustMaterial:
    """DER of the anchors (`roots`), the CAs below them and their CRLs. Only `roots` is trusted as such."""

    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


class TrustSource(Protocol):
    """Where anchors and CRLs come from."""

    def material(self) -> TrustMaterial:
        """Return what is trusted now. Unchanged material should be the same object: results are kept per object."""
        ...


class LibraryState(StrEnum):
    """The state of a certificate in the library that issued it."""

    ISSUED = "issued"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStatus:
    """What the library says of one certificate. Nothing of it comes from the artefact, and none of it is personal.

    `state` holds since `since`. `valid_from` and `valid_to` are calendar days in China, both included; no `valid_to`
    means without end. `file_sm3` is the SM3 of the file as issued, 32 bytes; None while there is no file.
    """

    identifier: str
    state: LibraryState
    since: datetime
    type_name: str
    type_name_zh: str
    authority: str
    valid_from: date
    valid_to: date | None = None
    file_sm3: bytes | None = None
    superseded_by: str | None = None


class StatusSource(Protocol):
    """The library, as far as verification needs it."""

    def status(self, identifier: str) -> LibraryStatus | None:
        """Return the state of the certificate, or None when the library does not know the identifier."""
        ...


class LinkReader(Protocol):
    """Reads the text of a scanned verification QR."""

    def identifier(self, text: str) -> str:
        """Return the identifier that the link names.

        Raises:
            InvalidInput: not a link of this service, or its token does not fit the identifier.
        """
        ...
