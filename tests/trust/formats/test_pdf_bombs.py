"""Files that are small and want to cost much: each is refused within bounded time and memory."""

import time
import tracemalloc
import zlib

import pytest

from tests.trust.formats.pdf_building import behind_xref_stream, built, refusal, stream
from trust.formats.pdf import PdfBomb, PdfMalformed, read_pdf
from trust.formats.pdf_file import MAX_ENTRIES

MIB = 1024 * 1024
BOMB = zlib.compress(bytes(200 * MIB), 9)
LIMIT_MIB = 100  # well below the 200 MiB that each bomb holds
LIMIT_SECONDS = 3.0


@pytest.fixture
def bounded():
    """Fails the test when it takes more memory or processor time than a bomb may cost."""
    tracemalloc.start()
    began = time.process_time()
    yield
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < LIMIT_MIB * MIB
    assert seconds < LIMIT_SECONDS


def test_the_bomb_is_a_real_one():
    assert len(BOMB) * 900 < 200 * MIB


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(
    "data",
    [
        behind_xref_stream(b"/Type /XRef /W [1 2 1] /Size 50 /Filter /FlateDecode", BOMB),
        behind_xref_stream(
            b"/Type /XRef /W [1 2 1] /Size 50 /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>", BOMB
        ),
        behind_xref_stream(b"/Type /XRef /W [0 1 0] /Size %d" % (MAX_ENTRIES + 1), bytes(MAX_ENTRIES + 1)),
        built(
            b"<< /Type /Catalog /Names << /EmbeddedFiles << /Names [(a) 2 0 R] >> >> >>",
            b"<< /F (metadata.json) /EF << /F 3 0 R >> >>",
            stream(b"/Filter /FlateDecode", BOMB),
        ),
        built(
            b"<< /Type /Catalog /AcroForm << /Fields [2 0 R] >> >>",
            b"<< /FT /Sig /V 3 0 R >>",
            b"<< /YXIN_SESeal 4 0 R >>",
            stream(b"/Filter /FlateDecode", BOMB),
        ),
        built(b"<< /Type /Catalog /AcroForm << /Fields [" + b"2 0 R " * 2000 + b"] >> >>", b"null"),
        built(b"<< /Type /Catalog /AcroForm << /Fields [" + b"<< >> " * 2000 + b"] >> >>"),
        built(b"<< /Type /Catalog /A [" + b"0 " * 2_000_000 + b"] >>"),
        built(b"<< /Type /Catalog /A " + b"(" * 9_000_000 + b")" * 9_000_000 + b" >>"),
        built(b"<< /Type /Catalog /A " + b"(" * 9_000_000 + b" >>"),
        built(b"<< /Type /Catalog /A (" + b"\\(" * 9_000_000 + b") >>"),
        built(
            b"<< /Type /Catalog /Names << /EmbeddedFiles 2 0 R >> >>",
            b"<< /Kids [2 0 R 2 0 R] >>",
        ),
    ],
    ids=[
        "cross-reference stream",
        "predicted cross-reference stream",
        "too many entries",
        "attachment",
        "seal",
        "fields that repeat",
        "many fields",
        "many tokens",
        "nested parentheses",
        "open parentheses",
        "escaped parentheses",
        "name tree in a circle",
    ],
)
def test_a_bomb_costs_little_and_is_refused(data):
    assert refusal(data) in ("pdf-bomb", "pdf-malformed")


@pytest.mark.usefixtures("bounded")
def test_an_object_stream_bomb_costs_little_and_is_refused():
    first = b"8 0 obj\n" + stream(b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", BOMB) + b"\nendobj\n"
    rows = bytes((2, 0, 8, 0)) + bytes((1, 0, 9, 0))
    pdf = behind_xref_stream(b"/Type /XRef /W [1 2 1] /Index [1 1 8 1] /Root 1 0 R", rows, first)
    assert refusal(pdf) == "pdf-bomb"


@pytest.mark.usefixtures("bounded")
def test_many_streams_over_the_same_bytes_share_one_budget():
    """Cross-reference streams that lie inside one another would make reading quadratic."""
    data, previous = b"%PDF-1.7\n", 0
    filler = bytes(2 * MIB)
    starts = []
    for number in range(1, 100):
        starts.append(len(data))
        link = b"/Prev %d " % starts[-2] if len(starts) > 1 else b""
        data += b"%d 0 obj\n" % number + b"<< /Type /XRef /W [1 2 1] /Index [0 0] %s/Length 0 >>\n" % link
        data += b"stream\n\nendstream\nendobj\n"
        previous = starts[-1]
    data += filler + b"startxref\n%d\n%%%%EOF\n" % previous
    assert refusal(data) == "pdf-malformed"


def test_page_content_is_never_decoded():
    page = stream(b"/Filter /FlateDecode", BOMB)
    pdf = built(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Contents 4 0 R /Parent 2 0 R >>",
        page,
    )
    assert read_pdf(pdf).signatures == ()


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(
    "members", [b"/Kids [" + b"2 0 R " * 150_000 + b"]", b"/Kids [2 0 R 2 0 R] /Names [(a) 3 0 R]"]
)
def test_a_tree_of_attachments_that_leads_to_itself_is_refused_without_unrolling_it(members):
    catalogue = b"<< /Type /Catalog /Names << /EmbeddedFiles 2 0 R >> >>"
    assert refusal(built(catalogue, b"<< " + members + b" >>", b"<< /F (other.txt) >>")) == "pdf-bomb"


def test_attachments_are_read_up_to_their_limit():
    def carrying(count):
        catalogue = b"<< /Type /Catalog /Names << /EmbeddedFiles << /Names [" + b"(a) 2 0 R " * count + b"] >> >> >>"
        return built(catalogue, b"<< /F (metadata.json) /EF << /F 3 0 R >> >>", stream(b"", b"{}"))

    assert read_pdf(carrying(990)).attachments("metadata.json") == (b"{}",)
    assert refusal(carrying(1000)) == "pdf-bomb"


def chained_sections(sections, rows):
    """A file whose cross-reference streams name the same objects again and again."""
    packed = zlib.compress(bytes(rows), 9)
    out, previous = b"%PDF-1.7\n", b""
    for number in range(1, sections + 1):
        at = len(out)
        head = (
            b"%d 0 obj\n<</Type/XRef/W[0 1 0]/Index[0 %d]/Size %d/Filter/FlateDecode/Length %d%s/Root 1 0 R>>\nstream\n"
        )
        out += head % (number, rows, rows, len(packed), previous) + packed + b"\nendstream\nendobj\n"
        previous = b"/Prev %d" % at
    return out + b"startxref\n%d\n%%%%EOF\n" % at


@pytest.mark.usefixtures("bounded")
def test_sections_that_name_the_same_objects_again_and_again_are_refused():
    with pytest.raises(PdfBomb):
        read_pdf(chained_sections(128, 125_000))


@pytest.mark.parametrize("head", [b"-5 0 ", b"+5 0 ", b"1_0 0 ", b"x 0 "])
def test_the_head_of_an_object_stream_holds_digits_only(head):
    body = head + b"null"
    objects = b"%PDF-1.7\n"
    at = len(objects)
    objects += b"4 0 obj\n<</Type/ObjStm/N 1/First %d/Length %d>>\nstream\n" % (len(head), len(body)) + body
    objects += b"\nendstream\nendobj\n"
    start = len(objects)
    rows = bytes([0, 0, 0, 0]) + bytes([2, 0, 4, 0]) * 3 + bytes([1, *at.to_bytes(2, "big"), 0])
    rows += bytes([1, *start.to_bytes(2, "big"), 0])
    objects += b"5 0 obj\n<</Type/XRef/W[1 2 1]/Size 6/Root 1 0 R/Length %d>>\nstream\n" % len(rows) + rows
    objects += b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    with pytest.raises(PdfMalformed, match="head of an object stream"):
        read_pdf(objects)
