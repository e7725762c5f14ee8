"""Issuing one certificate (docs/design.md section 5, "Issue"; the same numbers stand in the code).

    1  the authority is authenticated, the command is parsed (before `issue` is called)
    2  the type's schema, the holder's number and the authority's right to the type are checked
    3  the identifier is reserved and the intent committed under the caller's idempotency key
    4  the page is rendered
    5  the seal is applied: guard, ledger entry, signature
    6  the result is verified
    7  the file is stored, then status and intent are committed
    8  the answer is given

From step 3 on the intent survives whatever happens. The run that works on it holds its lease; a run that dies lets
the lease run out, and a repeated request or recovery continues at step 4 under the same identifier. Rendering and
sealing may then happen twice, but one commit decides which file counts (law 5).
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from certs.catalogue import SealPosition
from certs.domain import Certificate, Intent, IntentState, IssueCommand, Record
from certs.draft import Checks
from certs.library_errors import (
    CertificateUnknown,
    FreshFileInvalid,
    FreshFileUndecided,
    IdempotencyConflict,
    IssueAbandoned,
    IssueFailed,
    IssueInProgress,
)
from certs.links import VerificationLinks
from certs.ports import Archive, Principal, Workshop
from certs.render import RenderInput
from certs.reservation import Reservations, Reserved
from certs.vault import Vault
from seals.domain import Placement
from trust.kernel.clock import Clock, calendar_day
from trust.kernel.errors import MalformedInput, NotReady, TooLarge, TrustError
from trust.kernel.identifiers import CertificateIdentifier
from trust.keys import UseContext
from verifier.ports import LibraryState
from verifier.reasons import Outcome

GIVE_UP_AFTER: Final = timedelta(hours=24)  # an intent that still fails then is abandoned: its caller has moved on
_NOT_PASSED: Final = frozenset({Outcome.FAILED, Outcome.INDETERMINATE})
# A certificate may be issued ahead of its term, and recovery may finish one after its last day.
_OUTSIDE_TERM: Final = frozenset({"not-yet-in-force", "expired"})
WHY: Final = "certs.issue"  # the reason in the ledger entry of each key use


class Issuing:
    """The operation "Issue"."""

    def __init__(
        self,
        *,
        workshop: Workshop,
        archive: Archive,
        reservations: Reservations,
        vault: Vault,
        links: VerificationLinks,
        clock: Clock,
    ) -> None:
        self._workshop = workshop
        self._archive = archive
        self._reservations = reservations
        self._vault = vault
        self._links = links
        self._clock = clock
        self._checks = Checks(workshop=workshop, archive=archive, vault=vault)

    def issue(self, principal: Principal, command: IssueCommand) -> Certificate:
        """Issue a certificate, or return what the same request led to before.

        Raises:
            InvalidInput, NotAllowed, NotFound, Conflict: by the checks of step 2; nothing was reserved.
            IdempotencyConflict, IssueInProgress, IssueAbandoned: the key was used before.
            Unavailable, NotReady: the same request may be repeated; it continues under the same identifier.
            InternalFault: one of our own guarantees did not hold; the intent is abandoned.
        """
        # 1  The principal comes authenticated and the command parsed; a request known by its key is answered again.
        asked = self._reservations.asked(command, client=principal.name, authority=principal.authority)
        known = self._reservations.known(asked)
        if known is not None:
            return self._again(known, asked.digest)
        # 2  Schema, holder's number, right to the type.
        draft = self._checks.draft(principal.authority, command, self._clock.now())
        # 3  Identifier and intent; another call may have come first under the same key.
        reserved = self._reservations.reserve(draft, asked)
        if isinstance(reserved, Intent):
            return self._again(reserved, asked.digest)
        with self._settling(reserved.intent):
            return self._produce(reserved)

    def resume(self, intent: Intent) -> Certificate:
        """Continue an intent whose lease this run has claimed, at step 4. Raises as `issue`."""
        with self._settling(intent):
            command = self._vault.open_command(intent.sealed or b"", intent.identifier)
            draft = self._checks.draft(intent.authority, command, intent.created_at)
            identifier = CertificateIdentifier.parse(intent.identifier)
            return self._produce(Reserved(draft=draft, intent=intent, identifier=identifier))

    def _again(self, intent: Intent, digest: bytes) -> Certificate:
        """Answer a repeated request with what the first one led to, in its present state."""
        if not hmac.compare_digest(intent.digest, digest):
            raise IdempotencyConflict(field="Idempotency-Key")
        if intent.state is IntentState.ABANDONED:
            raise IssueAbandoned(f"It was given up because of: {intent.reason}.", field="Idempotency-Key")
        if intent.state is IntentState.COMPLETED:
            certificate = self._archive.library.find(intent.identifier)
            if certificate is None:
                raise CertificateUnknown(identifier=intent.identifier)
            return certificate
        claimed = self._reservations.claim(intent.identifier)
        if claimed is None:
            raise IssueInProgress(field="Idempotency-Key")
        return self.resume(claimed)

    def _produce(self, reserved: Reserved) -> Certificate:
        draft, intent = reserved.draft, reserved.intent
        # 4  The page: the same intent gives the same page, whenever it is rendered.
        page = self._workshop.renderer.render(
            RenderInput(
                face=draft.face,
                identifier=reserved.identifier,
                authority=draft.authority.name_zh,
                link=self._links.link(reserved.identifier),
                moment=draft.moment,
            )
        )
        # 5  The seal; its key use is in the ledger when this returns.
        sealed = self._workshop.sealer.stamp(
            draft.authority.seal_id,
            page,
            placement=_placement(draft.kind.seal),
            context=UseContext(principal=intent.client, why=WHY, document=intent.identifier),
        )
        # 6  Nothing is released that a verifier would not accept.
        digest = self._verify(sealed, intent.identifier)
        # 7  The file is durable before the row that names it (law 6). A blob of a run that died stays unnamed.
        blob = f"{calendar_day(intent.created_at):%Y%m%d}/{intent.identifier}.{intent.attempt}.pdf"
        self._archive.files.put(blob, sealed)
        certificate = self._certificate(reserved, blob, digest)
        self._archive.library.complete(
            intent,
            certificate,
            sealed=self._vault.seal_contents(draft.command.contents, intent.identifier),
            record=Record(at=certificate.issued_at, client=intent.client),
        )
        # 8  What is answered is what was committed.
        return certificate

    def _verify(self, sealed: bytes, identifier: str) -> bytes:
        """Return the SM3 of the verified file.

        Raises `FreshFileInvalid` unless it is this very certificate, `FreshFileUndecided` when that cannot be told now.
        """
        try:
            report = self._workshop.verifier.verify_file(sealed)
        except (MalformedInput, TooLarge) as error:
            raise FreshFileInvalid(f"The verifier cannot read it: {error.code}.") from error
        wrong = [step for step in report.steps if step.outcome in _NOT_PASSED and step.code not in _OUTSIDE_TERM]
        if wrong and all(step.outcome is Outcome.INDETERMINATE for step in wrong):
            raise FreshFileUndecided(f"The verifier says {report.verdict}: {wrong[0].code}.")
        if wrong:
            raise FreshFileInvalid(f"The verifier says {report.verdict}: {wrong[0].code}.")
        if report.facts is None or report.facts.certificate_identifier != identifier:
            raise FreshFileInvalid("The verifier finds another identifier in the file.")
        return bytes.fromhex(report.digest)

    def _certificate(self, reserved: Reserved, blob: str, digest: bytes) -> Certificate:
        command, face, now = reserved.draft.command, reserved.draft.face, self._clock.now()
        replaced = command.supersedes
        return Certificate(
            identifier=reserved.intent.identifier,
            type_code=command.type_code,
            authority=reserved.intent.authority,
            state=LibraryState.ISSUED,
            since=now,
            issued_at=now,
            valid_from=face.valid_from,
            valid_to=face.valid_to,
            holder_index=self._vault.holder_index(command.contents.holder.code),
            blob=blob,
            file_sm3=digest,
            supersedes=None if replaced is None else replaced.value,
        )

    @contextmanager
    def _settling(self, intent: Intent) -> Iterator[None]:
        """Leave no intent in the air when a step fails: it is given back to be repeated, or given up with its reason.

        A process that is killed gets no chance to do either; then the lease runs out.
        """
        try:
            yield
        except TrustError as error:
            self._settle(intent, error)
            raise
        except Exception as error:
            failed = IssueFailed(kind=type(error).__name__)
            self._settle(intent, failed)
            raise failed from error

    def _settle(self, intent: Intent, error: TrustError) -> None:
        now = self._clock.now()
        passing = error.retryable or isinstance(error, NotReady)
        if passing and now - intent.created_at < GIVE_UP_AFTER:
            self._archive.intents.release(intent, now=now)
        else:
            self._archive.intents.abandon(intent, reason=error.code)


def _placement(seal: SealPosition) -> Placement:
    return Placement(page=seal.page, x_mm=seal.x_mm, y_mm=seal.y_mm, width_mm=seal.width_mm)
