"""What stock pyHanko does with a P-256 key: the reference that `yinxin bench` pairs the stamping with.

Its key is made for the run and thrown away; it signs nothing but the benchmark's page.
"""

import datetime as dt
import io

from asn1crypto import keys, x509
from cryptography import x509 as cx509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

_RESERVED_HEX = 8192  # hexadecimal characters, as the stamp of ours reserves in kind


class StockSigner:
    """Signs PDFs with pyHanko as it comes: P-256, invisible, certified without changes allowed."""

    def __init__(self, moment: dt.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = cx509.Name([cx509.NameAttribute(NameOID.COMMON_NAME, "benchmark reference")])
        certificate = (
            cx509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(moment - dt.timedelta(days=1))
            .not_valid_after(moment + dt.timedelta(days=1))
            .add_extension(
                cx509.KeyUsage(
                    digital_signature=True,
                    content_commitment=True,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=False,
                    crl_sign=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )
        pkcs8 = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._signer = signers.SimpleSigner(
            signing_cert=x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
            signing_key=keys.PrivateKeyInfo.load(pkcs8),
            cert_registry=SimpleCertificateStore(),
        )

    def sign(self, pdf: bytes) -> bytes:
        """Return `pdf` with one signature field signed."""
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1", md_algorithm="sha256", certify=True, docmdp_permissions=fields.MDPPerm.NO_CHANGES
        )
        output = signers.sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=self._signer, bytes_reserved=_RESERVED_HEX
        )
        return bytes(output.getvalue())
