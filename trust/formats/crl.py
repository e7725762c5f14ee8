"""Certificate revocation lists (RFC 5280 section 5) as frozen values.

Only complete lists are accepted: a delta list or one with a partial scope says nothing certain about a certificate
that it does not name, so a critical extension that narrows the list makes it unreadable here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from trust.formats import der
from trust.formats.x509_fields import (
    ASN1_FAILURES,
    DistinguishedName,
    check_extensions,
    exactly,
    parse_time,
    read_algorithm,
    read_name,
    read_octet_aligned,
    read_serial,
)
from trust.kernel.errors import MalformedInput

MAX_CRL_BYTES = 4 * 1024 * 1024  # 100,000 revoked certificates: all units of a province, several times over
_CACHED = 8  # parsed lists kept: two CAs, the present and the previous list, and some of neighbours
_VERSION_2 = b"\x02\x01\x01"

CRL_NUMBER_OID = "2.5.29.20"
REASON_CODE_OID = "2.5.29.21"
AUTHORITY_KEY_ID_OID = "2.5.29.35"
_EXTENSIONS = 0xA0
_KEY_ID = 0x80


class CrlMalformed(MalformedInput):
    """The bytes are not a revocation list that this service accepts as readable."""

    code = "crl-malformed"
    title = "The revocation list (CRL) cannot be read."
    title_zh = "证书吊销列表（CRL）无法解析。"
    remedy = "Download the list again from the issuing CA, in DER."
    remedy_zh = "请从签发机构重新下载 DER 格式的吊销列表。"


class RevocationReason(StrEnum):
    """Why a certificate was revoked (RFC 5280 section 5.3.1), by the names that asn1crypto uses as well."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key_compromise"
    CA_COMPROMISE = "ca_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"
    CERTIFICATE_HOLD = "certificate_hold"
    REMOVE_FROM_CRL = "remove_from_crl"
    PRIVILEGE_WITHDRAWN = "privilege_withdrawn"
    AA_COMPROMISE = "aa_compromise"


REASON_BY_NUMBER: Mapping[int, RevocationReason] = MappingProxyType(
    dict(zip((0, 1, 2, 3, 4, 5, 6, 8, 9, 10), RevocationReason, strict=True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """When and why one certificate was revoked."""

    at: datetime
    reason: RevocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl:
    """A parsed list. `tbs` is what `signature` signs, as it came; `revoked` maps serial numbers. Times are UTC."""

    der: bytes
    tbs: bytes
    signature_oid: str
    signature: bytes
    issuer: DistinguishedName
    this_update: datetime
    next_update: datetime
    number: int
    authority_key_id: bytes | None
    revoked: Mapping[int, Revocation]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the whole list, hex."""
        return hashlib.sha256(self.der).hexdigest()


def parse_crl(data: bytes) -> Crl:
    """Return the value of a DER revocation list. Raises `CrlMalformed`, and nothing else, on any bytes."""
    if len(data) > MAX_CRL_BYTES:
        raise CrlMalformed(f"The list is larger than {MAX_CRL_BYTES} bytes.")
    try:
        return _parse(bytes(data))
    except der.DerMalformed as error:
        raise CrlMalformed(error.detail) from None
    except ASN1_FAILURES as error:
        raise CrlMalformed("A field of the list cannot be read.", kind=type(error).__name__) from None


@lru_cache(maxsize=_CACHED)
def _parse(data: bytes) -> Crl:
    tbs, algorithm, signature = exactly(der.read_strict(data).expect(der.SEQUENCE), 3)
    version, inner_algorithm, issuer, this_update, next_update, *rest = tbs.expect(der.SEQUENCE).children()
    if version.encoded != _VERSION_2 or inner_algorithm.encoded != algorithm.encoded:
        raise der.DerMalformed("Only version 2 lists whose signed algorithm is the outer one are accepted.")
    if not rest or rest[-1].tag != _EXTENSIONS or len(rest) > 2:  # noqa: PLR2004  revoked entries and extensions
        raise der.DerMalformed("A version 2 list has extensions and at most one table of entries.")
    number, key_id = _list_extensions(rest[-1])
    return Crl(
        der=data,
        tbs=tbs.encoded,
        signature_oid=read_algorithm(algorithm),
        signature=read_octet_aligned(signature),
        issuer=read_name(issuer.encoded),
        this_update=parse_time(this_update),
        next_update=parse_time(next_update),
        number=number,
        authority_key_id=key_id,
        revoked=MappingProxyType(_entries(rest[0]) if len(rest) > 1 else {}),
    )


def _list_extensions(element: der.Element) -> tuple[int, bytes | None]:
    check_extensions(element)
    values, critical = _extension_values(element.children()[0])
    if critical:
        raise der.DerMalformed(f"The list has the critical extension {min(critical)}, which narrows what it says.")
    if CRL_NUMBER_OID not in values:
        raise der.DerMalformed("The list has no number (RFC 5280 section 5.2.3).")
    number = read_serial(values[CRL_NUMBER_OID])
    authority = values.get(AUTHORITY_KEY_ID_OID)
    if authority is None:
        return number, None
    return number, next((part.content for part in authority.children() if part.tag == _KEY_ID), None)


def _extension_values(listing: der.Element) -> tuple[dict[str, der.Element], frozenset[str]]:
    """Return the decoded value per OID, and which OIDs are critical."""
    values, critical = {}, set()
    for extension in listing.expect(der.SEQUENCE).children():
        name, *flag, value = extension.expect(der.SEQUENCE).children()
        oid = der.read_oid(name)
        if flag and flag[0].expect(der.BOOLEAN).content != b"\x00":
            critical.add(oid)
        values[oid] = der.read_strict(value.expect(der.OCTET_STRING).content)
    return values, frozenset(critical)


def _entries(table: der.Element) -> dict[int, Revocation]:
    found: dict[int, Revocation] = {}
    for entry in table.expect(der.SEQUENCE).children():
        serial, at, *extensions = entry.expect(der.SEQUENCE).children()
        number = read_serial(serial)
        if number in found:
            raise der.DerMalformed("A serial number is listed twice.")
        found[number] = Revocation(at=parse_time(at), reason=_reason(extensions))
    return found


def _reason(extensions: list[der.Element]) -> RevocationReason:
    if not extensions:
        return RevocationReason.UNSPECIFIED
    if len(extensions) > 1:
        raise der.DerMalformed("An entry of the list has unknown members.")
    values, critical = _extension_values(extensions[0])
    if critical:
        raise der.DerMalformed(f"An entry has the critical extension {min(critical)}; indirect lists are not accepted.")
    if REASON_CODE_OID not in values:
        return RevocationReason.UNSPECIFIED
    return REASON_BY_NUMBER[int.from_bytes(values[REASON_CODE_OID].expect(der.ENUMERATED).content, "big")]
