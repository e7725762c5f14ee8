"""The shapes of a seal in the two forms that are used: PDF operators and PNG.

Both come from the same shapes. The PDF form is a bare content stream in millimetres, because the stamp puts it
straight into an appearance stream; `as_pdf` wraps it into a page for print shops and for rasterising.
"""

import io
from collections.abc import Sequence

import pikepdf
from PIL import Image, ImageChops

from seals.appearance import POINTS_PER_MM
from seals.artwork import RED, SIZE_MM, Shape
from seals.outlines import Segment
from trust.raster import first_page

PNG_DPI = 300  # what GB/T 38540 pictures are made with in practice; sharp when printed at their own size
_HALF = SIZE_MM / 2
_PDF_PAINT = {"fill": "f", "stroke": "S", "both": "B"}
_LEVELS = 16  # steps of opacity: 4-bit pixels keep the picture, which travels in every sealed file, below 20 KiB
_FAR_APART = 128  # of 255: two renderings of one outline differ by less, whatever the version of PDFium
_STRAY_PIXELS = 8  # pixels far apart that are tolerated; one other digit in the code makes eighteen or more


def as_operators(shapes: Sequence[Shape]) -> bytes:
    """Return a PDF content stream in millimetres, origin in the seal's centre, colours in DeviceRGB."""
    colour = " ".join(f"{part:.3f}" for part in RED)
    lines = [f"{colour} rg {colour} RG 1 j 1 J"]
    for shape in shapes:
        if shape.stroke:
            lines.append(f"{_number(shape.stroke)} w")
        lines.extend(_operator(segment) for segment in shape.segments)
        lines.append(_PDF_PAINT[shape.paint])
    return "\n".join(lines).encode("ascii")


def as_pdf(operators: bytes) -> bytes:
    """Return a one-page PDF of the seal at its own size; same operators, same bytes."""
    with pikepdf.new() as pdf:
        scale, middle = POINTS_PER_MM, _HALF * POINTS_PER_MM
        pdf.add_blank_page(page_size=(SIZE_MM * scale, SIZE_MM * scale))
        placed = b"%.6f 0 0 %.6f %.6f %.6f cm\n" % (scale, scale, middle, middle)
        pdf.pages[0].Contents = pdf.make_stream(placed + operators)
        target = io.BytesIO()
        pdf.save(target, deterministic_id=True)
        return target.getvalue()


def as_png(operators: bytes, *, dpi: float = PNG_DPI) -> bytes:
    """Return a PNG of one colour on a transparent background, 4 bits per pixel."""
    opacity = _opacity(operators, dpi)
    step = 255 / (_LEVELS - 1)
    indexed = opacity.point([round(level / step) for level in range(256)]).copy()
    picture = Image.frombytes("P", indexed.size, indexed.tobytes())
    picture.putpalette([round(255 * part) for part in RED] * _LEVELS)
    target = io.BytesIO()
    levels = bytes(round(level * step) for level in range(_LEVELS))
    picture.save(target, "PNG", optimize=True, bits=4, transparency=levels, dpi=(dpi, dpi))
    return target.getvalue()


def is_alike(operators: bytes, png: bytes) -> bool:
    """Whether the vector form shows what the PNG shows, in shape and colour: the maker signed only the PNG."""
    signed = Image.open(io.BytesIO(png)).convert("RGBA")
    expected = Image.new("RGBA", signed.size, "white")
    expected.alpha_composite(signed)
    drawn = first_page(as_pdf(operators), dpi=PNG_DPI)
    if drawn.size != expected.size:
        return False
    red, green, blue = ImageChops.difference(expected.convert("RGB"), drawn).split()
    farthest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return sum(farthest.histogram()[_FAR_APART:]) <= _STRAY_PIXELS


def _opacity(operators: bytes, dpi: float) -> Image.Image:
    """Rasterise red on white; the green channel then tells how much ink each pixel has."""
    image = first_page(as_pdf(operators), dpi=dpi)
    paper_to_ink = 255 - round(255 * RED[1])
    opacity: Image.Image = image.getchannel("G").point(
        [min(255, round((255 - green) * 255 / paper_to_ink)) for green in range(256)]
    )
    return opacity


def _operator(segment: Segment) -> str:
    numbers = " ".join(_number(value) for point in segment.points for value in point)
    return f"{numbers} {segment.operator}" if numbers else segment.operator


def _number(value: float) -> str:
    """Micrometres are far below what any printer resolves."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if round(value, 3) else "0"
