"""X.509 certificates and what they say (RFC 5280; profile GB/T 20518), as frozen values.

`parse_x509` decides only what the bytes mean. Whether anyone should believe them is path validation's business.
The signed part and both names are kept byte for byte as they came (law 3).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

from asn1crypto import x509 as asn1_x509

from trust.formats import der
from trust.formats.asn1 import EC_PUBLIC_KEY_OID, USCC_EXTENSION_OID
from trust.formats.crl import Crl, CrlMalformed, Revocation, RevocationReason, parse_crl
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

__all__ = [
    "X509",
    "Crl",
    "CrlMalformed",
    "DistinguishedName",
    "KeyUsage",
    "Revocation",
    "RevocationReason",
    "X509Malformed",
    "parse_crl",
    "parse_x509",
]

# Certificates of SM2 keys are below 2 KiB; RSA-4096 with long policies stays below 8 KiB.
MAX_X509_BYTES = 16 * 1024
_CACHED = 256  # parsed values kept: the chains and signers of a busy verifier; at most 4 MiB

_VERSION_3 = b"\xa0\x03\x02\x01\x02"
_URL = "uniform_resource_identifier"
SEAL_MAKING_OID = "2.25.310959861641134366723555231983945351241"
"""Extended key usage "makes e-seals": our own, from a UUID (ITU-T X.667), since no public OID says it."""

_UNDERSTOOD_CRITICAL = frozenset({"basic_constraints", "key_usage", "extended_key_usage", "crl_distribution_points"})


class X509Malformed(MalformedInput):
    """The bytes are not an X.509 certificate that this service accepts as readable."""

    code = "x509-malformed"
    title = "The X.509 certificate cannot be read."
    title_zh = "数字证书（X.509）无法解析。"
    remedy = "Ask the issuing CA for the certificate again, in DER."
    remedy_zh = "请向签发机构重新获取 DER 格式的数字证书。"


class KeyUsage(StrEnum):
    """The bits of the keyUsage extension (RFC 5280 section 4.2.1.3)."""

    DIGITAL_SIGNATURE = "digital_signature"
    NON_REPUDIATION = "non_repudiation"
    KEY_ENCIPHERMENT = "key_encipherment"
    DATA_ENCIPHERMENT = "data_encipherment"
    KEY_AGREEMENT = "key_agreement"
    KEY_CERT_SIGN = "key_cert_sign"
    CRL_SIGN = "crl_sign"
    ENCIPHER_ONLY = "encipher_only"
    DECIPHER_ONLY = "decipher_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class X509:
    """A parsed certificate.

    `tbs` is what `signature` signs, as it came. `key_usage` is None when the extension is absent, which RFC 5280 reads
    as "any use". `unknown_critical` holds the OIDs of critical extensions that this reader gives no field to: path
    validation must refuse them. Times are UTC.
    """

    der: bytes
    tbs: bytes
    signature_oid: str
    signature: bytes
    serial: int
    issuer: DistinguishedName
    subject: DistinguishedName
    not_before: datetime
    not_after: datetime
    spki: bytes
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[KeyUsage] | None
    extended_key_usage: frozenset[str] | None
    subject_key_id: bytes | None
    authority_key_id: bytes | None
    crl_urls: tuple[str, ...]
    uscc: str | None
    unknown_critical: frozenset[str]

    @property
    def common_name(self) -> str | None:
        """The subject's most specific common name."""
        return self.subject.common_name

    @property
    def organization(self) -> str | None:
        """The subject's organisation."""
        return self.subject.organization

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the whole certificate, hex."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def is_self_issued(self) -> bool:
        """Subject and issuer are the same name, byte for byte."""
        return self.subject.der == self.issuer.der


def parse_x509(data: bytes) -> X509:
    """Return the value of a DER certificate. Raises `X509Malformed`, and nothing else, on any bytes."""
    if len(data) > MAX_X509_BYTES:
        raise X509Malformed(f"The certificate is larger than {MAX_X509_BYTES} bytes.")
    try:
        return _parse(bytes(data))
    except der.DerMalformed as error:
        raise X509Malformed(error.detail) from None
    except ASN1_FAILURES as error:
        raise X509Malformed("A field of the certificate cannot be read.", kind=type(error).__name__) from None


@lru_cache(maxsize=_CACHED)
def _parse(data: bytes) -> X509:
    outer = der.read_strict(data).expect(der.SEQUENCE)
    tbs, algorithm, signature = exactly(outer, 3)
    fields = _exactly_v3(tbs)
    serial, inner_algorithm, issuer, validity, subject, spki = fields[1:7]
    if inner_algorithm.encoded != algorithm.encoded:
        raise der.DerMalformed("The signed and the outer signature algorithm differ.")
    _check_key(spki)
    not_before, not_after = (parse_time(moment) for moment in exactly(validity.expect(der.SEQUENCE), 2))
    decoded = asn1_x509.Certificate.load(data, strict=True)
    return X509(
        der=data,
        tbs=tbs.encoded,
        signature_oid=read_algorithm(algorithm),
        signature=read_octet_aligned(signature),
        serial=read_serial(serial),
        issuer=read_name(issuer.encoded),
        subject=read_name(subject.encoded),
        not_before=not_before,
        not_after=not_after,
        spki=spki.encoded,
        **_extensions(decoded, fields[-1]),
    )


def _exactly_v3(tbs: der.Element) -> tuple[der.Element, ...]:
    """Version 3 with extensions: GB/T 20518 section 5.2.3.1 has no other, and a chain cannot be judged without."""
    fields = tbs.expect(der.SEQUENCE).children()
    if len(fields) < 8 or fields[0].encoded != _VERSION_3 or fields[-1].tag != 0xA3:  # noqa: PLR2004  RFC 5280, 4.1
        raise der.DerMalformed("Only version 3 certificates with extensions are accepted.")
    return fields


def _check_key(spki: der.Element) -> None:
    """A curve is named, never spelled out: explicit parameters let one forge keys (CVE-2020-0601)."""
    algorithm, key = exactly(spki.expect(der.SEQUENCE), 2)
    name, *parameters = algorithm.expect(der.SEQUENCE).children()
    read_octet_aligned(key)
    if der.read_oid(name) == EC_PUBLIC_KEY_OID and [parameter.tag for parameter in parameters] != [der.OID]:
        raise der.DerMalformed("The curve of the public key is given by explicit parameters, not by its name.")


def _extensions(decoded: Any, element: der.Element) -> dict[str, Any]:
    check_extensions(element)
    constraints, usage, extended = (
        decoded.basic_constraints_value,
        decoded.key_usage_value,
        decoded.extended_key_usage_value,
    )
    is_ca = bool(constraints and constraints["ca"].native)
    return {
        "is_ca": is_ca,
        "path_length": constraints["path_len_constraint"].native if is_ca else None,
        "key_usage": None if usage is None else frozenset(KeyUsage(bit) for bit in usage.native),
        "extended_key_usage": None if extended is None else frozenset(purpose.dotted for purpose in extended),
        "subject_key_id": decoded.key_identifier,
        "authority_key_id": decoded.authority_key_identifier,
        "crl_urls": tuple(_crl_urls(decoded)),
        "uscc": _uscc(decoded),
        "unknown_critical": _unknown_critical(decoded),
    }


def _unknown_critical(decoded: Any) -> frozenset[str]:
    extensions = decoded["tbs_certificate"]["extensions"]
    return frozenset(
        extension["extn_id"].dotted
        for extension in extensions
        if extension["critical"].native and extension["extn_id"].native not in _UNDERSTOOD_CRITICAL
    )


def _crl_urls(decoded: Any) -> list[str]:
    found = []
    for point in decoded.crl_distribution_points:
        if point["distribution_point"].name != "full_name":
            continue
        found += [name.native for name in point["distribution_point"].chosen if name.name == _URL]
    return found


def _uscc(decoded: Any) -> str | None:
    for extension in decoded["tbs_certificate"]["extensions"]:
        if extension["extn_id"].dotted == USCC_EXTENSION_OID:
            value = der.read_only(cast("bytes", extension["extn_value"].native))
            if value.tag not in (der.PRINTABLE_STRING, der.UTF8_STRING, der.IA5_STRING):
                raise der.DerMalformed("The organisation code is not a text.")
            return value.content.decode("utf-8")
    return None
