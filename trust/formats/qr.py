"""The QR code on a certificate: the address of its verification page, and nothing about the holder.

`<public_url>/v/<identifier>?t=<token>`: the token proves that the code was read off this very certificate, so that
identifiers cannot be tried one after the other. Reading is strict: a code that leads anywhere else is refused by
name, because a forged certificate with a link to a look-alike site is the attack to expect.
"""

import io
import re
from dataclasses import dataclass, field
from typing import Final

import zxingcpp
from PIL import Image

from trust.kernel.errors import InvalidInput, MalformedInput
from trust.kernel.identifier_errors import CertificateIdentifierInvalid
from trust.kernel.identifiers import CertificateIdentifier

PICTURE_BYTES_MAX: Final = 15 * 1024 * 1024
"""Largest picture of a code, bytes: photographs of phones have 2 to 12 MB."""

PICTURE_PIXELS_MAX: Final = 25_000_000
"""Largest picture of a code, pixels: twice a phone's usual photograph; unpacked it is 100 MB for a moment."""

_PICTURE_FORMATS = ("PNG", "JPEG", "WEBP")
_READ_SIDE = 2000  # pixels: a code across a tenth of a photograph still has 4 pixels a module
_CODES_MAX = 8  # codes of one picture that are looked at: a certificate has one, a poster on the wall another

_TOKEN_LENGTH = 22  # characters: 16 bytes in base64url without padding; 128 bits cannot be guessed
_TEXT_MAX = 512  # characters: a code with more would not be readable at the printed size
_BASE = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?((?:/[A-Za-z0-9._~-]+)*)/?", re.ASCII)
_LINK = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(.*)", re.ASCII)
_TOKEN = re.compile(f"[A-Za-z0-9_-]{{{_TOKEN_LENGTH}}}")
_QR_ONLY = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_PATH = re.compile(r'<path d="([MmHhVvLlZz0-9 .-]+)"')
_SIZE = re.compile(r'<svg width="([0-9]+)" height="\1"')


class QrMalformed(MalformedInput):
    """The text of the code is not a verification link."""

    code = "qr-malformed"
    title = "The scanned text is not a verification link."
    title_zh = "扫描内容不是核验链接。"
    remedy = "Scan the QR code on the certificate again, or enter the identifier."
    remedy_zh = "请重新扫描证照上的二维码，或直接输入电子证照标识。"


class QrForeign(InvalidInput):
    """The code leads to another site than this service."""

    code = "qr-foreign"
    title = "The QR code leads to another site, not to this verification service."
    title_zh = "该二维码指向其他网站，不属于本核验服务。"
    remedy = "Do not open the link. Verify the file itself, or ask the issuing authority."
    remedy_zh = "请勿打开该链接。请改为核验证照文件，或向颁发机构核实。"


class PictureUnreadable(MalformedInput):
    """What was sent is no picture that can be opened, or a larger one than any camera makes."""

    code = "picture-unreadable"
    title = "The picture cannot be opened."
    title_zh = "图片无法打开。"
    remedy = "Send a photograph or screenshot as JPEG, PNG or WebP, of at most 15 MB and 25 million pixels."
    remedy_zh = "请上传 JPEG、PNG 或 WebP 格式的照片或截图，不超过 15 MB、2500 万像素。"


class QrNotFound(InvalidInput):
    """The picture holds no QR code that can be read."""

    code = "qr-not-found"
    title = "No QR code was found in the picture."
    title_zh = "图片中没有找到可识别的二维码。"
    remedy = "Take the picture again: the whole code, flat, in focus, without reflections; or enter the identifier."
    remedy_zh = "请重新拍摄：二维码完整、平整、清晰、无反光；也可以改为输入电子证照标识。"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationLink:
    """A link to the verification page of one certificate. `repr` leaves out the token."""

    base_url: str
    identifier: CertificateIdentifier
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _BASE.fullmatch(self.base_url):
            raise QrMalformed("the public address is not http(s)://host[:port][/path]", field="public_url")
        if not _TOKEN.fullmatch(self.token):
            raise QrMalformed(f"the token is not {_TOKEN_LENGTH} characters of base64url", field="t")

    @property
    def text(self) -> str:
        """The link as it stands in the code."""
        return f"{self.base_url.rstrip('/')}/v/{self.identifier.value}?t={self.token}"


def parse_verification_link(text: str, base_url: str) -> VerificationLink:
    """Read a scanned text that should lead to the service at `base_url`.

    Raises:
        QrForeign: a link to another scheme, host, port or path prefix.
        QrMalformed: no link at all, or one of ours with a wrong identifier or token.
    """
    match = _LINK.fullmatch(text) if len(text) <= _TEXT_MAX and text.isascii() and text.isprintable() else None
    if match is None:
        raise QrMalformed("not a link", field="qr")
    scheme, host, path, query = match.groups()
    prefix = f"{base_url.rstrip('/')}/v/"
    address = f"{scheme.lower()}://{host.lower()}{path}"
    if not address.startswith(prefix):
        raise QrForeign("the link leads to another address")
    if not query.startswith("?t="):
        raise QrMalformed("the link has no token", field="t")
    try:
        identifier = CertificateIdentifier.parse(address.removeprefix(prefix))
    except CertificateIdentifierInvalid as error:
        raise QrMalformed(f"the link holds no certificate identifier: {error.detail}", field="qr") from error
    return VerificationLink(base_url=base_url, identifier=identifier, token=query.removeprefix("?t="))


def qr_svg(text: str) -> str:
    """Return a QR code of `text` as SVG: error correction M, quiet zone of 4 modules, one unit a module, viewBox.

    Raises:
        QrMalformed: `text` is empty, not plain ASCII, or longer than a code of the printed size can hold.
    """
    if not 0 < len(text) <= _TEXT_MAX or not text.isascii() or not text.isprintable():
        raise QrMalformed(f"1 to {_TEXT_MAX} plain ASCII characters fit into the code")
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    drawn = zxingcpp.write_barcode_to_svg(barcode, add_quiet_zones=True)
    # The library's picture has a DOCTYPE and no viewBox: it cannot be scaled. Only its one path is taken.
    path, size = _PATH.search(drawn), _SIZE.search(drawn)
    if path is None or size is None:
        raise QrMalformed("no code could be drawn of this text")
    side = size[1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/><path d="{path[1]}"/></svg>'
    )


def qr_texts(picture: bytes) -> tuple[str, ...]:
    """Return the texts of the QR codes in a picture, each once, in the order of reading. The picture is hostile input.

    Raises:
        PictureUnreadable: no JPEG, PNG or WebP, damaged, or above `PICTURE_BYTES_MAX` or `PICTURE_PIXELS_MAX`.
        QrNotFound: no code in it, or none that is plain text.
    """
    found = zxingcpp.read_barcodes(_grey(picture), formats=_QR_ONLY)
    texts = dict.fromkeys(code.text for code in found[:_CODES_MAX] if 0 < len(code.text) <= _TEXT_MAX)
    if not texts:
        raise QrNotFound(field="qr")
    return tuple(texts)


def _grey(picture: bytes) -> Image.Image:
    """Return the picture in grey, no side above `_READ_SIDE`; its size is judged before a pixel is unpacked."""
    if len(picture) > PICTURE_BYTES_MAX:
        raise PictureUnreadable(field="qr")
    try:
        opened = Image.open(io.BytesIO(picture), formats=_PICTURE_FORMATS)
        if opened.width * opened.height > PICTURE_PIXELS_MAX:
            raise PictureUnreadable(field="qr")
        opened.draft("L", (_READ_SIDE, _READ_SIDE))  # a JPEG is unpacked at a fraction of its size
        return _on_white(opened)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureUnreadable(field="qr") from None


def _on_white(opened: Image.Image) -> Image.Image:
    """Return the picture in grey; what is transparent, as in drawn codes, becomes the paper."""
    clear = opened.has_transparency_data
    plain = opened.convert("RGBA" if clear else "L")
    plain.thumbnail((_READ_SIDE, _READ_SIDE))
    if not clear:
        return plain
    return Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain).convert("L")
