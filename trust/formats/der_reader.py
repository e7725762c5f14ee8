"""The elements of one DER structure read in order, for structures with choices that carry no tag of their own.

A thin layer over `trust.formats.der`: it knows the universal types, no structure. `trust.formats.ses` does.
"""

from datetime import UTC, datetime

from trust.formats import der
from trust.formats.der import DerMalformed

_INTEGER_BITS = 63  # versions, types and millimetres: anything longer is an attack
_TIME_CHARACTERS = len("20260101000000Z")


class DerReader:
    """Reads the content of a constructed element from left to right."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def exhausted(self) -> bool:
        """Whether every byte has been read."""
        return self._at == len(self._data)

    def next_tag(self) -> int | None:
        """Return the tag that comes next without reading on, or None at the end."""
        return None if self.exhausted else self._data[self._at]

    def element(self, tag: int) -> der.Element:
        """Read one element with this tag. Raises `DerMalformed`, as all methods below do."""
        element = der.read_first(self._data, self._at).expect(tag)
        self._at += len(element.encoded)
        return element

    def skip(self) -> None:
        """Read one element of any tag."""
        self._at += len(der.read_first(self._data, self._at).encoded)

    def sequence(self) -> "DerReader":
        """Read a SEQUENCE and return a reader over its content."""
        return DerReader(self.element(der.SEQUENCE).content)

    def octets(self) -> bytes:
        """Read an OCTET STRING."""
        return self.element(der.OCTET_STRING).content

    def integer(self) -> int:
        """Read a non-negative INTEGER below 2^63."""
        value = der.read_integer(self.element(der.INTEGER))
        if value < 0 or value.bit_length() > _INTEGER_BITS:
            raise DerMalformed("An integer is negative or too long.")
        return value

    def boolean(self) -> bool:
        """Read a BOOLEAN: 00 or FF."""
        content = self.element(der.BOOLEAN).content
        if content not in {b"\x00", b"\xff"}:
            raise DerMalformed("A BOOLEAN is neither 00 nor FF.")
        return content == b"\xff"

    def text(self, tag: int) -> str:
        """Read a UTF8String, or an IA5String or PrintableString, which are ASCII."""
        try:
            return self.element(tag).content.decode("utf-8" if tag == der.UTF8_STRING else "ascii")
        except UnicodeDecodeError:
            raise DerMalformed("A text holds bytes outside its character set.") from None

    def bit_string(self) -> bytes:
        """Read a BIT STRING of whole octets."""
        content = self.element(der.BIT_STRING).content
        if content[:1] != b"\x00":
            raise DerMalformed("A BIT STRING does not consist of whole octets.")
        return content[1:]

    def oid(self) -> str:
        """Read an OBJECT IDENTIFIER in dotted form."""
        return der.read_oid(self.element(der.OID))

    def time(self) -> datetime:
        """Read a GeneralizedTime of the form YYYYMMDDHHMMSSZ."""
        text = self.text(der.GENERALIZED_TIME)
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


def encode_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in UTC with whole seconds (X.690 section 11.7)."""
    return der.encode(der.GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())
