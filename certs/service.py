"""The e-certificate service as everyone else sees it: one door to issuing, library and recovery."""

from collections.abc import Sequence
from datetime import datetime

from certs.access_log import Access, Purpose, Release
from certs.authorities import Authority
from certs.domain import Certificate, ChangeCommand, IssueCommand, Transition
from certs.issue import Issuing
from certs.library import ACCESSES_MAX, IssuedFile, LibraryDesk, Opened, Shown
from certs.links import VerificationLinks
from certs.ports import Archive, Principal, Workshop
from certs.recovery import Recovery, RecoveryReport
from certs.reservation import Reservations
from certs.vault import Vault
from trust.formats.holders import HolderNumber
from trust.formats.qr import VerificationLink
from trust.kernel.clock import Clock
from trust.kernel.identifiers import CertificateIdentifier
from trust.kernel.randomness import Randomness
from verifier.ports import LibraryState, LibraryStatus


class CertificateService:
    """Issues certificates, keeps them, and says how they stand. Errors are named at the methods it passes on to."""

    def __init__(
        self,
        *,
        workshop: Workshop,
        archive: Archive,
        vault: Vault,
        links: VerificationLinks,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        reservations = Reservations(intents=archive.intents, vault=vault, clock=clock, randomness=randomness)
        self._archive = archive
        self._links = links
        self._workshop = workshop
        self._clock = clock
        self._desk = LibraryDesk(archive=archive, types=workshop.types, vault=vault, clock=clock)
        self._issuing = Issuing(
            workshop=workshop,
            archive=archive,
            reservations=reservations,
            vault=vault,
            links=links,
            clock=clock,
        )
        self._recovery = Recovery(
            issuing=self._issuing, reservations=reservations, intents=archive.intents, clock=clock
        )

    def issue(self, principal: Principal, command: IssueCommand) -> Certificate:
        """Issue a certificate, once per idempotency key. See `certs.issue.Issuing.issue`."""
        return self._issuing.issue(principal, command)

    def get(
        self,
        principal: Principal,
        identifier: CertificateIdentifier,
        purpose: Purpose,
        release: Release | None = None,
    ) -> Opened:
        """Return a certificate with its contents, for a purpose. See `certs.library.LibraryDesk.get`."""
        return self._desk.get(principal, identifier, purpose, release)

    def file(
        self,
        principal: Principal,
        identifier: CertificateIdentifier,
        purpose: Purpose,
        release: Release | None = None,
    ) -> IssuedFile:
        """Return the signed file, for a purpose. See `certs.library.LibraryDesk.file`."""
        return self._desk.file(principal, identifier, purpose, release)

    def show(self, principal: Principal, identifier: CertificateIdentifier, purpose: Purpose) -> Shown:
        """Return contents and signed file in one look. See `certs.library.LibraryDesk.show`."""
        return self._desk.show(principal, identifier, purpose)

    def find_by_holder(self, principal: Principal, holder: HolderNumber, purpose: Purpose) -> tuple[Certificate, ...]:
        """Return a holder's certificates, for a purpose. See `certs.library.LibraryDesk.find_by_holder`."""
        return self._desk.find_by_holder(principal, holder, purpose)

    def find_released(
        self, principal: Principal, holder: HolderNumber | None, purpose: Purpose, release: Release
    ) -> tuple[Certificate, ...]:
        """Return what a person's token opens. See `certs.library.LibraryDesk.find_released`."""
        return self._desk.find_released(principal, holder, purpose, release)

    def change(self, principal: Principal, command: ChangeCommand) -> Certificate:
        """Suspend, resume or revoke a certificate. See `certs.library.LibraryDesk.change`."""
        return self._desk.change(principal, command)

    def state(self, certificate: Certificate) -> tuple[LibraryState, datetime]:
        """Return how a certificate stands now, and since when."""
        return certificate.at(self._clock.now())

    def status(self, identifier: str) -> LibraryStatus | None:
        """Return what a verifier may know of a certificate. Implements `verifier.ports.StatusSource`."""
        return self._desk.status(identifier)

    def type_name_zh(self, certificate: Certificate) -> str:
        """Return the Chinese name of a certificate's type."""
        return self._desk.type_names(certificate.type_code)[1]

    def verification_link(self, certificate: Certificate) -> VerificationLink:
        """Return the link that stands in the QR code of a certificate."""
        return self._links.link(CertificateIdentifier.parse(certificate.identifier))

    def history(self, identifier: CertificateIdentifier) -> Sequence[Transition]:
        """Return every step in the life of a certificate: when, who, why, and which two clerks."""
        return self._archive.library.transitions(identifier.value)

    def accesses(
        self, holder: HolderNumber, *, own: bool = True, before: datetime | None = None, limit: int = ACCESSES_MAX
    ) -> Sequence[Access]:
        """Return who looked at a holder's certificates, newest first (law 8). See `certs.library.LibraryDesk`."""
        return self._desk.accesses(holder, own=own, before=before, limit=limit)

    def recover(self) -> RecoveryReport:
        """Finish or give up what killed processes left behind. See `certs.recovery.Recovery.recover`."""
        return self._recovery.recover()

    def onboard(self, authority: Authority) -> None:
        """Register an issuing authority. Raises `AuthorityOnboarded`, `TypeUnknown` for a type without a folder."""
        for type_code in authority.permitted_types:
            self._workshop.types.get(type_code)
        self._archive.authorities.add(authority)

    def authorities(self) -> Sequence[Authority]:
        """Return every onboarded authority."""
        return self._archive.authorities.all()
