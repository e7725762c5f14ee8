"""Outlines of characters from font files, so that a seal's picture holds shapes and no text.

The first font that has a character draws it. A character that no font has is refused by name, never drawn as a box.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont
from typing_extensions import override

from trust.typesetting import UnrenderableCharacter, shipped_fonts

Point: TypeAlias = tuple[float, float]
_SERIF, _SANS = "NotoSerifSC-Regular.otf", "NotoSansSC-Regular.otf"


class Segment(NamedTuple):
    """One path operator: m(ove), l(ine), c(ubic curve), h (close), with its points."""

    operator: Literal["m", "l", "c", "h"]
    points: tuple[Point, ...]

    def mapped(self, move: Callable[[Point], Point]) -> "Segment":
        """Return the segment with every point moved."""
        return Segment(self.operator, tuple(map(move, self.points)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """The outline of one character in font units; `body` is the height of the em square, `floor` its lower edge."""

    segments: tuple[Segment, ...]
    advance: float
    body: float
    floor: float


class FontChain:
    """Fonts in order of preference. A file is open only while it is read; outlines found once are kept."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._found: dict[str, Glyph] = {}

    def glyphs(self, text: str) -> tuple[Glyph, ...]:
        """Return the outline of each character. Raises `UnrenderableCharacter` naming all that are missing."""
        for path in self._files:
            missing = [character for character in text if character not in self._found]
            if not missing:
                break
            self._found |= _read(path, missing)
        missing = [character for character in text if character not in self._found]
        if missing:
            raise UnrenderableCharacter(missing)
        return tuple(self._found[character] for character in text)


def seal_fonts(font_dirs: Iterable[Path]) -> FontChain:
    """Return the fonts of a seal's name: Noto Serif SC, then all fonts of the given folders that exist."""
    rare = [path for folder in font_dirs if folder.is_dir() for path in sorted(folder.glob("*.[ot]tf"))]
    return FontChain([shipped_fonts() / _SERIF, *rare])


def digit_fonts() -> FontChain:
    """Return the plain face of the code on the lower arc."""
    return FontChain([shipped_fonts() / _SANS])


def _read(path: Path, characters: Iterable[str]) -> dict[str, Glyph]:
    """Return the outlines of those characters that the font has."""
    found: dict[str, Glyph] = {}
    with TTFont(path, lazy=True) as font:
        names: dict[int, str] = font.getBestCmap()
        outlines: Any = font.getGlyphSet()
        # CJK faces put the em square's lower edge here; hhea values include line gaps and differ between fonts.
        body, floor = font["head"].unitsPerEm, font["OS/2"].sTypoDescender
        for character in characters:
            name = names.get(ord(character))
            if name is None:
                continue
            pen = _SegmentPen(outlines)
            outlines[name].draw(pen)
            found[character] = Glyph(segments=tuple(pen.segments), advance=outlines[name].width, body=body, floor=floor)
    return found


class _SegmentPen(BasePen):  # type: ignore[misc]  # fontTools is untyped
    """Collects an outline; BasePen turns the quadratic curves of TrueType into cubic ones."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)
        self.segments: list[Segment] = []

    @override
    def _moveTo(self, pt: Point) -> None:
        self.segments.append(Segment("m", (pt,)))

    @override
    def _lineTo(self, pt: Point) -> None:
        self.segments.append(Segment("l", (pt,)))

    @override
    def _curveToOne(self, pt1: Point, pt2: Point, pt3: Point) -> None:
        self.segments.append(Segment("c", (pt1, pt2, pt3)))

    @override
    def _closePath(self) -> None:
        self.segments.append(Segment("h", ()))
