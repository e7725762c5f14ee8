"""What a stamped file is judged to be, one cause at a time."""

from dataclasses import replace

import pytest

from tests.fakes import MOMENT, FixedClock
from tests.verifier import world
from tests.verifier.judging import DAY, judge, outcome, step
from trust.formats.ses import X509Digest
from trust.gm.sm3 import sm3
from trust.kernel.errors import MalformedInput, TooLarge
from verifier.api import Verifier
from verifier.ports import LibraryState, TrustMaterial
from verifier.report import Step, Verdict


def test_a_stamped_certificate_is_valid_with_all_facts():
    report = judge(world.good())
    assert outcome(report) == (Verdict.VALID, "valid")
    assert report.digest == sm3(world.good()).hex()
    assert [result.code for result in report.steps] == [
        "pdf-recognised",
        "entire-file",
        "digest-matches",
        "signature-matches",
        "seal-valid",
        "chain-trusted",
        "library-issued",
    ]
    facts = report.facts
    assert facts.certificate_identifier == world.identifier().value
    assert (facts.type_name, facts.type_name_zh) == ("Food business licence", "食品经营许可证")
    assert facts.authority == world.AUTHORITY
    assert (facts.signer, facts.seal_name) == ("signer", f"{world.AUTHORITY}证照专用章")
    assert facts.signing_time_claimed == world.SIGNED_AT
    assert facts.library_state == "issued"


def test_no_personal_data_of_the_holder_stands_in_a_report():
    report = judge(world.good())
    shown = str(report.to_json()) + report.to_text("zh") + report.to_text("en")
    assert "示例餐饮" not in shown


def test_a_file_without_object_streams_is_judged_alike():
    assert judge(world.stamped(object_streams=False)).verdict is Verdict.VALID


def test_the_same_verifier_judges_again_from_its_kept_results():
    verifier = Verifier(world.Trust(), FixedClock(), world.Library())
    assert verifier.verify_file(world.good()) == verifier.verify_file(world.good())
    assert verifier.verify_file(world.stamped()).verdict is Verdict.VALID


def test_without_a_library_the_step_says_that_it_was_not_asked():
    report = judge(world.good(), library=None)
    assert report.verdict is Verdict.VALID
    assert step(report, Step.LIBRARY) == "library-not-asked"


@pytest.mark.parametrize(
    ("term", "outcome_of_it"),
    [
        ({"valid_to": MOMENT.date() - DAY}, (Verdict.INVALID, "expired")),
        ({"valid_to": MOMENT.date()}, (Verdict.VALID, "valid")),
        ({"valid_to": None}, (Verdict.VALID, "valid")),
        ({"valid_from": MOMENT.date() + DAY}, (Verdict.INVALID, "not-yet-in-force")),
    ],
)
def test_without_a_library_the_term_that_the_file_itself_names_decides(term, outcome_of_it):
    """An outsider has nothing but the file: a licence whose last printed day is over is not valid."""
    metadata = replace(world.metadata(), **term).encode_metadata()
    report = judge(world.stamped(attachments=(("metadata.json", metadata),)), library=None)
    assert outcome(report) == outcome_of_it
    assert report.facts is not None


@pytest.mark.parametrize(
    ("changes", "verdict", "code"),
    [
        ({"state": LibraryState.REVOKED}, Verdict.INVALID, "revoked"),
        ({"state": LibraryState.SUSPENDED}, Verdict.INVALID, "suspended"),
        ({"state": LibraryState.SUPERSEDED}, Verdict.INVALID, "superseded"),
        ({"state": LibraryState.EXPIRED}, Verdict.INVALID, "expired"),
        ({"valid_to": MOMENT.date() - DAY}, Verdict.INVALID, "expired"),
        ({"valid_to": MOMENT.date()}, Verdict.VALID, "valid"),
        ({"valid_to": None}, Verdict.VALID, "valid"),
        ({"valid_from": MOMENT.date() + DAY}, Verdict.INVALID, "not-yet-in-force"),
        ({"file_sm3": bytes(32)}, Verdict.INVALID, "library-file-differs"),
    ],
)
def test_the_state_in_the_library_decides_the_last_step(changes, verdict, code):
    assert outcome(judge(world.good(), library=world.Library(**changes))) == (verdict, code)


def test_the_file_that_the_library_issued_passes_by_its_digest():
    assert judge(world.good(), library=world.Library(file_sm3=sm3(world.good()))).verdict is Verdict.VALID


def test_a_certificate_that_the_library_does_not_know_cannot_be_confirmed():
    class Empty:
        def status(self, identifier):
            return None

    assert outcome(judge(world.good(), library=Empty())) == (Verdict.INDETERMINATE, "library-unknown")


@pytest.mark.parametrize(
    "attachments",
    [
        (),
        (("metadata.json", b"{"),),
        (("metadata.json", world.metadata().encode_metadata()), ("metadata.json", b'{"ZZMC":"other"}')),
    ],
    ids=["none", "unreadable", "two"],
)
def test_without_one_readable_identifier_the_status_cannot_be_looked_up(attachments):
    assert outcome(judge(world.stamped(attachments=attachments))) == (Verdict.INDETERMINATE, "identifier-absent")


def test_an_unsigned_pdf_cannot_be_confirmed_and_the_reader_is_told_what_to_ask_for():
    import io

    import pikepdf

    out = io.BytesIO()
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.save(out)
    report = judge(out.getvalue())
    assert outcome(report) == (Verdict.INDETERMINATE, "unsigned")
    assert report.facts is None
    assert "original electronic file" in report.reason.advice


# seal


def test_seals_of_makers_that_anybody_may_invent_are_not_kept_in_memory():
    verifier = Verifier(world.Trust(), FixedClock(), world.Library())
    invented = world.make_seal(by=world.certify("self-made", None, makes_seals=True))
    assert verifier.verify_file(world.stamped(seal=invented)).code == "seal-maker-untrusted"
    assert not verifier._pdf._seals._good
    assert verifier.verify_file(world.good()).verdict is Verdict.VALID
    assert len(verifier._pdf._seals._good) == 1


def test_a_certificate_without_its_seal_is_not_valid():
    assert outcome(judge(world.stamped(seal=None))) == (Verdict.INVALID, "seal-missing")


def test_a_plain_signed_document_without_seal_and_metadata_cannot_be_confirmed():
    report = judge(world.stamped(seal=None, attachments=()))
    assert outcome(report) == (Verdict.INDETERMINATE, "seal-absent")
    assert report.facts is None


def test_a_plain_document_signed_under_a_foreign_root_cannot_be_confirmed():
    stranger = world.certify("stranger", None, not_after=MOMENT + DAY)
    report = judge(world.stamped(seal=None, attachments=(), by=stranger, chain=()))
    assert outcome(report) == (Verdict.INDETERMINATE, "seal-absent")
    assert step(report, Step.CHAIN) == "chain-unknown"


@pytest.mark.parametrize(
    ("seal", "code"),
    [
        (lambda: b"\x30\x00", "seal-malformed"),
        (lambda: world.good_seal() + b"\x00", "seal-malformed"),
        (lambda: world.make_seal(signed_by=world.key("forger")), "seal-signature-invalid"),
        (lambda: world.make_seal(by=world.certify("self-made", None, makes_seals=True)), "seal-maker-untrusted"),
        (
            lambda: world.make_seal(by=world.certify("maker", world.issuing(), forged=True, makes_seals=True)),
            "seal-maker-untrusted",
        ),
        (lambda: world.make_seal(created=MOMENT - 60 * DAY), "seal-maker-untrusted"),
        (lambda: world.make_seal(by=world.signer()), "seal-maker-untrusted"),
        (lambda: world.make_seal(valid_until=MOMENT - DAY), "seal-not-valid-at-signing"),
        (lambda: world.make_seal(valid_from=MOMENT + DAY), "seal-not-valid-at-signing"),
        (lambda: world.make_seal(signers=(world.maker().x509.der,)), "seal-signer-not-listed"),
        (lambda: world.make_seal(digests=(X509Digest(type="SM3", value=bytes(32)),)), "seal-signer-not-listed"),
    ],
)
def test_a_seal_that_is_not_in_order_makes_the_certificate_invalid(seal, code):
    report = judge(world.stamped(seal=seal()))
    assert outcome(report) == (Verdict.INVALID, code)
    assert report.facts is None
    assert step(report, Step.LIBRARY) == "not-judged"


def test_another_unit_cannot_make_a_seal_that_lists_the_signer():
    other = world.certify("other unit", world.issuing(), uscc="91370406L24894136J")
    assert outcome(judge(world.stamped(seal=world.make_seal(by=other)))) == (Verdict.INVALID, "seal-maker-untrusted")


@pytest.mark.parametrize("uscc", ["91370406L24894136J", None])
def test_a_certificate_of_another_authority_than_the_signers_is_invalid(uscc):
    other = world.certify("other unit", world.issuing(), uscc=uscc)
    report = judge(world.stamped(by=other, seal=world.make_seal(signers=(other.x509.der,))))
    assert outcome(report) == (Verdict.INVALID, "authority-mismatch")
    assert report.facts is None


@pytest.mark.parametrize("name", ["SM3", "1.2.156.10197.1.401"])
def test_a_seal_may_list_its_signers_by_digest(name):
    listed = X509Digest(type=name, value=sm3(world.signer().x509.der))
    assert judge(world.stamped(seal=world.make_seal(digests=(listed,)))).verdict is Verdict.VALID


def test_a_seal_that_ended_after_the_signing_still_counts():
    seal = world.make_seal(valid_until=MOMENT + DAY)
    clock = FixedClock(MOMENT + 2 * DAY)
    assert judge(world.stamped(seal=seal), clock=clock).verdict is Verdict.VALID


def test_a_revoked_seal_maker_makes_the_certificate_invalid():
    revoked = world.crl(world.issuing(), {world.maker().x509.serial: MOMENT - DAY})
    trust = TrustMaterial(
        roots=world.material().roots,
        intermediates=world.material().intermediates,
        crls=(world.crl(world.root()), revoked),
    )
    assert outcome(judge(world.good(), trust=trust)) == (Verdict.INVALID, "seal-maker-revoked")


# unreadable input


@pytest.mark.parametrize(
    ("data", "family", "code"),
    [
        (b"", MalformedInput, "not-a-document"),
        (b"PK\x03\x04", MalformedInput, "not-a-document"),
        (b"\n" + world.good(), MalformedInput, "pdf-malformed"),
        (world.good()[: len(world.good()) // 2], MalformedInput, "pdf-malformed"),
        (world.good()[:-40], MalformedInput, "pdf-malformed"),
        (b"%PDF-1.7\n" + bytes(3000), MalformedInput, "pdf-malformed"),
        (b"%PDF-1.7\n" + bytes(20 * 1024 * 1024), TooLarge, "upload-too-large"),
    ],
    ids=["empty", "zip", "header not first", "half", "end cut", "zeros", "too large"],
)
def test_what_cannot_be_read_is_refused_with_its_code(data, family, code):
    with pytest.raises(family) as refusal:
        judge(data)
    assert refusal.value.code == code
