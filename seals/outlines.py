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
    """Fonts in order of preference. Opening is lazy: a rare-character font is only read when it is needed."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._opened: dict[Path, _Font] = {}

    def glyphs(self, text: str) -> tuple[Glyph, ...]:
        """Return the outline of each character. Raises `UnrenderableCharacter` naming all that are missing."""
        found = [self._find(character) for character in text]
        missing = [character for character, glyph in zip(text, found, strict=True) if glyph is None]
        if missing:
            raise UnrenderableCharacter(missing)
        return tuple(glyph for glyph in found if glyph is not None)

    def _find(self, character: str) -> Glyph | None:
        for path in self._files:
            font = self._opened.get(path)
            if font is None:
                font = self._opened[path] = _Font(path)
            glyph = font.glyph(character)
            if glyph is not None:
                return glyph
        return None


def seal_fonts(font_dirs: Iterable[Path]) -> FontChain:
    """Return the fonts of a seal's name: Noto Serif SC, then all fonts of the given folders that exist."""
    rare = [path for folder in font_dirs if folder.is_dir() for path in sorted(folder.glob("*.[ot]tf"))]
    return FontChain([shipped_fonts() / _SERIF, *rare])


def digit_fonts() -> FontChain:
    """Return the plain face of the code on the lower arc."""
    return FontChain([shipped_fonts() / _SANS])


class _Font:
    def __init__(self, path: Path) -> None:
        font = TTFont(path, lazy=True)
        self._names: dict[int, str] = font.getBestCmap()
        self._outlines: Any = font.getGlyphSet()
        em = font["head"].unitsPerEm
        typographic = font["OS/2"]
        # CJK faces put the em square between these two; hhea values include line gaps and differ between fonts.
        self._floor = typographic.sTypoDescender
        self._body = em

    def glyph(self, character: str) -> Glyph | None:
        name = self._names.get(ord(character))
        if name is None:
            return None
        outline = self._outlines[name]
        pen = _SegmentPen(self._outlines)
        outline.draw(pen)
        return Glyph(segments=tuple(pen.segments), advance=outline.width, body=self._body, floor=self._floor)


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
