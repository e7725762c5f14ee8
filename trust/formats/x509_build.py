"""Building what a CA signs: certificates by the GB/T 20518 profile, and revocation lists (RFC 5280).

The builders return the part to be signed; `assemble_signed` joins it with the signature. The AlgorithmIdentifier of
SM2-with-SM3 is written **without parameters**: so do OpenSSL, Tongsuo and GmSSL, and so RFC 5758 rules for every
other elliptic-curve signature. GM/T 0015-2023 is said to write NULL; readers accept both, so must ours.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import core
from asn1crypto import x509 as asn1_x509

from trust.formats import der
from trust.formats.asn1 import SM2_WITH_SM3_OID, USCC_EXTENSION_OID
from trust.formats.crl import (
    AUTHORITY_KEY_ID_OID,
    CRL_NUMBER_OID,
    REASON_BY_NUMBER,
    REASON_CODE_OID,
    Revocation,
    RevocationReason,
)
from trust.formats.x509 import DistinguishedName, KeyUsage
from trust.formats.x509_fields import read_name
from trust.kernel.errors import InvalidInput

SERIAL_BYTES = 16  # 126 random bits: RFC 5280 wants them unique, CA/B Forum practice wants over 64 unpredictable
_MAX_NAME_CHARACTERS = 64  # RFC 5280 appendix A: ub-common-name, ub-organization-name, ub-organizational-unit-name
_KEY_ID_BYTES = 20
_FIRST_GENERALIZED_YEAR = 2050  # RFC 5280 section 4.1.2.5: UTCTime before, GeneralizedTime from then on
_COUNTRY = "CN"

_CRL_VERSION_2 = der.encode_integer(1)
_SM2_WITH_SM3 = der.encode(der.SEQUENCE, der.encode_oid(SM2_WITH_SM3_OID))


class X509DraftInvalid(InvalidInput):
    """What is to be certified cannot stand in a certificate."""

    code = "x509-draft-invalid"
    title = "The certificate request holds a value that a certificate cannot carry."
    title_zh = "证书申请中的某个取值不能写入数字证书。"


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Draft:
    """A certificate to be built. Parsed on construction; raises `X509DraftInvalid`.

    `path_length` is None for an end entity. `authority_key_id` is None for a root alone. Times are aware, whole
    seconds count. `uscc` is the unit's unified social credit code, as the GB/T 20518 extension carries it.
    `extended_key_usage` holds OIDs; when there are any, the extension is critical: nothing else is allowed.
    """

    serial: int
    issuer: DistinguishedName
    subject: DistinguishedName
    spki: bytes
    not_before: datetime
    not_after: datetime
    key_usage: frozenset[KeyUsage]
    path_length: int | None = None
    authority_key_id: bytes | None = None
    crl_url: str | None = None
    uscc: str | None = None
    extended_key_usage: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 0 < self.serial < 1 << 8 * SERIAL_BYTES:
            raise X509DraftInvalid(f"A serial number is positive and has at most {SERIAL_BYTES} bytes.", field="serial")
        if self.not_before >= self.not_after:
            raise X509DraftInvalid("The validity ends before it begins.", field="not_after")


def new_serial(random_bytes: bytes) -> int:
    """Return a positive serial number of 16 bytes from 16 random bytes.

    The top bits are set to 01: the number is then positive without a leading zero, and always equally long.
    """
    if len(random_bytes) != SERIAL_BYTES:
        raise X509DraftInvalid(f"A serial number is made of {SERIAL_BYTES} random bytes.", field="serial")
    return int.from_bytes(random_bytes, "big") & ((1 << 126) - 1) | (1 << 126)


def build_name(
    *, common_name: str, organization: str | None = None, organizational_unit: str | None = None
) -> DistinguishedName:
    """Return C=CN, O, OU, CN in that order, UTF8String but for the country. Raises `X509DraftInvalid`."""
    parts = {
        "country_name": _COUNTRY,
        "organization_name": organization,
        "organizational_unit_name": organizational_unit,
        "common_name": common_name,
    }
    present = {name: value for name, value in parts.items() if value is not None}
    for name, value in present.items():
        if not value.strip() or not value.isprintable() or len(value) > _MAX_NAME_CHARACTERS:
            raise X509DraftInvalid(
                f"A part of a name has 1 to {_MAX_NAME_CHARACTERS} printable characters.", field=name
            )
    return read_name(asn1_x509.Name.build(present).dump())


def key_identifier(spki: bytes) -> bytes:
    """Return the identifier of a key: the first 160 bits of SHA-256 over the key's bits (RFC 7093 section 2)."""
    _, key = der.read_only(spki).children()
    return hashlib.sha256(key.content[1:]).digest()[:_KEY_ID_BYTES]


def build_tbs_x509(draft: X509Draft) -> bytes:
    """Return the TBSCertificate of a draft: version 3, SM2-with-SM3."""
    tbs = asn1_x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": draft.serial,
            "signature": {"algorithm": SM2_WITH_SM3_OID},
            "issuer": asn1_x509.Name.load(draft.issuer.der),
            "validity": {"not_before": _time(draft.not_before), "not_after": _time(draft.not_after)},
            "subject": asn1_x509.Name.load(draft.subject.der),
            "subject_public_key_info": asn1_x509.PublicKeyInfo.load(draft.spki),
            "extensions": _extensions(draft),
        }
    )
    return bytes(tbs.dump())


def build_tbs_crl(
    *,
    issuer: DistinguishedName,
    authority_key_id: bytes,
    number: int,
    this_update: datetime,
    next_update: datetime,
    revoked: Mapping[int, Revocation],
) -> bytes:
    """Return the TBSCertList, version 2 with cRLNumber, authorityKeyIdentifier and reasons.

    Joined from bytes: asn1crypto takes a third of a millisecond an entry, which no large list can afford.
    """
    entries = [_entry(serial, revoked[serial]) for serial in sorted(revoked)]
    key_id = asn1_x509.AuthorityKeyIdentifier({"key_identifier": authority_key_id}).dump()
    extensions = (_extension(CRL_NUMBER_OID, der.encode_integer(number)), _extension(AUTHORITY_KEY_ID_OID, key_id))
    return der.encode(
        der.SEQUENCE,
        _CRL_VERSION_2,
        _SM2_WITH_SM3,
        issuer.der,
        _encode_time(this_update),
        _encode_time(next_update),
        der.encode(der.SEQUENCE, *entries) if entries else b"",  # RFC 5280 section 5.1.2.6: absent, never empty
        der.encode(0xA0, der.encode(der.SEQUENCE, *extensions)),
    )


def assemble_signed(tbs: bytes, signature: bytes) -> bytes:
    """Return the certificate or list: the signed part as it is, SM2-with-SM3, and the signature (DER SEQ{r, s})."""
    return der.encode(der.SEQUENCE, tbs, _SM2_WITH_SM3, der.encode(der.BIT_STRING, b"\x00", signature))


def _encode_time(moment: datetime) -> bytes:
    """UTCTime or GeneralizedTime, by year, in whole seconds."""
    whole = moment.astimezone(UTC)
    if whole.year < _FIRST_GENERALIZED_YEAR:
        return der.encode(der.UTC_TIME, whole.strftime("%y%m%d%H%M%SZ").encode())
    return der.encode(der.GENERALIZED_TIME, whole.strftime("%Y%m%d%H%M%SZ").encode())


def _time(moment: datetime) -> asn1_x509.Time:
    return asn1_x509.Time.load(_encode_time(moment))


def _extension(oid: str, value: bytes) -> bytes:
    """A non-critical extension."""
    return der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(der.OCTET_STRING, value))


_REASON_EXTENSIONS = {
    reason: der.encode(der.SEQUENCE, _extension(REASON_CODE_OID, der.encode(der.ENUMERATED, bytes((number,)))))
    for number, reason in REASON_BY_NUMBER.items()
} | {RevocationReason.UNSPECIFIED: b""}  # RFC 5280 section 5.3.1: absent instead


def _entry(serial: int, revocation: Revocation) -> bytes:
    reason = _REASON_EXTENSIONS[revocation.reason]
    return der.encode(der.SEQUENCE, der.encode_integer(serial), _encode_time(revocation.at), reason)


def _authority_key_identifier(key_id: bytes) -> dict[str, object]:
    value = asn1_x509.AuthorityKeyIdentifier({"key_identifier": key_id})
    return {"extn_id": "authority_key_identifier", "critical": False, "extn_value": value}


def _extensions(draft: X509Draft) -> list[dict[str, object]]:
    """The extensions of the profile.

    certificatePolicies is left out: it would name an arc that a practice statement is registered under, and an
    installation has none until it is accredited.
    """
    constraints = {"ca": False} if draft.path_length is None else {"ca": True, "path_len_constraint": draft.path_length}
    usage = {bit.value for bit in draft.key_usage}
    found: list[dict[str, object]] = [
        {"extn_id": "basic_constraints", "critical": True, "extn_value": asn1_x509.BasicConstraints(constraints)},
        {"extn_id": "key_usage", "critical": True, "extn_value": asn1_x509.KeyUsage(usage)},
        {
            "extn_id": "key_identifier",
            "critical": False,
            "extn_value": core.OctetString(key_identifier(draft.spki)),
        },
    ]
    if draft.extended_key_usage:
        purposes = asn1_x509.ExtKeyUsageSyntax(sorted(draft.extended_key_usage))
        found.append({"extn_id": "extended_key_usage", "critical": True, "extn_value": purposes})
    if draft.authority_key_id is not None:
        found.append(_authority_key_identifier(draft.authority_key_id))
    if draft.crl_url is not None:
        url = asn1_x509.GeneralName(name="uniform_resource_identifier", value=draft.crl_url)
        name = asn1_x509.DistributionPointName(name="full_name", value=[url])
        value = asn1_x509.CRLDistributionPoints([{"distribution_point": name}])
        found.append({"extn_id": "crl_distribution_points", "critical": False, "extn_value": value})
    if draft.uscc is not None:
        code = core.ParsableOctetString(core.PrintableString(draft.uscc).dump())
        found.append({"extn_id": USCC_EXTENSION_OID, "critical": False, "extn_value": code})
    return found
