import contextlib
import re
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from trust.formats.qr import QrMalformed, VerificationLink, parse_verification_link, qr_svg
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import CertificateIdentifier, Uscc

BASE = "https://zhengzhao.example.cn/certs"
IDENTIFIER = CertificateIdentifier.build("11100000000013338W011", Uscc(value="11100000000013338W"), "A" * 32)
TOKEN = "AbCdEfGhIjKlMnOpQrSt-_"
LINK = VerificationLink(base_url=BASE, identifier=IDENTIFIER, token=TOKEN)
ID = IDENTIFIER.value


def drawn(svg: str, scale: int = 4) -> Image.Image:
    """Paint the rectangles of the path: a reader of its own, so that the test does not trust the writer."""
    root = ET.fromstring(svg)  # noqa: S314  made by the code under test
    side = int(root.attrib["viewBox"].split()[2])
    image = Image.new("L", (side * scale, side * scale), 255)
    canvas = ImageDraw.Draw(image)
    path = root[1].attrib["d"]
    for left, top, width, height in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z", path):
        x, y = int(left) * scale, int(top) * scale
        canvas.rectangle((x, y, x + int(width) * scale - 1, y + int(height) * scale - 1), fill=0)
    assert len(re.findall("M", path)) == len(re.findall(r"M\d+ \d+h\d+v\d+h-\d+Z", path))
    return image


def test_the_drawn_code_reads_back_as_the_link() -> None:
    found = zxingcpp.read_barcode(drawn(qr_svg(LINK.text)))
    assert found.text == LINK.text
    assert found.ec_level == "M"


def test_the_code_scales_and_keeps_its_quiet_zone() -> None:
    svg = qr_svg(LINK.text)
    root = ET.fromstring(svg)  # noqa: S314  made by the code under test
    side = int(root.attrib["width"])
    assert root.attrib["viewBox"] == f"0 0 {side} {side}"
    image = drawn(svg, scale=1)
    inked = image.point(lambda level: 255 - level).getbbox()
    assert inked == (4, 4, side - 4, side - 4)


def test_the_same_text_is_the_same_picture() -> None:
    assert qr_svg(LINK.text) == qr_svg(LINK.text)


def test_a_link_is_written_and_read() -> None:
    assert LINK.text == f"{BASE}/v/{ID}?t={TOKEN}"
    assert parse_verification_link(LINK.text, BASE) == LINK


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8080", "https://a.example/", "http://[::1]:8080", "https://a.cn/x/y"]
)
def test_every_form_of_public_address_works(base: str) -> None:
    link = VerificationLink(base_url=base, identifier=IDENTIFIER, token=TOKEN)
    assert parse_verification_link(link.text, base) == link


def test_the_host_may_be_written_in_capitals() -> None:
    assert parse_verification_link(f"HTTPS://Zhengzhao.Example.CN/certs/v/{ID}?t={TOKEN}", BASE) == LINK


FOREIGN = [
    f"http://zhengzhao.example.cn/certs/v/{ID}?t={TOKEN}",
    f"https://zhengzhao.example.cn.evil.example/certs/v/{ID}?t={TOKEN}",
    f"https://zhengzhao.example.cn@evil.example/certs/v/{ID}?t={TOKEN}",
    f"https://zhengzhao.example.cn:444/certs/v/{ID}?t={TOKEN}",
    f"https://zhengzhao.example.cn/v/{ID}?t={TOKEN}",
    f"https://zhengzhao.example.cn/certs/../certs/v/{ID}?t={TOKEN}",
    f"https://zhengzhao.example.cn/Certs/v/{ID}?t={TOKEN}",
    "weixin://dl/business",
]
MALFORMED = [
    "",
    "hello",
    "javascript:alert(1)",
    f"{BASE}/v/{ID}",
    f"{BASE}/v/{ID}?t=",
    f"{BASE}/v/{ID}?t={TOKEN[:-1]}",
    f"{BASE}/v/{ID}?t={TOKEN}A",
    f"{BASE}/v/{ID}?t={TOKEN[:-1]}.",
    f"{BASE}/v/{ID}?t={TOKEN}&x=1",
    f"{BASE}/v/{ID}?x=1&t={TOKEN}",
    f"{BASE}/v/{ID}?t={TOKEN}#x",
    f"{BASE}/v/{ID}/?t={TOKEN}",
    f"{BASE}/v/{ID[:-1]}0?t={TOKEN}",
    f"{BASE}/v/?t={TOKEN}",
    f"{BASE}/v/{ID}?t={TOKEN}\n",
    f" {BASE}/v/{ID}?t={TOKEN}",
    f"{BASE}/v/{ID}?t={TOKEN[:-1]}Ａ",
    "https://zhengzhao.example.cn/" + "a" * 512,
]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_link_to_another_address_is_foreign(text: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse_verification_link(text, BASE)
    assert caught.value.code == "qr-foreign"


@pytest.mark.parametrize("text", MALFORMED)
def test_a_text_of_another_shape_is_malformed(text: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse_verification_link(text, BASE)
    assert caught.value.code == "qr-malformed"
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "base", ["ftp://a.example", "https://", "https://a.example?x=1", "https://u@a.example", "a.example"]
)
def test_a_public_address_of_another_form_is_refused(base: str) -> None:
    with pytest.raises(QrMalformed):
        VerificationLink(base_url=base, identifier=IDENTIFIER, token=TOKEN)


@pytest.mark.parametrize("text", ["", "a" * 513, "中", "a\n", "\ud800"])
def test_only_short_plain_text_is_drawn(text: str) -> None:
    with pytest.raises(QrMalformed):
        qr_svg(text)


def test_the_longest_text_is_drawn() -> None:
    assert zxingcpp.read_barcode(drawn(qr_svg("a" * 512))).text == "a" * 512


def test_the_token_is_not_in_the_repr() -> None:
    assert TOKEN not in repr(LINK)


@given(st.text(max_size=300))
def test_any_text_raises_only_our_errors(text: str) -> None:
    for candidate in (text, f"{BASE}/v/{text}", f"{BASE}/v/{ID}?t={text}"):
        with contextlib.suppress(TrustError):
            parse_verification_link(candidate, BASE)
