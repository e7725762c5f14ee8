"""pyHanko, with the SM2 hook, judges what both stamping paths wrote."""

import asyncio
import io
from typing import Any

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    FormUpdatingRule,
    GenericFieldModificationRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
)
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from seals.domain import Placement, StampJob
from seals.errors import PdfAlreadySigned, PdfChangesForbidden, PlacementUnusable
from seals.pyhanko_signer import PortSigner
from tests.seals.conftest import CONTEXT, PLACE, World
from tests.seals.independent import SESeal, sm2_verifies
from trust.authority.profiles import CaRole
from trust.formats import der
from trust.formats.cms import CmsTemplate, parse_signed_data
from trust.formats.pdf import NotADocument, PdfMalformed
from trust.formats.pyhanko_sm2 import Sm2SignatureValidator
from trust.keys import KeyPurpose, SigningRequest

SECOND = Placement(page=1, x_mm=60.0, y_mm=60.0)


# pyHanko's own default is stricter than Acrobat: it lets a file certified at level 2 take further signatures only in
# fields that are there already or invisible. A further seal is a new visible field, which ISO 32000-1 permits.
AS_ACROBAT = StandardDiffPolicy(
    global_rules=DEFAULT_DIFF_POLICY.global_rules,
    form_rule=FormUpdatingRule(
        field_rules=[
            SigFieldCreationRule(allow_new_visible_after_certify=True),
            SigFieldModificationRule(),
            GenericFieldModificationRule(),
        ]
    ),
)


def judged(world: World, pdf: bytes) -> list[Any]:
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(world.authority.ca_x509(CaRole.ROOT).der)],
        moment=world.clock.now(),
        allow_fetching=False,
        revocation_mode="soft-fail",
        signature_validator=Sm2SignatureValidator(),
    )
    reader = PdfFileReader(io.BytesIO(pdf))
    return [
        validate_pdf_signature(signature, context, diff_policy=AS_ACROBAT) for signature in reader.embedded_signatures
    ]


def permissive(pdf: bytes) -> StampJob:
    return StampJob(pdf=pdf, placement=PLACE, context=CONTEXT, further_seals=True)


def test_a_stamped_file_is_valid_trusted_and_covered_entirely(shared: World, seal_id: str, pdf: bytes) -> None:
    (status,) = judged(shared, shared.service.stamp(seal_id, pdf, placement=PLACE, context=CONTEXT))
    assert (status.valid, status.intact, status.trusted, status.bottom_line) == (True, True, True, True)
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.docmdp_ok
    assert status.md_algorithm == "sm3"


def test_one_changed_byte_is_noticed(shared: World, seal_id: str, pdf: bytes) -> None:
    stamped = bytearray(shared.service.stamp(seal_id, pdf, placement=PLACE, context=CONTEXT))
    stamped[stamped.index(b"IDAT")] ^= 1  # inside the seal's picture: the SES seal is covered too
    (status,) = judged(shared, bytes(stamped))
    assert not status.intact
    assert not status.bottom_line


def test_a_further_seal_leaves_both_valid(shared: World, seal_id: str, pdf: bytes) -> None:
    (first,) = shared.service.stamp_many(seal_id, (permissive(pdf),))
    both = shared.service.countersign(
        seal_id, StampJob(pdf=first, placement=SECOND, context=CONTEXT, reason="联合颁发")
    )
    assert both.startswith(first)
    earlier, later = judged(shared, both)
    assert earlier.bottom_line
    assert earlier.docmdp_ok
    assert later.bottom_line
    assert later.coverage == SignatureCoverageLevel.ENTIRE_FILE


def test_the_further_seal_carries_its_ses_seal_and_its_picture(shared: World, seal_id: str, pdf: bytes) -> None:
    (first,) = shared.service.stamp_many(seal_id, (permissive(pdf),))
    both = shared.service.countersign(seal_id, StampJob(pdf=first, placement=SECOND, context=CONTEXT))
    signature = PdfFileReader(io.BytesIO(both)).embedded_signatures[1]
    assert signature.sig_object["/YXIN_SESeal"].data == shared.service.ses_seal(seal_id)
    assert signature.sig_field["/AP"]["/N"]["/Resources"]["/XObject"]["/Seal"].data.startswith(b"0.840 0.070")
    assert signature.sig_field["/T"] == "Seal2"
    assert float(signature.sig_field["/Rect"][0]) == pytest.approx((60 - 21) * 72 / 25.4, abs=0.01)


def test_no_further_seal_on_a_file_that_forbids_changes(shared: World, seal_id: str, pdf: bytes) -> None:
    final = shared.service.stamp(seal_id, pdf, placement=PLACE, context=CONTEXT)
    with pytest.raises(PdfChangesForbidden) as caught:
        shared.service.countersign(seal_id, StampJob(pdf=final, placement=SECOND, context=CONTEXT))
    assert caught.value.code == "pdf-changes-forbidden"
    with pytest.raises(PdfAlreadySigned):
        shared.service.stamp(seal_id, final, placement=SECOND, context=CONTEXT)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (Placement(page=2, x_mm=60, y_mm=60), "page"),
        (Placement(page=1, x_mm=20, y_mm=60), "placement"),
        (Placement(page=1, x_mm=60, y_mm=290), "placement"),
    ],
)
def test_a_further_seal_lies_on_a_page(shared: World, seal_id: str, pdf: bytes, place: Placement, field: str) -> None:
    with pytest.raises(PlacementUnusable) as caught:
        shared.service.countersign(seal_id, StampJob(pdf=pdf, placement=place, context=CONTEXT))
    assert caught.value.field == field


def test_countersigning_refuses_what_is_no_pdf(shared: World, seal_id: str, pdf: bytes) -> None:
    for data, error in ((b"GIF89a", NotADocument), (pdf[:1000], PdfMalformed), (b"%PDF-1.7\n", PdfMalformed)):
        with pytest.raises(error):
            shared.service.countersign(seal_id, StampJob(pdf=data, placement=PLACE, context=CONTEXT))


def port_signer(world: World, seal_id: str) -> tuple[PortSigner, CmsTemplate]:
    loaded = world.service._load(seal_id)

    def sign(message: bytes) -> bytes:
        request = SigningRequest(message=message, context=CONTEXT)
        return world.signer.sign(loaded.key, request, purpose=KeyPurpose.SEALING).value

    return PortSigner(sign, loaded.signer_x509, loaded.ink.cms), loaded.ink.cms


def test_pyhankos_own_signer_class_works_with_our_signer(shared: World, seal_id: str, pdf: bytes) -> None:
    signer, _ = port_signer(shared, seal_id)
    metadata = signers.PdfSignatureMetadata(field_name="S", md_algorithm="sm3", subfilter=fields.SigSeedSubFilter.PADES)
    signed = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=signer, bytes_reserved=8192
    ).getvalue()
    (status,) = judged(shared, signed)
    assert status.bottom_line


async def raw_cms(signer: PortSigner, digest: bytes) -> bytes:
    container = await super(PortSigner, signer).async_sign(digest, "sm3", use_pades=True)
    return bytes(container.dump())


def test_constant_parts_are_the_bytes_that_pyhanko_would_sign(shared: World, seal_id: str) -> None:
    signer, template = port_signer(shared, seal_id)
    stock = parse_signed_data(asyncio.run(raw_cms(signer, bytes(32))))
    assert stock.message_digest == bytes(32)
    assert stock.signature_oid == "1.2.156.10197.1.501"
    ours = parse_signed_data(template.assemble(bytes(32), stock.signature))
    assert ours.signing_certificate == stock.signing_certificate


def test_the_seal_in_the_file_verifies_with_independent_code(shared: World, seal_id: str, pdf: bytes) -> None:
    stamped = shared.service.stamp(seal_id, pdf, placement=PLACE, context=CONTEXT)
    signature = PdfFileReader(io.BytesIO(stamped)).embedded_signatures[0]
    seal = SESeal.load(signature.sig_object["/YXIN_SESeal"].data, strict=True)
    maker = x509.Certificate.load(seal["cert"].native)
    point = bytes(maker["tbs_certificate"]["subject_public_key_info"]["public_key"])
    assert sm2_verifies(point, seal["info"].dump(), bytes(seal["signed_value"]))
    listed = seal["info"]["property"]["cert_list"][0].native
    assert listed == signature.signer_cert.dump()
    contents = bytes(signature.pkcs7_content)
    attributes = parse_signed_data(der.read_first(contents).encoded)  # zeros fill the rest of the gap
    signer_point = bytes(signature.signer_cert["tbs_certificate"]["subject_public_key_info"]["public_key"])
    assert sm2_verifies(signer_point, attributes.signed_attributes, attributes.signature)
