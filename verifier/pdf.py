"""Steps 2 to 6 for a PDF: each check appends its result, and the first that fails in integrity ends the judging."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from trust.formats.cms import SHA256_OID, CmsMalformed, SignedData, parse_signed_data
from trust.formats.metadata import METADATA_NAME, Metadata, MetadataMalformed, parse_metadata
from trust.formats.pdf import Coverage, PdfDocument, PdfSignature
from trust.formats.x509 import X509
from trust.gm import sm3
from trust.gm.errors import KeyUnusable, SignatureInvalid
from trust.kernel.algorithms import TABLE, Algorithm
from trust.kernel.errors import InvalidInput
from trust.signatures import verify
from verifier.chain import FRESHNESS, TRUSTED, Chains
from verifier.reasons import REASONS, Outcome
from verifier.report import Step, StepResult
from verifier.seal import MAKER_UNJUDGED, SEAL_VALID, Seals

CLOCK_SKEW: Final = timedelta(minutes=5)  # between the signer's clock and ours: what NTP-less counters show
_SM2 = TABLE[Algorithm.SM2_SM3]
_SM3_OID = "1.2.156.10197.1.401"
# What may be open while it is known who signed: whether one of the keys was revoked since the last list.
_BORNE_OUT = {
    Step.COVERAGE: {"entire-file"},
    Step.DIGEST: {"digest-matches"},
    Step.SIGNATURE: {"signature-matches"},
    Step.SEAL: {SEAL_VALID, MAKER_UNJUDGED},
    Step.CHAIN: {TRUSTED, *FRESHNESS},
}


@dataclass(slots=True, kw_only=True)
class Judgement:
    """What is known of one PDF so far. `signer`, `metadata` and `seal_name` are set only when they are borne out."""

    document: PdfDocument
    moment: datetime
    steps: list[StepResult] = field(default_factory=list)
    signature: PdfSignature | None = None
    signed: SignedData | None = None
    signer: X509 | None = None
    metadata: Metadata | None = None
    metadata_fault: str | None = None
    seal_name: str | None = None

    def add(self, step: Step, code: str, detail: str | None = None) -> bool:
        """Note the result of a step; return whether it passed."""
        self.steps.append(StepResult(step=step, code=code, detail=detail))
        return REASONS[code].outcome is Outcome.PASSED

    @property
    def borne_out(self) -> bool:
        """Whether what the file says may be shown: content, signature and seal are right and the signer is known."""
        codes = {result.step: result.code for result in self.steps}
        return all(codes.get(step) in allowed for step, allowed in _BORNE_OUT.items())


class PdfChecks:
    """The checks of a stamped PDF, without the library."""

    def __init__(self, chains: Chains, seals: Seals) -> None:
        self._chains = chains
        self._seals = seals

    def judge(self, document: PdfDocument, moment: datetime) -> Judgement:
        """Run steps 2 to 6. Steps after a failed integrity check are noted as not judged."""
        judgement = Judgement(document=document, moment=moment)
        integrity: tuple[tuple[Step, Callable[[Judgement], bool]], ...] = (
            (Step.COVERAGE, _coverage),
            (Step.DIGEST, _digest),
            (Step.SIGNATURE, _signature_value),
        )
        for position, (_, check) in enumerate(integrity):
            if not check(judgement):
                for step in (*(step for step, _ in integrity[position + 1 :]), Step.SEAL, Step.CHAIN):
                    judgement.add(step, "not-judged")
                return judgement
        _read_metadata(judgement)
        self._seal(judgement)
        self._chain(judgement)
        return judgement

    def _seal(self, judgement: Judgement) -> None:
        signature, signer = judgement.signature, judgement.signer
        if signature is None or signer is None:
            judgement.add(Step.SEAL, "not-judged")
            return
        if signature.seal is None:
            judgement.add(Step.SEAL, "seal-absent" if _is_foreign(judgement) else "seal-missing")
            return
        used_at = signature.claimed_at or judgement.moment
        result = self._seals.judge(signature.seal, signer, used_at=used_at, moment=judgement.moment)
        code = result.code
        if code in (SEAL_VALID, MAKER_UNJUDGED) and _is_of_another(judgement.metadata, signer):
            code = "authority-mismatch"
        judgement.add(Step.SEAL, code, result.detail)
        judgement.seal_name = result.name

    def _chain(self, judgement: Judgement) -> None:
        signer, signed, signature = judgement.signer, judgement.signed, judgement.signature
        if signer is None or signed is None or signature is None:
            judgement.add(Step.CHAIN, "not-judged")
            return
        extra = [x509 for x509 in signed.certificates if x509 is not signer]
        result = self._chains.judge(signer, extra, judgement.moment)
        code = result.code
        if code == "chain-untrusted" and _is_foreign(judgement):
            code = "chain-unknown"
        elif code == TRUSTED and signed.has_unsigned_parts:
            code = "unsigned-parts"
        elif code == TRUSTED and not _is_plausible(signature.claimed_at, signer, judgement.moment):
            code = "time-implausible"
        judgement.add(Step.CHAIN, code, result.detail)


def _is_foreign(judgement: Judgement) -> bool:
    """Whether the file does not even claim to be a certificate: neither seal nor metadata."""
    seal = judgement.signature.seal if judgement.signature else None
    return seal is None and judgement.metadata is None and judgement.metadata_fault is None


def _is_of_another(metadata: Metadata | None, signer: X509) -> bool:
    """Whether the certificate claims another authority than the one that the signer's X.509 was issued to."""
    return metadata is not None and signer.uscc != metadata.identifier.issuer.value


def _is_plausible(claimed: datetime | None, signer: X509, moment: datetime) -> bool:
    """A claimed time proves nothing, but one that cannot be true says that something is wrong."""
    return claimed is None or (signer.not_before <= claimed <= signer.not_after and claimed <= moment + CLOCK_SKEW)


def _coverage(judgement: Judgement) -> bool:
    document = judgement.document
    if not document.signatures:
        return judgement.add(Step.COVERAGE, "structure-ambiguous" if document.stray > 0 else "unsigned")
    signature = document.signatures[0]
    code = _coverage_code(document)
    if code == "entire-file":
        judgement.signature = signature
        try:
            judgement.signed = parse_signed_data(_without_padding(signature.contents))
        except CmsMalformed as error:
            return judgement.add(Step.COVERAGE, "signature-malformed", error.detail)
    return judgement.add(Step.COVERAGE, code)


def _coverage_code(document: PdfDocument) -> str:
    coverages = [each.coverage(document.data) for each in document.signatures]
    if len(coverages) > 1:
        # A certificate is certified with DocMDP level 1: whatever came later, a further signature too, broke it.
        certified = any(each.permission == 1 for each in document.signatures)
        sound = all(each is not Coverage.BROKEN for each in coverages)
        return "several-signatures" if sound and not certified else "modified-after-signing"
    if coverages[0] is Coverage.FOLLOWED:
        return "modified-after-signing"
    if coverages[0] is Coverage.BROKEN:
        return "coverage-broken"
    return "structure-ambiguous" if document.stray else "entire-file"


def _without_padding(contents: bytes) -> bytes:
    """Cut the zeros of the placeholder off, by the length that the DER itself states (RFC 5652: definite)."""
    if len(contents) < 2 or contents[1] < 0x80:  # noqa: PLR2004  short form
        return contents[: 2 + contents[1]] if len(contents) > 1 else contents
    octets = contents[1] & 0x7F
    length = int.from_bytes(contents[2 : 2 + octets], "big")
    end = 2 + octets + length
    return contents if any(contents[end:]) else contents[:end]


def _digest(judgement: Judgement) -> bool:
    signature, signed = judgement.signature, judgement.signed
    if signature is None or signed is None:
        return judgement.add(Step.DIGEST, "not-judged")
    if signed.digest_oid != _SM3_OID:
        return judgement.add(Step.DIGEST, "algorithm-refused", signed.digest_oid)
    if signed.content is not None:
        return judgement.add(Step.DIGEST, "signature-malformed", "The content stands inside the signature.")
    _, first, second, last = signature.byte_range
    whole = memoryview(judgement.document.data)
    digest = sm3.new()
    digest.update(whole[:first])
    digest.update(whole[second : second + last])
    matches = digest.digest() == signed.message_digest
    return judgement.add(Step.DIGEST, "digest-matches" if matches else "digest-mismatch")


def _signature_value(judgement: Judgement) -> bool:
    signed = judgement.signed
    if signed is None:
        return judgement.add(Step.SIGNATURE, "not-judged")
    if signed.signature_oid != _SM2.signature_oid:
        return judgement.add(Step.SIGNATURE, "algorithm-refused", signed.signature_oid)
    signer = signed.signer_x509
    if signer is None or not _is_named(signed, signer):
        return judgement.add(Step.SIGNATURE, "signer-mismatch")
    try:
        verify(Algorithm.SM2_SM3, signer.spki, signed.signed_attributes, signed.signature)
    except (SignatureInvalid, KeyUnusable):
        return judgement.add(Step.SIGNATURE, "signature-invalid")
    judgement.signer = signer
    return judgement.add(Step.SIGNATURE, "signature-matches")


def _is_named(signed: SignedData, signer: X509) -> bool:
    """Whether signing-certificate-v2 (RFC 5035) names this very X.509: a key may be certified more than once."""
    named = signed.signing_certificate
    if named is None or named.hash_oid not in (SHA256_OID, _SM3_OID):
        return False
    own = bytes.fromhex(signer.fingerprint) if named.hash_oid == SHA256_OID else sm3.sm3(signer.der)
    return named.certificate_hash == own


def _read_metadata(judgement: Judgement) -> None:
    attached = judgement.document.attachments(METADATA_NAME)
    if len(attached) > 1:
        judgement.metadata_fault = "The file carries several metadata attachments."
    elif attached:
        try:
            judgement.metadata = parse_metadata(attached[0])
        except (MetadataMalformed, InvalidInput) as error:
            judgement.metadata_fault = error.title
