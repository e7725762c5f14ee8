"""PDF objects written as bytes, and a revision appended to a file (ISO 32000-1 sections 7.3 and 7.5.6).

What stands in the file stays as it is, byte for byte. A revision is new objects behind it, new versions of old ones,
and a cross-reference section of the same kind as the newest one there (a table or a stream).
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final, cast

from trust.formats.pdf_errors import PdfMalformed
from trust.formats.pdf_file import PdfFile
from trust.formats.pdf_syntax import HexString, Name, PdfDict, PdfValue, Ref

_MAX_NUMBER: Final = 8_388_607  # indirect objects in a file, ISO 32000-1 annex C
_LARGEST: Final = 1e18  # what eighteen digits hold, the most that our reader takes
_ESCAPED = re.compile(rb"[\x00-\x20\x7f()<>\[\]{}/%#]")
_LITERAL_ESCAPED = re.compile(rb"[()\\\r]")
# Entries of a trailer that describe its own section; all others go over into the next (section 7.5.6).
_OF_ONE_SECTION = frozenset({"Size", "Prev", "XRefStm", "ID", "Type", "W", "Index", "Length", "Filter", "DecodeParms"})
_WIDTHS = (1, 4, 2)  # bytes of kind, offset and generation in a cross-reference stream: files up to 4 GiB


def write_value(value: PdfValue) -> bytes:
    """Return `value` as it stands in a file; `read_value` reads the same value back.

    Raises:
        PdfMalformed: a number is larger than PDF programs read.
    """
    return _WRITERS[type(value)](value)


def write_stream(dictionary: PdfDict, content: bytes) -> bytes:
    """Return a stream of `content`, which the filters that `dictionary` names were applied to already."""
    return b"%b\nstream\n%b\nendstream" % (write_value(dictionary | {"Length": len(content)}), content)


def text_string(text: str) -> HexString:
    """Return `text` as a text string (section 7.9.2.2), in digits: nothing in it can be taken for syntax."""
    return HexString(b"\xfe\xff" + text.encode("utf-16-be"), 0, 0)


class Revision:
    """A revision in the making. `data` holds the whole file as far as it is written."""

    def __init__(self, file: PdfFile) -> None:
        """Begin behind the bytes of `file`.

        Raises:
            PdfMalformed: the trailer does not tell which object numbers are free.
        """
        self.data = bytearray(file.data)
        if not file.data.endswith((b"\n", b"\r")):
            self.data += b"\n"
        self._before = file
        self._next = _first_free(file)
        self._places: dict[Ref, int] = {}

    def reserve(self) -> Ref:
        """Return the reference of a new object, to be put later."""
        self._next += 1
        return Ref(self._next - 1, 0)

    def put(self, ref: Ref, body: bytes) -> int:
        """Write an object, new or in place of an older version; return the offset of `body` in the file."""
        self._places[ref] = len(self.data)
        self.data += b"%d %d obj\n" % (ref.number, ref.generation)
        start = len(self.data)
        self.data += body
        self.data += b"\nendobj\n"
        return start

    def add(self, body: bytes) -> Ref:
        """Write a new object."""
        ref = self.reserve()
        self.put(ref, body)
        return ref

    def close(self, identifier: bytes) -> None:
        """Write the cross-reference of what was put, and the trailer; `identifier` names this state of the file."""
        before = self._before.trailer
        trailer = {key: value for key, value in before.items() if key not in _OF_ONE_SECTION}
        trailer["ID"] = [_original_identifier(self._before, identifier), HexString(identifier, 0, 0)]
        trailer["Prev"] = self._before.start
        start = len(self.data)
        if self._before.has_table:
            trailer["Size"] = self._next
            self.data += b"xref\n%btrailer\n%b\n" % (b"".join(self._table()), write_value(trailer))
        else:
            self._put_stream(trailer)
        self.data += b"startxref\n%d\n%%%%EOF\n" % start

    def _table(self) -> Iterator[bytes]:
        for first, places in self._subsections():
            yield b"%d %d\n" % (first, len(places))
            for generation, offset in places:
                yield b"%010d %05d n \n" % (offset, generation)

    def _put_stream(self, trailer: PdfDict) -> None:
        own = self.reserve()
        self._places[own] = len(self.data)  # where `put` writes it
        index, rows = [], bytearray()
        for first, places in self._subsections():
            index += [first, len(places)]
            for generation, offset in places:
                for value, width in zip((1, offset, generation), _WIDTHS, strict=True):
                    rows += value.to_bytes(width, "big")
        layout: PdfDict = {"Type": Name("XRef"), "Size": self._next, "W": list(_WIDTHS), "Index": index}
        self.put(own, write_stream(layout | trailer, bytes(rows)))

    def _subsections(self) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Yield runs of consecutive object numbers: the first, and for each its generation and offset."""
        refs = sorted(self._places, key=lambda ref: ref.number)
        breaks = [at for at, (one, next_) in enumerate(pairwise(refs), 1) if next_.number != one.number + 1]
        for start, end in pairwise((0, *breaks, len(refs))):
            run = refs[start:end]
            yield run[0].number, [(ref.generation, self._places[ref]) for ref in run]


def _first_free(file: PdfFile) -> int:
    size = file.trailer.get("Size")
    if type(size) is not int or not file.highest < size <= _MAX_NUMBER:
        raise PdfMalformed("The trailer does not tell how many objects the file has.")
    return size


def _original_identifier(file: PdfFile, otherwise: bytes) -> PdfValue:
    """Return the identifier that the file has kept from its first revision on (section 14.4)."""
    pair = file.resolve(file.trailer.get("ID"))
    original = file.resolve(pair[0]) if isinstance(pair, list) and pair else None
    return original if isinstance(original, (bytes, HexString)) else HexString(otherwise, 0, 0)


def _name(name: str) -> bytes:
    raw = name.encode("utf-8", "surrogateescape")
    return b"/" + (_ESCAPED.sub(lambda found: b"#%02x" % found[0][0], raw) if _ESCAPED.search(raw) else raw)


def _literal(raw: bytes) -> bytes:
    return b"(%b)" % _LITERAL_ESCAPED.sub(lambda found: b"\\r" if found[0] == b"\r" else b"\\" + found[0], raw)


def _real(value: float) -> bytes:
    if not abs(value) < _LARGEST:
        raise PdfMalformed("A number in the file is too large.")
    text = repr(value)
    if "e" in text:  # exponents are no PDF; eighteen places are what the reader takes
        text = f"{value:.18f}".rstrip("0")
    return text.encode("ascii")


def _dictionary(value: PdfDict) -> bytes:
    return b"<< %b>>" % b"".join([b"%b %b " % (_name(key), write_value(member)) for key, member in value.items()])


def _array(value: list[PdfValue]) -> bytes:
    return b"[ %b]" % b"".join([write_value(member) + b" " for member in value])


_WRITERS: Final = cast(
    "dict[type, Callable[[Any], bytes]]",
    {
        type(None): lambda _: b"null",
        bool: lambda value: b"true" if value else b"false",
        int: lambda value: b"%d" % value,
        float: _real,
        Name: _name,
        bytes: _literal,
        HexString: lambda value: b"<%b>" % value.value.hex().encode("ascii"),
        Ref: lambda value: b"%d %d R" % (value.number, value.generation),
        list: _array,
        dict: _dictionary,
    },
)
