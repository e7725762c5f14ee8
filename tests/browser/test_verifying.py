"""Anyone verifies: by file, by identifier, by a picture of the code; genuine, false, and what nobody can tell."""

import io

import pikepdf
import pytest
import zxingcpp
from PIL import Image

from trust.raster import first_page

GENUINE, FALSE, OPEN = ".verdict.pass", ".verdict.fail", ".verdict.open"


@pytest.fixture(scope="module")
def issued(house):
    """Identifier and signed file of a certificate, and identifier and file of one that was revoked."""
    good, gone = house.permit(house.resident()), house.permit(house.resident())
    files = house.file(good), house.file(gone)
    house.revoke(gone)
    return {"good": (good, files[0]), "revoked": (gone, files[1])}


def upload(window, field, name, kind, content, *, status=200):
    window.open("/verify")
    window.page.locator(f"#{field}").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    window.press(f"form:has(#{field}) button", status=status)


def unsigned() -> bytes:
    kept = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(kept)
    return kept.getvalue()


def picture(image: Image.Image) -> bytes:
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return kept.getvalue()


def altered(content: bytes) -> bytes:
    """Change one byte of the signed part."""
    place = len(content) // 3
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_by_file(window, issued):
    window.open("/")
    window.look("front")
    window.follow("/verify")
    window.look("verify")
    for name, content, verdict in (
        ("genuine", issued["good"][1], GENUINE),
        ("altered", altered(issued["good"][1]), FALSE),
        ("revoked", issued["revoked"][1], FALSE),
        ("unsigned", unsigned(), OPEN),
    ):
        upload(window, "file", "certificate.pdf", "application/pdf", content)
        window.look(f"verified-{name}")
        assert window.page.locator(verdict).is_visible(), name


def test_by_identifier(window, issued):
    for name, identifier, verdict in (
        ("on-record", issued["good"][0], GENUINE),
        ("revoked", issued["revoked"][0], FALSE),
    ):
        window.open("/verify")
        window.fill(identifier=identifier)
        window.press("form:has(#identifier) button")
        window.look(f"identifier-{name}")
        assert window.page.locator(verdict).is_visible(), name
    window.open("/verify")
    window.fill(identifier="1.2.156.3005.2.mistyped")
    window.press("form:has(#identifier) button", status=422)
    window.look("identifier-mistyped")
    assert window.page.locator("#identifier").input_value() == "1.2.156.3005.2.mistyped"


def test_by_a_picture_of_the_code(window, issued):
    upload(window, "qr", "photo.png", "image/png", picture(first_page(issued["good"][1], dpi=150)))
    window.look("picture-genuine")
    assert window.page.locator(GENUINE).is_visible()
    upload(window, "qr", "photo.png", "image/png", picture(Image.new("L", (200, 200), 255)), status=422)
    window.look("picture-without-code")
    foreign = zxingcpp.create_barcode("https://yinxin.example.com/v/1?t=2", zxingcpp.BarcodeFormat.QRCode)
    upload(window, "qr", "photo.png", "image/png", picture(Image.fromarray(foreign.to_image(scale=6))))
    window.look("picture-of-a-foreign-code")
    assert window.page.locator(FALSE).is_visible()


def test_the_pages_for_developers(window):
    window.open("/docs")
    window.look("docs")
    window.open("/problems")
    window.look("problems")
    window.open("/problems/qr-foreign")
    window.look("problem-kind")
    window.open("/nowhere", status=404)
    window.look("problem")
