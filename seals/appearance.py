"""What a seal's form field looks like in a PDF: the same two streams, whichever library writes them.

The picture is one transparency group that darkens what lies under it, as ink does: name and date stay readable under
the star. Without the group the thin outline around each filled character would darken its own edge. PDF/A-2 and
later allow both (ISO 19005-2 section 6.2.10), given the output intent that our pages carry.
"""

import zlib
from datetime import UTC, datetime

from seals.artwork import SIZE_MM
from seals.domain import Placement
from seals.errors import PlacementUnusable
from trust.formats.pdf_syntax import Name, PdfDict, PdfValue

POINTS_PER_MM = 72 / 25.4
PRINT_AND_LOCKED = 132  # annotation flags, ISO 32000-1 table 165; PDF/A requires Print
SIGNATURES_EXIST_APPEND_ONLY = 3  # ISO 32000-1 table 219
SEAL_ENTRY = "YXIN_SESeal"
SUBFILTER = "ETSI.CAdES.detached"
OUTER_CONTENT = b"/Ink gs /Seal Do"

_HALF = SIZE_MM / 2
_BOX = [-_HALF, -_HALF, _HALF, _HALF]


def compressed(vector: bytes) -> bytes:
    """Return the inner stream's content, deflated once for all documents."""
    return zlib.compress(vector, 9)


def inner_entries() -> PdfDict:
    """Return the dictionary of the inner form: the picture in millimetres, origin in the seal's centre."""
    return {
        "Type": Name("XObject"),
        "Subtype": Name("Form"),
        "BBox": _BOX,
        "Group": {"S": Name("Transparency"), "CS": Name("DeviceRGB"), "I": True},
        "Filter": Name("FlateDecode"),
    }


def outer_entries(inner: PdfValue) -> PdfDict:
    """Return the dictionary of the appearance itself; viewers scale its box to the field's rectangle."""
    ink = {"Type": Name("ExtGState"), "BM": Name("Multiply")}
    return {
        "Type": Name("XObject"),
        "Subtype": Name("Form"),
        "BBox": _BOX,
        "Resources": {"ExtGState": {"Ink": ink}, "XObject": {"Seal": inner}},
    }


def rectangle(placement: Placement, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the seal's rectangle in points on a page with this box. Raises `PlacementUnusable`."""
    left, bottom, right, top = box
    half = placement.width_mm / 2 * POINTS_PER_MM
    x, y = left + placement.x_mm * POINTS_PER_MM, bottom + placement.y_mm * POINTS_PER_MM
    if x - half < left or x + half > right or y - half < bottom or y + half > top:
        raise PlacementUnusable("The seal would not lie wholly on the page.", field="placement")
    return round(x - half, 3), round(y - half, 3), round(x + half, 3), round(y + half, 3)


def pdf_date(moment: datetime) -> str:
    """Return a date of ISO 32000-1 section 7.9.4 in UTC."""
    return moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'")
