"""The verifier: one call for each kind of thing that a person may hold in hand."""

from datetime import date, datetime, timedelta, timezone
from typing import Final, Literal

from trust.formats.metadata import Metadata
from trust.formats.pdf import MAX_PDF, read_pdf
from trust.formats.qr import QrForeign
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.identifiers import CertificateIdentifier
from verifier.chain import Chains
from verifier.errors import LinkForged
from verifier.pdf import Judgement, PdfChecks
from verifier.ports import LibraryState, LibraryStatus, LinkReader, StatusSource, TrustSource
from verifier.report import Facts, Report, Step, StepResult
from verifier.seal import Seals

_CHINA: Final = timezone(timedelta(hours=8))  # validity is counted in calendar days of China
_STATE_CODES = {
    LibraryState.REVOKED: "revoked",
    LibraryState.SUSPENDED: "suspended",
    LibraryState.SUPERSEDED: "superseded",
    LibraryState.EXPIRED: "expired",
}


class Verifier:
    """Judges files, identifiers and scanned codes from public data alone.

    Without `status` the state in the library is not judged, and the report says so; the term that the file itself
    names is judged all the same. Without `links` scanned codes cannot be judged. `max_bytes` is the largest file that
    is read. Safe to share between threads.
    """

    def __init__(
        self,
        trust: TrustSource,
        clock: Clock,
        status: StatusSource | None = None,
        *,
        links: LinkReader | None = None,
        max_bytes: int = MAX_PDF,
    ) -> None:
        self._clock = clock
        self._status = status
        self._links = links
        self.max_bytes = max_bytes
        chains = Chains(trust)
        self._pdf = PdfChecks(chains, Seals(chains))

    def verify_file(self, data: bytes) -> Report:
        """Judge a file by its bytes.

        Raises:
            MalformedInput: it cannot be read: `not-a-document`, `pdf-malformed`, `pdf-encrypted`.
            TooLarge: over the size limit (`upload-too-large`), or a decompression bomb (`pdf-bomb`).
            NotReady: the trust material cannot be read.
        """
        document = read_pdf(data, max_bytes=self.max_bytes)
        moment = self._clock.now()
        digest = sm3(data)
        judgement = self._pdf.judge(document, moment)
        status = self._status_of(judgement)
        return Report(
            artefact="pdf",
            digest=digest.hex(),
            judged_at=moment,
            steps=(
                StepResult(step=Step.RECOGNISE, code="pdf-recognised"),
                *judgement.steps,
                self._library_of(judgement, status, digest),
            ),
            facts=_facts(judgement, status) if judgement.borne_out else None,
        )

    def verify_identifier(self, text: str) -> Report:
        """Judge a certificate identifier (GB/T 36904) by what the library says.

        Raises:
            InvalidInput: not an identifier; the code names the part that is wrong.
        """
        identifier = CertificateIdentifier.parse(text, field="identifier").value
        return self._named("identifier", text, identifier, "identifier-recognised")

    def verify_qr(self, text: str) -> Report:
        """Judge the text of a scanned QR code.

        Raises:
            MalformedInput: the text is no link at all.
        """
        if self._links is None:
            return self._refused_link(text, "link-unreadable")
        try:
            identifier = self._links.identifier(text)
        except QrForeign:
            return self._refused_link(text, "link-foreign")
        except LinkForged:
            return self._refused_link(text, "link-forged")
        return self._named("qr", text, identifier, "link-recognised")

    def _refused_link(self, text: str, code: str) -> Report:
        steps = (StepResult(step=Step.RECOGNISE, code=code), StepResult(step=Step.LIBRARY, code="not-judged"))
        return Report(artefact="qr", digest=_digest_of(text), judged_at=self._clock.now(), steps=steps)

    def _named(self, artefact: Literal["identifier", "qr"], text: str, identifier: str, recognised: str) -> Report:
        moment = self._clock.now()
        status = self._status.status(identifier) if self._status else None
        alone = StepResult(step=Step.LIBRARY, code="library-needed")
        return Report(
            artefact=artefact,
            digest=_digest_of(text),
            judged_at=moment,
            steps=(
                StepResult(step=Step.RECOGNISE, code=recognised),
                self._library(status, moment) if self._status else alone,
            ),
            facts=_library_facts(status) if status else Facts(certificate_identifier=identifier),
        )

    # step 7

    def _status_of(self, judgement: Judgement) -> LibraryStatus | None:
        if self._status is None or judgement.metadata is None or not judgement.borne_out:
            return None
        return self._status.status(judgement.metadata.identifier.value)

    def _library_of(self, judgement: Judgement, status: LibraryStatus | None, digest: bytes) -> StepResult:
        if not judgement.borne_out:
            return StepResult(step=Step.LIBRARY, code="not-judged")
        if judgement.metadata is None:
            return StepResult(step=Step.LIBRARY, code="identifier-absent", detail=judgement.metadata_fault)
        if status is not None and status.file_sm3 is not None and status.file_sm3 != digest:
            return StepResult(step=Step.LIBRARY, code="library-file-differs")
        if self._status is None:
            return _own_term(judgement.metadata, judgement.moment)
        return self._library(status, judgement.moment)

    def _library(self, status: LibraryStatus | None, moment: datetime) -> StepResult:
        if status is None:
            return StepResult(step=Step.LIBRARY, code="library-unknown")
        if status.state is not LibraryState.ISSUED:
            detail = status.since.astimezone(_CHINA).date().isoformat()
            return StepResult(step=Step.LIBRARY, code=_STATE_CODES[status.state], detail=detail)
        outside = _outside_term(status.valid_from, status.valid_to, moment)
        return outside or StepResult(step=Step.LIBRARY, code="library-issued")


def _own_term(metadata: Metadata, moment: datetime) -> StepResult:
    """Judge by what the signed file says of its own term, where no library can be asked."""
    outside = _outside_term(metadata.valid_from, metadata.valid_to, moment)
    return outside or StepResult(step=Step.LIBRARY, code="library-not-asked")


def _outside_term(first: date, last: date | None, moment: datetime) -> StepResult | None:
    today = moment.astimezone(_CHINA).date()
    if last is not None and today > last:
        return StepResult(step=Step.LIBRARY, code="expired", detail=last.isoformat())
    if today < first:
        return StepResult(step=Step.LIBRARY, code="not-yet-in-force", detail=first.isoformat())
    return None


def _digest_of(text: str) -> str:
    return sm3(text.encode(errors="surrogatepass")).hex()  # a command line hands bytes that are no text over so


def _library_facts(status: LibraryStatus) -> Facts:
    return Facts(
        certificate_identifier=status.identifier,
        type_name=status.type_name,
        type_name_zh=status.type_name_zh,
        authority=status.authority,
        library_state=status.state.value,
        superseded_by=status.superseded_by,
    )


def _facts(judgement: Judgement, status: LibraryStatus | None) -> Facts:
    metadata, signer, signature = judgement.metadata, judgement.signer, judgement.signature
    return Facts(
        certificate_identifier=metadata.identifier.value if metadata else None,
        type_name=status.type_name if status else None,
        type_name_zh=metadata.type_name if metadata else None,
        authority=metadata.authority if metadata else None,
        signer=signer.common_name if signer else None,
        seal_name=judgement.seal_name,
        signing_time_claimed=signature.claimed_at if signature else None,
        library_state=status.state.value if status else None,
        superseded_by=status.superseded_by if status else None,
    )
