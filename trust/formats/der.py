"""Strict DER (X.690): reading that keeps the bytes as they came, and joining that gives the same bytes every time.

The reader accepts one way of writing each value: definite minimal lengths, minimal integers, no constructed
strings. Two readers of one artefact can then not disagree on what it says. It decides nothing about meaning.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from trust.kernel.errors import MalformedInput

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x13, 0x16, 0x17, 0x18
ENUMERATED = 0x0A
SEQUENCE, SET = 0x30, 0x31

_BULKY = range(512, 16 * 1024)  # bytes of a part that is worth remembering, and still cheap to keep: an X.509
MAX_DEPTH = 32  # nested elements; X.509, CMS and SES stay below 20, and Python's own stack stays far away
_CONSTRUCTED = 0x20
_CLASS = 0xC0
_NUMBER = 0x1F
_LONG = 0x80
_MAX_LENGTH_BYTES = 4  # length octets: 4 GiB, beyond every limit of a caller
_MAX_PADDING_BITS = 7
_MAX_OID_BYTES = 64  # three times the longest one met in the field
_UTC_TIME = re.compile(rb"[0-9]{12}Z")
_GENERALIZED_TIME = re.compile(rb"[0-9]{14}(\.[0-9]*[1-9])?Z")


class DerMalformed(MalformedInput):
    """The bytes are not strict DER."""

    code = "der-malformed"
    title = "The data is not valid DER."
    title_zh = "数据不是合法的 DER 编码。"
    remedy = "Export the file again from the program that made it, in DER and without changes."
    remedy_zh = "请从生成该文件的软件重新导出 DER 格式，且不要改动。"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its identifier octet, its whole encoding as it came, and its content octets."""

    tag: int
    encoded: bytes
    content: bytes

    def children(self) -> tuple["Element", ...]:
        """Return the elements inside a constructed element. Raises `DerMalformed`."""
        if not self.tag & _CONSTRUCTED:
            raise DerMalformed(f"An element of tag {self.tag:#04x} holds no further elements.")
        found = []
        offset = 0
        while offset < len(self.content):
            child = read_first(self.content, offset)
            found.append(child)
            offset += len(child.encoded)
        return tuple(found)

    def expect(self, tag: int) -> "Element":
        """Return the element itself when it carries `tag`. Raises `DerMalformed`."""
        if self.tag != tag:
            raise DerMalformed(f"Expected tag {tag:#04x}, found {self.tag:#04x}.")
        return self


def read_first(data: bytes, offset: int = 0) -> Element:
    """Return the element that starts at `offset`; what follows it is the caller's. Raises `DerMalformed`."""
    if offset + 2 > len(data):
        raise DerMalformed("The data ends inside an element's header.")
    tag, first = data[offset], data[offset + 1]
    if tag & _NUMBER == _NUMBER:
        raise DerMalformed("Tags of more than one octet are not used in these structures.")
    start = offset + 2
    length = first
    if first >= _LONG:
        count = first - _LONG
        octets = data[start : start + count]
        if not 1 <= count <= _MAX_LENGTH_BYTES or len(octets) != count:
            raise DerMalformed("A length is indefinite, too long or cut off.")
        length = int.from_bytes(octets, "big")
        if octets[0] == 0 or length < _LONG:
            raise DerMalformed("A length is not written in its shortest form.")
        start += count
    end = start + length
    if end > len(data):
        raise DerMalformed("The data ends inside an element.")
    return Element(tag, data[offset:end], data[start:end])


def read_only(data: bytes) -> Element:
    """Return the one element that `data` is; trailing bytes are refused. Raises `DerMalformed`."""
    element = read_first(data)
    if len(element.encoded) != len(data):
        raise DerMalformed("Bytes follow after the end of the structure.")
    return element


def read_strict(data: bytes) -> Element:
    """Return the one element that `data` is, after every element inside it was found to be strict DER.

    Content of OCTET and BIT STRINGs is opaque here. Raises `DerMalformed`.
    """
    element = read_only(data)
    _check(element, MAX_DEPTH)
    return element


def _check(element: Element, depth: int) -> None:
    if depth == 0:
        raise DerMalformed(f"Elements are nested deeper than {MAX_DEPTH} levels.")
    is_structure = (element.tag | _CONSTRUCTED) in (SEQUENCE, SET)
    if element.tag & _CLASS == 0 and bool(element.tag & _CONSTRUCTED) != is_structure:
        raise DerMalformed("A simple value is written in parts, or a structure as a simple value.")
    if element.tag & _CONSTRUCTED:
        for child in element.children():
            if len(child.encoded) in _BULKY:
                _check_bulky(child.encoded, depth - 1)
            else:
                _check(child, depth - 1)
    elif element.tag in _CANONICAL and not _CANONICAL[element.tag](element.content):
        raise DerMalformed(f"A value of tag {element.tag:#04x} is not written in its one DER form.")


@lru_cache(maxsize=256)
def _check_bulky(encoded: bytes, depth: int) -> None:
    """Check a large part once: the certificates inside a signature are the same in every file of their signer."""
    _check(read_first(encoded), depth)


def _is_minimal_integer(content: bytes) -> bool:
    if len(content) < 2:  # noqa: PLR2004  one octet is always minimal
        return len(content) == 1
    return not (content[0] == 0 and content[1] < _LONG) and not (content[0] == 0xFF and content[1] >= _LONG)  # noqa: PLR2004


def _is_bit_string(content: bytes) -> bool:
    if not content or content[0] > _MAX_PADDING_BITS:
        return False
    padding = content[0]
    return padding == 0 or (len(content) > 1 and content[-1] & ((1 << padding) - 1) == 0)


def _is_oid(content: bytes) -> bool:
    """Each arc is minimal (never starts with 80) and the last one is complete."""
    if not 1 <= len(content) <= _MAX_OID_BYTES or content[0] == _LONG or content[-1] >= _LONG:
        return False
    return all(octet != _LONG or before >= _LONG for before, octet in pairwise(content))


_CANONICAL: dict[int, Callable[[bytes], bool]] = {
    0x00: lambda _: False,  # end-of-contents: only BER has it
    BOOLEAN: lambda content: content in (b"\x00", b"\xff"),
    INTEGER: _is_minimal_integer,
    BIT_STRING: _is_bit_string,
    NULL: lambda content: not content,
    OID: _is_oid,
    ENUMERATED: _is_minimal_integer,
    UTC_TIME: lambda content: _UTC_TIME.fullmatch(content) is not None,
    GENERALIZED_TIME: lambda content: _GENERALIZED_TIME.fullmatch(content) is not None,
}


def read_integer(element: Element) -> int:
    """Return the value of an INTEGER. Raises `DerMalformed`."""
    if not _is_minimal_integer(element.expect(INTEGER).content):
        raise DerMalformed("An integer is not written in its shortest form.")
    return int.from_bytes(element.content, "big", signed=True)


def read_oid(element: Element) -> str:
    """Return an OBJECT IDENTIFIER in dotted form. Raises `DerMalformed`."""
    if not _is_oid(element.expect(OID).content):
        raise DerMalformed("An object identifier is not in its one DER form.")
    arcs = []
    value = 0
    for octet in element.content:
        value = (value << 7) | (octet & 0x7F)
        if octet < _LONG:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def encode(tag: int, *parts: bytes) -> bytes:
    """Return one element of the joined parts."""
    content = b"".join(parts)
    length = len(content)
    if length < _LONG:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(octets))) + octets + content


def encode_integer(value: int) -> bytes:
    """Return an INTEGER in its shortest form."""
    magnitude = value if value >= 0 else ~value
    return encode(INTEGER, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def encode_oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append((arc & 0x7F) | _LONG)
        content.extend(reversed(octets))
    return encode(OID, bytes(content))


def encode_set_of(encoded: Iterable[bytes]) -> bytes:
    """Return a SET OF in DER: the members sorted as octet strings (X.690 section 11.6)."""
    return encode(SET, *sorted(encoded))


def is_set_of(members: Iterable[Element]) -> bool:
    """Tell whether the members stand in the order that DER prescribes for SET OF."""
    encoded = [member.encoded for member in members]
    return encoded == sorted(encoded)
