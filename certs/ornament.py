"""The engraved ground of a certificate page (底纹): guilloche band, corner rosettes and a pale central rosette.

The pictures are made once and kept beside the templates (`ornament.svg`); a test checks that they are what this
module draws. Curves are cubic splines through few points on a grid of 0.05 mm: each digit costs bytes and time on
every page that is issued.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

Point = tuple[float, float]
Curve = Callable[[float], Point]  # u from 0 to 1 gives millimetres from the upper left corner; closed

_GRID = 20  # units a millimetre
_BEND = 4.0  # millimetres: radius of the band at its corners, hidden by the rosettes
_STEP = 1e-5  # of the parameter: for the slope at a point


@dataclass(frozen=True, slots=True, kw_only=True)
class Ornament:
    """What distinguishes the ground of one type. Millimetres; colours as in SVG.

    `inset` is the distance of the middle of the band from the edge of the page, `waves` the periods around it.
    `pale` draws the central rosette, at `centre`: as light as can be seen, since text stands on it.
    """

    width: float
    height: float
    inset: float
    waves: int
    line: str
    accent: str
    pale: str
    paper: str
    centre: Point
    radius: float


FOOD = Ornament(
    width=297,
    height=210,
    inset=13,
    waves=72,
    line="#9a7836",
    accent="#2f6b53",
    pale="#efe6cf",
    paper="#fefcf6",
    centre=(148.5, 112),
    radius=52,
)
RESIDENCE = Ornament(
    width=210,
    height=148,
    inset=10.5,
    waves=60,
    line="#3f73a6",
    accent="#8a6d2f",
    pale="#dde8f3",
    paper="#fafcfe",
    centre=(105, 80),
    radius=40,
)


def draw(ornament: Ornament) -> str:
    """Return the picture as SVG of the size of the page, one unit a millimetre."""
    parts = [
        f'<path fill="{ornament.paper}" d="M0 0H{_n(ornament.width)}V{_n(ornament.height)}H0z"/>',
        _group(ornament.pale, 0.18, _central(ornament)),
        _group(ornament.line, 0.15, _band(ornament, strands=4, amplitude=2.9, phase=0.0)),
        _group(ornament.accent, 0.12, _band(ornament, strands=2, amplitude=1.7, phase=0.125)),
        _group(ornament.line, 0.5, [_frame(ornament, ornament.inset - 4.6)]),
        _group(ornament.line, 0.2, [_frame(ornament, ornament.inset - 3.7), _frame(ornament, ornament.inset + 3.7)]),
        _group(ornament.line, 0.35, [_frame(ornament, ornament.inset + 4.5)]),
        *_corners(ornament),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{ornament.width}mm" height="{ornament.height}mm" '
        f'viewBox="0 0 {_n(ornament.width)} {_n(ornament.height)}">{"".join(parts)}</svg>\n'
    )


def _band(ornament: Ornament, *, strands: int, amplitude: float, phase: float) -> list[str]:
    """Waves around the page, evenly shifted against each other."""
    middle = _rectangle(ornament)
    paths = []
    for strand in range(strands):
        shift = (phase + strand / strands) / ornament.waves

        def wave(u: float, shift: float = shift) -> Point:
            return _beside(middle, u + shift, amplitude * math.cos(2 * math.pi * ornament.waves * u))

        # Pieces that run from crest to trough: there one cubic piece is a wave to within one part in a hundred.
        paths.append(_spline(wave, 2 * ornament.waves))
    return paths


def _central(ornament: Ornament) -> list[str]:
    x, y = ornament.centre
    paths = []
    for ring in range(6):
        phase = 2 * math.pi * ring / 6

        def curve(u: float, phase: float = phase) -> Point:
            turn = 2 * math.pi * u
            radius = ornament.radius * (0.66 + 0.34 * math.sin(14 * turn + phase))
            return x + radius * math.cos(turn), y + radius * math.sin(turn)

        paths.append(_spline(curve, 56))
    return paths


def _corners(ornament: Ornament) -> list[str]:
    """Small rosettes over the four corners, where the band would bend."""
    radius = 5.6
    drawn = []
    for x in (ornament.inset, ornament.width - ornament.inset):
        for y in (ornament.inset, ornament.height - ornament.inset):
            disc = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{ornament.paper}"/>'
            petals = [_spline(_petals(x, y, radius, phase), 32) for phase in (0.0, math.pi)]
            rings = [_spline(_circle(x, y, size), 4) for size in (radius, 1.1)]
            drawn += [disc, _group(ornament.line, 0.15, petals), _group(ornament.accent, 0.3, rings)]
    return drawn


def _petals(x: float, y: float, radius: float, phase: float) -> Curve:
    def curve(u: float) -> Point:
        turn = 2 * math.pi * u
        reach = radius * (0.6 + 0.32 * math.sin(8 * turn + phase))
        return x + reach * math.cos(turn), y + reach * math.sin(turn)

    return curve


def _circle(x: float, y: float, radius: float) -> Curve:
    return lambda u: (x + radius * math.cos(2 * math.pi * u), y + radius * math.sin(2 * math.pi * u))


def _frame(ornament: Ornament, inset: float) -> str:
    """A rectangle whose corners are hidden by the rosettes."""
    right, bottom = ornament.width - inset, ornament.height - inset
    return f"M{_n(inset)} {_n(inset)}H{_n(right)}V{_n(bottom)}H{_n(inset)}z"


def _rectangle(ornament: Ornament) -> Curve:
    """The middle of the band with rounded corners, walked clockwise at even speed."""
    near, right, bottom = ornament.inset, ornament.width - ornament.inset, ornament.height - ornament.inset
    wide, high, bend = right - near - 2 * _BEND, bottom - near - 2 * _BEND, math.pi / 2 * _BEND
    sides = (
        (wide, (near + _BEND, near), 0.0),
        (high, (right, near + _BEND), 0.5),
        (wide, (right - _BEND, bottom), 1.0),
        (high, (near, bottom - _BEND), 1.5),
    )
    length = 2 * (wide + high) + 4 * bend

    def curve(u: float) -> Point:
        way = (u % 1) * length
        for side, (x, y), quarter in sides:
            heading = math.pi * quarter
            if way <= side:
                return x + way * math.cos(heading), y + way * math.sin(heading)
            way -= side
            if way <= bend:
                end = x + side * math.cos(heading), y + side * math.sin(heading)
                return _turned(end, heading, way / _BEND)
            way -= bend
        return near + _BEND, near

    return curve


def _turned(start: Point, heading: float, angle: float) -> Point:
    """Where a walker comes who turns right on a circle of `_BEND` until `angle`."""
    x, y = start[0] - _BEND * math.sin(heading), start[1] + _BEND * math.cos(heading)
    return x + _BEND * math.sin(heading + angle), y - _BEND * math.cos(heading + angle)


def _beside(middle: Curve, u: float, distance: float) -> Point:
    """The point at `distance` from `middle`, measured square to it."""
    (ax, ay), (bx, by), (x, y) = middle(u - _STEP), middle(u + _STEP), middle(u)
    length = math.hypot(bx - ax, by - ay)
    return x + (by - ay) / length * distance, y - (bx - ax) / length * distance


def _spline(curve: Curve, pieces: int) -> str:
    """Return SVG path data of a closed curve, as cubic pieces with the curve's own slopes at their ends."""
    points = [curve(index / pieces) for index in range(pieces + 1)]
    slopes = [_slope(curve, index / pieces, pieces) for index in range(pieces + 1)]
    data = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for (x0, y0), (x1, y1), (sx0, sy0), (sx1, sy1) in zip(points, points[1:], slopes, slopes[1:], strict=False):
        data.append(
            f"C{_n(x0 + sx0)} {_n(y0 + sy0)} {_n(x1 - sx1)} {_n(y1 - sy1)} {_n(x1)} {_n(y1)}",
        )
    return "".join(data) + "z"


def _slope(curve: Curve, u: float, pieces: int) -> Point:
    (ax, ay), (bx, by) = curve(u - _STEP), curve(u + _STEP)
    scale = 1 / (6 * _STEP * pieces)
    return (bx - ax) * scale, (by - ay) * scale


def _group(colour: str, width: float, paths: list[str]) -> str:
    """Several curves as one path: one object to read and to draw."""
    return f'<path fill="none" stroke="{colour}" stroke-width="{width * _GRID:g}" d="{"".join(paths)}"/>'


def _n(value: float) -> str:
    """Millimetres as units of the grid."""
    return str(round(value * _GRID))
