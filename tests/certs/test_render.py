import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from certs.catalogue import SHIPPED
from certs.glyphs import GlyphCoverage
from certs.ornament import FOOD, RESIDENCE, draw
from certs.render import Renderer
from tests.certs.pages import (
    AUTHORITY,
    DATA,
    FOOD_CODE,
    RARE_FONTS,
    RESIDENCE_CODE,
    catalogue,
    face,
    page_of,
    renderer,
)
from trust.formats.metadata import METADATA_NAME, parse_metadata
from trust.typesetting import Typesetter, UnrenderableCharacter

LONG_NAME = "买买提·吐尔逊·阿卜杜热合曼·艾力·库尔班江·玉素甫·买买提·吐尔逊·阿卜杜热合曼·艾力·库尔班江"[:50]
LONG_FOOD = {
    "operator": "云岭市演示区山泉餐饮管理有限公司" * 7 + "第七分公司",
    "representative": LONG_NAME,
    "domicile": ("云岭市演示区幸福路88号山泉大厦3层301室" * 6)[:120],
    "premises": ("云岭市演示区和平街12号1层" * 12)[:120],
    "business_items": "\n".join(["热食类食品制售；冷食类食品制售；自制饮品制售；"] * 8),
    "supervisor": ("云岭市演示区市场监督管理局和平街道市场监督管理所" * 3)[:50],
    "complaints_phone": "0000-88888888-666666",
    "signatory": LONG_NAME,
}
LATIN_FOOD = {
    "operator": "A" * 120,
    "representative": "W" * 50,
    "domicile": "Longest Street " * 7 + "W" * 15,
    "premises": "W" * 120,
    "business_items": "W" * 200,
    "supervisor": "M" * 50,
    "signatory": "M" * 50,
}
SHORT_FOOD = {
    "operator": "店",
    "representative": "㛃",
    "domicile": "路",
    "premises": "街",
    "business_items": "茶",
    "supervisor": "局",
    "signatory": "䶮",
}
LONG_RESIDENCE = {
    "holder_name": LONG_NAME,
    "ethnicity": "柯尔克孜族（尚待识别）",
    "household_address": ("云岭市演示区幸福路88号2单元301室" * 6)[:100],
    "residence_address": ("云岭市演示区和平街道学府社区和平街12号院5号楼1602室" * 5)[:100],
    "permit_number": "WWWWWWWWWWWWWWWWWWWWWWWW",
}
LATIN_RESIDENCE = {
    "holder_name": "W" * 50,
    "ethnicity": "W" * 12,
    "household_address": "W" * 100,
    "residence_address": "M" * 100,
}
RARE = "㛃䶮𬬭𠅤𬎆𤧛𡋾"
LONG_AUTHORITY = "云岭市演示区行政审批服务管理局（云岭市演示区政务服务管理办公室）"

PAGES = {
    "food": page_of(FOOD_CODE),
    "food long": page_of(FOOD_CODE, "A1" * 16, LONG_AUTHORITY, **LONG_FOOD),
    "food latin": page_of(FOOD_CODE, "W" * 32, "W" * 60, **LATIN_FOOD),
    "food short": page_of(FOOD_CODE, "1", "局", **SHORT_FOOD),
    "food rare": page_of(FOOD_CODE, operator=RARE + "商行", representative=RARE),
    "residence": page_of(RESIDENCE_CODE),
    "residence long": page_of(RESIDENCE_CODE, "A1" * 16, LONG_AUTHORITY, **LONG_RESIDENCE),
    "residence latin": page_of(RESIDENCE_CODE, "W" * 32, "W" * 60, **LATIN_RESIDENCE),
    "residence rare": page_of(RESIDENCE_CODE, holder_name=RARE, household_address=RARE),
}
FRAME_MM = {FOOD_CODE: 17.7, RESIDENCE_CODE: 15.2}  # inner rule of the border, from the edge of the page
MM = 72 / 25.4


HAS_RARE_FONTS = all(folder.is_dir() for folder in RARE_FONTS)
needs_rare_fonts = pytest.mark.skipif(
    not HAS_RARE_FONTS, reason="missing part: rare-character fonts (fonts-hanazono, fonts-babelstone-han)"
)
EVERY = [pytest.param(name, marks=needs_rare_fonts if "rare" in name else ()) for name in PAGES]


@pytest.fixture(scope="module")
def rendered() -> dict[str, bytes]:
    return {name: renderer().render(page) for name, page in PAGES.items() if HAS_RARE_FONTS or "rare" not in name}


def text_of(data: bytes) -> str:
    return str(pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range())


def printed(value: object) -> str:
    return "".join(str(value).split())


@pytest.mark.parametrize("name", EVERY)
def test_every_value_can_be_read_out_of_the_page(rendered: dict[str, bytes], name: str) -> None:
    page, text = PAGES[name], printed(text_of(rendered[name]))
    for field in catalogue().get(page.face.type_code).fields:
        value = str(page.face.values[field.key])
        if field.kind == "date":
            year, month, day = (int(part) for part in value.split("-"))
            value = f"{year}年{month}月{day}日"
        assert printed(value) in text, field.key
    assert page.identifier.value in text
    assert printed(page.authority) in text
    assert "演示样本" in text
    assert "\u200b" not in text


@pytest.mark.parametrize("name", EVERY)
def test_a_page_is_one_page_and_nothing_overlaps(rendered: dict[str, bytes], name: str) -> None:
    document = pypdfium2.PdfDocument(rendered[name])
    assert len(document) == 1
    page = document[0]
    width, height = page.get_size()
    frame = FRAME_MM[PAGES[name].face.type_code] * MM
    boxes = list(lines_of(page))
    for left, bottom, right, top in boxes:
        assert frame <= left, name
        assert right <= width - frame
        assert frame <= bottom
        assert top <= height - frame
    for one, other in combinations(boxes, 2):
        assert not overlap(one, other), (one, other)


def lines_of(page: Any) -> Iterator[tuple[float, float, float, float]]:
    """The boxes of text lines; microtext (below 2 points) is ground, not text."""
    text = page.get_textpage()
    for index in range(text.count_rects()):
        left, bottom, right, top = text.get_rect(index)
        if top - bottom > 2:
            yield left, bottom, right, top


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two boxes share more than a sliver of half a point."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    up = min(one[3], other[3]) - max(one[1], other[1])
    return across > 0.5 and up > 0.5


@pytest.mark.parametrize("name", EVERY)
def test_the_attached_metadata_say_what_the_page_says(rendered: dict[str, bytes], name: str) -> None:
    page = PAGES[name]
    with pikepdf.open(io.BytesIO(rendered[name])) as document:
        found = parse_metadata(document.attachments[METADATA_NAME].get_file().read_bytes())
    assert found.identifier == page.identifier
    assert found.holder_name == page.face.holder_name
    assert found.holder_code == page.face.holder.value
    assert (found.issued_on, found.valid_from, found.valid_to) == (
        page.face.issued_on,
        page.face.valid_from,
        page.face.valid_to,
    )
    for field in catalogue().get(page.face.type_code).fields:
        if field.metadata:
            assert found.extensions[field.metadata] == page.face.values[field.key]


@pytest.mark.parametrize("name", EVERY)
def test_a_page_keeps_the_rules_of_the_archive_format(rendered: dict[str, bytes], name: str) -> None:
    """The rules of ISO 19005-3 that guides and validators name first; a full validator is not at hand."""
    with pikepdf.open(io.BytesIO(rendered[name])) as document:
        root = document.Root
        with document.open_metadata() as xmp:
            assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("3", "B")
            assert xmp["dc:title"] == catalogue().get(PAGES[name].face.type_code).title
        assert not document.is_encrypted
        assert document.trailer.ID
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        assert root.OutputIntents[0].DestOutputProfile.read_bytes()
        assert str(root.Lang).startswith("zh")
        assert root.AF[0].AFRelationship == "/Data"
        assert root.AF[0].UF == METADATA_NAME
        assert "/OpenAction" not in root
        assert "/AcroForm" not in root
        objects = [found for found in document.objects if isinstance(found, pikepdf.Dictionary | pikepdf.Stream)]
        for found in objects:
            assert not found.get("/Interpolate", False)
            assert found.get("/S") not in ("/JavaScript", "/Launch")
            if found.get("/Type") == "/FontDescriptor":
                assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(found.keys())
            if found.get("/Subtype") == "/Type0":
                assert found.ToUnicode.read_bytes()
            assert found.get("/Subtype") not in ("/Type1", "/TrueType", "/Type3")


def test_the_same_input_is_the_same_bytes_in_any_renderer() -> None:
    page = page_of(FOOD_CODE)
    assert renderer().render(page) == Renderer(Typesetter(RARE_FONTS), catalogue()).render(page)


def test_the_moment_in_the_file_is_the_one_given(rendered: dict[str, bytes]) -> None:
    with pikepdf.open(io.BytesIO(rendered["food"])) as document, document.open_metadata() as xmp:
        assert xmp["xmp:CreateDate"].startswith("2026-11-21T08:00:00")


def test_text_that_looks_like_markup_is_printed_as_it_stands() -> None:
    tricky = '#panic() *a* $x$ \\ "q" @b <c> //d'
    data = renderer().render(page_of(FOOD_CODE, operator=tricky))
    assert printed(tricky) in printed(text_of(data))


def test_a_page_stays_small(rendered: dict[str, bytes]) -> None:
    assert max(len(data) for data in rendered.values()) < 150_000


@pytest.mark.parametrize(("text", "named"), [("甲\U000323b0乙", "U+323B0"), ("甲\U00012000", "U+12000")])
def test_an_unrenderable_character_is_refused_with_its_field(text: str, named: str) -> None:
    with pytest.raises(UnrenderableCharacter, match=named.replace("+", r"\+")) as caught:
        renderer().check_renderable(face(FOOD_CODE, operator=text), authority=AUTHORITY)
    assert (caught.value.code, caught.value.field) == ("character-unrenderable", "operator")


def test_an_authority_that_cannot_be_printed_is_refused() -> None:
    with pytest.raises(UnrenderableCharacter) as caught:
        renderer().check_renderable(face(FOOD_CODE), authority="\U00012000")
    assert caught.value.field == "authority"


@pytest.mark.parametrize("name", EVERY)
def test_what_passes_the_check_is_also_typeset(name: str) -> None:
    renderer().check_renderable(PAGES[name].face, authority=PAGES[name].authority)


def test_without_the_optional_fonts_rare_characters_are_refused_and_common_ones_printed() -> None:
    plain = Renderer(Typesetter(()), catalogue())
    with pytest.raises(UnrenderableCharacter, match=r"U\+2C386"):
        plain.check_renderable(face(FOOD_CODE, operator="𬎆商行"), authority=AUTHORITY)
    plain.check_renderable(face(FOOD_CODE), authority=AUTHORITY)
    assert "山泉餐饮" in text_of(plain.render(page_of(FOOD_CODE)))


def test_the_typesetter_refuses_what_nobody_checked() -> None:
    with pytest.raises(UnrenderableCharacter):
        renderer().render(page_of(FOOD_CODE, operator="\U00012000"))


def test_coverage_of_no_folder_is_empty() -> None:
    assert GlyphCoverage([]).missing("甲a甲") == ("甲", "a")


@pytest.mark.parametrize("code", DATA)
def test_the_seal_lies_over_the_name_and_the_date(code: str, rendered: dict[str, bytes]) -> None:
    name = "food" if code == FOOD_CODE else "residence"
    seal = catalogue().get(code).seal
    text = pypdfium2.PdfDocument(rendered[name])[0].get_textpage()
    for searched in (AUTHORITY, "2026年11月21日"):
        boxes = [box for box in found(text, searched) if touches(box, seal.x_mm, seal.y_mm, seal.width_mm)]
        assert boxes, searched


def found(text: Any, searched: str) -> Iterator[tuple[float, float, float, float]]:
    search = text.search(searched)
    while (hit := search.get_next()) is not None:
        boxes = [text.get_charbox(index) for index in range(hit[0], hit[0] + hit[1])]
        yield min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def touches(box: tuple[float, ...], x_mm: float, y_mm: float, width_mm: float) -> bool:
    x, y, reach = x_mm * MM, y_mm * MM, width_mm / 2 * MM
    return box[0] < x < box[2] + reach and abs((box[1] + box[3]) / 2 - y) < reach


@pytest.mark.parametrize(("ornament", "folder"), [(FOOD, "food-business-licence"), (RESIDENCE, "residence-permit")])
def test_the_kept_ground_is_the_one_that_is_drawn(ornament: Any, folder: str) -> None:
    assert (SHIPPED / folder / "ornament.svg").read_text("utf-8") == draw(ornament)


def test_the_ground_of_another_size_is_another_picture() -> None:
    assert draw(replace(FOOD, width=300)) != draw(FOOD)


def test_type_folders_hold_nothing_but_their_parts() -> None:
    for folder in (path for path in SHIPPED.iterdir() if path.is_dir()):
        assert {path.name for path in folder.iterdir()} == {"type.toml", "template.typ", "ornament.svg"}


def test_metadata_is_canonical_json(rendered: dict[str, bytes]) -> None:
    with pikepdf.open(io.BytesIO(rendered["food"])) as document:
        data = document.attachments[METADATA_NAME].get_file().read_bytes()
    assert list(json.loads(data)) == sorted(json.loads(data))
    assert Path(METADATA_NAME).suffix == ".json"
