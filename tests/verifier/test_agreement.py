"""The verdict against pyHanko's own validation, which shares with ours only the SM2 hook and the chain library."""

import io

import pytest
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from tests.fakes import MOMENT, FixedClock
from tests.verifier import world
from trust.formats.pyhanko_sm2 import Sm2SignatureValidator
from verifier.api import Verifier
from verifier.rehearsal import with_changed_byte, with_page_added
from verifier.report import Verdict


def pyhanko(pdf):
    material = world.material()
    context = ValidationContext(
        trust_roots=[Certificate.load(der) for der in material.roots],
        other_certs=[Certificate.load(der) for der in material.intermediates],
        crls=list(material.crls),
        moment=MOMENT,
        revocation_mode="require",
        signature_validator=Sm2SignatureValidator(),
    )
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    return validate_pdf_signature(signature, context)


def ours(pdf):
    return Verifier(world.Trust(), FixedClock(), world.Library()).verify_file(pdf)


@pytest.mark.parametrize("object_streams", [True, False])
def test_both_accept_a_stamped_file_as_entire_and_trusted(object_streams):
    pdf = world.stamped(object_streams=object_streams)
    theirs = pyhanko(pdf)
    assert theirs.bottom_line
    assert theirs.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert ours(pdf).verdict is Verdict.VALID


def test_both_refuse_a_changed_byte_for_the_digest():
    good = world.stamped(object_streams=False)
    pdf = with_changed_byte(good, good.index(b"stream\n") + 12)
    assert not pyhanko(pdf).intact
    assert ours(pdf).code == "digest-mismatch"


def test_both_refuse_a_page_added_for_the_later_revision():
    pdf = with_page_added(world.good())
    theirs = pyhanko(pdf)
    assert theirs.intact
    assert not theirs.bottom_line
    assert theirs.coverage is not SignatureCoverageLevel.ENTIRE_FILE
    assert ours(pdf).code == "modified-after-signing"


def test_both_refuse_a_signer_under_another_root():
    stranger = world.certify("stranger", None)
    pdf = world.stamped(by=stranger, chain=(), seal=world.make_seal(signers=(stranger.x509.der,)))
    assert not pyhanko(pdf).trusted
    assert ours(pdf).code == "chain-untrusted"
