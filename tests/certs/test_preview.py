import io
from concurrent.futures import ThreadPoolExecutor

import pikepdf
import pytest
import zxingcpp
from PIL import Image

from certs.preview import png
from tests.certs.pages import FOOD_CODE, RESIDENCE_CODE, page_of, renderer
from trust.raster import PreviewRefused


@pytest.mark.parametrize("code", [FOOD_CODE, RESIDENCE_CODE])
def test_the_code_on_the_page_reads_back_as_the_link(code: str) -> None:
    page = page_of(code, serial="A" * 32)
    picture = Image.open(io.BytesIO(png(renderer().render(page))))
    found = zxingcpp.read_barcode(picture.convert("L"))
    assert found.text == page.link.text


def test_the_picture_has_the_size_that_was_asked_for() -> None:
    data = renderer().render(page_of(FOOD_CODE))
    assert Image.open(io.BytesIO(png(data, 1.0))).size == (842, 596)


def test_many_threads_get_the_same_picture() -> None:
    data = renderer().render(page_of(RESIDENCE_CODE))
    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(lambda _: png(data, 0.5), range(8)))
    assert len(pictures) == 1


@pytest.mark.parametrize("data", [b"", b"not a pdf", b"%PDF-1.7\n%%EOF"])
def test_what_is_no_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(PreviewRefused):
        png(data)


def blank(width: float, height: float) -> bytes:
    document, target = pikepdf.new(), io.BytesIO()
    document.add_blank_page(page_size=(width, height))
    document.save(target)
    return target.getvalue()


def test_a_page_of_up_to_20_million_pixels_is_drawn() -> None:
    assert png(blank(2000, 2500), 2.0)
    with pytest.raises(PreviewRefused):
        png(blank(2000, 2501), 2.0)
