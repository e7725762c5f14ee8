"""Identifiers and scanned codes: no file at hand, so the library alone decides."""

import pytest

from tests.fakes import FixedClock
from tests.verifier import world
from trust.formats.qr import QrForeign, QrMalformed
from trust.kernel.errors import InvalidInput, MalformedInput
from verifier.api import Verifier
from verifier.errors import LinkForged
from verifier.ports import LibraryState
from verifier.report import Verdict

IDENTIFIER = world.identifier().value


class Links:
    def __init__(self, answer=None):
        self.answer = answer

    def identifier(self, text):
        if isinstance(self.answer, Exception):
            raise self.answer
        return IDENTIFIER


def verifier(library=None, links=None):
    return Verifier(world.Trust(), FixedClock(), library, links=links)


def test_an_identifier_in_force_is_valid_with_the_librarys_facts():
    report = verifier(world.Library()).verify_identifier(IDENTIFIER)
    assert (report.verdict, report.artefact) == (Verdict.VALID, "identifier")
    assert [result.code for result in report.steps] == ["identifier-recognised", "library-issued"]
    assert report.facts.authority == world.AUTHORITY
    assert report.facts.library_state == "issued"


@pytest.mark.parametrize("state", [state for state in LibraryState if state is not LibraryState.ISSUED])
def test_an_identifier_out_of_force_is_invalid_by_its_state(state):
    report = verifier(world.Library(state=state, superseded_by="next")).verify_identifier(IDENTIFIER)
    assert (report.verdict, report.code) == (Verdict.INVALID, state.value)
    assert report.facts.superseded_by == "next"


def test_an_identifier_that_the_library_does_not_know_cannot_be_confirmed():
    other = world.identifier().next_version().value
    report = verifier(world.Library()).verify_identifier(other)
    assert (report.verdict, report.code) == (Verdict.INDETERMINATE, "library-unknown")
    assert report.facts.certificate_identifier == other


def test_an_identifier_without_a_library_is_never_valid():
    report = verifier().verify_identifier(IDENTIFIER)
    assert (report.verdict, report.code) == (Verdict.INDETERMINATE, "library-needed")


@pytest.mark.parametrize("text", ["", "x", IDENTIFIER[:-1] + "0", IDENTIFIER + "\n"])
def test_what_is_no_identifier_is_refused_and_the_field_is_named(text):
    with pytest.raises(InvalidInput) as refusal:
        verifier(world.Library()).verify_identifier(text)
    assert refusal.value.field == "identifier"
    assert refusal.value.code.startswith("certificate-identifier-")


def test_a_genuine_link_is_judged_by_the_library():
    report = verifier(world.Library(), Links()).verify_qr("https://verify.example/v/1")
    assert (report.verdict, report.artefact) == (Verdict.VALID, "qr")


@pytest.mark.parametrize(
    ("links", "verdict", "code"),
    [
        (Links(QrForeign()), Verdict.INVALID, "link-foreign"),
        (Links(LinkForged()), Verdict.INVALID, "link-forged"),
        (None, Verdict.INDETERMINATE, "link-unreadable"),
    ],
)
def test_a_link_that_is_not_ours_is_a_verdict_and_not_looked_up(links, verdict, code):
    library = world.Library()
    report = verifier(library, links).verify_qr("https://verify.example/v/1")
    assert (report.verdict, report.code) == (verdict, code)
    assert report.facts is None
    assert library.asked == []


def test_a_text_that_is_no_link_is_refused():
    with pytest.raises(MalformedInput) as refusal:
        verifier(world.Library(), Links(QrMalformed())).verify_qr("hello")
    assert refusal.value.code == "qr-malformed"


def test_bytes_of_a_command_line_that_are_no_text_are_judged_like_any_other_code():
    report = verifier().verify_qr("\udcff")
    assert (report.verdict, report.code) == (Verdict.INDETERMINATE, "link-unreadable")
