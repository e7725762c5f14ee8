"""Pictures of codes as people send them, and as attackers do."""

import contextlib
import io
import struct
import zlib

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trust.formats.qr import PICTURE_BYTES_MAX, PICTURE_PIXELS_MAX, qr_texts
from trust.kernel.errors import TrustError

TEXT = "https://trust.example/v/1.2.156.3005.2.X?t=AbCdEfGhIjKlMnOpQrSt-_"


def code(text: str = TEXT, scale: int = 6) -> Image.Image:
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawn = zxingcpp.write_barcode_to_image(barcode, scale=scale, add_quiet_zones=True)
    return Image.fromarray(drawn).convert("L")


def packed(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def bare_png(width: int, height: int) -> bytes:
    """Return a PNG that says its size and has no pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    empty = zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", empty) + chunk(b"IEND", b"")


def refused(data: bytes) -> str:
    with pytest.raises(TrustError) as caught:
        qr_texts(data)
    assert caught.value.field == "qr"
    return caught.value.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_code_is_read_from_each_format(kind: str) -> None:
    assert qr_texts(packed(code(), kind)) == (TEXT,)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_the_colour_mode_does_not_matter(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert qr_texts(packed(code().convert(mode), kind)) == (TEXT,)


def test_what_is_transparent_is_paper() -> None:
    ink = code().point(lambda level: 255 - level)
    clear = Image.new("RGBA", ink.size, (0, 0, 0, 0))
    clear.putalpha(ink)
    assert qr_texts(packed(clear)) == (TEXT,)


@pytest.mark.parametrize("angle", [90, 180, 7])
def test_a_turned_photograph_is_read(angle: int) -> None:
    sheet = Image.new("L", (1600, 1200), 235)
    sheet.paste(code(), (400, 300))
    assert qr_texts(packed(sheet.rotate(angle, expand=True, fillcolor=235), "JPEG", quality=70)) == (TEXT,)


def test_a_photograph_of_many_pixels_is_read() -> None:
    sheet = Image.new("L", (5000, 4990), 235)
    sheet.paste(code(scale=20), (1000, 1000))
    assert qr_texts(packed(sheet, "JPEG")) == (TEXT,)


def test_two_codes_are_both_returned_once() -> None:
    sheet = Image.new("L", (1400, 500), 255)
    for place, text in enumerate((TEXT, "https://other.example/", TEXT)):
        sheet.paste(code(text, scale=4), (20 + 450 * place, 40))
    assert sorted(qr_texts(packed(sheet))) == sorted({TEXT, "https://other.example/"})


def test_a_picture_without_a_code_says_so() -> None:
    assert refused(packed(Image.new("L", (300, 300), 255))) == "qr-not-found"


def test_other_kinds_of_barcode_are_none() -> None:
    barcode = zxingcpp.create_barcode(TEXT, zxingcpp.BarcodeFormat.DataMatrix)
    drawn = zxingcpp.write_barcode_to_image(barcode, scale=6, add_quiet_zones=True)
    assert refused(packed(Image.fromarray(drawn).convert("L"))) == "qr-not-found"


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", packed(code())[:200], b"GIF89a" + b"\0" * 60]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refused(data) == "picture-unreadable"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_not_opened(kind: str) -> None:
    assert refused(packed(code(), kind)) == "picture-unreadable"


def test_a_picture_is_judged_by_its_size_before_it_is_unpacked() -> None:
    side = int(PICTURE_PIXELS_MAX**0.5)
    assert refused(bare_png(side, side + 1)) == "picture-unreadable"
    assert refused(bare_png(65_000, 65_000)) == "picture-unreadable"
    assert qr_texts(packed(_largest(side))) == (TEXT,)


def _largest(side: int) -> Image.Image:
    sheet = Image.new("L", (side, side), 255)
    sheet.paste(code(scale=20), (100, 100))
    return sheet


def test_a_file_of_up_to_15_megabytes_is_opened() -> None:
    data = packed(code())
    assert qr_texts(data + b"\0" * (PICTURE_BYTES_MAX - len(data))) == (TEXT,)
    assert refused(data + b"\0" * (PICTURE_BYTES_MAX - len(data) + 1)) == "picture-unreadable"


@given(st.binary(max_size=400), st.integers(0, 300))
def test_any_bytes_raise_only_our_errors(noise: bytes, place: int) -> None:
    good = packed(code())
    for data in (noise, good[:place] + noise + good[place + len(noise) :], bare_png(40, 40) + noise):
        with contextlib.suppress(TrustError):
            qr_texts(data)
