"""A picture of a certificate's page for screens. It is a convenience and proves nothing: the signed file counts."""

import io
from typing import Final

from trust.raster import POINTS_PER_INCH, first_page

_DPI: Final = 144.0  # sharp on a phone; an A4 page is then 2 megapixels


def png(pdf: bytes, scale: float = _DPI / POINTS_PER_INCH) -> bytes:
    """Return the first page as PNG, `scale` pixels a point, form fields and seals drawn. Raises `PreviewRefused`."""
    picture = io.BytesIO()
    first_page(pdf, dpi=scale * POINTS_PER_INCH).save(picture, "PNG")
    return picture.getvalue()
