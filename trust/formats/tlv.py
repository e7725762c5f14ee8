"""Strict DER, element by element, for structures that asn1crypto cannot describe (untagged choices).

The reader hands out slices of the bytes that came, so that what is verified is what was signed (law 3). It knows no
structure; `trust.formats.ses` does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from trust.kernel.errors import MalformedInput

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, GENERALIZED_TIME, SEQUENCE = 0x0C, 0x13, 0x16, 0x18, 0x30

_LENGTH_OCTETS = 4  # lengths up to 4 GiB; callers bound the input long before
_OID_OCTETS = 64  # the longest OID in use is below 40; arithmetic on an endless arc would be an attack
_INTEGER_OCTETS = 8  # versions, types and millimetres: anything longer is an attack
_TIME_CHARACTERS = len("20260101000000Z")


class DerMalformed(MalformedInput):
    """Bytes that are no DER, or not the element that belongs there."""

    code = "der-malformed"
    title = "The binary structure cannot be read."
    title_zh = "二进制结构无法解析。"


def encode(tag: int, *content: bytes) -> bytes:
    """Return one DER element: tag, shortest definite length, the joined content."""
    body = b"".join(content)
    if len(body) < 0x80:  # noqa: PLR2004  short form, X.690 8.1.3.4
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def encode_integer(value: int) -> bytes:
    """Return a non-negative INTEGER in the fewest octets."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def encode_oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        octets.extend(reversed(groups))
    return encode(OID, bytes(octets))


def encode_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in UTC with whole seconds (X.690 11.7)."""
    return encode(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


class Reader:
    """Reads the elements of one constructed value in order."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    @property
    def exhausted(self) -> bool:
        """Whether every byte has been read."""
        return self._at == len(self._data)

    def next_tag(self) -> int | None:
        """Return the tag that comes next without reading on, or None at the end."""
        return None if self.exhausted else self._data[self._at]

    def element(self, tag: int) -> tuple[memoryview, memoryview]:
        """Read one element with this tag and return (whole element, its content). Raises `DerMalformed`."""
        found = self.next_tag()
        if found != tag:
            shown = "the end" if found is None else f"tag {found:#04x}"
            raise DerMalformed(f"Expected tag {tag:#04x}, found {shown}.")
        start = self._at
        length, content_at = self._length(start + 1)
        end = content_at + length
        if end > len(self._data):
            raise DerMalformed("An element is longer than what contains it.")
        self._at = end
        return self._data[start:end], self._data[content_at:end]

    def content(self, tag: int) -> bytes:
        """Read one element and return its content octets."""
        return bytes(self.element(tag)[1])

    def sequence(self) -> "Reader":
        """Read a SEQUENCE and return a reader over its content."""
        return Reader(self.element(SEQUENCE)[1])

    def integer(self) -> int:
        """Read a non-negative INTEGER of at most eight octets, minimally encoded."""
        octets = self.content(INTEGER)
        padded = len(octets) > 1 and octets[0] == 0 and octets[1] < 0x80  # noqa: PLR2004  X.690 8.3.2
        if not octets or len(octets) > _INTEGER_OCTETS or padded or octets[0] >= 0x80:  # noqa: PLR2004  sign bit
            raise DerMalformed("An INTEGER is negative, too long or not minimal.")
        return int.from_bytes(octets, "big")

    def boolean(self) -> bool:
        """Read a BOOLEAN: 00 or FF."""
        octets = self.content(BOOLEAN)
        if octets not in {b"\x00", b"\xff"}:
            raise DerMalformed("A BOOLEAN is neither 00 nor FF.")
        return octets == b"\xff"

    def text(self, tag: int) -> str:
        """Read a UTF8String, or an IA5String or PrintableString, which are ASCII."""
        try:
            return self.content(tag).decode("utf-8" if tag == UTF8_STRING else "ascii")
        except UnicodeDecodeError:
            raise DerMalformed("A text holds bytes outside its character set.") from None

    def bit_string(self) -> bytes:
        """Read a BIT STRING of whole octets."""
        octets = self.content(BIT_STRING)
        if not octets or octets[0] != 0:
            raise DerMalformed("A BIT STRING does not consist of whole octets.")
        return octets[1:]

    def oid(self) -> str:
        """Read an OBJECT IDENTIFIER in dotted form."""
        arcs = list(_arcs(self.content(OID)))
        first = min(arcs[0] // 40, 2)
        return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))

    def time(self) -> datetime:
        """Read a GeneralizedTime of the form YYYYMMDDHHMMSSZ."""
        text = self.text(GENERALIZED_TIME)
        if len(text) != _TIME_CHARACTERS or not text[:-1].isdigit() or text[-1] != "Z":
            raise DerMalformed("A time is not written as YYYYMMDDHHMMSSZ.")
        try:
            return datetime.strptime(text, "%Y%m%d%H%M%S%z")
        except ValueError:
            raise DerMalformed("A time does not exist in the calendar.") from None

    def end(self) -> None:
        """Raise `DerMalformed` unless every byte has been read."""
        if not self.exhausted:
            raise DerMalformed("Bytes follow where a structure ends.")

    def _length(self, at: int) -> tuple[int, int]:
        """Return (length, offset of the content) for the length octets at `at`."""
        head = self._data[at] if at < len(self._data) else 0x80
        if head < 0x80:  # noqa: PLR2004  short form
            return head, at + 1
        count = head & 0x7F
        octets = bytes(self._data[at + 1 : at + 1 + count])
        length = int.from_bytes(octets, "big")
        shortest = length >= 0x80 and octets[:1] != b"\x00"  # noqa: PLR2004  X.690 10.1
        if not 0 < count <= _LENGTH_OCTETS or len(octets) != count or not shortest:
            raise DerMalformed("A length is indefinite, cut off or not in its shortest form.")
        return length, at + 1 + count


def _arcs(octets: bytes) -> Iterator[int]:
    if not 0 < len(octets) <= _OID_OCTETS or octets[-1] & 0x80:
        raise DerMalformed("An OBJECT IDENTIFIER is empty, too long or cut off.")
    arc, fresh = 0, True
    for octet in octets:
        if fresh and octet == 0x80:  # noqa: PLR2004  padded arc, X.690 8.19.2
            raise DerMalformed("An OBJECT IDENTIFIER is padded.")
        arc, fresh = arc << 7 | octet & 0x7F, not octet & 0x80
        if fresh:
            yield arc
            arc = 0
