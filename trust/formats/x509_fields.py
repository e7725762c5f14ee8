"""The fields that certificates and revocation lists share (RFC 5280 section 4.1), read strictly.

The readers raise `DerMalformed`, or one of `ASN1_FAILURES` where asn1crypto decodes; the two parsers built on them
turn both into their own error.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import x509 as asn1_x509
from typing_extensions import override

from trust.formats import der
from trust.formats.asn1 import SM2_WITH_SM3_OID, USCC_EXTENSION_OID

MAX_SERIAL_BYTES = 21  # RFC 5280 section 4.1.2.2: 20 octets, and one for those who forgot the sign bit

# What asn1crypto may raise on bytes that are DER but not what they claim to be.
ASN1_FAILURES = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

_SHORT_NAMES = {
    "country_name": "C",
    "state_or_province_name": "ST",
    "locality_name": "L",
    "organization_name": "O",
    "organizational_unit_name": "OU",
    "common_name": "CN",
    "serial_number": "serialNumber",
    "email_address": "emailAddress",
    "domain_component": "DC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinguishedName:
    """A name: its DER as it came (compare by it), and how people read it (`C=CN, O=…, CN=…`)."""

    der: bytes
    text: str
    common_name: str | None
    organization: str | None

    @override
    def __str__(self) -> str:
        return self.text


def exactly(element: der.Element, count: int) -> tuple[der.Element, ...]:
    """Return the members of a structure that has `count` of them. Raises `DerMalformed`."""
    children = element.children()
    if len(children) != count:
        raise der.DerMalformed(f"Expected {count} members, found {len(children)}.")
    return children


def read_algorithm(element: der.Element) -> str:
    """Return the OID of a signature AlgorithmIdentifier.

    For SM2-with-SM3 parameters may be absent or NULL: both are met (GM/T 0015-2023 writes NULL, others nothing).
    Raises `DerMalformed`.
    """
    oid, *parameters = element.expect(der.SEQUENCE).children()
    name = der.read_oid(oid)
    if len(parameters) > 1 or (name == SM2_WITH_SM3_OID and parameters and parameters[0].tag != der.NULL):
        raise der.DerMalformed("The parameters of the signature algorithm are not acceptable.")
    return name


def read_octet_aligned(element: der.Element) -> bytes:
    """Return the octets of a BIT STRING without unused bits, as signatures are. Raises `DerMalformed`."""
    content = element.expect(der.BIT_STRING).content
    if content[0] != 0:
        raise der.DerMalformed("A signature has unused bits.")
    return content[1:]


def read_serial(element: der.Element) -> int:
    """Return a serial number of bounded size. Raises `DerMalformed`."""
    if len(element.content) > MAX_SERIAL_BYTES:
        raise der.DerMalformed(f"A serial number is longer than {MAX_SERIAL_BYTES} bytes.")
    return der.read_integer(element)


def parse_time(element: der.Element) -> datetime:
    """Return a UTCTime or GeneralizedTime in whole seconds (RFC 5280 section 4.1.2.5). Raises `DerMalformed`."""
    digits = element.content.decode("ascii", "replace")
    if element.tag == der.UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif element.tag != der.GENERALIZED_TIME:
        raise der.DerMalformed("A time is neither UTCTime nor GeneralizedTime.")
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise der.DerMalformed("A time is not a moment of the calendar in whole seconds.") from None


def read_name(encoded: bytes) -> DistinguishedName:
    """Return a Name with its bytes kept. Raises `DerMalformed` or one of `ASN1_FAILURES`."""
    parts: list[str] = []
    values: dict[str, str] = {}
    for relative in asn1_x509.Name.load(encoded, strict=True).chosen:
        for pair in relative:
            attribute, value = pair["type"].native, pair["value"].native
            if not isinstance(value, str):
                raise der.DerMalformed("A name holds a value that is not text.")
            values[attribute] = _readable(value)
            parts.append(f"{_SHORT_NAMES.get(attribute, attribute)}={values[attribute]}")
    return DistinguishedName(
        der=encoded,
        text=", ".join(parts),
        common_name=values.get("common_name"),
        organization=values.get("organization_name"),
    )


def _readable(value: str) -> str:
    """Line breaks and direction marks are spelled out: a name must not rewrite the report that it stands in."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value)


def check_extensions(element: der.Element) -> None:
    """Each extension value is strict DER and none comes twice (RFC 5280 section 4.2). Raises `DerMalformed`.

    Private extensions may hold anything, so strictness is asked of the arc id-ce (2.5.29) and of ours only.
    """
    (listing,) = exactly(element, 1)
    seen: set[str] = set()
    for extension in listing.expect(der.SEQUENCE).children():
        name, *_, value = extension.expect(der.SEQUENCE).children()
        oid = der.read_oid(name)
        if oid in seen:
            raise der.DerMalformed(f"The extension {oid} comes twice.")
        seen.add(oid)
        if oid.startswith("2.5.29.") or oid == USCC_EXTENSION_OID:
            der.read_strict(value.expect(der.OCTET_STRING).content)
