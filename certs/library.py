"""Reading certificates for a stated purpose, and changing their states.

Who may what: any department with `certs:read` may look at any certificate for a stated purpose, since sharing across
counters is the point of the library, and each look leaves a row (law 8). A person's token opens only what its `Release`
says, and its row names hop, clerk and counter. Only the issuing authority changes a state, and two of its clerks take
part (law 9).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from certs.access_log import Access, Look, OwnLook, Purpose, Release, Visit, Within
from certs.domain import Certificate, ChangeCommand, Contents, Record, state_on
from certs.library_errors import CertificateOfAnotherAuthority, HolderNotOfToken, StoredFileAltered
from certs.ports import Archive, Principal, Types
from certs.vault import Vault
from trust.formats.holders import HolderNumber
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import CertificateIdentifier
from verifier.ports import LibraryState, LibraryStatus

SEARCH_MAX: Final = 200  # certificates in one answer: far more than any person holds, and a bound on one row each
ACCESSES_MAX: Final = 1000  # rows in one answer about who has looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A certificate with its personal part."""

    certificate: Certificate
    contents: Contents = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedFile:
    """The signed file of a certificate, byte for byte as issued (law 3)."""

    certificate: Certificate
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A certificate that its holder shows: its personal part, and the signed file as issued."""

    certificate: Certificate
    contents: Contents = field(repr=False)
    content: bytes = field(repr=False)


class LibraryDesk:
    """Looks and changes of state."""

    def __init__(self, *, archive: Archive, types: Types, vault: Vault, clock: Clock) -> None:
        self._archive = archive
        self._types = types
        self._vault = vault
        self._clock = clock

    def get(
        self,
        principal: Principal,
        identifier: CertificateIdentifier,
        purpose: Purpose,
        release: Release | None = None,
    ) -> Opened:
        """Return a certificate with its contents. Raises `CertificateUnknown`, also for one outside `release`."""
        visit = self._visit(principal, Look.DATA, purpose, release)
        certificate, sealed = self._archive.library.open(identifier.value, visit, self._within(release))
        return Opened(certificate=certificate, contents=self._vault.open_contents(sealed, identifier.value))

    def file(
        self,
        principal: Principal,
        identifier: CertificateIdentifier,
        purpose: Purpose,
        release: Release | None = None,
    ) -> IssuedFile:
        """Return the signed file. Raises as `get`, `StoredFileAltered`, `BlobMissing`."""
        visit = self._visit(principal, Look.FILE, purpose, release)
        certificate, _ = self._archive.library.open(identifier.value, visit, self._within(release))
        return IssuedFile(certificate=certificate, content=self._content(certificate))

    def show(self, principal: Principal, identifier: CertificateIdentifier, purpose: Purpose) -> Shown:
        """Return contents and signed file in one look, one row. Raises as `file`."""
        visit = self._visit(principal, Look.FILE, purpose, None)
        certificate, sealed = self._archive.library.open(identifier.value, visit)
        contents = self._vault.open_contents(sealed, identifier.value)
        return Shown(certificate=certificate, contents=contents, content=self._content(certificate))

    def find_by_holder(self, principal: Principal, holder: HolderNumber, purpose: Purpose) -> tuple[Certificate, ...]:
        """Return the newest certificates of a holder, at most `SEARCH_MAX`; none is an answer, not an error."""
        visit = self._visit(principal, Look.SEARCH, purpose, None)
        return tuple(self._archive.library.search(self._vault.holder_index(holder), visit, limit=SEARCH_MAX))

    def find_released(
        self, principal: Principal, holder: HolderNumber | None, purpose: Purpose, release: Release
    ) -> tuple[Certificate, ...]:
        """Return what a person's token opens, of one of its holders or of all. Raises `HolderNotOfToken`."""
        if holder is not None and holder not in release.holders:
            raise HolderNotOfToken(field="holder")
        holders = release.holders if holder is None else (holder,)
        visit = self._visit(principal, Look.SEARCH, purpose, release)
        found: list[Certificate] = []
        for each in holders:
            index = self._vault.holder_index(each)
            found += self._archive.library.search(index, visit, limit=SEARCH_MAX, types=release.types)
        return tuple(found)

    def change(self, principal: Principal, command: ChangeCommand) -> Certificate:
        """Suspend, resume or revoke a certificate of the caller's own authority.

        Raises:
            CertificateOfAnotherAuthority: the caller's authority did not issue it.
            CertificateUnknown, TransitionNotAllowed: there is no such certificate, or its state does not admit it.
        """
        if command.identifier.issuer.value != principal.authority:
            raise CertificateOfAnotherAuthority(field="identifier")
        record = Record(
            at=self._clock.now(),
            client=principal.name,
            reason=command.reason,
            requested_by=command.requested_by,
            approved_by=command.approved_by,
        )
        return self._archive.library.change(command.identifier.value, command.action, record)

    def status(self, identifier: str) -> LibraryStatus | None:
        """Return what a verifier may know: nothing personal, no row left. Implements `verifier.ports.StatusSource`."""
        row = self._archive.library.status(identifier)
        if row is None:
            return None
        state, since = state_on(LibraryState(row.state), row.since, row.valid_to, self._clock.now())
        name, name_zh = self.type_names(row.type_code)
        return LibraryStatus(
            identifier=identifier,
            state=state,
            since=since,
            type_name=name,
            type_name_zh=name_zh,
            authority=row.authority_name,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            file_sm3=row.file_sm3,
            superseded_by=row.superseded_by,
        )

    def accesses(
        self, holder: HolderNumber, *, own: bool = True, before: datetime | None = None, limit: int = ACCESSES_MAX
    ) -> Sequence[Access]:
        """Return who looked at a holder's certificates, before a moment, newest first: what the person may see (law 8).

        Without their `own` looks at what is theirs, these cannot push those of others out of the answer.
        """
        index, left_out = self._vault.holder_index(holder), None if own else OwnLook().name
        return self._archive.library.accesses(index, before=before, limit=limit, leaving_out=left_out)

    def type_names(self, type_code: str) -> tuple[str, str]:
        """Return the names of a type; a type taken out of the catalogue must not end the verification of its stock."""
        try:
            kind = self._types.get(type_code)
        except TrustError:
            return type_code, type_code
        return kind.name_en, kind.name

    def _content(self, certificate: Certificate) -> bytes:
        content = self._archive.files.get(certificate.blob)
        if sm3(content) != certificate.file_sm3:
            raise StoredFileAltered(identifier=certificate.identifier)
        return content

    def _within(self, release: Release | None) -> Within | None:
        if release is None:
            return None
        holders = frozenset(self._vault.holder_index(holder) for holder in release.holders)
        return Within(holders=holders, types=release.types)

    def _visit(self, principal: Principal, look: Look, purpose: Purpose, release: Release | None) -> Visit:
        return Visit(
            at=self._clock.now(),
            client=principal.name,
            authority=principal.authority,
            look=look,
            purpose=purpose.text,
            hop=None if release is None else release.hop,
            clerk=None if release is None else release.clerk,
            counter=None if release is None else release.counter,
        )
