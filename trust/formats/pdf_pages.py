"""The pages of a PDF in their order, with what they inherit (ISO 32000-1 section 7.7.3).

The tree is walked, not its counts: what /Count promises is not what a program shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from trust.formats.pdf_errors import PdfMalformed
from trust.formats.pdf_file import PdfFile
from trust.formats.pdf_syntax import PdfDict, PdfValue, Ref

Box = tuple[float, float, float, float]  # left, bottom, right, top; points
_INHERITED: Final = ("MediaBox", "CropBox", "Rotate")  # of table 30, what says how a page is shown


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its own entries, and of the inherited ones those that say how it is shown."""

    file: PdfFile
    ref: Ref
    entries: PdfDict
    shown: PdfDict

    @property
    def box(self) -> Box:
        """The part that is shown: crop box, else media box. Raises `PdfMalformed` when neither is a rectangle."""
        edges = self.file.resolve(self.shown.get("CropBox", self.shown.get("MediaBox")))
        numbers = [self.file.resolve(edge) for edge in edges] if isinstance(edges, list) else []
        if len(numbers) != 4 or not all(type(number) in (int, float) for number in numbers):  # noqa: PLR2004  edges
            raise PdfMalformed("A page has no size.")
        one, other, third, fourth = map(float, cast("list[float]", numbers))
        return min(one, third), min(other, fourth), max(one, third), max(other, fourth)  # any two opposite corners

    @property
    def rotation(self) -> int:
        """Degrees by which the page is shown turned. Raises `PdfMalformed`."""
        rotation = self.file.resolve(self.shown.get("Rotate", 0))
        if type(rotation) is not int:
            raise PdfMalformed("The rotation of a page is not a whole number.")
        return rotation % 360


def pages(file: PdfFile, catalogue: PdfDict) -> Iterator[Page]:
    """Yield the pages in their order, reading no further than is asked for.

    Raises:
        PdfMalformed: the tree is damaged or leads in a circle.
        PdfBomb: reading it would exceed a limit of the reader.
    """
    pending: list[tuple[PdfValue, PdfDict]] = [(catalogue.get("Pages"), {})]
    seen: set[Ref] = set()
    while pending:
        ref, inherited = pending.pop()
        if not isinstance(ref, Ref) or ref in seen:
            raise PdfMalformed("The tree of pages leads in a circle, or to nothing.")
        seen.add(ref)
        value = file.resolve(ref)
        node = cast("PdfDict", value) if isinstance(value, dict) else {}
        shown = inherited | {key: node[key] for key in _INHERITED if key in node}
        if node.get("Type") == "Page":
            yield Page(file, ref, node, shown)
            continue
        kids = file.resolve(node.get("Kids"))
        if node.get("Type") != "Pages" or not isinstance(kids, list):
            raise PdfMalformed("The tree of pages is damaged.")
        pending += [(kid, shown) for kid in reversed(kids)]
