import io
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from seals.domain import MAX_WIDTH_MM, MIN_WIDTH_MM, Placement
from seals.errors import PdfAlreadySigned, PdfUnstampable, PlacementUnusable
from seals.stamp import MAX_FIELDS, Ink, Prepared, prepare
from tests.fakes import MOMENT
from tests.seals.conftest import CONTEXT, NAME, PLACE, World
from trust.formats.cms import parse_signed_data
from trust.formats.der import read_first
from trust.formats.pdf import MAX_PDF, Coverage, NotADocument, PdfEncrypted, PdfMalformed, UploadTooLarge, read_pdf
from trust.gm.sm3 import sm3
from trust.kernel.errors import TrustError


@pytest.fixture(scope="module")
def seal_ink(shared: World, seal_id: str) -> Ink:
    return shared.service._load(seal_id).ink


def prepared(pdf: bytes, ink: Ink, place: Placement = PLACE, **changes: object) -> Prepared:
    arguments: dict[str, object] = {"signed_at": MOMENT, "reason": None, "further_seals": False}
    return prepare(pdf, ink, placement=place, **(arguments | changes))  # type: ignore[arg-type]


def rewritten(pdf: bytes, change: object, **how: object) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)  # type: ignore[operator]
        document.save(target, **how)
    return target.getvalue()


def test_the_written_signature_covers_all_but_its_own_value(shared: World, seal_id: str, pdf: bytes) -> None:
    stamped = shared.service.stamp(seal_id, pdf, placement=PLACE, context=CONTEXT, reason="颁发证照")
    (signature,) = read_pdf(stamped).signatures
    assert signature.coverage(stamped) is Coverage.ENTIRE_FILE
    assert signature.permission == 1
    assert signature.sub_filter == "ETSI.CAdES.detached"
    assert signature.claimed_at == MOMENT
    assert signature.seal == shared.service.ses_seal(seal_id)
    start, end = signature.contents_span or (0, 0)
    data = parse_signed_data(read_first(signature.contents).encoded)
    assert data.message_digest == sm3(stamped[:start] + stamped[end:])
    with pikepdf.open(io.BytesIO(stamped)) as document:
        dictionary = document.Root.AcroForm.Fields[0].V
        assert str(dictionary.Name) == NAME
        assert str(dictionary.Reason) == "颁发证照"
        assert document.Root.Perms.DocMDP.objgen == dictionary.objgen


def test_same_document_and_same_signature_give_the_same_file(pdf: bytes, seal_ink: Ink) -> None:
    first, second = (prepared(pdf, seal_ink) for _ in range(2))
    assert first.signed_attributes == second.signed_attributes
    assert first.fill(b"s" * 70) == second.fill(b"s" * 70)


def test_a_later_moment_changes_what_is_signed(pdf: bytes, seal_ink: Ink) -> None:
    later = prepared(pdf, seal_ink, signed_at=MOMENT + timedelta(seconds=1))
    assert later.digest != prepared(pdf, seal_ink).digest


def test_the_longest_signature_fits_and_a_longer_one_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    prepared(pdf, seal_ink).fill(b"s" * 72)
    with pytest.raises(PdfUnstampable):
        prepared(pdf, seal_ink).fill(b"s" * 73)


def test_the_page_and_its_attachment_stay_byte_for_byte(pdf: bytes, seal_ink: Ink) -> None:
    stamped = prepared(pdf, seal_ink).fill(b"")
    with pikepdf.open(io.BytesIO(pdf)) as before, pikepdf.open(io.BytesIO(stamped)) as after:
        assert before.pages[0].Contents.read_raw_bytes() == after.pages[0].Contents.read_raw_bytes()
        assert before.Root.Metadata.read_bytes() == after.Root.Metadata.read_bytes()
        assert before.attachments["metadata.json"].get_file().read_bytes() == (
            after.attachments["metadata.json"].get_file().read_bytes()
        )


def test_a_stamped_file_still_meets_what_pdf_a_asks_of_a_form(pdf: bytes, seal_ink: Ink) -> None:
    with pikepdf.open(io.BytesIO(prepared(pdf, seal_ink).fill(b""))) as document:
        field = document.Root.AcroForm.Fields[0]
        assert int(field.F) & 4  # Print
        assert set(field.AP.keys()) == {"/N"}
        assert "/NeedAppearances" not in document.Root.AcroForm
        assert document.Root.OutputIntents[0].S == "/GTS_PDFA1"  # DeviceRGB and blending rest on it
        picture = field.AP.N.Resources.XObject.Seal
        assert "/Font" not in picture.get("/Resources", {})
        assert b" rg" in picture.read_bytes()
        assert document.trailer.ID is not None
        assert document.open_metadata()["pdfaid:part"] == "3"


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
@pytest.mark.parametrize("further", [False, True])
def test_qpdf_finds_nothing_wrong(pdf: bytes, seal_ink: Ink, tmp_path: Path, further: bool) -> None:
    path = tmp_path / "stamped.pdf"
    path.write_bytes(prepared(pdf, seal_ink, further_seals=further).fill(b""))
    done = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_seal_stands_where_it_was_placed(two_pages: bytes, seal_ink: Ink) -> None:
    place = Placement(page=2, x_mm=100, y_mm=50, width_mm=40)
    with pikepdf.open(io.BytesIO(prepared(two_pages, seal_ink, place).fill(b""))) as document:
        assert "/Annots" not in document.pages[0]
        left, bottom, right, top = (float(edge) * 25.4 / 72 for edge in document.pages[1].Annots[0].Rect)
    assert (left, bottom, right, top) == pytest.approx((80, 30, 120, 70), abs=0.001)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (Placement(page=2, x_mm=100, y_mm=50), "page"),
        (Placement(page=1, x_mm=20.9, y_mm=50), "placement"),
        (Placement(page=1, x_mm=189.1, y_mm=50), "placement"),
        (Placement(page=1, x_mm=100, y_mm=20.9), "placement"),
        (Placement(page=1, x_mm=100, y_mm=276.1), "placement"),
    ],
)
def test_a_seal_off_the_page_is_refused(pdf: bytes, seal_ink: Ink, place: Placement, field: str) -> None:
    with pytest.raises(PlacementUnusable) as caught:
        prepared(pdf, seal_ink, place)
    assert (caught.value.code, caught.value.field) == ("placement-unusable", field)


@pytest.mark.parametrize(("x", "y"), [(21, 21), (189, 276)])
def test_a_seal_in_the_corner_is_still_on_the_page(pdf: bytes, seal_ink: Ink, x: float, y: float) -> None:
    prepared(pdf, seal_ink, Placement(page=1, x_mm=x, y_mm=y))


@pytest.mark.parametrize(
    "changes",
    [
        {"page": 0},
        {"x_mm": float("nan")},
        {"y_mm": float("inf")},
        {"width_mm": MIN_WIDTH_MM - 0.1},
        {"width_mm": MAX_WIDTH_MM + 0.1},
    ],
)
def test_placements_that_fit_no_page_cannot_be_expressed(changes: dict[str, float]) -> None:
    with pytest.raises(PlacementUnusable):
        Placement(**({"page": 1, "x_mm": 100.0, "y_mm": 100.0} | changes))


def test_a_rotated_page_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    def rotate(document: pikepdf.Pdf) -> None:
        document.pages[0].Rotate = 90

    with pytest.raises(PlacementUnusable):
        prepared(rewritten(pdf, rotate), seal_ink)


def test_a_signed_file_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    signed = prepared(pdf, seal_ink).fill(b"")
    with pytest.raises(PdfAlreadySigned) as caught:
        prepared(signed, seal_ink)
    assert caught.value.code == "pdf-already-signed"


def test_a_signature_hidden_in_an_object_stream_is_found(pdf: bytes, seal_ink: Ink) -> None:
    signed = prepared(pdf, seal_ink).fill(b"")

    def hide(document: pikepdf.Pdf) -> None:
        del document.Root.Perms
        field = document.Root.AcroForm.Fields[0]
        field.V = pikepdf.Dictionary(Contents=b"x")

    hidden = rewritten(signed, hide, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"/ByteRange" not in hidden
    with pytest.raises(PdfAlreadySigned):
        prepared(hidden, seal_ink)


def test_an_encrypted_file_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    for user in ("", "secret"):
        locked = rewritten(pdf, lambda _: None, encryption=pikepdf.Encryption(owner="owner", user=user))
        with pytest.raises(PdfEncrypted) as caught:
            prepared(locked, seal_ink)
        assert caught.value.code == "pdf-encrypted"


def test_an_existing_form_is_kept_and_its_names_avoided(pdf: bytes, seal_ink: Ink) -> None:
    def add(document: pikepdf.Pdf) -> None:
        field = document.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="Seal1"))
        document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))

    with pikepdf.open(io.BytesIO(prepared(rewritten(pdf, add), seal_ink).fill(b""))) as document:
        assert [str(field.T) for field in document.Root.AcroForm.Fields] == ["Seal1", "Seal2"]


def test_an_xfa_form_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    def add(document: pikepdf.Pdf) -> None:
        document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(), XFA=pikepdf.Array())

    with pytest.raises(PdfUnstampable):
        prepared(rewritten(pdf, add), seal_ink)


def plant(document: pikepdf.Pdf) -> None:
    wide = pikepdf.Array([0, 9_999_999_999, 9_999_999_999, 9_999_999_999])
    document.Root.Decoy = document.make_indirect(pikepdf.Dictionary(ByteRange=wide, Contents=bytes(10)))


def test_a_planted_placeholder_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    with pytest.raises(PdfAlreadySigned):
        prepared(rewritten(pdf, plant, object_stream_mode=pikepdf.ObjectStreamMode.disable), seal_ink)


def test_a_planted_placeholder_that_is_packed_misleads_nobody(pdf: bytes, seal_ink: Ink) -> None:
    planted = rewritten(pdf, plant, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    stamped = prepared(planted, seal_ink).fill(b"s" * 70)
    (signature,) = read_pdf(stamped).signatures
    assert signature.coverage(stamped) is Coverage.ENTIRE_FILE
    assert len(signature.contents) == seal_ink.reserved


# the revision


def test_what_was_rendered_stays_byte_for_byte_in_front(pdf: bytes, seal_ink: Ink) -> None:
    assert prepared(pdf, seal_ink).fill(b"s" * 70).startswith(pdf)


@pytest.mark.parametrize("mode", [pikepdf.ObjectStreamMode.generate, pikepdf.ObjectStreamMode.disable])
def test_files_of_other_programs_are_stamped_in_their_own_kind(
    two_pages: bytes, seal_ink: Ink, mode: pikepdf.ObjectStreamMode
) -> None:
    foreign = rewritten(two_pages, lambda _: None, object_stream_mode=mode)
    stamped = prepared(foreign, seal_ink, Placement(page=2, x_mm=100, y_mm=50)).fill(b"s" * 70)
    assert (b"/XRef" in stamped) == (mode is pikepdf.ObjectStreamMode.generate)
    (signature,) = read_pdf(stamped).signatures
    assert signature.coverage(stamped) is Coverage.ENTIRE_FILE
    with pikepdf.open(io.BytesIO(stamped), attempt_recovery=False) as document:
        assert document.pages[1].Annots[0].T == "Seal1"
        assert document.check_pdf_syntax() == []
        assert document.get_warnings() == []
    assert PdfFileReader(io.BytesIO(stamped)).embedded_signatures[0].compute_integrity_info() is None


def test_the_first_identifier_stays_and_the_second_follows_the_content(pdf: bytes, seal_ink: Ink) -> None:
    def identifiers(stamped: Prepared) -> list[bytes]:
        with pikepdf.open(io.BytesIO(stamped.fill(b""))) as document:
            return [bytes(part) for part in document.trailer.ID]

    with pikepdf.open(io.BytesIO(pdf)) as document:
        original = bytes(document.trailer.ID[0])
    once, later = identifiers(prepared(pdf, seal_ink)), identifiers(prepared(pdf, seal_ink, reason="颁发证照"))
    assert once[0] == later[0] == original
    assert len({original, once[1], later[1]}) == 3


@pytest.mark.parametrize("indirect", [False, True])
def test_the_annotations_of_a_page_are_kept(pdf: bytes, seal_ink: Ink, indirect: bool) -> None:
    def annotate(document: pikepdf.Pdf) -> None:
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9], T="note")
        notes = pikepdf.Array([document.make_indirect(note)])
        document.pages[0].Annots = document.make_indirect(notes) if indirect else notes

    with pikepdf.open(io.BytesIO(prepared(rewritten(pdf, annotate), seal_ink).fill(b""))) as document:
        assert [str(annotation.T) for annotation in document.pages[0].Annots] == ["note", "Seal1"]


def test_a_form_that_stands_by_itself_is_kept(pdf: bytes, seal_ink: Ink) -> None:
    def add(document: pikepdf.Pdf) -> None:
        fields = document.make_indirect(pikepdf.Array())
        document.Root.AcroForm = document.make_indirect(pikepdf.Dictionary(Fields=fields, DA="/Helv 0 Tf"))

    with pikepdf.open(io.BytesIO(prepared(rewritten(pdf, add), seal_ink).fill(b""))) as document:
        form = document.Root.AcroForm
        assert (str(form.DA), int(form.SigFlags), [str(field.T) for field in form.Fields]) == (
            "/Helv 0 Tf",
            3,
            ["Seal1"],
        )


def test_the_seal_is_measured_from_the_crop_box_that_the_page_inherits(pdf: bytes, seal_ink: Ink) -> None:
    def crop(document: pikepdf.Pdf) -> None:
        document.Root.Pages.CropBox = pikepdf.Array([100, 100, 400, 400])

    cropped = rewritten(pdf, crop)
    with pikepdf.open(io.BytesIO(prepared(cropped, seal_ink, Placement(page=1, x_mm=25, y_mm=25)).fill(b""))) as found:
        assert float(found.pages[0].Annots[0].Rect[0]) == pytest.approx(100 + 4 * 72 / 25.4, abs=0.001)
    with pytest.raises(PlacementUnusable):
        prepared(cropped, seal_ink, Placement(page=1, x_mm=100, y_mm=25))


def test_text_in_a_reason_cannot_be_taken_for_syntax(pdf: bytes, seal_ink: Ink) -> None:
    stamped = prepared(pdf, seal_ink, reason="/ByteRange [ 0 1 2 3 ]").fill(b"s" * 70)
    assert read_pdf(stamped).stray == 0


@pytest.mark.parametrize(
    "change",
    [
        (b"/Type/Catalog", b"/Type/Catalox"),
        (b"/Type/Pages", b"/Type/Pagex"),
        (b"/MediaBox[0 0 ", b"/MediaBox[0 /A"),
        (b"/Size ", b"/Sise "),
        (b"/Size 2", b"/Size 1"),
    ],
)
def test_damage_where_the_stamp_goes_is_refused(pdf: bytes, seal_ink: Ink, change: tuple[bytes, bytes]) -> None:
    assert change[0] in pdf
    with pytest.raises(PdfMalformed) as caught:
        prepared(pdf.replace(*change), seal_ink)
    assert (caught.value.code, caught.value.field) == ("pdf-malformed", "pdf")


def test_a_form_with_too_many_fields_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    def fill(count: int) -> bytes:
        def add(document: pikepdf.Pdf) -> None:
            fields = [document.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, T=f"f{n}")) for n in range(count)]
            document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(fields))

        return rewritten(pdf, add)

    prepared(fill(MAX_FIELDS), seal_ink)
    with pytest.raises(PdfUnstampable):
        prepared(fill(MAX_FIELDS + 1), seal_ink)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NotADocument),
        (b"GIF89a", NotADocument),
        (b"%PDF-1.7\n", PdfMalformed),
        (b"%PDF-" + bytes(2000), PdfMalformed),
        (b"%PDF-" + bytes(MAX_PDF), UploadTooLarge),
    ],
)
def test_what_is_no_pdf_is_refused(seal_ink: Ink, data: bytes, error: type[TrustError]) -> None:
    with pytest.raises(error):
        prepared(data, seal_ink)


def test_a_truncated_file_is_refused(pdf: bytes, seal_ink: Ink) -> None:
    for length in range(200, len(pdf) - 10, len(pdf) // 7):
        with pytest.raises(PdfMalformed):
            prepared(pdf[:length], seal_ink)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6))
def test_mutated_files_are_refused_in_our_words_or_stamped(
    pdf: bytes, seal_ink: Ink, changes: list[tuple[float, int]]
) -> None:
    mutated = bytearray(pdf)
    for at, value in changes:
        mutated[int(at * len(pdf))] = value
    try:
        stamped = prepared(bytes(mutated), seal_ink).fill(b"")
    except TrustError:
        return
    assert stamped.count(b"/ByteRange") == 1
