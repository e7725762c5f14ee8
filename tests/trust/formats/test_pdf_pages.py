"""Walking the tree of pages: the order and the boxes that qpdf sees, refusal of what is broken."""

import io

import pikepdf
import pytest

from tests.trust.formats.pdf_building import built
from trust.formats.pdf_errors import PdfMalformed
from trust.formats.pdf_file import PdfFile
from trust.formats.pdf_pages import pages
from trust.formats.pdf_syntax import Ref

CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
NESTED = (
    CATALOGUE,
    b"<< /Type /Pages /Count 4 /Kids [ 3 0 R 4 0 R 5 0 R ] /MediaBox [ 0 0 100 200 ] /Rotate 90 >>",
    b"<< /Type /Page /Parent 2 0 R >>",
    b"<< /Type /Pages /Parent 2 0 R /Count 2 /Kids 8 0 R /CropBox [ 10 10 50 50 ] /Rotate 0 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox 9 0 R /Rotate 360 >>",
    b"<< /Type /Page /Parent 4 0 R >>",
    b"<< /Type /Page /Parent 4 0 R /CropBox [ 1 2 3 4 ] /Rotate -90 >>",
    b"[ 6 0 R 7 0 R ]",
    b"[ 300 400 10 0 R 0 ]",
    b"5.5",
)


def walked(*objects):
    file = PdfFile(built(*objects))
    return pages(file, file.resolve(file.trailer["Root"]))


def one(entries):
    return next(walked(CATALOGUE, b"<< /Type /Pages /Count 1 /Kids [ 3 0 R ] >>", b"<< /Type /Page %s >>" % entries))


def test_pages_come_in_their_order_with_what_they_inherit():
    found = [(page.ref, page.box, page.rotation) for page in walked(*NESTED)]
    assert found == [
        (Ref(3, 0), (0, 0, 100, 200), 90),
        (Ref(6, 0), (10, 10, 50, 50), 0),
        (Ref(7, 0), (1, 2, 3, 4), 270),
        (Ref(5, 0), (5.5, 0, 300, 400), 0),
    ]


def test_qpdf_sees_the_same_pages():
    with pikepdf.open(io.BytesIO(built(*NESTED))) as document:
        theirs = [page.objgen for page in document.pages]
    assert [(page.ref.number, page.ref.generation) for page in walked(*NESTED)] == theirs


def test_a_page_before_the_damage_is_still_found():
    walk = walked(CATALOGUE, b"<< /Type /Pages /Count 2 /Kids [ 3 0 R 9 0 R ] >>", b"<< /Type /Page >>")
    assert next(walk).ref == Ref(3, 0)
    with pytest.raises(PdfMalformed):
        next(walk)


@pytest.mark.parametrize(
    "tree",
    [
        b"<< /Type /Pages /Count 1 /Kids [ 2 0 R ] >>",
        b"<< /Type /Pages /Count 2 /Kids [ 3 0 R 3 0 R ] >>",
        b"<< /Type /Pages /Count 1 /Kids [ << /Type /Page >> ] >>",
        b"<< /Type /Pages /Count 1 /Kids 3 0 R >>",
        b"<< /Type /Pages /Count 1 >>",
        b"<< /Count 1 /Kids [ 3 0 R ] >>",
        b"[ 3 0 R ]",
        b"null",
    ],
)
def test_a_broken_tree_is_refused(tree):
    with pytest.raises(PdfMalformed):
        list(walked(CATALOGUE, tree, b"<< /Type /Page >>"))


def test_a_catalogue_without_pages_is_refused():
    with pytest.raises(PdfMalformed):
        list(walked(b"<< /Type /Catalog >>"))


@pytest.mark.parametrize(
    "entries", [b"", b"/MediaBox [ 0 0 1 ]", b"/MediaBox [ 0 0 1 true ]", b"/MediaBox (box)", b"/CropBox [ 0 0 1 /A ]"]
)
def test_a_page_without_a_size_is_refused(entries):
    with pytest.raises(PdfMalformed):
        assert one(entries).box


@pytest.mark.parametrize("entries", [b"/Rotate 1.5", b"/Rotate /Left", b"/Rotate true"])
def test_a_rotation_that_is_no_whole_number_is_refused(entries):
    with pytest.raises(PdfMalformed):
        assert one(entries).rotation
