"""Altered copies of a signed PDF, as an attacker would make them: for the demonstration, for drills and for tests.

Nothing here takes part in a verification.
"""

import io

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject

_A4 = (595.28, 841.89)  # points
_A_LINE = b"1 0 0 RG 4 w 60 700 m 535 700 l S"


def with_changed_byte(pdf: bytes, position: int | None = None) -> bytes:
    """Return a copy with one bit of one byte changed, by default in the middle of the first half: page content."""
    at = len(pdf) // 4 if position is None else position
    changed = bytearray(pdf)
    changed[at] ^= 0x01
    return bytes(changed)


def with_page_added(pdf: bytes) -> bytes:
    """Return a copy with a page appended in a later revision; every byte that was signed stays as it is."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    content = writer.add_object(generic.StreamObject(stream_data=_A_LINE))
    media_box = generic.ArrayObject([generic.NumberObject(0), generic.NumberObject(0), *map(generic.FloatObject, _A4)])
    writer.insert_page(PageObject(contents=content, media_box=media_box))
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()
