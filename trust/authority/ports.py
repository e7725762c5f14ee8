"""Where the PKI keeps its rows. Each method is one unit of work and is durable when it returns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trust.authority.domain import CaKey, RevocationRecord, X509Record
from trust.authority.profiles import CaRole
from trust.formats.crl import Revocation


class AuthorityStore(Protocol):
    """Keys of CAs, certificates by serial number, revocation lists by number."""

    def add_ca_key(self, key: CaKey) -> CaKey:
        """Keep the key of a CA; returns the one that is there already, if any."""
        ...

    def find_ca_key(self, role: CaRole) -> CaKey | None:
        """Return the key of a CA."""
        ...

    def reserve(self, record: X509Record) -> X509Record:
        """Commit an unsigned record; returns the one already there under its request id. Raises `SerialCollision`."""
        ...

    def find_by_request(self, request_id: str) -> X509Record | None:
        """Return the record of a request."""
        ...

    def get(self, serial: int) -> X509Record:
        """Return a record. Raises `X509Unknown`."""
        ...

    def complete(self, serial: int, der: bytes) -> bytes:
        """Keep the signed certificate and return the one that is kept: the first."""
        ...

    def unfinished(self) -> Sequence[X509Record]:
        """Return the reserved records without a signature, oldest first."""
        ...

    def revoke(self, serial: int, revocation: RevocationRecord) -> X509Record:
        """Keep a revocation; the first one kept stays. Raises `X509Unknown`."""
        ...

    def reserve_crl(self, issuer: CaRole, this_update: datetime) -> tuple[int, Mapping[int, Revocation]]:
        """Take the next list number, and return with it all revocations of this CA as of that same moment."""
        ...

    def complete_crl(self, issuer: CaRole, number: int, der: bytes) -> None:
        """Keep the signed list under its number."""
        ...

    def keep_crl(self, issuer: CaRole, number: int, this_update: datetime, der: bytes) -> None:
        """Keep a list that was signed elsewhere under its own number; the one kept first under a number stays."""
        ...

    def latest_crl(self, issuer: CaRole) -> bytes | None:
        """Return the signed list with the highest number."""
        ...
