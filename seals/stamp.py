"""Stamping a fresh PDF: a revision behind its bytes with form field, picture and signature; then the CMS into its gap.

Two phases, so that a batch asks the device once: `prepare` writes the file with a placeholder and says what is to be
signed, `Prepared.fill` puts the signature in. Why not simply pyHanko: docs/adr/0004. The SES seal rides along as a
stream under the private key `/YXIN_SESeal` of the signature dictionary, inside the signed byte range (docs/adr/0005).

No trust decision is made here, and no key is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

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
from trust.formats.pdf import MAX_PDF, NotADocument, PdfBomb, PdfEncrypted, PdfMalformed, UploadTooLarge
from trust.formats.pdf_file import PdfFile
from trust.formats.pdf_pages import Page, pages
from trust.formats.pdf_syntax import Name, PdfDict, PdfValue, Ref, read_text
from trust.formats.pdf_write import Revision, text_string, write_stream, write_value
from trust.gm import sm3

MAX_FIELDS = 1000  # form fields looked at for signatures; the largest official forms have some 400
LONGEST_SIGNATURE = 72  # bytes of DER SEQ{r, s} with both values at their longest
_RANGE_ROOM = 56  # bytes kept for /ByteRange: its three numbers could have ten digits, files up to 9 GB
_CONTENTS = b"/Contents "
_IDENTIFIER_BYTES = 16  # as long as the MD5 that ISO 32000-1 section 14.4 has in mind


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """What is constant for one seal from document to document.

    `seal_stream` and `picture_stream` are whole PDF objects with the SES seal and with the picture, which `appearance`
    is the deflated content of. `reserved` is the most bytes that the CMS takes.
    """

    owner: str
    seal_der: bytes
    appearance: bytes
    seal_stream: bytes
    picture_stream: bytes
    cms: CmsTemplate
    reserved: int


def ink(*, owner: str, seal_der: bytes, vector: bytes, cms: CmsTemplate) -> Ink:
    """Return what stamping with a seal needs, computed once."""
    appearance = compressed(vector)
    return Ink(
        owner=owner,
        seal_der=seal_der,
        appearance=appearance,
        seal_stream=write_stream({}, seal_der),
        picture_stream=write_stream(inner_entries(), appearance),
        cms=cms,
        reserved=len(cms.assemble(bytes(sm3.DIGEST_BYTES), bytes(LONGEST_SIGNATURE))),
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
        NotADocument, PdfMalformed, PdfEncrypted, PdfBomb, UploadTooLarge: not a PDF that can be worked on.
        PdfAlreadySigned: it carries a signature.
        PlacementUnusable: no such page, or the seal would not lie wholly on it.
        PdfUnstampable: its form is of a kind that a field cannot be added to.
    """
    check_document(pdf)
    if b"/ByteRange" in pdf:
        raise PdfAlreadySigned(field="pdf")
    try:
        document = PdfFile(pdf)
        if document.trailer.get("Encrypt") is not None:
            raise PdfEncrypted(field="pdf")
        revision = Revision(document)
        signature = revision.reserve()
        _add_field(document, revision, seal, placement, signature)
        entries = _signature(seal, signed_at, reason, level=2 if further_seals else 1)
        entries[SEAL_ENTRY] = revision.add(seal.seal_stream)
        return _placeholder(revision, seal, signature, entries)
    except (PdfMalformed, PdfBomb) as error:
        raise type(error)(error.detail, field="pdf") from None


def _signature(seal: Ink, signed_at: datetime, reason: str | None, *, level: int) -> PdfDict:
    """Return all entries but the two that the place in the file decides: byte range and value."""
    parameters = {"Type": Name("TransformParams"), "P": level, "V": Name("1.2")}
    reference = {"Type": Name("SigRef"), "TransformMethod": Name("DocMDP"), "TransformParams": parameters}
    entries: PdfDict = {
        "Type": Name("Sig"),
        "Filter": Name("Adobe.PPKLite"),
        "SubFilter": Name(SUBFILTER),
        "M": pdf_date(signed_at).encode("ascii"),
        "Name": text_string(seal.owner),
        "Reference": [reference],
    }
    return entries if reason is None else entries | {"Reason": text_string(reason)}


def _add_field(document: PdfFile, revision: Revision, seal: Ink, placement: Placement, signature: Ref) -> None:
    catalogue_ref = document.trailer.get("Root")
    catalogue = _dictionary(document, catalogue_ref)
    if not isinstance(catalogue_ref, Ref) or catalogue.get("Type") != "Catalog":
        raise PdfMalformed("The file has no catalogue.")
    page = _page(document, catalogue, placement.page)
    if page.rotation:
        raise PlacementUnusable("The page is rotated; the seal would stand askew.", field="page")
    box = rectangle(placement, page.box)
    form = _form(document, catalogue)
    fields = _array(document, form.get("Fields"))
    picture = revision.add(seal.picture_stream)
    appearance = revision.add(write_stream(outer_entries(picture), OUTER_CONTENT))
    field = {
        "Type": Name("Annot"),
        "Subtype": Name("Widget"),
        "FT": Name("Sig"),
        "T": free_name({_title(document, other) for other in fields}).encode("ascii"),
        "F": PRINT_AND_LOCKED,
        "Rect": list(box),
        "V": signature,
        "P": page.ref,
        "AP": {"N": appearance},
    }
    field_ref = revision.add(write_value(field))
    annotations = [*_array(document, page.entries.get("Annots")), field_ref]
    revision.put(page.ref, write_value(page.entries | {"Annots": annotations}))
    form = form | {"Fields": [*fields, field_ref], "SigFlags": SIGNATURES_EXIST_APPEND_ONLY}
    revision.put(catalogue_ref, write_value(catalogue | {"AcroForm": form, "Perms": {"DocMDP": signature}}))


def _page(document: PdfFile, catalogue: PdfDict, wanted: int) -> Page:
    number = 0
    for number, page in enumerate(pages(document, catalogue), 1):
        if number == wanted:
            return page
    raise PlacementUnusable(f"The document has {number} pages.", field="page")


def free_name(taken: set[str]) -> str:
    """Return the first of Seal1, Seal2… that no field bears."""
    return next(name for number in range(1, MAX_FIELDS + 2) if (name := f"Seal{number}") not in taken)


def _title(document: PdfFile, field: PdfValue) -> str:
    return read_text(document.resolve(_dictionary(document, field).get("T"))) or ""


def _form(document: PdfFile, catalogue: PdfDict) -> PdfDict:
    """Return the form, empty where there is none, after no field of it was found to be signed."""
    form = _dictionary(document, catalogue["AcroForm"]) if "AcroForm" in catalogue else {}
    if "XFA" in form:
        raise PdfUnstampable("The file holds an XFA form.", field="pdf")
    if "Perms" in catalogue or any(_is_signed(document, field) for field in _fields(document, form)):
        raise PdfAlreadySigned(field="pdf")
    return form


def _fields(document: PdfFile, form: PdfDict) -> Iterator[PdfDict]:
    pending = list(_array(document, form.get("Fields")))
    for _ in range(MAX_FIELDS + 1):
        if not pending:
            return
        field = _dictionary(document, pending.pop())
        pending += _array(document, field.get("Kids"))
        yield field
    raise PdfUnstampable(f"The form has more than {MAX_FIELDS} fields.", field="pdf")


def _is_signed(document: PdfFile, field: PdfDict) -> bool:
    value = document.resolve(field.get("V"))
    return isinstance(value, dict) and "Contents" in value


def _dictionary(document: PdfFile, value: PdfValue) -> PdfDict:
    found = document.resolve(value)
    if not isinstance(found, dict):
        raise PdfMalformed("There is no dictionary where one belongs.")
    return cast("PdfDict", found)


def _array(document: PdfFile, value: PdfValue) -> list[PdfValue]:
    found = document.resolve(value)
    if found is not None and not isinstance(found, list):
        raise PdfMalformed("There is no array where one belongs.")
    return found or []


def _placeholder(revision: Revision, seal: Ink, signature: Ref, entries: PdfDict) -> Prepared:
    """Write the signature dictionary with its gap, then the end of the file, and digest what the byte range covers.

    The new identifier is taken from the running digest: it stands for all that precedes the byte range.
    """
    known = write_value(entries).removesuffix(b">>")
    body = b"%b%b%b<%b>\n>>" % (known, b" " * _RANGE_ROOM, _CONTENTS, b"0" * (2 * seal.reserved))
    at = revision.put(signature, body) + len(known)
    start = at + _RANGE_ROOM + len(_CONTENTS)
    end = start + 2 * seal.reserved + 2
    file = revision.data
    digest = sm3.new(memoryview(file)[:at])
    revision.close(digest.digest()[:_IDENTIFIER_BYTES])
    byte_range = b"/ByteRange [ 0 %d %d %d ]" % (start, end, len(file) - end)
    file[at : at + _RANGE_ROOM] = byte_range.ljust(_RANGE_ROOM)
    digest.update(memoryview(file)[at:start])
    digest.update(memoryview(file)[end:])
    return Prepared(file, start, end, digest.digest(), seal.cms)
