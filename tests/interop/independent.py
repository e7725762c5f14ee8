"""A second reading that shares no code with the service: a small DER walk, SM2 and SM3 of gmalg, cutting PDFs by hand.

It is lax where strictness does not matter to a test, and says nothing about trust.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import gmalg

DEFAULT_IDENTIFIER = b"1234567812345678"  # GM/T 0009


@dataclass(frozen=True)
class Element:
    """One DER element: `encoded` with its header, `content` without."""

    tag: int
    encoded: bytes
    content: bytes

    def __iter__(self) -> Iterator["Element"]:
        rest = self.content
        while rest:
            element = read(rest)
            yield element
            rest = rest[len(element.encoded) :]

    def __getitem__(self, index: int) -> "Element":
        return list(self)[index]

    @property
    def number(self) -> int:
        return int.from_bytes(self.content, "big")

    @property
    def moment(self) -> datetime:
        return datetime.strptime(self.content.decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)

    @property
    def bits(self) -> bytes:
        assert self.content[0] == 0
        return self.content[1:]


def read(data: bytes) -> Element:
    """Return the first element of `data`."""
    length, header = data[1], 2
    if length >= 0x80:
        header += length - 0x80
        length = int.from_bytes(data[2:header], "big")
    assert len(data) >= header + length
    return Element(data[0], data[: header + length], data[header : header + length])


def oid(dotted: str) -> bytes:
    """Return the DER of an object identifier (X.690 section 8.19)."""
    first, second, *arcs = map(int, dotted.split("."))
    content = b""
    for arc in (40 * first + second, *arcs):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        content += bytes(reversed(septets))
    return bytes((0x06, len(content))) + content


SM2_WITH_SM3 = oid("1.2.156.10197.1.501")


def sm3(data: bytes) -> bytes:
    """Return the digest, computed by gmalg in pure Python."""
    digest = gmalg.SM3()
    digest.update(data)
    return bytes(digest.value())


def sm2_verifies(spki: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a DER SEQ{r, s} is right under the default identifier (GB/T 32918.2), computed by gmalg."""
    r, s = read(signature)
    point = read(spki)[1].bits
    oracle = gmalg.SM2(uid=DEFAULT_IDENTIFIER, pk=point)
    return bool(oracle.verify(message, *(value.number.to_bytes(32, "big") for value in (r, s))))


@dataclass(frozen=True)
class Certified:
    """The parts of an X.509 that a chain needs."""

    tbs: bytes
    signature: bytes
    serial: int
    issuer: bytes
    not_before: datetime
    not_after: datetime
    subject: bytes
    spki: bytes

    def signed_by(self, issuer: "Certified") -> bool:
        return self.issuer == issuer.subject and sm2_verifies(issuer.spki, self.tbs, self.signature)


def certified(der: bytes) -> Certified:
    tbs, _algorithm, signature = read(der)
    _version, serial, _algorithm, issuer, validity, subject, spki, *_extensions = tbs
    start, end = (_time(element) for element in validity)
    return Certified(
        tbs.encoded, signature.bits, serial.number, issuer.encoded, start, end, subject.encoded, spki.encoded
    )


def _time(element: Element) -> datetime:
    century = "20" if element.tag == 0x17 else ""  # UTCTime has two digits of the year; ours end before 2050
    return datetime.strptime(century + element.content.decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Cut:
    """A signed PDF cut into the bytes that are signed, the CMS, and the SES seal that the signature names."""

    covered: bytes
    cms: bytes
    seal: bytes


def cut(pdf: bytes) -> Cut:
    """Cut a PDF with one signature over the whole file."""
    (ranges,) = re.findall(rb"/ByteRange \[ *(\d+) +(\d+) +(\d+) +(\d+) *\]", pdf)
    zero, a, b, c = map(int, ranges)
    assert (zero, b + c) == (0, len(pdf))
    assert (pdf[a : a + 1], pdf[b - 1 : b]) == (b"<", b">")
    (number,) = re.findall(rb"/YXIN_SESeal (\d+) 0 R", pdf)
    start = re.search(rb"\n%s 0 obj\s*<<\s*/Length (\d+)\s*>>\s*stream\n" % number, pdf)
    assert start is not None
    return Cut(
        covered=pdf[:a] + pdf[b:],
        cms=read(bytes.fromhex(pdf[a + 1 : b - 1].decode())).encoded,
        seal=pdf[start.end() :][: int(start[1])],
    )
