"""Stamping a fresh PDF in one revision: form field, picture and signature dictionary, then the CMS into its gap.

Two phases, so that a batch asks the device once: `prepare` writes the file with a placeholder and says what is to be
signed, `Prepared.fill` puts the signature in. Why not simply pyHanko: docs/adr/0004. The SES seal rides along as a
stream under the private key `/YXIN_SESeal` of the signature dictionary, inside the signed byte range (docs/adr/0005).

No trust decision is made here, and no key is used.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf, StreamDecodeLevel, String

from seals.appearance import (
    OUTER_CONTENT,
    PRINT_AND_LOCKED,
    SEAL_ENTRY,
    SIGNATURES_EXIST_APPEND_ONLY,
    SUBFILTER,
    compressed,
    inner_entries,
    outer_entries,
    pdf_date,
    rectangle,
)
from seals.domain import Placement
from seals.errors import PdfAlreadySigned, PdfUnstampable, PlacementUnusable
from trust.formats.cms import CmsTemplate
from trust.formats.pdf import MAX_PDF, NotADocument, PdfEncrypted, PdfMalformed, UploadTooLarge
from trust.gm import sm3

MAX_FIELDS = 1000  # form fields looked at for signatures; the largest official forms have some 400
_LONGEST_SIGNATURE = 72  # bytes of DER SEQ{r, s} with both values at their longest
_WIDE = 9_999_999_999  # holds ten digits open in /ByteRange: files up to 9 GB
_BYTE_RANGE = f"/ByteRange [ 0 {_WIDE} {_WIDE} {_WIDE} ]".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """What is constant for one seal from document to document. `reserved` is the most bytes that its CMS takes."""

    owner: str
    seal_der: bytes
    appearance: bytes
    cms: CmsTemplate
    reserved: int


def ink(*, owner: str, seal_der: bytes, vector: bytes, cms: CmsTemplate) -> Ink:
    """Return what stamping with a seal needs, computed once."""
    return Ink(
        owner=owner,
        seal_der=seal_der,
        appearance=compressed(vector),
        cms=cms,
        reserved=len(cms.assemble(bytes(sm3.DIGEST_BYTES), bytes(_LONGEST_SIGNATURE))),
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file complete but for the signature. `start` and `end` delimit the hexadecimal string, brackets included."""

    file: bytearray
    start: int
    end: int
    digest: bytes
    cms: CmsTemplate

    @property
    def signed_attributes(self) -> bytes:
        """What the signer signs."""
        return self.cms.signed_attributes(self.digest)

    def fill(self, signature: bytes) -> bytes:
        """Return the finished file."""
        value = self.cms.assemble(self.digest, signature).hex().encode()
        room = self.end - self.start - 2
        if len(value) > room:
            raise PdfUnstampable("The signature is larger than the room that was kept for it.")
        self.file[self.start + 1 : self.start + 1 + len(value)] = value
        return bytes(self.file)


def check_document(pdf: bytes) -> None:
    """Refuse what is no stampable file before any library reads it. Raises `UploadTooLarge`, `NotADocument`."""
    if len(pdf) > MAX_PDF:
        raise UploadTooLarge(f"The file has {len(pdf)} bytes; the limit is {MAX_PDF} bytes.", field="pdf")
    if not pdf.startswith(b"%PDF-"):
        raise NotADocument(field="pdf")


def prepare(
    pdf: bytes, seal: Ink, *, placement: Placement, signed_at: datetime, reason: str | None, further_seals: bool
) -> Prepared:
    """Return the file with everything but the signature: same arguments, same bytes.

    Raises:
        NotADocument, PdfMalformed, PdfEncrypted, UploadTooLarge: not a PDF that can be worked on.
        PdfAlreadySigned: it carries a signature.
        PlacementUnusable: no such page, or the seal would not lie wholly on it.
        PdfUnstampable: its form is of a kind that a field cannot be added to.
    """
    check_document(pdf)
    if b"/ByteRange" in pdf:
        raise PdfAlreadySigned(field="pdf")
    try:
        with pikepdf.open(io.BytesIO(pdf), attempt_recovery=False, suppress_warnings=True) as document:
            if document.is_encrypted:
                raise PdfEncrypted(field="pdf")
            signature = _signature(document, seal, signed_at, reason, level=2 if further_seals else 1)
            _add_field(document, seal, placement, signature)
            return _placeholder(_written(document), seal)
    except pikepdf.PasswordError:
        raise PdfEncrypted(field="pdf") from None
    except (
        pikepdf.PdfError,
        pikepdf.DataDecodingError,
        RuntimeError,
        TypeError,
        ValueError,
        AttributeError,
        KeyError,
    ) as error:
        # qpdf meets broken objects only when they are touched, and reports them through any of these.
        raise PdfMalformed("The structure of the PDF is broken.", field="pdf", kind=type(error).__name__) from None


def _signature(document: Pdf, seal: Ink, signed_at: datetime, reason: str | None, *, level: int) -> Any:
    entries = Dictionary(
        Type=Name.Sig,
        Filter=Name("/Adobe.PPKLite"),
        SubFilter=Name(SUBFILTER),
        M=String(pdf_date(signed_at)),
        Name=String(seal.owner),
        ByteRange=Array([0, _WIDE, _WIDE, _WIDE]),
        Contents=String(bytes(seal.reserved)),
        Reference=Array(
            [
                Dictionary(
                    Type=Name.SigRef,
                    TransformMethod=Name.DocMDP,
                    TransformParams=Dictionary(Type=Name.TransformParams, P=level, V=Name("/1.2")),
                )
            ]
        ),
    )
    entries[SEAL_ENTRY] = document.make_stream(seal.seal_der)
    if reason is not None:
        entries.Reason = String(reason)
    return document.make_indirect(entries)


def _add_field(document: Pdf, seal: Ink, placement: Placement, signature: Any) -> None:
    if placement.page > len(document.pages):
        raise PlacementUnusable(f"The document has {len(document.pages)} pages.", field="page")
    page = document.pages[placement.page - 1]
    if int(page.obj.get("/Rotate", 0)) % 360:
        raise PlacementUnusable("The page is rotated; the seal would stand askew.", field="page")
    picture = _form_stream(document, seal.appearance, inner_entries())
    left, bottom, right, top = map(float, page.cropbox)
    field = document.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Sig,
            F=PRINT_AND_LOCKED,
            Rect=_as_pikepdf(rectangle(placement, (left, bottom, right, top))),
            V=signature,
            P=page.obj,
            AP=Dictionary(N=_form_stream(document, OUTER_CONTENT, outer_entries(picture))),
        )
    )
    if "/Annots" not in page.obj:
        page.obj.Annots = Array()
    page.obj.Annots.append(field)
    form = _form(document)
    field.T = String(free_name({str(other.get("/T", "")) for other in form.Fields}))
    form.Fields.append(field)
    form.SigFlags = SIGNATURES_EXIST_APPEND_ONLY
    document.Root.Perms = Dictionary(DocMDP=signature)


def free_name(taken: set[str]) -> str:
    """Return the first of Seal1, Seal2… that no field bears."""
    return next(name for number in range(1, MAX_FIELDS + 2) if (name := f"Seal{number}") not in taken)


def _form(document: Pdf) -> Any:
    """Return the form with an array of fields, after none of them was found to be signed."""
    root = document.Root
    if "/AcroForm" not in root:
        root.AcroForm = Dictionary(Fields=Array())
    form = root.AcroForm
    if "/XFA" in form:
        raise PdfUnstampable("The file holds an XFA form.", field="pdf")
    if "/Fields" not in form:
        form.Fields = Array()
    if "/Perms" in root or any(_is_signed(field) for field in _fields(form.Fields)):
        raise PdfAlreadySigned(field="pdf")
    return form


def _fields(top: Iterable[Any]) -> Iterator[Any]:
    pending = list(top)
    for _ in range(MAX_FIELDS):
        if not pending:
            return
        field = pending.pop()
        pending.extend(field.get("/Kids", ()))
        yield field
    raise PdfUnstampable(f"The form has more than {MAX_FIELDS} fields.", field="pdf")


def _is_signed(field: Any) -> bool:
    value = field.get("/V")
    return isinstance(value, Dictionary) and "/Contents" in value


def _form_stream(document: Pdf, content: bytes, entries: dict[str, Any]) -> Any:
    stream = document.make_stream(content)
    for key, value in entries.items():
        stream[key] = _as_pikepdf(value)
    return stream


def _as_pikepdf(value: Any) -> Any:
    if isinstance(value, dict):
        return Dictionary({key: _as_pikepdf(member) for key, member in value.items()})
    if isinstance(value, tuple):
        return Array([_as_pikepdf(member) for member in value])
    if isinstance(value, str):
        return Name(value)
    return Decimal(str(value)) if isinstance(value, float) else value


def _written(document: Pdf) -> bytearray:
    target = io.BytesIO()
    # Streams are passed through as they are: the page was compressed by typst, the seal's PNG is its own compression.
    document.save(
        target,
        compress_streams=False,
        stream_decode_level=StreamDecodeLevel.none,
        object_stream_mode=ObjectStreamMode.preserve,
        deterministic_id=True,
        fix_metadata_version=False,  # the version stays what it was, and the metadata with it, byte for byte
    )
    if document.get_warnings():
        raise PdfMalformed("The structure of the PDF is broken.", field="pdf")
    return bytearray(target.getbuffer())


def _placeholder(file: bytearray, seal: Ink) -> Prepared:
    """Write the byte range and digest what it covers. The keys are written sorted: /Contents stands behind it."""
    at = file.find(_BYTE_RANGE)
    zeros = b"<" + b"0" * (2 * seal.reserved) + b">"
    key = b" /Contents "
    start = at + len(_BYTE_RANGE) + len(key)
    end = start + len(zeros)
    if at < 0 or file.find(_BYTE_RANGE, at + 1) >= 0 or file[start - len(key) : end] != key + zeros:
        raise PdfUnstampable("The place of the signature cannot be told in the written file.", field="pdf")
    ranges = f"/ByteRange [ 0 {start} {end} {len(file) - end} ]".encode()
    file[at : at + len(_BYTE_RANGE)] = ranges[:-1].ljust(len(_BYTE_RANGE) - 1) + b"]"
    covered = memoryview(file)
    digest = sm3.new(covered[:start])
    digest.update(covered[end:])
    covered.release()
    return Prepared(file, start, end, digest.digest(), seal.cms)
