"""Other people's PDF programs: the file is sound, wholly signed, shows what it says, and gives back what is in it."""

import json
import re
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from portal.demo import data
from tests.interop.conftest import RARE_NAME, Exhibit, Exhibits
from tests.interop.programs import run

RENDERED_DPI = 200  # a common office scanner's setting
MM = 72 / 25.4


def test_qpdf_finds_nothing_to_complain_about(exhibit: Exhibit) -> None:
    printed = run("qpdf", "--check", exhibit.path)
    assert "No syntax or stream encoding errors found" in printed
    assert "WARNING" not in printed


def test_qpdf_notices_damage(exhibits: Exhibits, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pdf"
    damaged.write_bytes(exhibits.food.pdf[:-400])
    assert "WARNING" in run("qpdf", "--check", damaged, status=None)


def test_poppler_sees_one_signature_over_the_total_document(exhibit: Exhibit) -> None:
    printed = run("pdfsig", "-nocert", exhibit.path)
    assert printed.count("Signature #") == 1
    assert "Signature Type: ETSI.CAdES.detached" in printed
    assert "Total document signed" in printed
    assert f"Signer Certificate Common Name: {data.AUTHORITY_NAME_ZH}" in printed


def test_poppler_sees_both_seals_of_a_page_that_two_issued(twice: Path) -> None:
    printed = run("pdfsig", "-nocert", twice)
    assert [printed.count(text) for text in ("Signature #", "Not total document signed", "Total document signed")] == [
        2,
        1,
        1,
    ]
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", twice)


def test_poppler_notices_an_addition(exhibits: Exhibits, tmp_path: Path) -> None:
    longer = tmp_path / "longer.pdf"
    longer.write_bytes(exhibits.food.pdf + b"\n%more\n%%EOF\n")
    assert "Not total document signed" in run("pdfsig", "-nocert", longer)


def test_every_font_is_embedded_and_maps_to_unicode(exhibit: Exhibit) -> None:
    fonts = [line.split() for line in run("pdffonts", exhibit.path).splitlines()[2:]]
    assert fonts
    for *_name, embedded, _subset, unicode_map, _number, _generation in fonts:
        assert (embedded, unicode_map) == ("yes", "yes")


def test_the_metadata_comes_out_with_poppler(exhibit: Exhibit, tmp_path: Path) -> None:
    assert re.findall(r"^\d+: (.*)$", run("pdfdetach", "-list", exhibit.path), re.MULTILINE) == ["metadata.json"]
    run("pdfdetach", "-savefile", "metadata.json", "-o", tmp_path / "out.json", exhibit.path)
    metadata = json.loads((tmp_path / "out.json").read_bytes())
    assert metadata["ZZBS"] == exhibit.certificate.identifier
    assert metadata["CZZT"] == exhibit.body["holder"]["name"]
    assert metadata["ZZBH"] == exhibit.body["number"]


def test_the_text_comes_out_with_its_rare_characters(exhibit: Exhibit) -> None:
    """Compared without white space: poppler breaks lines where the page does."""
    text = re.sub(r"\s", "", run("pdftotext", exhibit.path, "-"))
    assert exhibit.body["holder"]["name"] in text
    assert exhibit.body["number"] in text
    assert exhibit.certificate.identifier in text  # as people copy it: no invisible marks where the line may break
    for value in exhibit.body["face"].values():
        wanted = [re.sub(r"\s", "", value)]
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            year, month, day = value.split("-")
            wanted = [value, f"{year}年{int(month)}月{int(day)}日", f"{year}年{month}月{day}日"]
        assert any(form in text for form in wanted), value


def test_characters_beyond_the_shipped_fonts_come_out_too(rare: Exhibit) -> None:
    assert RARE_NAME in re.sub(r"\s", "", run("pdftotext", rare.path, "-"))
    assert "HanaMin" in run("pdffonts", rare.path)


def test_the_qr_code_on_the_rendered_page_is_the_verification_link(exhibit: Exhibit, tmp_path: Path) -> None:
    run("pdftoppm", "-r", str(RENDERED_DPI), "-png", "-singlefile", exhibit.path, tmp_path / "page")
    with Image.open(tmp_path / "page.png") as page:
        (code,) = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.text == exhibit.link


def test_poppler_draws_the_seal_where_the_field_is(exhibit: Exhibit, tmp_path: Path) -> None:
    run("pdftoppm", "-r", "72", "-png", "-singlefile", exhibit.path, tmp_path / "page")
    field = re.search(rb"/Rect \[ ([\d. ]+)\]", exhibit.pdf)
    assert field is not None
    left, bottom, right, top = map(float, field[1].split())
    with Image.open(tmp_path / "page.png") as page:
        seal = page.convert("RGB").crop((int(left), int(page.height - top), int(right), int(page.height - bottom)))
    red = sum(count for count, (r, g, b) in seal.getcolors(seal.width * seal.height) if r > 150 > 2 * max(g, b) - 100)
    assert seal.width == pytest.approx(42 * MM, abs=2)
    assert red > seal.width * seal.height / 20  # ring, star and characters
