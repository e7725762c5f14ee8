"""Pages as pictures: the only importer of PDFium, which is not safe to call from two threads."""

import threading

import pypdfium2
from PIL import Image

from trust.kernel.errors import InvalidInput

POINTS_PER_INCH = 72
MAX_PIXELS = 20_000_000
"""Largest picture, pixels. An A4 page at 300 dpi has 9 million; more is a mistake or an attack."""

_lock = threading.Lock()


class PreviewRefused(InvalidInput):
    """No picture can be made of the file."""

    code = "preview-refused"
    title = "No picture can be made of this file."
    title_zh = "无法为该文件生成预览图。"


def first_page(pdf: bytes, *, dpi: float) -> Image.Image:
    """Return the first page at `dpi` pixels an inch in RGB, form fields and seals drawn.

    Raises:
        PreviewRefused: not a PDF that can be opened, without pages, or more than `MAX_PIXELS` at this resolution.
    """
    with _lock:
        try:
            return _first_page(pdf, dpi / POINTS_PER_INCH)
        except pypdfium2.PdfiumError:
            raise PreviewRefused("The file cannot be opened as a PDF.") from None


def _first_page(pdf: bytes, scale: float) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        if len(document) == 0:
            raise PreviewRefused("The file has no pages.")
        document.init_forms()
        page = document[0]
        width, height = page.get_size()
        if not 0 < width * height * scale * scale <= MAX_PIXELS:
            raise PreviewRefused(f"The page is empty or larger than {MAX_PIXELS} pixels at this resolution.")
        picture: Image.Image = page.render(scale=scale, may_draw_forms=True, rev_byteorder=True).to_pil()
        return picture.convert("RGB")
    finally:
        document.close()
