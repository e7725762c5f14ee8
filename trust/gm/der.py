"""A strict reader and a writer for the few DER structures of SM2 (X.690 section 10): one spelling per value.

General ASN.1 is the business of `trust.formats`; signatures, keys and ciphertexts are read here because their
strictness is part of their security, and because a signature is decoded in microseconds.
"""

from typing import Final, NoReturn

from trust.kernel.errors import TrustError

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
SEQUENCE: Final = 0x30

_LONG_FORM: Final = 0x80  # from here on the first length octet counts further length octets (X.690 section 8.1.3.5)
_SIGN_BIT: Final = 0x80


def header(tag: int, length: int) -> bytes:
    """Return tag and minimal definite length."""
    if length < _LONG_FORM:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(octets))) + octets


def element(tag: int, *contents: bytes) -> bytes:
    """Return one element with the given contents."""
    body = b"".join(contents)
    return header(tag, len(body)) + body


def unsigned(value: int) -> bytes:
    """Return a non-negative INTEGER in the fewest octets (X.690 section 8.3.2)."""
    octets = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((INTEGER, len(octets))) + octets if len(octets) < _LONG_FORM else element(INTEGER, octets)


class Reader:
    """Reads elements one after the other out of `data`; everything unexpected is raised as `refusal`."""

    __slots__ = ("_data", "_end", "_position", "_refusal")

    def __init__(self, data: bytes | bytearray | memoryview, refusal: type[TrustError]) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._end = len(data)
        self._refusal = refusal

    def refuse(self, reason: str) -> NoReturn:
        """Raise the refusal with a reason; the offset goes to the log."""
        raise self._refusal(reason, offset=self._position) from None

    def next_tag(self) -> int | None:
        """Return the tag that comes next, or None at the end."""
        return self._data[self._position] if self._position < self._end else None

    def _length(self) -> int:
        first = self._byte()
        if first < _LONG_FORM:
            return first
        count = first - _LONG_FORM
        if not 1 <= count <= 3:  # noqa: PLR2004  0 is BER's indefinite form; more than 3 is beyond any value read here
            self.refuse("A length is in a form that DER does not allow.")
        length = 0
        for _ in range(count):
            length = length << 8 | self._byte()
        if length < _LONG_FORM or length < 1 << 8 * (count - 1):
            self.refuse("A length is not in its shortest form.")
        return length

    def _byte(self) -> int:
        if self._position >= self._end:
            self.refuse("The value ends too early.")
        value = self._data[self._position]
        self._position += 1
        return value

    def contents(self, tag: int) -> memoryview:
        """Return the contents of the next element, which must have `tag`."""
        if self.next_tag() != tag:
            self.refuse("An element is missing or of another type.")
        self._position += 1
        length = self._length()
        start = self._position
        if length > self._end - start:
            self.refuse("The value ends too early.")
        self._position = start + length
        return self._data[start : self._position]

    def inner(self, tag: int) -> "Reader":
        """Return a reader over the contents of the next element, which must have `tag`."""
        return Reader(self.contents(tag), self._refusal)

    def unsigned(self) -> int:
        """Return the next element, a non-negative INTEGER in its shortest form."""
        octets = self.contents(INTEGER)
        if not octets:
            self.refuse("An integer has no octets.")
        if octets[0] >= _SIGN_BIT:
            self.refuse("An integer is negative.")
        if octets[0] == 0 and len(octets) > 1 and octets[1] < _SIGN_BIT:
            self.refuse("An integer is not in its shortest form.")
        return int.from_bytes(octets, "big")

    def finish(self) -> None:
        """Refuse anything that is left."""
        if self._position != self._end:
            self.refuse("Something follows the value.")
