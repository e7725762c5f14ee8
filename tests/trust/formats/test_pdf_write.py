"""Writing PDF objects and revisions: our reader, qpdf and pyHanko read back what was written."""

import io
import math
from decimal import Decimal

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from tests.trust.formats.pdf_building import built, stream
from trust.formats.pdf_errors import PdfMalformed
from trust.formats.pdf_file import PdfFile, Stream
from trust.formats.pdf_syntax import HexString, Name, Ref, TokenBudget, read_text, read_value
from trust.formats.pdf_write import Revision, text_string, write_stream, write_value

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30).map(Name)
NUMBERS = st.integers(-(10**17), 10**17) | st.decimals(-(10**9), 10**9, places=9).map(float)
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES | st.binary(max_size=30)
REFS = st.builds(Ref, st.integers(1, 10**9), st.integers(0, 65535))
VALUES = st.recursive(
    SCALARS | REFS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES.map(str), inner, max_size=5),
    max_leaves=20,
)
PAGES = (b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [ ] >>", b"(third)")


def read(text):
    return read_value(text, 0, TokenBudget())[0]


def as_python(value):
    """What qpdf read, in the terms of our reader."""
    if isinstance(value, pikepdf.Dictionary):
        return {key[1:]: as_python(member) for key, member in value.items()}
    if isinstance(value, pikepdf.Array):
        return [as_python(member) for member in value]
    if isinstance(value, pikepdf.Name):
        return Name(str(value)[1:])
    if isinstance(value, pikepdf.String):
        return bytes(value)
    return float(value) if isinstance(value, Decimal) else value


def without_null(value):
    """A dictionary entry of value null counts as absent (ISO 32000-1 section 7.3.7); qpdf leaves it out."""
    if isinstance(value, dict):
        return {key: without_null(member) for key, member in value.items() if member is not None}
    return [without_null(member) for member in value] if isinstance(value, list) else value


# objects


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"null"),
        (True, b"true"),
        (-7, b"-7"),
        (841.8898, b"841.8898"),
        (1e-07, b"0.0000001"),
        (1e17, b"100000000000000000."),
        (Name("A B/#"), b"/A#20B#2f#23"),
        (b"a(b)\\c\r\n", b"(a\\(b\\)\\\\c\\r\n)"),
        (HexString(b"\x00\xff", 0, 0), b"<00ff>"),
        (Ref(3, 1), b"3 1 R"),
        ([], b"[ ]"),
        ({"A": [1, {}]}, b"<< /A [ 1 << >> ] >>"),
    ],
)
def test_objects_are_written_as_iso_32000_wants_them(value, text):
    assert write_value(value) == text


@given(VALUES)
def test_what_is_written_reads_back_the_same(value):
    assert read(write_value(value)) == value


@given(VALUES.filter(lambda value: not isinstance(value, Ref) and b" R" not in write_value(value)))
def test_qpdf_reads_the_same(value):
    found = pikepdf.Object.parse(b"[ " + write_value(without_null(value)) + b" ]")
    assert as_python(found) == [without_null(value)]


@given(st.binary(max_size=40))
def test_pyhanko_reads_the_same_strings(value):
    found = generic.read_object(io.BytesIO(write_value(value) + b" "), container_ref=generic.TrailerReference(None))
    assert found.original_bytes == value


@given(st.from_regex(rb"\A-?[0-9]{0,17}\.[0-9]{1,18}\Z"))
def test_any_real_number_that_is_read_is_written_to_the_same_value(text):
    value = read(text)
    assert read(write_value(value)) == value


@pytest.mark.parametrize("value", [1e18, -1e18, math.inf, math.nan])
def test_numbers_too_large_for_pdf_programs_are_refused(value):
    with pytest.raises(PdfMalformed):
        write_value([value])


@given(st.text(max_size=40))
def test_a_text_string_holds_any_text_and_no_syntax(text):
    written = write_value(text_string(text.encode("utf-16", "replace").decode("utf-16")))
    assert set(written) <= set(b"<0123456789abcdef>")
    assert read_text(read(written)) == text.encode("utf-16", "replace").decode("utf-16")


# revisions


def packed(pdf):
    """The same file with its objects in an object stream, behind a cross-reference stream."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return target.getvalue()


def revised(pdf, identifier=b"i" * 16):
    """A new catalogue, two new objects and a stream."""
    file = PdfFile(pdf)
    revision = Revision(file)
    root = file.trailer["Root"]
    later = revision.reserve()
    added = revision.add(write_value([b"added"]))
    body = revision.add(write_stream({"Type": Name("Kept")}, b"content\r"))
    revision.put(root, write_value(file.resolve(root) | {"Added": added, "Later": later, "Body": body}))
    revision.put(later, b"(later)")
    revision.close(identifier)
    return bytes(revision.data)


ORIGINALS = {
    "table": built(*PAGES, trailer=b"/ID [ (one) (two) ] /Own 7 /Info 3 0 R"),
    "no end of line": built(*PAGES)[:-1],
    "stream": packed(built(*PAGES, trailer=b"/ID [ (one) (two) ]")),
    "second revision": revised(built(*PAGES), b"f" * 16),
    "second revision behind a stream": revised(packed(built(*PAGES)), b"f" * 16),
}


@pytest.fixture(params=ORIGINALS.values(), ids=ORIGINALS)
def original(request):
    return request.param


def test_a_revision_leaves_the_bytes_before_it_alone(original):
    later = revised(original)
    assert later.startswith(original)
    assert later == revised(original)


def test_our_reader_finds_the_newest_objects(original):
    later = revised(original)
    file = PdfFile(later)
    catalogue = file.resolve(file.trailer["Root"])
    assert file.resolve(catalogue["Added"]) == [b"added"]
    assert file.resolve(catalogue["Later"]) == b"later"
    body = file.resolve(catalogue["Body"])
    assert isinstance(body, Stream)
    assert later[body.start : body.end] == b"content\r"
    assert file.trailer["Size"] == file.highest + 1
    assert file.has_table == PdfFile(original).has_table


def test_qpdf_finds_the_newest_objects_and_nothing_wrong(original):
    with pikepdf.open(io.BytesIO(revised(original)), attempt_recovery=False) as document:
        assert [bytes(member) for member in document.Root.Added] == [b"added"]
        assert bytes(document.Root.Later) == b"later"
        assert document.Root.Body.read_raw_bytes() == b"content\r"
        assert document.check_pdf_syntax() == []
        assert document.get_warnings() == []


def test_pyhanko_finds_one_revision_more(original):
    before, after = PdfFileReader(io.BytesIO(original)), PdfFileReader(io.BytesIO(revised(original)))
    assert after.xrefs.total_revisions == before.xrefs.total_revisions + 1
    assert after.root["/Added"][0] == "added"
    assert after.root["/Body"].data == b"content\r"


def test_the_trailer_keeps_what_is_not_about_its_own_section():
    file = PdfFile(revised(ORIGINALS["table"]))
    assert (file.trailer["Own"], file.trailer["Info"]) == (7, Ref(3, 0))


@pytest.mark.parametrize(("name", "first"), [("table", b"one"), ("stream", b"one"), ("no end of line", b"i" * 16)])
def test_the_first_identifier_stays_and_the_second_is_new(name, first):
    with pikepdf.open(io.BytesIO(revised(ORIGINALS[name]))) as document:
        assert [bytes(part) for part in document.trailer.ID] == [first, b"i" * 16]


def test_a_generation_is_kept():
    pdf = built(*PAGES).replace(b"3 0 obj", b"3 4 obj")
    at = pdf.index(b"3 4 obj")
    file = PdfFile(pdf.replace(b"%010d 00000 n" % at, b"%010d 00004 n" % at))
    revision = Revision(file)
    revision.put(Ref(3, 4), b"(fourth)")
    revision.close(b"i" * 16)
    again = PdfFile(bytes(revision.data))
    assert again.resolve(Ref(3, 4)) == b"fourth"
    assert again.resolve(Ref(2, 0)) == file.resolve(Ref(2, 0))


@pytest.mark.parametrize("size", [1, 3, 8_388_608, 10**17])
def test_a_size_that_leaves_no_free_number_to_rely_on_is_refused(size):
    with pytest.raises(PdfMalformed):
        Revision(PdfFile(built(*PAGES, size=size)))


def test_the_size_may_leave_numbers_out():
    assert Revision(PdfFile(built(*PAGES, size=8))).reserve() == Ref(8, 0)


def test_a_stream_that_was_written_is_as_long_as_it_says():
    file = PdfFile(built(*PAGES, stream(b"", b"endstream")))
    revision = Revision(file)
    ref = revision.add(write_stream({}, b"endstream endobj"))
    revision.close(b"i" * 16)
    found = PdfFile(bytes(revision.data)).resolve(ref)
    assert isinstance(found, Stream)
    assert found.end - found.start == len(b"endstream endobj")
