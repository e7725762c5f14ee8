"""Electronic seals of GB/T 38540-2020 (V4): SESeal and SES_SealInfo, DER to frozen values and back.

Reading is strict and bounded, and keeps the info bytes as they came, because the maker signed those (law 3). The V1
(GM/T 0031-2014) and V5 (GM/T 0031-2025) editions are recognised by their structure and refused by name. Nothing here
decides whether a seal is genuine or in force.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trust.formats import der
from trust.formats.der_reader import DerReader, encode_time
from trust.kernel.algorithms import TABLE, Algorithm
from trust.kernel.errors import InvalidInput, MalformedInput, TooLarge

MAX_SEAL_BYTES = 1024 * 1024  # a picture at 600 dpi is below 200 KiB; uncompressed BMPs of other vendors are larger
MAX_LISTED = 64  # certificates or digests that one seal lists; real seals list one to three
MAX_EXTENSIONS = 32  # none is defined by the standard; vendors write a handful

SEAL_VERSION = 4
_MAGIC = "ES"
_V1_ELEMENTS, _V4_ELEMENTS, _V5_ELEMENTS = 2, 4, 5  # outer elements of a SESeal in the three editions
_SM2_WITH_SM3 = TABLE[Algorithm.SM2_SM3].signature_oid


class SealMalformed(MalformedInput):
    """The bytes are no SESeal of GB/T 38540, or a value in them is outside its range."""

    code = "seal-malformed"
    title = "The electronic seal cannot be read."
    title_zh = "电子印章数据无法解析。"


class SealTooLarge(TooLarge):
    """The seal exceeds a named limit."""

    code = "seal-too-large"
    title = "The electronic seal exceeds a size limit."
    title_zh = "电子印章数据超过大小上限。"


class SealVersionUnsupported(InvalidInput):
    """The seal is of another edition than GB/T 38540-2020."""

    code = "seal-version-unsupported"
    title = "Seals of this version are not supported."
    title_zh = "不支持该版本的电子印章。"
    remedy = "Ask the seal's maker for a seal by GB/T 38540-2020 (version 4)."
    remedy_zh = "请向制章机构申请符合 GB/T 38540-2020（版本 4）的电子印章。"


class CertListType(IntEnum):
    """How a seal names the certificates that may use it."""

    X509S = 1
    DIGESTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPicture:
    """SES_ESPictureInfo: the file's format (PNG, SVG, OFD…), its bytes, and its size in millimetres."""

    kind: str
    data: bytes
    width_mm: int
    height_mm: int

    def __post_init__(self) -> None:
        """Refuse an empty picture. Raises `SealMalformed`."""
        if not self.kind or not self.data or min(self.width_mm, self.height_mm) < 1:
            raise SealMalformed("The seal's picture is empty.", field="picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Digest:
    """CertDigestObj: a digest of a certificate; `type` names the digest algorithm in the maker's words."""

    type: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealExtension:
    """One ExtData; none is interpreted here."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealInfo:
    """SES_SealInfo: what the maker signs.

    Attributes:
        vendor: `Vid` of the header.
        seal_id: `esID`.
        kind: `type` of the property; business-defined (1 = unit, 2 = personal in the first edition).
        name: the owner's or the seal's name.
        signer_x509s: DER certificates that may use the seal (certListType 1), or empty.
        signer_digests: their digests (certListType 2), or empty. Exactly one of the two lists is filled.
    """

    vendor: str
    seal_id: str
    kind: int
    name: str
    signer_x509s: tuple[bytes, ...] = ()
    signer_digests: tuple[X509Digest, ...] = ()
    created: datetime
    valid_from: datetime
    valid_until: datetime
    picture: SealPicture
    extensions: tuple[SealExtension, ...] = ()

    def __post_init__(self) -> None:
        """Check what the ASN.1 leaves open. Raises `SealMalformed`, `SealTooLarge`."""
        if not self.seal_id or not self.name:
            raise SealMalformed("The seal has no identifier or no name.", field="seal_id")
        if bool(self.signer_x509s) == bool(self.signer_digests):
            raise SealMalformed("The seal lists no signer, or lists them in two ways.", field="certList")
        if max(len(self.signer_x509s), len(self.signer_digests)) > MAX_LISTED:
            raise SealTooLarge(f"A seal may list at most {MAX_LISTED} certificates.", field="certList")
        if len(self.extensions) > MAX_EXTENSIONS:
            raise SealTooLarge(f"A seal may carry at most {MAX_EXTENSIONS} extensions.", field="extDatas")
        if self.valid_from >= self.valid_until:
            raise SealMalformed("The seal's validity ends before it begins.", field="validEnd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """SESeal: the parsed info, the very bytes that were signed, the maker's certificate and signature, the whole."""

    info: SealInfo
    info_der: bytes
    maker_x509: bytes
    signature_oid: str
    signature: bytes
    der: bytes


def build_seal_info(info: SealInfo) -> bytes:
    """Return DER(SES_SealInfo): the message that the maker signs (SM2 with ZA and the default id)."""
    head = der.encode(
        der.SEQUENCE,
        _ascii(der.IA5_STRING, _MAGIC, "ID"),
        der.encode_integer(SEAL_VERSION),
        _ascii(der.IA5_STRING, info.vendor, "Vid"),
    )
    picture = der.encode(
        der.SEQUENCE,
        _ascii(der.IA5_STRING, info.picture.kind, "picture"),
        der.encode(der.OCTET_STRING, info.picture.data),
        der.encode_integer(info.picture.width_mm),
        der.encode_integer(info.picture.height_mm),
    )
    extensions = der.encode(der.SEQUENCE, *map(_extension, info.extensions)) if info.extensions else b""
    return der.encode(
        der.SEQUENCE, head, _ascii(der.IA5_STRING, info.seal_id, "esID"), _property(info), picture, extensions
    )


def assemble_seal(info_der: bytes, maker_x509: bytes, signature: bytes) -> bytes:
    """Return DER(SESeal) from the signed info bytes, the maker's DER certificate and the DER SM2 signature.

    Raises `SealTooLarge`.
    """
    seal = der.encode(
        der.SEQUENCE,
        info_der,
        der.encode(der.OCTET_STRING, maker_x509),
        der.encode_oid(_SM2_WITH_SM3),
        der.encode(der.BIT_STRING, b"\x00", signature),
    )
    _check_size(seal)
    return seal


def parse_seal(encoded: bytes) -> Seal:
    """Read a V4 SESeal.

    Raises:
        SealTooLarge: larger than `MAX_SEAL_BYTES`, or a list in it is longer than its limit.
        SealVersionUnsupported: a seal of another edition.
        SealMalformed: anything else that is not exactly a V4 seal in DER.
    """
    _check_size(encoded)
    try:
        _check_version(encoded)
        return _seal(encoded)
    except der.DerMalformed as error:
        raise SealMalformed(f"The seal is not well-formed: {error.detail}") from None


def _seal(encoded: bytes) -> Seal:
    outer = DerReader(encoded)
    body = outer.sequence()
    outer.end()
    signed = body.element(der.SEQUENCE)
    info = _info(DerReader(signed.content))
    maker_x509 = body.octets()
    signature_oid = body.oid()
    signature = body.bit_string()
    body.end()
    return Seal(
        info=info,
        info_der=signed.encoded,
        maker_x509=maker_x509,
        signature_oid=signature_oid,
        signature=signature,
        der=encoded,
    )


def _check_size(encoded: bytes) -> None:
    if len(encoded) > MAX_SEAL_BYTES:
        raise SealTooLarge(f"An electronic seal may have at most {MAX_SEAL_BYTES} bytes.")


def _check_version(encoded: bytes) -> None:
    """Tell the editions apart: V1 by its two outer elements, V4 and V5 by the version in the header."""
    body = DerReader(encoded).sequence()
    header = body.sequence().sequence()
    if header.text(der.IA5_STRING) != _MAGIC:
        raise SealMalformed("The header does not begin with ES.", field="ID")
    version = header.integer()
    elements = 1
    while not body.exhausted:
        body.skip()
        elements += 1
    if elements == _V1_ELEMENTS:
        raise SealVersionUnsupported("This is a seal by GM/T 0031-2014 (version 1).", field="version")
    if elements not in {_V4_ELEMENTS, _V5_ELEMENTS}:
        raise SealMalformed("The seal does not have four elements.")
    if version != SEAL_VERSION:
        raise SealVersionUnsupported(f"The seal names version {version}; version 4 is supported.", field="version")


def _info(reader: DerReader) -> SealInfo:
    header = reader.sequence()
    header.text(der.IA5_STRING)
    header.integer()
    vendor = header.text(der.IA5_STRING)
    header.end()
    seal_id = reader.text(der.IA5_STRING)
    properties = reader.sequence()
    kind = properties.integer()
    name = properties.text(der.UTF8_STRING)
    x509s, digests = _listed(properties)
    created, valid_from, valid_until = properties.time(), properties.time(), properties.time()
    properties.end()
    picture = _picture(reader.sequence())
    extensions = () if reader.exhausted else _extensions(reader.sequence())
    reader.end()
    return SealInfo(
        vendor=vendor,
        seal_id=seal_id,
        kind=kind,
        name=name,
        signer_x509s=x509s,
        signer_digests=digests,
        created=created,
        valid_from=valid_from,
        valid_until=valid_until,
        picture=picture,
        extensions=extensions,
    )


def _listed(properties: DerReader) -> tuple[tuple[bytes, ...], tuple[X509Digest, ...]]:
    """Read certListType and the list it stands for: the choice has no tag of its own."""
    list_type = properties.integer()
    entries = properties.sequence()
    x509s: list[bytes] = []
    digests: list[X509Digest] = []
    while not entries.exhausted:
        if list_type == CertListType.X509S:
            x509s.append(entries.octets())
        elif list_type == CertListType.DIGESTS:
            entry = entries.sequence()
            digests.append(X509Digest(type=entry.text(der.PRINTABLE_STRING), value=entry.octets()))
            entry.end()
        else:
            raise SealMalformed(f"certListType {list_type} is neither 1 nor 2.", field="certListType")
    return tuple(x509s), tuple(digests)


def _picture(reader: DerReader) -> SealPicture:
    picture = SealPicture(
        kind=reader.text(der.IA5_STRING),
        data=reader.octets(),
        width_mm=reader.integer(),
        height_mm=reader.integer(),
    )
    reader.end()
    return picture


def _extensions(reader: DerReader) -> tuple[SealExtension, ...]:
    extensions: list[SealExtension] = []
    while not reader.exhausted:
        entry = reader.sequence()
        oid = entry.oid()
        # DER leaves out FALSE, but widespread makers write it; both are read.
        critical = entry.boolean() if entry.next_tag() == der.BOOLEAN else False
        extensions.append(SealExtension(oid=oid, critical=critical, value=entry.octets()))
        entry.end()
    return tuple(extensions)


def _property(info: SealInfo) -> bytes:
    if info.signer_x509s:
        list_type, listed = CertListType.X509S, [der.encode(der.OCTET_STRING, x509) for x509 in info.signer_x509s]
    else:
        list_type, listed = CertListType.DIGESTS, [_digest(digest) for digest in info.signer_digests]
    return der.encode(
        der.SEQUENCE,
        der.encode_integer(info.kind),
        der.encode(der.UTF8_STRING, info.name.encode()),
        der.encode_integer(list_type),
        der.encode(der.SEQUENCE, *listed),
        encode_time(info.created),
        encode_time(info.valid_from),
        encode_time(info.valid_until),
    )


def _digest(digest: X509Digest) -> bytes:
    kind = _ascii(der.PRINTABLE_STRING, digest.type, "certList")
    return der.encode(der.SEQUENCE, kind, der.encode(der.OCTET_STRING, digest.value))


def _extension(extension: SealExtension) -> bytes:
    critical = der.encode(der.BOOLEAN, b"\xff") if extension.critical else b""
    return der.encode(
        der.SEQUENCE, der.encode_oid(extension.oid), critical, der.encode(der.OCTET_STRING, extension.value)
    )


def _ascii(tag: int, text: str, field: str) -> bytes:
    try:
        return der.encode(tag, text.encode("ascii"))
    except UnicodeEncodeError:
        raise SealMalformed(f"{field} may hold ASCII characters only.", field=field) from None
