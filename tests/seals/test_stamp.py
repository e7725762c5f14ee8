import io
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seals.domain import MAX_WIDTH_MM, MIN_WIDTH_MM, Placement
from seals.errors import PdfAlreadySigned, PdfUnstampable, PlacementUnusable
from seals.stamp import Ink, Prepared, prepare
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


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (pikepdf.ObjectStreamMode.disable, PdfAlreadySigned),
        (pikepdf.ObjectStreamMode.generate, PdfUnstampable),
    ],
)
def test_a_planted_placeholder_is_refused(
    pdf: bytes, seal_ink: Ink, mode: pikepdf.ObjectStreamMode, error: type[TrustError]
) -> None:
    def plant(document: pikepdf.Pdf) -> None:
        wide = pikepdf.Array([0, 9_999_999_999, 9_999_999_999, 9_999_999_999])
        document.Root.Decoy = document.make_indirect(pikepdf.Dictionary(ByteRange=wide))

    with pytest.raises(error):
        prepared(rewritten(pdf, plant, object_stream_mode=mode), seal_ink)


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
