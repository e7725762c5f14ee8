"""The closed table of signature algorithms (law 10): what is not here is refused with a reason."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Algorithm(StrEnum):
    """A signature algorithm as a key carries it; callers never choose one per call."""

    SM2_SM3 = "SM2-SM3"
    ECDSA_P256_SHA256 = "ECDSA-P256-SHA256"
    RSA_PKCS1_SHA256 = "RSA-PKCS1-SHA256"


RSA_MODULUS_BITS: Final = (3072, 4096)
"""Moduli of RSA keys, bits: 3072 has the strength of P-256 (NIST SP 800-57 part 1, table 2), some devices make 4096."""

RSA_PUBLIC_EXPONENT: Final = 65537
"""The one public exponent of RSA keys: FIPS 186-5 section A.1.1 admits nothing below it, and all devices make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmRow:
    """What the table knows of one algorithm: its digest as a name, the OIDs on the wire, and its source.

    `curve_oid` is None where there is no curve.
    """

    algorithm: Algorithm
    digest: str
    signature_oid: str
    curve_oid: str | None
    source: str


TABLE: dict[Algorithm, AlgorithmRow] = {
    Algorithm.SM2_SM3: AlgorithmRow(
        algorithm=Algorithm.SM2_SM3,
        digest="sm3",
        signature_oid="1.2.156.10197.1.501",
        curve_oid="1.2.156.10197.1.301",
        source="GB/T 32918.2, GB/T 32905",
    ),
    Algorithm.ECDSA_P256_SHA256: AlgorithmRow(
        algorithm=Algorithm.ECDSA_P256_SHA256,
        digest="sha256",
        signature_oid="1.2.840.10045.4.3.2",
        curve_oid="1.2.840.10045.3.1.7",
        source="FIPS 186-5, RFC 5758",
    ),
    Algorithm.RSA_PKCS1_SHA256: AlgorithmRow(
        algorithm=Algorithm.RSA_PKCS1_SHA256,
        digest="sha256",
        signature_oid="1.2.840.113549.1.1.11",
        curve_oid=None,
        source="RFC 8017 section 8.2, RFC 4055",
    ),
}
