import io
import math
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seals.artwork import MAX_LINE, MAX_NAME, SIZE_MM, SealText, draw
from seals.errors import SealTextUnusable
from seals.outlines import FontChain, digit_fonts, seal_fonts
from seals.picture import as_operators, as_pdf, as_png, is_alike
from tests.seals.conftest import CODE, LINE, NAME
from trust.typesetting import UnrenderableCharacter

CHARACTERS = st.sampled_from("一口国龘鬱爨示例市场监督管理局证照专用章")  # the emptiest and the densest


def points(name: str, line: str, names: FontChain, digits: FontChain) -> list[tuple[float, float]]:
    shapes = draw(SealText(name=name, code=CODE, line=line), names=names, digits=digits)
    inside_the_ring = shapes[1:]
    return [point for shape in inside_the_ring for segment in shape.segments for point in segment.points]


@settings(max_examples=30, deadline=None)
@given(name=st.text(CHARACTERS, min_size=2, max_size=MAX_NAME), line=st.text(CHARACTERS, max_size=MAX_LINE))
def test_nothing_leaves_the_circle_whatever_the_name(name: str, line: str) -> None:
    for x, y in points(name, line, NAMES, DIGITS):
        assert math.hypot(x, y) < SIZE_MM / 2 - 1.2 - 0.3


NAMES, DIGITS = seal_fonts([]), digit_fonts()


@pytest.mark.parametrize("count", [2, 5, 7, 13, 20, 24, MAX_NAME])
def test_characters_of_the_name_do_not_touch_their_neighbours(count: int) -> None:
    shapes = draw(SealText(name="国" * count, code=CODE), names=NAMES, digits=DIGITS)[2 : 2 + count]
    spans = []
    for shape in shapes:
        angles = [math.atan2(x, y) for segment in shape.segments for x, y in segment.points]
        spans.append((min(angles), max(angles)))
    for (_, ends), (begins, _) in pairwise(spans):
        assert begins > ends
    assert math.degrees(spans[-1][1] - spans[0][0]) <= 258


def test_the_name_is_symmetrical_about_the_star() -> None:
    shapes = draw(SealText(name="口" * 9, code=CODE), names=NAMES, digits=DIGITS)[2:11]
    middles = []
    for shape in shapes:
        across = [x for segment in shape.segments for x, _ in segment.points]
        middles.append((min(across) + max(across)) / 2)
    assert middles == pytest.approx([-middle for middle in reversed(middles)], abs=0.4)  # 口 itself is off centre


@pytest.mark.parametrize("line", ["", "证照专用章"])
def test_the_forms_say_the_same_on_every_run(line: str) -> None:
    text = SealText(name="示例市市场监督管理局", code=CODE, line=line)
    first, second = (draw(text, names=seal_fonts([]), digits=digit_fonts()) for _ in range(2))
    assert as_operators(first) == as_operators(second)
    assert as_pdf(as_operators(first)) == as_pdf(as_operators(second))
    assert as_png(as_operators(first)) == as_png(as_operators(second))


def test_no_form_holds_text(vector: bytes) -> None:
    with pikepdf.open(io.BytesIO(as_pdf(vector))) as pdf:
        assert "/Font" not in pdf.pages[0].get("/Resources", {})
        operators = {str(instruction.operator) for instruction in pikepdf.parse_content_stream(pdf.pages[0])}
    assert operators <= {"cm", "rg", "RG", "j", "J", "w", "m", "l", "c", "h", "f", "S", "B"}


def test_the_png_is_transparent_red_and_small(vector: bytes) -> None:
    data = as_png(vector)
    picture = Image.open(io.BytesIO(data))
    assert (picture.mode, picture.size) == ("P", (497, 497))  # 42 mm at 300 dpi
    assert len(data) < 24_000
    pixels = picture.convert("RGBA")
    assert pixels.getpixel((0, 0))[3] == 0
    red, green, blue, opacity = pixels.getpixel((248, 230))  # inside the star
    assert opacity == 255
    assert red > 200
    assert max(green, blue) < 40


@pytest.mark.parametrize(
    ("name", "code"),
    [("示例市教育局", CODE), (NAME, "4201000012346"), (NAME, "4201000012845"), ("示例市市场监督管理厅", CODE)],
)
def test_another_picture_is_not_alike(vector: bytes, name: str, code: str) -> None:
    other = as_operators(draw(SealText(name=name, code=code, line=LINE), names=NAMES, digits=DIGITS))
    assert not is_alike(other, as_png(vector))


def test_the_same_picture_is_alike_in_its_own_size_and_colour_only(vector: bytes) -> None:
    assert is_alike(vector, as_png(vector))
    assert not is_alike(vector, as_png(vector, dpi=150))
    assert not is_alike(vector.replace(b"0.840 0.070 0.100", b"0 0 0"), as_png(vector))


@pytest.mark.parametrize(
    ("name", "code", "line", "field"),
    [
        ("局", CODE, "", "name"),
        ("国" * (MAX_NAME + 1), CODE, "", "name"),
        ("示例 市", CODE, "", "name"),
        ("示例\n市", CODE, "", "name"),
        ("示例市", "420100001234", "", "code"),
        ("示例市", "42010000123456", "", "code"),
        ("示例市", "４２０１００００１２３４５", "", "code"),
        ("示例市", CODE, "国" * (MAX_LINE + 1), "line"),
        ("示例市", CODE, "证 照", "line"),
    ],
)
def test_texts_that_cannot_be_engraved_are_refused(name: str, code: str, line: str, field: str) -> None:
    with pytest.raises(SealTextUnusable) as caught:
        SealText(name=name, code=code, line=line)
    assert caught.value.code == "seal-text-unusable"
    assert caught.value.field == field


def test_the_longest_texts_are_accepted() -> None:
    SealText(name="国" * MAX_NAME, code=CODE, line="国" * MAX_LINE)


def test_a_character_without_an_outline_is_named() -> None:
    with pytest.raises(UnrenderableCharacter) as caught:
        draw(SealText(name="示例县𬎆镇", code=CODE), names=NAMES, digits=DIGITS)
    assert caught.value.characters == ("𬎆",)


def test_a_further_font_draws_what_the_first_lacks(tmp_path: Path) -> None:
    assert NAMES.glyphs("县")
    fallback = FontChain([shipped("NotoSansSC-Regular.otf"), shipped("NotoSerifSC-Regular.otf")])
    assert fallback.glyphs("县") == FontChain([shipped("NotoSansSC-Regular.otf")]).glyphs("县")
    assert seal_fonts([tmp_path / "missing"]).glyphs("县") == NAMES.glyphs("县")


def shipped(name: str) -> Path:
    from trust.typesetting import shipped_fonts

    return shipped_fonts() / name
