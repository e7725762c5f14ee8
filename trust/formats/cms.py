"""CMS SignedData (RFC 5652) for SM2, and its twin of GB/T 35275: built by joining bytes, read strictly.

Building: of one signer's CMS everything is constant but the document digest and the signature value, so a template
keeps the constant parts as bytes. What SM2 signs is exactly what is sent, under another tag (law 3).
Reading decides what the bytes mean; whether digest, value, chain and time are right is the verifier's business.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from trust.formats import der
from trust.formats.asn1 import SM2_WITH_SM3_OID, SM3_OID
from trust.formats.x509 import X509, X509Malformed, parse_x509
from trust.formats.x509_fields import exactly, read_serial
from trust.kernel.errors import MalformedInput

SIGNED_DATA_OID = "1.2.840.113549.1.7.2"
DATA_OID = "1.2.840.113549.1.7.1"
GM_SIGNED_DATA_OID = "1.2.156.10197.6.1.4.2.2"
GM_DATA_OID = "1.2.156.10197.6.1.4.2.1"
CONTENT_TYPE_OID = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST_OID = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2_OID = "1.2.840.113549.1.9.16.2.47"
SHA256_OID = "2.16.840.1.101.3.4.2.1"

MAX_CMS_BYTES = 64 * 1024  # a signature with a chain of five and a time stamp stays below 16 KiB
MAX_CERTIFICATES = 10  # certificates in one signature: a chain and a few strays, each of which costs parsing time
SM3_BYTES = 32

_VERSION_1 = der.encode_integer(1)
_ENCAPSULATED, _CERTIFICATES, _CRLS = 0xA0, 0xA0, 0xA1
_SIGNED_ATTRIBUTES, _UNSIGNED_ATTRIBUTES = 0xA0, 0xA1
_SM3 = der.encode(der.SEQUENCE, der.encode_oid(SM3_OID))
_SM2_WITH_SM3 = der.encode(der.SEQUENCE, der.encode_oid(SM2_WITH_SM3_OID))
# Which content type a SignedData of either family may carry: plain data, no nesting.
_DATA_OF = {SIGNED_DATA_OID: DATA_OID, GM_SIGNED_DATA_OID: GM_DATA_OID}


class CmsMalformed(MalformedInput):
    """The bytes are not a CMS signature of the one shape that is accepted."""

    code = "cms-malformed"
    title = "The signature container (CMS) cannot be read."
    title_zh = "签名数据（CMS）无法解析。"
    remedy = "Sign the document again; the signature was damaged or made by an unsupported program."
    remedy_zh = "签名数据已损坏或由不受支持的软件生成，请重新签署文件。"


def _attribute(oid: str, value: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(der.SET, value))


class CmsTemplate:
    """Everything about one signer's detached SM2 CMS that does not change from document to document.

    `chain` holds the certificates above the signer's, in any order: DER sorts the set.
    """

    __slots__ = ("_constant_attributes", "_head", "_sid")

    def __init__(self, signer_x509: X509, chain: Sequence[X509] = ()) -> None:
        certificates = sorted({x509.der for x509 in (signer_x509, *chain)})
        self._head = b"".join(
            (
                _VERSION_1,
                der.encode(der.SET, _SM3),
                der.encode(der.SEQUENCE, der.encode_oid(DATA_OID)),
                der.encode(_CERTIFICATES, *certificates),
            )
        )
        self._sid = der.encode(der.SEQUENCE, signer_x509.issuer.der, der.encode_integer(signer_x509.serial))
        # ESSCertIDv2 (RFC 5035): the hash algorithm is left out, since SHA-256 is its default.
        hash_of_x509 = der.encode(der.OCTET_STRING, hashlib.sha256(signer_x509.der).digest())
        identifiers = der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, hash_of_x509))
        self._constant_attributes = (
            _attribute(CONTENT_TYPE_OID, der.encode_oid(DATA_OID)),
            _attribute(SIGNING_CERTIFICATE_V2_OID, der.encode(der.SEQUENCE, identifiers)),
        )

    def signed_attributes(self, digest: bytes) -> bytes:
        """Return what SM2 signs for a document of this SM3 digest: the attributes under the tag SET OF."""
        return der.encode_set_of(self._attributes(digest))

    def assemble(self, digest: bytes, signature: bytes) -> bytes:
        """Return the ContentInfo around the signature (DER SEQ{r, s}) over `signed_attributes(digest)`."""
        signer_info = der.encode(
            der.SEQUENCE,
            _VERSION_1,
            self._sid,
            _SM3,
            der.encode(_SIGNED_ATTRIBUTES, *sorted(self._attributes(digest))),
            _SM2_WITH_SM3,
            der.encode(der.OCTET_STRING, signature),
        )
        signed_data = der.encode(der.SEQUENCE, self._head, der.encode(der.SET, signer_info))
        return der.encode(der.SEQUENCE, der.encode_oid(SIGNED_DATA_OID), der.encode(_ENCAPSULATED, signed_data))

    def _attributes(self, digest: bytes) -> tuple[bytes, ...]:
        if len(digest) != SM3_BYTES:
            raise CmsMalformed(f"An SM3 digest has {SM3_BYTES} bytes, not {len(digest)}.")
        return (*self._constant_attributes, _attribute(MESSAGE_DIGEST_OID, der.encode(der.OCTET_STRING, digest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningCertificateId:
    """What the attribute signing-certificate-v2 says of the signer's certificate (RFC 5035)."""

    hash_oid: str
    certificate_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """A parsed signature with exactly one signer.

    `signed_attributes` is what the signature covers: the attributes as they came, under the tag SET OF (31).
    `content` is None for a detached signature. `content_type` tells the two OID families apart. `has_unsigned_parts`:
    it carries revocation lists or unsigned attributes, which anybody may put in; none of them is read.
    """

    content_type: str
    content: bytes | None
    certificates: tuple[X509, ...]
    signer_issuer: bytes
    signer_serial: int
    digest_oid: str
    signed_attributes: bytes
    message_digest: bytes
    signing_certificate: SigningCertificateId | None
    signature_oid: str
    signature: bytes
    has_unsigned_parts: bool

    @property
    def signer_x509(self) -> X509 | None:
        """The enclosed certificate that the signer identifier names, byte for byte."""
        for x509 in self.certificates:
            if x509.serial == self.signer_serial and x509.issuer.der == self.signer_issuer:
                return x509
        return None


def parse_signed_data(data: bytes) -> SignedData:
    """Return the value of a DER ContentInfo with SignedData. Raises only `CmsMalformed`."""
    if len(data) > MAX_CMS_BYTES:
        raise CmsMalformed(f"The signature container is larger than {MAX_CMS_BYTES} bytes.")
    try:
        return _parse(bytes(data))
    except (der.DerMalformed, X509Malformed) as error:
        raise CmsMalformed(error.detail) from None
    except ValueError:
        raise CmsMalformed("A structure of the container has too few or too many members.") from None


@lru_cache(maxsize=32)
def _parse(data: bytes) -> SignedData:
    name, explicit = exactly(der.read_strict(data).expect(der.SEQUENCE), 2)
    family = der.read_oid(name)
    if family not in _DATA_OF:
        raise der.DerMalformed(f"The content type {family} is not SignedData.")
    (body,) = exactly(explicit.expect(_ENCAPSULATED), 1)
    version, digests, encapsulated, *middle, signers = body.expect(der.SEQUENCE).children()
    if version.encoded != _VERSION_1:
        raise der.DerMalformed("Only SignedData of version 1 is accepted.")
    data_type, content = _content(encapsulated)
    if data_type != _DATA_OF[family]:
        raise der.DerMalformed(f"The content type {data_type} does not belong to the container {family}.")
    (signer,) = exactly(signers.expect(der.SET), 1)
    version, sid, digest, signed, algorithm, value, *unsigned = signer.expect(der.SEQUENCE).children()
    if version.encoded != _VERSION_1 or [element.tag for element in unsigned] not in ([], [_UNSIGNED_ATTRIBUTES]):
        raise der.DerMalformed("The signer's part is not of version 1, or has unknown members.")
    digest_oid = _algorithm(digest)
    if [_algorithm(announced) for announced in digests.expect(der.SET).children()] != [digest_oid]:
        raise der.DerMalformed("The container announces another digest algorithm than the signer used.")
    issuer, serial = exactly(sid.expect(der.SEQUENCE), 2)
    attributes = _attributes(signed.expect(_SIGNED_ATTRIBUTES))
    if der.read_oid(_required(attributes, CONTENT_TYPE_OID)) != data_type:
        raise der.DerMalformed("The signed content type is not that of the container.")
    return SignedData(
        content_type=family,
        content=content,
        certificates=_certificates(middle),
        signer_issuer=issuer.encoded,
        signer_serial=read_serial(serial),
        digest_oid=digest_oid,
        # The bytes that came, under the tag that RFC 5652 section 5.4 says is signed: nothing is encoded again.
        signed_attributes=der.encode(der.SET, signed.content),
        message_digest=_required(attributes, MESSAGE_DIGEST_OID).expect(der.OCTET_STRING).content,
        signing_certificate=_signing_certificate(attributes),
        signature_oid=_algorithm(algorithm),
        signature=value.expect(der.OCTET_STRING).content,
        has_unsigned_parts=bool(unsigned) or any(element.tag == _CRLS for element in middle),
    )


def _content(encapsulated: der.Element) -> tuple[str, bytes | None]:
    name, *explicit = encapsulated.expect(der.SEQUENCE).children()
    if not explicit:
        return der.read_oid(name), None
    (holder,) = explicit
    (octets,) = exactly(holder.expect(_ENCAPSULATED), 1)
    return der.read_oid(name), octets.expect(der.OCTET_STRING).content


def _certificates(optional: list[der.Element]) -> tuple[X509, ...]:
    """The enclosed certificates; enclosed revocation lists are passed over, the verifier fetches its own."""
    if [element.tag for element in optional] not in ([], [_CERTIFICATES], [_CRLS], [_CERTIFICATES, _CRLS]):
        raise der.DerMalformed("The container has unknown members.")
    found = optional[0].children() if optional and optional[0].tag == _CERTIFICATES else ()
    if len(found) > MAX_CERTIFICATES:
        raise der.DerMalformed(f"The container holds more than {MAX_CERTIFICATES} certificates.")
    return tuple(parse_x509(element.encoded) for element in found)


def _algorithm(element: der.Element) -> str:
    """An AlgorithmIdentifier whose parameters are absent or NULL, as all digests and signatures of our table have."""
    name, *parameters = element.expect(der.SEQUENCE).children()
    if [parameter.tag for parameter in parameters] not in ([], [der.NULL]):
        raise der.DerMalformed("An algorithm has parameters that it does not take.")
    return der.read_oid(name)


def _attributes(signed: der.Element) -> dict[str, tuple[der.Element, ...]]:
    """Return the values by OID; DER order and one attribute a kind are required (RFC 5652 section 5.3)."""
    members = signed.children()
    if not der.is_set_of(members):
        raise der.DerMalformed("The signed attributes do not stand in DER order.")
    found: dict[str, tuple[der.Element, ...]] = {}
    for attribute in members:
        name, values = exactly(attribute.expect(der.SEQUENCE), 2)
        oid = der.read_oid(name)
        if oid in found:
            raise der.DerMalformed(f"The signed attribute {oid} comes twice.")
        found[oid] = values.expect(der.SET).children()
    return found


def _required(attributes: dict[str, tuple[der.Element, ...]], oid: str) -> der.Element:
    values = attributes.get(oid, ())
    if len(values) != 1:
        raise der.DerMalformed(f"The signed attribute {oid} is missing or does not have exactly one value.")
    return values[0]


def _signing_certificate(attributes: dict[str, tuple[der.Element, ...]]) -> SigningCertificateId | None:
    if SIGNING_CERTIFICATE_V2_OID not in attributes:
        return None
    identifiers, *_policies = _required(attributes, SIGNING_CERTIFICATE_V2_OID).expect(der.SEQUENCE).children()
    # RFC 5035 section 3: the first identifier is that of the signer's certificate, further ones limit the chain.
    first, *_others = identifiers.expect(der.SEQUENCE).children()
    algorithm, *rest = first.expect(der.SEQUENCE).children()
    hash_oid = SHA256_OID
    if algorithm.tag == der.SEQUENCE:
        hash_oid = _algorithm(algorithm)
        algorithm, *rest = rest
    return SigningCertificateId(hash_oid=hash_oid, certificate_hash=algorithm.expect(der.OCTET_STRING).content)
