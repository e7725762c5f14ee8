"""A small world of its own to verify in: PKI, seal, metadata, stamped PDFs. Nothing of `seals` or `certs` is used."""

import io
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache

import pikepdf

from tests.fakes import MOMENT
from trust.formats.cms import CmsTemplate
from trust.formats.crl import Revocation, RevocationReason
from trust.formats.metadata import Metadata
from trust.formats.ses import SealInfo, SealPicture, X509Digest, assemble_seal, build_seal_info
from trust.formats.x509 import SEAL_MAKING_OID, X509, KeyUsage, parse_x509
from trust.formats.x509_build import (
    X509Draft,
    assemble_signed,
    build_name,
    build_tbs_crl,
    build_tbs_x509,
    key_identifier,
)
from trust.gm.sm2 import PrivateKey
from trust.gm.sm3 import sm3
from trust.kernel.identifiers import CertificateIdentifier, Uscc
from verifier.ports import LibraryState, LibraryStatus, TrustMaterial

SIGNED_AT = MOMENT - timedelta(hours=1)
AUTHORITY = "示例区市场监督管理局"
USCC = Uscc(value="11100000000013338W")
_DAY = timedelta(days=1)
_CA_USAGE = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
_SIGNER_USAGE = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION})


@dataclass(frozen=True)
class Party:
    key: PrivateKey
    x509: X509


@cache
def key(name: str) -> PrivateKey:
    return PrivateKey.generate()


def certify(
    name: str,
    issuer: Party | None,
    *,
    usage: frozenset[KeyUsage] = _SIGNER_USAGE,
    path_length: int | None = None,
    serial: int | None = None,
    not_before: datetime = MOMENT - 30 * _DAY,
    not_after: datetime = MOMENT + 365 * _DAY,
    forged: bool = False,
    makes_seals: bool = False,
    uscc: str | None = USCC.value,
) -> Party:
    own = key(name)
    subject = build_name(common_name=name, organization=AUTHORITY)
    spki = own.public_key.spki
    by = issuer or None
    tbs = build_tbs_x509(
        X509Draft(
            serial=serial or int.from_bytes(sm3(name.encode())[:8], "big") >> 1 | 1,
            issuer=by.x509.subject if by else subject,
            subject=subject,
            spki=spki,
            not_before=not_before,
            not_after=not_after,
            key_usage=usage,
            path_length=path_length,
            authority_key_id=key_identifier(by.x509.spki) if by else None,
            uscc=uscc,
            extended_key_usage=frozenset({SEAL_MAKING_OID} if makes_seals else ()),
        )
    )
    signing = key("forger") if forged else (by.key if by else own)
    return Party(own, parse_x509(assemble_signed(tbs, signing.sign(tbs))))


def crl(
    issuer: Party,
    revoked: dict[int, datetime] | None = None,
    *,
    this_update: datetime = MOMENT - _DAY,
    next_update: datetime = MOMENT + 7 * _DAY,
    number: int = 1,
) -> bytes:
    tbs = build_tbs_crl(
        issuer=issuer.x509.subject,
        authority_key_id=key_identifier(issuer.x509.spki),
        number=number,
        this_update=this_update,
        next_update=next_update,
        revoked={s: Revocation(at=at, reason=RevocationReason.KEY_COMPROMISE) for s, at in (revoked or {}).items()},
    )
    return assemble_signed(tbs, issuer.key.sign(tbs))


@cache
def root() -> Party:
    return certify("root", None, usage=_CA_USAGE, path_length=1, not_after=MOMENT + 3650 * _DAY)


@cache
def issuing() -> Party:
    return certify("issuing", root(), usage=_CA_USAGE, path_length=0, not_after=MOMENT + 1800 * _DAY)


@cache
def signer() -> Party:
    return certify("signer", issuing())


@cache
def maker() -> Party:
    return certify("maker", issuing(), makes_seals=True)


@cache
def material() -> TrustMaterial:
    return TrustMaterial(
        roots=(root().x509.der,), intermediates=(issuing().x509.der,), crls=(crl(root()), crl(issuing()))
    )


class Trust:
    """A trust source that a test may change."""

    def __init__(self, given: TrustMaterial | None = None) -> None:
        self.given = given or material()

    def material(self) -> TrustMaterial:
        return self.given


def identifier() -> CertificateIdentifier:
    return CertificateIdentifier.build("11100000000013338W011", USCC, "000000001")


def metadata() -> Metadata:
    return Metadata(
        name="食品经营许可证",
        type_name="食品经营许可证",
        type_code=identifier().type_code,
        number="JY11101010000001",
        identifier=identifier(),
        authority=AUTHORITY,
        authority_code=USCC,
        issued_on=date(2026, 11, 21),
        valid_from=date(2026, 11, 21),
        valid_to=date(2031, 11, 20),
        holder_name="示例餐饮有限公司",
        holder_code=USCC.value,
        holder_code_type="001",
        extensions={},
    )


def make_seal(
    *,
    by: Party | None = None,
    signers: tuple[bytes, ...] | None = None,
    digests: tuple[X509Digest, ...] = (),
    valid_from: datetime = MOMENT - 10 * _DAY,
    valid_until: datetime = MOMENT + 300 * _DAY,
    created: datetime = MOMENT - 10 * _DAY,
    signed_by: PrivateKey | None = None,
) -> bytes:
    made_by = by or maker()
    info = build_seal_info(
        SealInfo(
            vendor="yinxin",
            seal_id="SEAL0001",
            kind=1,
            name=f"{AUTHORITY}证照专用章",
            signer_x509s=() if digests else signers if signers is not None else (signer().x509.der,),
            signer_digests=digests,
            created=created,
            valid_from=valid_from,
            valid_until=valid_until,
            picture=SealPicture(kind="PNG", data=b"\x89PNG" + bytes(2000), width_mm=40, height_mm=40),
        )
    )
    return assemble_seal(info, made_by.x509.der, (signed_by or made_by.key).sign(info))


@cache
def good_seal() -> bytes:
    return make_seal()


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """How a test PDF is signed; every member can be made wrong."""

    by: Party = field(default_factory=signer)
    chain: tuple[X509, ...] = field(default_factory=lambda: (issuing().x509,))
    seal: bytes | None = field(default_factory=good_seal)
    attachments: tuple[tuple[str, bytes], ...] = field(
        default_factory=lambda: (("metadata.json", metadata().encode_metadata()),)
    )
    signed_at: datetime | None = SIGNED_AT
    permission: int | None = 1
    room: int = 4096
    object_streams: bool = True
    in_form: bool = True
    compressed: bool = True

    def but(self, **changes: object) -> "Stamp":
        return replace(self, **changes)


def page(stamp: Stamp) -> bytes:
    """A one-page PDF with an empty signature in its form."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.pages[0].Contents = pdf.make_stream(b"BT /F1 24 Tf 72 700 Td (certificate) Tj ET\n" * 40)
    for index, (name, content) in enumerate(stamp.attachments):
        spec = pikepdf.AttachedFileSpec(pdf, content, filename=name, mime_type="application/json")
        pdf.attachments[f"{index}-{name}" if index else name] = spec
    value = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Sig, Filter=pikepdf.Name("/Adobe.PPKLite")))
    value.SubFilter = pikepdf.Name("/ETSI.CAdES.detached")
    value.ByteRange = pikepdf.Array([0, 9999999999, 9999999999, 9999999999])
    value.Contents = pikepdf.String(bytes(stamp.room))
    if stamp.signed_at is not None:
        value.M = pikepdf.String(stamp.signed_at.strftime("D:%Y%m%d%H%M%SZ"))
    if stamp.seal is not None:
        value["/YXIN_SESeal"] = pdf.make_stream(stamp.seal)
    if stamp.permission is not None:
        params = pikepdf.Dictionary(Type=pikepdf.Name.TransformParams, P=stamp.permission, V=pikepdf.Name("/1.2"))
        reference = pikepdf.Dictionary(
            Type=pikepdf.Name.SigRef, TransformMethod=pikepdf.Name.DocMDP, TransformParams=params
        )
        value.Reference = pikepdf.Array([reference])
        pdf.Root.Perms = pikepdf.Dictionary(DocMDP=value)
    widget = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Sig, T="seal", V=value, F=132
    )
    widget.Rect = pikepdf.Array([0, 0, 0, 0])
    widget = pdf.make_indirect(widget)
    if not stamp.in_form:
        pdf.Root.Perms = pikepdf.Dictionary(DocMDP=value)  # reachable, but not as a field
    else:
        pdf.pages[0].Annots = pikepdf.Array([widget])
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([widget]), SigFlags=3)
    out = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if stamp.object_streams else pikepdf.ObjectStreamMode.disable
    pdf.save(out, object_stream_mode=mode, deterministic_id=True, compress_streams=stamp.compressed)
    return out.getvalue()


def seal_page(prepared: bytes, stamp: Stamp, *, at: int | None = None) -> bytes:
    """Fill the signature whose placeholder stands (first after `at`) in `prepared`."""
    empty = b"<" + b"00" * stamp.room + b">"
    start = prepared.index(empty, at or 0)
    end = start + len(empty)
    key_at = prepared.rindex(b"/ByteRange", 0, start)
    close = prepared.index(b"]", key_at) + 1
    numbers = f"/ByteRange [0 {start} {end} {len(prepared) - end}".encode()
    data = bytearray(prepared)
    data[key_at:close] = numbers.ljust(close - key_at - 1) + b"]"
    digest = sm3(bytes(data[:start]) + bytes(data[end:]))
    template = CmsTemplate(stamp.by.x509, stamp.chain)
    cms = template.assemble(digest, stamp.by.key.sign(template.signed_attributes(digest)))
    assert len(cms) <= stamp.room
    data[start + 1 : start + 1 + 2 * len(cms)] = cms.hex().encode()
    return bytes(data)


def stamped(stamp: Stamp | None = None, **changes: object) -> bytes:
    stamp = (stamp or Stamp()).but(**changes)
    return seal_page(page(stamp), stamp)


@cache
def good() -> bytes:
    return stamped()


def signature_span(pdf: bytes) -> tuple[int, int]:
    """Where the hexadecimal value of the only signature stands."""
    start = pdf.index(b"/Contents <3") + len(b"/Contents ")
    return start, pdf.index(b">", start) + 1


class Library:
    """A status source that a test may change."""

    def __init__(self, **changes: object) -> None:
        self.changes = changes
        self.asked: list[str] = []

    def status(self, text: str) -> LibraryStatus | None:
        self.asked.append(text)
        if text != identifier().value:
            return None
        known = LibraryStatus(
            identifier=text,
            state=LibraryState.ISSUED,
            since=SIGNED_AT,
            type_name="Food business licence",
            type_name_zh="食品经营许可证",
            authority=AUTHORITY,
            valid_from=date(2026, 11, 21),
            valid_to=date(2031, 11, 20),
        )
        return replace(known, **self.changes)
