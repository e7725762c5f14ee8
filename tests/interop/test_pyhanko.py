"""pyHanko, given only our SM2 hook and the published X.509s and lists, judges a certificate."""

import io
from typing import Any

import pytest
from asn1crypto import crl, x509
from cryptography.exceptions import UnsupportedAlgorithm
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from tests.interop.conftest import Exhibit, Exhibits
from trust.formats.pyhanko_sm2 import Sm2SignatureValidator

WITH_SM2 = Sm2SignatureValidator()


def judged(exhibits: Exhibits, pdf: bytes, validator: DefaultSignatureValidator = WITH_SM2) -> Any:
    """pyHanko's status, with revocation required for every link."""
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(exhibits.published("root.cer"))],
        crls=[crl.CertificateList.load(exhibits.published(name)) for name in ("root.crl", "issuing.crl")],
        allow_fetching=False,
        revocation_mode="require",
        signature_validator=validator,
    )
    (signature,) = PdfFileReader(io.BytesIO(pdf), strict=True).embedded_signatures
    return validate_pdf_signature(signature, context)


def test_a_certificate_is_valid_trusted_and_covered_entirely(exhibit: Exhibit, exhibits: Exhibits) -> None:
    status = judged(exhibits, exhibit.pdf)
    assert (status.valid, status.intact, status.trusted, status.bottom_line) == (True, True, True, True)
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.docmdp_ok
    assert (status.md_algorithm, status.pkcs7_signature_mechanism) == ("sm3", "sm3_sm2")


def test_one_changed_byte_is_noticed(exhibits: Exhibits) -> None:
    pdf = bytearray(exhibits.food.pdf)
    pdf[pdf.index(b"IDAT")] ^= 1  # in the picture of the SES seal
    assert not judged(exhibits, bytes(pdf)).intact


def test_an_addition_is_not_covered(exhibits: Exhibits) -> None:
    pdf = exhibits.food.pdf
    start = pdf.rindex(b"startxref")
    status = judged(exhibits, pdf + b"\n" + pdf[start:])
    assert status.coverage != SignatureCoverageLevel.ENTIRE_FILE


def test_without_the_hook_pyhanko_says_nothing_good(exhibits: Exhibits) -> None:
    """So what it says with the hook rests on the values, not on its ignoring an algorithm that it does not know."""
    with pytest.raises(UnsupportedAlgorithm):
        judged(exhibits, exhibits.food.pdf, validator=DefaultSignatureValidator())
