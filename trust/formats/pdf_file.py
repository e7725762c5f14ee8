"""A PDF file as cross-reference and objects (ISO 32000-1 section 7.5), under hard limits and without any repair.

Nothing is decoded but cross-reference streams, object streams and what a caller asks for by name; page contents are
never touched. A file that needs repair to be read is refused: two programs would repair it in two ways.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from trust.formats.pdf_errors import PdfBomb, PdfMalformed
from trust.formats.pdf_syntax import PdfDict, PdfValue, Ref, TokenBudget, read_value

MAX_DECODED: Final = 16 * 1024 * 1024  # bytes per document: many times the object streams of a certificate
MAX_STRUCTURE: Final = 4 * 1024 * 1024  # bytes of one cross-reference or object stream
MAX_ENTRIES: Final = 250_000  # cross-reference entries: far above any document of 20 MiB; about 50 MB of memory
MAX_SECTIONS: Final = 128  # revisions of one file: each later signature or annotation adds one
MAX_HOPS: Final = 8  # references that lead to references: more than one is already odd
_MAX_PACKED = 100_000  # objects in one object stream; writers stop at some hundreds

_HEADER = re.compile(rb"[\x00\t\n\x0c\r ]*+(\d{1,10})[\x00\t\n\x0c\r ]++(\d{1,5})[\x00\t\n\x0c\r ]++obj")
_START = re.compile(rb"startxref[\x00\t\n\x0c\r ]++(\d{1,12})[\x00\t\n\x0c\r ]++%%EOF")
_TABLE = re.compile(rb"[\x00\t\n\x0c\r ]*+xref[\x00\t\n\x0c\r ]++")
_SUBSECTION = re.compile(rb"(\d{1,10})[\t\x0c ]++(\d{1,10})[\x00\t\x0c ]*+(?:\r\n|\r|\n)")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_TRAILER = re.compile(rb"[\x00\t\n\x0c\r ]*+trailer")
_STREAM = re.compile(rb"[\x00\t\n\x0c\r ]*+stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"(?:\r\n|\r|\n)?endstream")
_END_OBJECT = re.compile(rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*+endobj")
_ENTRY_BYTES = 20


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream: its dictionary, and where its bytes stand in the file (not a copy: hostile streams overlap)."""

    dictionary: PdfDict
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Packed:
    """Where an object stands that is packed into an object stream."""

    stream: int


class PdfFile:
    """The objects of one file, read on demand."""

    def __init__(self, data: bytes) -> None:
        """Read the cross-reference of `data`.

        Raises:
            PdfMalformed: the file is truncated, damaged, or needs repair.
            PdfBomb: reading it would exceed a limit of this module.
        """
        self.data = data
        self.trailer: PdfDict = {}
        self._budget = TokenBudget()
        self._decoded = self._loading = self._declared = 0
        self._places: dict[int, tuple[int, int] | Packed | None] = {}
        self._objects: dict[int, PdfValue | Stream] = {}
        self._packs: dict[int, tuple[bytes, dict[int, int]]] = {}
        self._read_sections()

    # cross-reference

    def _read_sections(self) -> None:
        at = self.data.rfind(b"startxref")
        start = _START.match(self.data, at) if at >= 0 else None
        if start is None:
            raise PdfMalformed("The end of the file is missing: no cross-reference is named.")
        self.start = int(start[1])
        pending: list[int] = [self.start]
        seen: set[int] = set()
        while pending:
            at = pending.pop()
            if at in seen or len(seen) == MAX_SECTIONS:
                raise PdfMalformed("The cross-reference sections form a loop, or are too many.")
            seen.add(at)
            dictionary = self._read_section(at)
            for key, value in dictionary.items():
                self.trailer.setdefault(key, value)
            if "Prev" in dictionary:
                pending.append(_whole(dictionary["Prev"], "Prev"))

    def _read_section(self, at: int) -> PdfDict:
        table = _TABLE.match(self.data, at)
        if table is None:
            return self._read_stream_section(at)
        free, at = self._read_table(table.end())
        dictionary, _ = read_value(self.data, at, self._budget)
        if not isinstance(dictionary, dict):
            raise PdfMalformed("The trailer is not a dictionary.")
        if "XRefStm" in dictionary:  # hybrid file: what the table calls free may stand in the stream
            self._read_stream_section(_whole(dictionary["XRefStm"], "XRefStm"))
        for number in free:
            self._places.setdefault(number, None)
        return cast("PdfDict", dictionary)

    def _read_table(self, at: int) -> tuple[list[int], int]:
        data, free = self.data, []
        while (subsection := _SUBSECTION.match(data, at)) is not None:
            first, count = int(subsection[1]), int(subsection[2])
            self._expect_entries(count)
            at = subsection.end() + count * _ENTRY_BYTES
            entries = _ENTRY.findall(data, subsection.end(), at) if at <= len(data) else ()
            if len(entries) != count:
                raise PdfMalformed("The cross-reference table is damaged.")
            for number, (offset, generation, kind) in enumerate(entries, first):
                if kind == b"n":
                    self._places.setdefault(number, (int(offset), int(generation)))
                else:
                    free.append(number)
        trailer = _TRAILER.match(data, at)
        if trailer is None:
            raise PdfMalformed("The cross-reference table has no trailer.")
        return free, trailer.end()

    def _expect_entries(self, count: int) -> None:
        self._declared += count  # of all sections: a hundred of them may name the same numbers again and again
        if self._declared > MAX_ENTRIES:
            raise PdfBomb(f"The file declares more than {MAX_ENTRIES} objects.")

    def _read_stream_section(self, at: int) -> PdfDict:
        stream = self._read_indirect(at, None)
        if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "XRef":
            raise PdfMalformed("There is no cross-reference where the file says.")
        dictionary = stream.dictionary
        widths = _whole_list(dictionary.get("W"), "W")
        index = _whole_list(dictionary.get("Index", [0, dictionary.get("Size")]), "Index")
        if len(widths) != 3 or not 0 < sum(widths) <= 24 or widths[1] == 0 or len(index) % 2:  # noqa: PLR2004  three columns
            raise PdfMalformed("The cross-reference stream has an impossible layout.")
        self._expect_entries(sum(index[1::2]))
        rows = self.decode(stream, MAX_STRUCTURE)
        numbers = (
            number
            for first, count in zip(index[::2], index[1::2], strict=True)
            for number in range(first, first + count)
        )
        if len(rows) != sum(index[1::2]) * sum(widths):
            raise PdfMalformed("The cross-reference stream is shorter or longer than it says.")
        self._add_rows(rows, widths, numbers)
        return dictionary

    def _add_rows(self, rows: bytes, widths: list[int], numbers: Iterator[int]) -> None:
        first, second, width = widths[0], widths[0] + widths[1], sum(widths)
        for at, number in zip(range(0, len(rows), width), numbers, strict=True):
            kind = int.from_bytes(rows[at : at + first], "big") if first else 1
            place = int.from_bytes(rows[at + first : at + second], "big")
            if kind == 1:
                generation = int.from_bytes(rows[at + second : at + width], "big")
                self._places.setdefault(number, (place, generation))
            else:
                self._places.setdefault(number, Packed(place) if kind == 2 else None)  # noqa: PLR2004  ISO 32000-1 table 18

    @property
    def has_table(self) -> bool:
        """Whether the newest cross-reference section, at `start`, is a table (7.5.4) and no stream (7.5.8)."""
        return _TABLE.match(self.data, self.start) is not None

    @property
    def highest(self) -> int:
        """The highest object number that the cross-reference knows."""
        return max(self._places, default=0)

    # objects

    def place(self, ref: Ref) -> int | None:
        """Return the offset of the object in the file, or None when it is absent or packed into a stream."""
        place = self._places.get(ref.number)
        return place[0] if isinstance(place, tuple) else None

    def resolve(self, value: PdfValue) -> PdfValue | Stream:
        """Follow `value` while it is a reference. What is absent is None (ISO 32000-1 section 7.3.10).

        Raises:
            PdfMalformed: the object is not where the cross-reference says, or references lead in a circle.
            PdfBomb: a limit is exceeded.
        """
        for _ in range(MAX_HOPS):
            if not isinstance(value, Ref):
                return value
            if value.number not in self._objects:
                self._objects[value.number] = self._load(value)
            value = self._objects[value.number]
        raise PdfMalformed("References lead in a circle.")

    def _load(self, ref: Ref) -> PdfValue | Stream:
        place = self._places.get(ref.number)
        if place is None:
            return None
        if self._loading == MAX_HOPS:  # the length of a stream may stand in a stream whose length stands in a stream…
            raise PdfMalformed("References lead in a circle.")
        self._loading += 1
        try:
            if isinstance(place, Packed):
                return self._load_packed(ref, place.stream)
            offset, generation = place
            return self._read_indirect(offset, ref) if generation == ref.generation else None
        finally:
            self._loading -= 1

    def _read_indirect(self, at: int, expected: Ref | None) -> PdfValue | Stream:
        header = _HEADER.match(self.data, at)
        if header is None or (expected is not None and Ref(int(header[1]), int(header[2])) != expected):
            raise PdfMalformed(f"There is no object at byte {at}, where the cross-reference places one.")
        value, end = read_value(self.data, header.end(), self._budget)
        begin = _STREAM.match(self.data, end) if isinstance(value, dict) else None
        if begin is not None:
            dictionary = cast("PdfDict", value)
            length = _whole(self.resolve(dictionary.get("Length")), "Length")
            end = begin.end() + length
            closing = _END_STREAM.match(self.data, end)
            if closing is None:
                raise PdfMalformed("A stream does not end where its length says.")
            value, end = Stream(dictionary, begin.end(), end), closing.end()
        if _END_OBJECT.match(self.data, end) is None:
            raise PdfMalformed("An object does not end.")
        return value

    def _load_packed(self, ref: Ref, number: int) -> PdfValue:
        if number not in self._packs:
            self._packs[number] = self._unpack(number)
        body, offsets = self._packs[number]
        if ref.generation or ref.number not in offsets:
            raise PdfMalformed("An object stream lacks an object that the cross-reference places in it.")
        value, _ = read_value(body, offsets[ref.number], self._budget)
        return value

    def _unpack(self, number: int) -> tuple[bytes, dict[int, int]]:
        if not isinstance(self._places.get(number), tuple):  # packs inside packs could nest without end
            raise PdfMalformed("An object stream is missing.")
        stream = self.resolve(Ref(number, 0))
        if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "ObjStm":
            raise PdfMalformed("An object stream is missing.")
        count = _whole(self.resolve(stream.dictionary.get("N")), "N")
        first = _whole(self.resolve(stream.dictionary.get("First")), "First")
        if count > _MAX_PACKED:
            raise PdfBomb(f"An object stream holds more than {_MAX_PACKED} objects.")
        body = self.decode(stream, MAX_STRUCTURE)
        words = body[:first].split()
        if len(words) < 2 * count or not all(map(bytes.isdigit, words)):
            raise PdfMalformed("The head of an object stream is damaged.")
        numbers = [int(word) for word in words]
        return body, {numbers[at]: first + numbers[at + 1] for at in range(0, 2 * count, 2)}

    # streams

    def decode(self, stream: Stream, limit: int) -> bytes:
        """Return the decoded bytes of `stream`, at most `limit`.

        Raises:
            PdfMalformed: the stream is damaged, or uses a filter other than Flate.
            PdfBomb: it expands beyond `limit`, or all streams together beyond MAX_DECODED.
        """
        filters = _listed(self.resolve(stream.dictionary.get("Filter")))
        parameters = _listed(self.resolve(stream.dictionary.get("DecodeParms")))
        if not filters:
            decoded = self.data[stream.start : min(stream.end, stream.start + limit + 1)]
        elif filters == ["FlateDecode"]:
            decoded = _inflate(self.data[stream.start : stream.end], limit)
        else:
            raise PdfMalformed("A stream that must be read uses a filter other than Flate.")
        self._decoded += len(decoded)
        if len(decoded) > limit or self._decoded > MAX_DECODED:
            raise PdfBomb(f"A stream expands beyond {limit} bytes, or all streams beyond {MAX_DECODED}.")
        layout = self.resolve(parameters[0]) if filters and parameters else None
        return _unpredict(decoded, cast("PdfDict", layout)) if isinstance(layout, dict) else decoded


def _inflate(raw: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        decoded = inflater.decompress(raw, limit + 1)
    except zlib.error as error:
        raise PdfMalformed("A compressed stream is damaged.") from error
    if len(decoded) <= limit and not inflater.eof:
        raise PdfMalformed("A compressed stream is incomplete.")
    return decoded


def _unpredict(data: bytes, layout: PdfDict) -> bytes:
    """Undo PNG prediction (ISO 32000-1 section 7.4.4.4) for one byte per pixel, as structure streams have it."""
    predictor = _whole(layout.get("Predictor", 1), "Predictor")
    if predictor == 1:
        return data
    columns = _whole(layout.get("Columns", 1), "Columns")
    plain = layout.get("Colors", 1) == 1 and layout.get("BitsPerComponent", 8) == 8  # noqa: PLR2004  the defaults
    if predictor < 10 or not plain or not 0 < columns <= 64 or len(data) % (columns + 1):  # noqa: PLR2004  10 and up: PNG
        raise PdfMalformed("A structure stream uses an unusual predictor.")
    before, rows = bytes(columns), []
    for at in range(0, len(data), columns + 1):
        row = data[at + 1 : at + 1 + columns]
        if data[at] == 2:  # noqa: PLR2004  Up: what every writer uses here
            row = bytes((here + above) & 255 for here, above in zip(row, before, strict=True))
        elif data[at] != 0:
            row = _unpredict_row(data[at], row, before)
        rows.append(row)
        before = row
    return b"".join(rows)


def _unpredict_row(kind: int, row: bytes, before: bytes) -> bytes:
    result = bytearray()
    left = corner = 0
    for here, above in zip(row, before, strict=True):
        guess = {1: left, 3: (left + above) // 2, 4: _paeth(left, above, corner)}.get(kind)
        if guess is None:
            raise PdfMalformed("A structure stream uses an unknown predictor.")
        left, corner = (here + guess) & 255, above
        result.append(left)
    return bytes(result)


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PdfMalformed(f"/{name} is not a whole number.")
    return value


def _whole_list(value: object, name: str) -> list[int]:
    if not isinstance(value, list):
        raise PdfMalformed(f"/{name} is not a list of whole numbers.")
    return [_whole(member, name) for member in value]


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
