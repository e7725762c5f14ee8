"""A picture of a page for screens. PDFium is not safe for threads: one lock around all of it.

The picture is a convenience and proves nothing: what counts is the signed file.
"""

import io
import threading
from typing import Final

import pypdfium2

from certs.errors import PreviewRefused

_POINTS_PER_INCH = 72
_DPI = 144.0  # sharp on a phone; an A4 page is then 2 megapixels
_PIXELS_MAX: Final = 20_000_000  # an A4 page at 300 dpi has 9 million; more is a mistake or an attack
_LOCK = threading.Lock()


def png(pdf: bytes, scale: float = _DPI / _POINTS_PER_INCH) -> bytes:
    """Return the first page as PNG, `scale` pixels a point, form fields and seals drawn.

    Raises:
        PreviewRefused: not a PDF that can be opened, without pages, or more than 20 million pixels at this scale.
    """
    with _LOCK:
        try:
            return _first_page(pdf, scale)
        except pypdfium2.PdfiumError:
            raise PreviewRefused("the file cannot be opened as a PDF") from None


def _first_page(pdf: bytes, scale: float) -> bytes:
    document = pypdfium2.PdfDocument(pdf)
    try:
        if len(document) == 0:
            raise PreviewRefused("the file has no pages")
        document.init_forms()
        page = document[0]
        width, height = page.get_size()
        if not 0 < width * height * scale * scale <= _PIXELS_MAX:
            raise PreviewRefused(f"the page is empty or larger than {_PIXELS_MAX} pixels at this scale")
        picture = io.BytesIO()
        page.render(scale=scale, may_draw_forms=True).to_pil().save(picture, "PNG")
        return picture.getvalue()
    finally:
        document.close()
