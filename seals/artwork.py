"""The picture of a round unit seal, drawn from outlines: vector for the page, PNG for the SES object.

Layout of a Chinese unit seal (国发〔1999〕25号 and GA/T practice): the name on the upper arc, a five-pointed star in
the middle, an optional line such as 证照专用章 under it, a 13-digit code on the lower arc, all inside one ring.
Coordinates are millimetres with the origin in the centre and y upwards. Glyphs are squeezed in width, never in
height, as seal cutters do; a thin stroke around each outline gives them the weight of engraved characters.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from seals.errors import SealTextUnusable
from seals.outlines import FontChain, Glyph, Point, Segment

SIZE_MM = 42  # diameter of the seal of a county-level authority
MAX_NAME = 28  # characters on the arc; beyond that each would be narrower than 2.3 mm
MAX_LINE = 10  # characters under the star: the chord there is 19 mm wide

RED = (0.84, 0.07, 0.10)  # sRGB, the page's output intent; cinnabar ink rather than the red of a screen

_RADIUS = SIZE_MM / 2
_RING = 1.2
_STAR_RADIUS = 7.0
_STAR_WAIST = (3 - math.sqrt(5)) / 2  # inner to outer radius of a regular pentagram
_NAME_OUTER = 18.9  # upper edge of the name's em squares: 0.9 mm inside the ring
_NAME_ARC = 258.0  # degrees; more runs into the code
_NAME_PITCH = 33.0  # degrees per character at most, so that short names stand together
_NAME_STROKE = 0.17
_CODE_RADIUS = 18.1  # radius of the digits' feet
_CODE_HEIGHT = 1.35
_CODE_PITCH = 5.6  # degrees
_CODE = re.compile(r"[0-9]{13}")
_LINE_CENTRE = -10.9
_LINE_CHORD = 18.5
_LINE_HEIGHT = 4.3
_LINE_STROKE = 0.12
_FILL = 0.93  # part of its pitch that a squeezed glyph fills
_ARC_CONTROL = 0.5522847498  # control distance of a quarter circle as one cubic curve


@dataclass(frozen=True, slots=True, kw_only=True)
class SealText:
    """What stands on a seal.

    Attributes:
        name: 2 to 28 characters on the arc.
        code: the seal's 13-digit code, of which the first six are the region.
        line: up to 10 characters under the star, or empty.
    """

    name: str
    code: str
    line: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be engraved. Raises `SealTextUnusable`."""
        if not 2 <= len(self.name) <= MAX_NAME or not _engravable(self.name):  # noqa: PLR2004  no unit has a shorter name
            raise SealTextUnusable(f"A seal's name has 2 to {MAX_NAME} characters without spaces.", field="name")
        if not _CODE.fullmatch(self.code):
            raise SealTextUnusable("A seal's code has exactly 13 digits.", field="code")
        if len(self.line) > MAX_LINE or (self.line and not _engravable(self.line)):
            raise SealTextUnusable(
                f"The line under the star has at most {MAX_LINE} characters without spaces.", field="line"
            )


@dataclass(frozen=True, slots=True)
class Shape:
    """One painted path; `stroke` is the width of its outline in millimetres, 0 for none."""

    segments: tuple[Segment, ...]
    paint: Literal["fill", "stroke", "both"]
    stroke: float


def draw(text: SealText, *, names: FontChain, digits: FontChain) -> tuple[Shape, ...]:
    """Return the shapes of the seal. Raises `UnrenderableCharacter`."""
    return (
        Shape(tuple(_circle(_RADIUS - _RING / 2)), "stroke", _RING),
        Shape(tuple(_star()), "fill", 0.0),
        *_name(names.glyphs(text.name)),
        *_line(names.glyphs(text.line)),
        *_code(digits.glyphs(text.code)),
    )


def _engravable(text: str) -> bool:
    return text.isprintable() and not any(character.isspace() for character in text)


def _circle(radius: float) -> Iterator[Segment]:
    control = radius * _ARC_CONTROL
    yield Segment("m", ((radius, 0.0),))
    for quarter in range(4):
        turn = math.pi / 2 * quarter
        curve: tuple[Point, ...] = ((radius, control), (control, radius), (0.0, radius))
        yield Segment("c", tuple(_rotated(point, turn) for point in curve))
    yield Segment("h", ())


def _star() -> Iterator[Segment]:
    for corner in range(10):
        radius = _STAR_RADIUS * (_STAR_WAIST if corner % 2 else 1.0)
        point = _rotated((0.0, radius), math.pi / 5 * corner)
        yield Segment("l" if corner else "m", (point,))
    yield Segment("h", ())


def _name(glyphs: tuple[Glyph, ...]) -> Iterator[Shape]:
    height = _name_height(len(glyphs))
    pitch = math.radians(min(_NAME_PITCH, _NAME_ARC / len(glyphs)))
    centre = _NAME_OUTER - height / 2
    # Feet of neighbouring characters come closest on the inner edge; a third up is where strokes are dense.
    width = min(height * 0.96, (centre - height / 6) * pitch * _FILL)
    for index, glyph in enumerate(glyphs):
        clockwise = (index - (len(glyphs) - 1) / 2) * pitch
        yield Shape(tuple(_placed(glyph, width, height, (0.0, centre), -clockwise)), "both", _NAME_STROKE)


def _name_height(count: int) -> float:
    """Longer names get lower characters, as the arc on which they stand becomes longer with it."""
    for limit, height in ((8, 6.6), (12, 6.0), (16, 5.6), (20, 5.2)):
        if count <= limit:
            return height
    return 4.9


def _line(glyphs: tuple[Glyph, ...]) -> Iterator[Shape]:
    if not glyphs:
        return
    pitch = min(_LINE_HEIGHT * 0.9, _LINE_CHORD / len(glyphs))
    for index, glyph in enumerate(glyphs):
        across = (index - (len(glyphs) - 1) / 2) * pitch
        segments = _placed(glyph, pitch * _FILL, _LINE_HEIGHT, (across, _LINE_CENTRE), 0.0)
        yield Shape(tuple(segments), "both", _LINE_STROKE)


def _code(glyphs: tuple[Glyph, ...]) -> Iterator[Shape]:
    """Digits on the lower arc, feet outwards, reading from left to right."""
    for index, glyph in enumerate(glyphs):
        turn = math.radians((index - (len(glyphs) - 1) / 2) * _CODE_PITCH)
        em = _CODE_HEIGHT / 0.733  # digits of Noto Sans are 733 of 1000 units high
        scale = em / glyph.body

        def move(point: Point, turn: float = turn, scale: float = scale, advance: float = glyph.advance) -> Point:
            return _rotated(((point[0] - advance / 2) * scale, point[1] * scale - _CODE_RADIUS), turn)

        yield Shape(tuple(segment.mapped(move) for segment in glyph.segments), "fill", 0.0)


def _placed(glyph: Glyph, width: float, height: float, centre: Point, turn: float) -> Iterator[Segment]:
    """Scale the em square to width × height, put its middle on `centre`, then turn all about the seal's centre."""
    middle = glyph.floor + glyph.body / 2
    across, up = width / glyph.advance, height / glyph.body

    def move(point: Point) -> Point:
        upright = ((point[0] - glyph.advance / 2) * across + centre[0], (point[1] - middle) * up + centre[1])
        return _rotated(upright, turn)

    for segment in glyph.segments:
        yield segment.mapped(move)


def _rotated(point: Point, turn: float) -> Point:
    """Turn counter-clockwise about the origin, radians."""
    cosine, sine = math.cos(turn), math.sin(turn)
    return point[0] * cosine - point[1] * sine, point[0] * sine + point[1] * cosine
