"""Reading PDFs: agreement with pyHanko on honest files, refusal of what is broken."""

import contextlib
import io
import zlib
from datetime import UTC, datetime

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from tests.trust.formats.pdf_building import behind_xref_stream, built, refusal, stream
from tests.verifier import world
from trust.formats.pdf import Coverage, PdfDocument, read_pdf
from trust.formats.pdf_errors import PdfBomb, PdfMalformed
from trust.formats.pdf_file import PdfFile
from trust.formats.pdf_syntax import MAX_DEPTH, HexString, Name, Ref, TokenBudget, read_value


def value(data):
    return read_value(data, 0, TokenBudget())[0]


# objects


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"null", None),
        (b" true", True),
        (b"% comment\n false ", False),
        (b"12", 12),
        (b"-7", -7),
        (b"+.5", 0.5),
        (b"4.", 4.0),
        (b"/Name", "Name"),
        (b"/A#20B#2f", "A B/"),
        (b"/", ""),
        (b"(a(b)c)", b"a(b)c"),
        (rb"(\101\n\)\\\x)", b"A\n)\\x"),
        (b"(a\\\nb\r\nc)", b"ab\nc"),
        (b"3 0 R", Ref(3, 0)),
        (b"[3 0 R 4 5]", [Ref(3, 0), 4, 5]),
        (b"[1 2 R]", [Ref(1, 2)]),
        (b"<< /A [ << /B (x) >> ] /C/D >>", {"A": [{"B": b"x"}], "C": "D"}),
    ],
)
def test_objects_are_read_as_iso_32000_writes_them(text, wanted):
    assert value(text) == wanted


def test_a_hexadecimal_string_knows_its_place():
    assert value(b" < 41 4 >") == HexString(b"A@", 1, 9)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<<",
        b"[1",
        b"]",
        b">>",
        b"<< /A >>",
        b"<< 1 2 >>",
        b"<< /A 1 /A 2 >>",
        b"<< /A 1 /#41 2 >>",
        b"(a",
        b"<4g>",
        b"[1 >>",
        b"<< /A 1 ]",
        b"tru",
        b"truefalse",
        b"--1",
        b"1e5",
        b"/" + b"A" * 200,
        b"9" * 40,
        b"nan",
        b"\xff",
    ],
)
def test_what_is_no_object_is_refused(text):
    with pytest.raises(PdfMalformed):
        value(text)


@pytest.mark.parametrize(("depth", "accepted"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (100_000, False)])
def test_containers_nest_up_to_the_limit(depth, accepted):
    text = b"[" * depth + b"]" * depth
    if accepted:
        assert value(text)[0] is not None
    else:
        with pytest.raises(PdfMalformed, match="deep"):
            value(text)


def test_tokens_are_limited_per_document():
    with pytest.raises(PdfBomb, match="tokens"):
        read_value(b"[" + b"0 " * 100 + b"]", 0, TokenBudget(100))
    read_value(b"[" + b"0 " * 98 + b"]", 0, TokenBudget(100))


@given(st.binary(max_size=400))
def test_any_bytes_give_an_object_or_our_refusal(data):
    with contextlib.suppress(PdfMalformed, PdfBomb):
        value(data)


# agreement with an independent reader


@pytest.mark.parametrize("object_streams", [True, False])
def test_signature_and_attachment_are_those_that_pyhanko_finds(object_streams):
    data = world.stamped(object_streams=object_streams)
    ours = read_pdf(data)
    (theirs,) = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    (signature,) = ours.signatures
    assert list(signature.byte_range) == [int(n) for n in theirs.byte_range]
    assert signature.contents == bytes(theirs.pkcs7_content)
    assert signature.sub_filter == theirs.sig_object["/SubFilter"][1:]
    assert signature.seal == theirs.sig_object["/YXIN_SESeal"].data == world.good_seal()
    assert signature.claimed_at == theirs.self_reported_timestamp == world.SIGNED_AT
    assert signature.permission == theirs.docmdp_level.value == 1
    assert signature.coverage(data) is Coverage.ENTIRE_FILE
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert ours.attachments("metadata.json") == (pdf.attachments["metadata.json"].get_file().read_bytes(),)
    assert ours.stray == 0


@pytest.mark.parametrize("linearize", [True, False])
@pytest.mark.parametrize("object_streams", list(pikepdf.ObjectStreamMode.__members__.values()))
def test_files_of_qpdf_are_read_in_every_form(linearize, object_streams):
    pdf = pikepdf.new()
    for _ in range(120):
        pdf.add_blank_page()
    pdf.attachments["metadata.json"] = b'{"a":1}'
    out = io.BytesIO()
    pdf.save(out, linearize=linearize, object_stream_mode=object_streams)
    document = read_pdf(out.getvalue())
    assert document.signatures == ()
    assert document.attachments("metadata.json") == (b'{"a":1}',)
    assert document.attachments("other.json") == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"(D:20261121160000+08'00')", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (b"(D:20261121160000+08'00)", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (b"(D:20261121080000Z)", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (b"(D:20261121080000Z00'00')", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (b"(D:20261121080000)", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (b"<443A32303236313132313038303030305A>", datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (b"(D:20261321080000Z)", None),
        (b"(D:20261121080000+99'00')", None),
        (b"(D:00010101000000+08'00')", None),
        (b"(yesterday)", None),
        (b"[]", None),
    ],
)
def test_dates_of_signing(text, wanted):
    pdf = built(
        b"<< /Type /Catalog /AcroForm << /Fields [2 0 R] >> >>", b"<< /FT /Sig /V 3 0 R >>", b"<< /M %s >>" % text
    )
    (signature,) = read_pdf(pdf).signatures
    assert signature.claimed_at == wanted
    assert signature.coverage(pdf) is Coverage.BROKEN


def test_a_kind_inherited_from_the_parent_field_counts():
    pdf = built(
        b"<< /Type /Catalog /AcroForm << /Fields [2 0 R] >> >>",
        b"<< /FT /Sig /Kids [3 0 R 4 0 R] >>",
        b"<< /V 5 0 R >>",
        b"<< /V 5 0 R >>",
        b"<< /ByteRange [0 1 2 3] >>",
    )
    document = read_pdf(pdf)
    assert len(document.signatures) == 1
    assert document.stray == 0


# refusals


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-a-document"),
        (b"GIF89a", "not-a-document"),
        (b"x" * 1020 + b"%PDF-1.7", "not-a-document"),
        (b"x" * 1000 + b"%PDF-1.7", "pdf-malformed"),
        (b"%PDF-1.7\n", "pdf-malformed"),
        (b"%PDF-1.7\nstartxref\n0\n%%EOF", "pdf-malformed"),
        (b"%PDF-1.7\nstartxref\n99999\n%%EOF", "pdf-malformed"),
        (built(b"<< /Type /Catalog >>", trailer=b"/Encrypt 1 0 R"), "pdf-encrypted"),
        (built(b"<< /Type /Pages >>"), "pdf-malformed"),
        (built(b"<< /Type /Catalog >>", trailer=b"/Prev 9"), "pdf-malformed"),
        (built(b"<< /Type /Catalog >>", trailer=b"/Prev -1"), "pdf-malformed"),
        (built(b"<< /Type /Catalog >>", trailer=b"/XRefStm 9"), "pdf-malformed"),
        (built(b"<< /Type /Catalog /AcroForm 2 0 R >>", b"3 0 R", b"2 0 R"), "pdf-malformed"),
        (
            built(b"<< /Type /Catalog /AcroForm << /Fields [2 0 R] >> >>", b"<< /Kids [2 0 R] >>"),
            "pdf-malformed",
        ),
    ],
    ids=[
        "empty",
        "picture",
        "header after the window",
        "header not first",
        "only a header",
        "no table",
        "table outside",
        "encrypted",
        "no catalogue",
        "previous is no table",
        "previous negative",
        "hybrid part is no stream",
        "references in a circle",
        "fields in a circle",
    ],
)
def test_what_cannot_be_read_is_refused_with_its_code(data, code):
    assert refusal(data) == code


@pytest.mark.parametrize(("size", "accepted"), [(0, True), (-1, False)])
def test_the_size_limit_counts_bytes(size, accepted):
    pdf = built(b"<< /Type /Catalog >>")
    if accepted:
        assert isinstance(read_pdf(pdf, max_bytes=len(pdf) + size), PdfDocument)
    else:
        assert refusal(pdf, max_bytes=len(pdf) + size) == "upload-too-large"


def test_sections_in_a_circle_are_refused():
    pdf = built(b"<< /Type /Catalog >>", trailer=b"/Prev 00000")
    start = pdf.index(b"xref\n")
    assert refusal(pdf.replace(b"/Prev 00000", b"/Prev %05d" % start)) == "pdf-malformed"


def test_a_length_inside_the_stream_that_it_measures_is_refused():
    body = b"<< /Length 2 0 R >>\nstream\nx\nendstream"
    assert refusal(built(b"<< /Type /Catalog /AcroForm 2 0 R >>", body)) == "pdf-malformed"


@pytest.mark.parametrize(
    "parameters",
    [
        b"/W [0 0 0] /Index [0 2000000000]",
        b"/W [0 1 0] /Index [0 2000000000]",
        b"/W [1 2 1] /Index [5]",
        b"/W [1 2] /Size 1",
        b"/W [1 99 1] /Size 1",
        b"/W 5 /Size 1",
        b"/W [1 2 1]",
        b"/W [1 2 1] /Index [-5 1]",
    ],
)
def test_a_cross_reference_stream_that_promises_what_it_does_not_hold(parameters):
    pdf = behind_xref_stream(b"/Type /XRef " + parameters, bytes(8))
    assert refusal(pdf) in ("pdf-malformed", "pdf-bomb")


@pytest.mark.parametrize("kind", [1, 3, 4])
def test_every_png_predictor_is_undone_as_qpdf_undoes_it(kind):
    rows = [bytes((n, 2 * n % 256, 7, 255 - n)) for n in range(9)]
    before, body = bytes(4), b""
    for row in rows:
        left = corner = 0
        line = bytearray((kind,))
        for here, above in zip(row, before, strict=True):
            paeth = min((left, above, corner), key=lambda v, e=left + above - corner: abs(e - v))
            line.append((here - {1: left, 3: (left + above) // 2, 4: paeth}[kind]) % 256)
            left, corner = here, above
        body, before = body + bytes(line), row
    parameters = b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 4 >>"
    pdf = built(
        b"<< /Type /Catalog /AF [2 0 R] /Pages << /Type /Pages /Kids [] /Count 0 >> >>",
        b"<< /UF (metadata.json) /EF << /F 3 0 R >> >>",
        stream(parameters, zlib.compress(body)),
    )
    assert read_pdf(pdf).attachments("metadata.json") == (b"".join(rows),)
    with pikepdf.open(io.BytesIO(pdf)) as independent:
        assert independent.get_object(3, 0).read_bytes() == b"".join(rows)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_behind_a_header_are_read_or_refused(data):
    with contextlib.suppress(PdfMalformed, PdfBomb):
        PdfFile(b"%PDF-1.7\n" + data)


def test_names_are_names_and_not_texts():
    assert isinstance(value(b"/A"), Name)
    assert value(b"(A)") == b"A"


@pytest.mark.parametrize("value", [b"<</Type/Sig/ByteRange[0 1 2 3]/Contents<00>>>", b"[1]", b"(x)", b"5"])
def test_a_signature_that_is_no_object_of_its_own_is_read_without_a_place(value):
    file = built(b"<</Type/Catalog/AcroForm<</Fields[2 0 R 3 0 R]>>>>", b"<</FT/Sig/V " + value + b">>", b"<</FT/Sig>>")
    (signature,) = read_pdf(file).signatures
    assert signature.contents_span is None
    assert signature.coverage(file) is Coverage.BROKEN
