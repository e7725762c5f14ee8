"""Signatures in a PDF, as they stand there (ISO 32000-1 section 12.8): where, over which bytes, with what inside.

No trust decision is made here. `coverage` states which bytes a signature claims; whether that is enough is for the
verifier. Only what the catalogue's form reaches counts as a signature; what merely lies in the file is `stray`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final, cast

from trust.formats.pdf_errors import NotADocument, PdfBomb, PdfEncrypted, PdfMalformed, UploadTooLarge
from trust.formats.pdf_file import PdfFile, Stream
from trust.formats.pdf_syntax import HexString, Name, PdfDict, PdfValue, Ref, read_text

__all__ = [
    "MAX_PDF",
    "Coverage",
    "NotADocument",
    "PdfBomb",
    "PdfDocument",
    "PdfEncrypted",
    "PdfMalformed",
    "PdfSignature",
    "UploadTooLarge",
    "read_pdf",
]

MAX_PDF: Final = 20 * 1024 * 1024  # bytes: a certificate has 0.1 MB, a stamped scan of 40 pages some 15 MB
MAX_ATTACHMENT: Final = 1024 * 1024  # bytes decoded: metadata and seals are below 0.2 MB
_MAX_FIELDS = 1000  # form fields and name tree nodes looked at: ten times the largest form met
_HEADER_WINDOW = 1024  # bytes: where older readers look for the header (ISO 32000-1 annex H, note 13)

_BYTE_RANGE = re.compile(rb"/ByteRange[\x00\t\n\x0c\r ]*\[")
_CONTENTS_KEY = re.compile(rb"/Contents[\x00\t\n\x0c\r ]{0,8}$")
# Nothing but digits, in one case: what the gap holds is signed by nobody, so it has one spelling only.
_CONTENTS = re.compile(rb"<(?:(?:[0-9a-f]{2})*+|(?:[0-9A-F]{2})*+)>")
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:Z(?:00'?00'?)?|([+-])(\d\d)'?(\d\d)'?)?")


class Coverage(StrEnum):
    """Which bytes a signature covers."""

    ENTIRE_FILE = "entire-file"
    FOLLOWED = "followed"  # right up to the end of its own revision, but the file goes on
    BROKEN = "broken"  # anything else


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfSignature:
    """One signature dictionary.

    `contents` is its value with the zeros of the placeholder; `contents_span` where that value stands in the file
    (from `<` to behind `>`), None when it is packed or no hexadecimal string. `permission` is the DocMDP level of a
    certifying signature. `claimed_at` is the signer's own claim; a date without zone is taken as UTC. `seal` is the
    DER of the private entry `/YXIN_SESeal`.
    """

    contents: bytes
    contents_span: tuple[int, int] | None
    byte_range: tuple[int, ...]
    sub_filter: str | None
    permission: int | None
    claimed_at: datetime | None
    seal: bytes | None

    def coverage(self, data: bytes) -> Coverage:
        """Say which bytes of `data` the byte range covers: all but exactly the hexadecimal string of this signature."""
        if len(self.byte_range) != 4 or self.contents_span is None:  # noqa: PLR2004  two pieces
            return Coverage.BROKEN
        start, first, second, last = self.byte_range
        if start != 0 or (first, second) != self.contents_span or not 0 < last <= len(data) - second:
            return Coverage.BROKEN
        if not (_CONTENTS_KEY.search(data, max(0, first - 32), first) and _CONTENTS.fullmatch(data, first, second)):
            return Coverage.BROKEN
        return Coverage.ENTIRE_FILE if second + last == len(data) else Coverage.FOLLOWED


class PdfDocument:
    """A readable PDF: its signatures in the order of the form, and its attachments."""

    def __init__(self, data: bytes, file: PdfFile) -> None:
        self.data = data
        self._file = file
        catalogue = file.resolve(file.trailer.get("Root"))
        if not isinstance(catalogue, dict) or catalogue.get("Type") != "Catalog":
            raise PdfMalformed("The file has no catalogue.")
        self._catalogue = cast("PdfDict", catalogue)
        self.signatures = tuple(self._signatures())
        self.stray = len(_BYTE_RANGE.findall(data)) - len(self.signatures)

    def _dictionary(self, value: PdfValue) -> PdfDict:
        resolved = self._file.resolve(value)
        return cast("PdfDict", resolved) if isinstance(resolved, dict) else {}

    def _array(self, value: PdfValue) -> list[PdfValue]:
        resolved = self._file.resolve(value)
        return resolved if isinstance(resolved, list) else []

    # signatures

    def _signatures(self) -> Iterator[PdfSignature]:
        pending: list[tuple[PdfValue, object]] = [
            (field, None)
            for field in reversed(self._array(self._dictionary(self._catalogue.get("AcroForm")).get("Fields")))
        ]
        seen: set[Ref] = set()
        values: set[Ref] = set()
        looked_at = 0
        while pending:
            reference, inherited = pending.pop()
            looked_at += 1
            if looked_at > _MAX_FIELDS:
                raise PdfBomb(f"The form has more than {_MAX_FIELDS} fields.")
            if isinstance(reference, Ref):
                if reference in seen:
                    raise PdfMalformed("The fields of the form lead in a circle.")
                seen.add(reference)
            field = self._dictionary(reference)
            kind = self._file.resolve(field.get("FT")) or inherited
            pending += [(kid, kind) for kid in self._array(field.get("Kids"))]
            value = field.get("V")
            if kind != "Sig" or value is None:
                continue
            if isinstance(value, Ref):
                if value in values:
                    continue
                values.add(value)
            yield self._signature(value)

    def _signature(self, value: PdfValue) -> PdfSignature:
        dictionary = self._dictionary(value)
        contents = dictionary.get("Contents")
        in_file = isinstance(value, Ref) and self._file.place(value) is not None
        byte_range = self._array(dictionary.get("ByteRange"))
        sub_filter = self._file.resolve(dictionary.get("SubFilter"))
        seal = self._file.resolve(dictionary.get("YXIN_SESeal"))
        return PdfSignature(
            contents=contents.value if isinstance(contents, HexString) else b"",
            contents_span=(contents.start, contents.end) if isinstance(contents, HexString) and in_file else None,
            byte_range=tuple(cast("list[int]", byte_range)) if all(type(n) is int for n in byte_range) else (),
            sub_filter=str(sub_filter) if isinstance(sub_filter, Name) else None,
            permission=self._permission(dictionary),
            claimed_at=_read_date(self._file.resolve(dictionary.get("M"))),
            seal=self._file.decode(seal, MAX_ATTACHMENT) if isinstance(seal, Stream) else None,
        )

    def _permission(self, dictionary: PdfDict) -> int | None:
        for member in self._array(dictionary.get("Reference"))[:8]:
            reference = self._dictionary(member)
            if self._file.resolve(reference.get("TransformMethod")) == "DocMDP":
                level = self._file.resolve(self._dictionary(reference.get("TransformParams")).get("P", 2))
                return level if isinstance(level, int) else 2  # 2 is the default of ISO 32000-1 table 254
        return None

    # attachments

    def attachments(self, name: str) -> tuple[bytes, ...]:
        """Return the content of each attachment called `name`, decoded.

        Raises:
            PdfMalformed: an attachment of that name cannot be read.
            PdfBomb: it exceeds MAX_ATTACHMENT, or the name tree its limit.
        """
        found: dict[tuple[int, int], bytes] = {}
        for specification in self._file_specifications():
            entry = self._dictionary(specification)
            named = entry.get("UF", entry.get("F"))
            if read_text(self._file.resolve(named)) != name:
                continue
            files = self._dictionary(entry.get("EF"))
            stream = self._file.resolve(files.get("UF", files.get("F")))
            if isinstance(stream, Stream) and (stream.start, stream.end) not in found:
                found[stream.start, stream.end] = self._file.decode(stream, MAX_ATTACHMENT)
        return tuple(found.values())

    def _file_specifications(self) -> Iterator[PdfValue]:
        left = _MAX_FIELDS  # of nodes and of specifications together: a tree may lead to one of its nodes many times
        pending: list[PdfValue] = [self._dictionary(self._catalogue.get("Names")).get("EmbeddedFiles")]
        found = self._array(self._catalogue.get("AF"))
        while True:
            left -= len(found) + 1
            if left < len(pending):
                raise PdfBomb(f"The tree of attachments has more than {_MAX_FIELDS} nodes and files.")
            yield from found
            if not pending:
                return
            node = self._dictionary(pending.pop())
            pending += self._array(node.get("Kids"))
            found = self._array(node.get("Names"))[1::2]


def read_pdf(data: bytes, *, max_bytes: int = MAX_PDF) -> PdfDocument:
    """Read the structure of a PDF.

    Raises:
        UploadTooLarge: more than `max_bytes`.
        NotADocument: no PDF at all.
        PdfMalformed: damaged, truncated, or with bytes before its header (programs would count offsets in two ways).
        PdfEncrypted: encrypted.
        PdfBomb: reading it would exceed a limit.
    """
    if len(data) > max_bytes:
        raise UploadTooLarge(f"The file has {len(data)} bytes; the limit is {max_bytes} bytes.", field="file")
    if not data.startswith(b"%PDF-"):
        if b"%PDF-" in data[:_HEADER_WINDOW]:
            raise PdfMalformed("There are bytes before the header of the PDF.", field="file")
        raise NotADocument(field="file")
    file = PdfFile(data)
    if file.trailer.get("Encrypt") is not None:
        raise PdfEncrypted(field="file")
    return PdfDocument(data, file)


def _read_date(value: object) -> datetime | None:
    text = read_text(value)
    match = _DATE.fullmatch(text) if text else None
    if match is None:
        return None
    sign = -1 if match[7] == "-" else 1
    offset = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0)) * sign
    try:
        moment = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=timezone(offset))  # type: ignore[misc,arg-type]
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
