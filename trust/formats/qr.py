"""The QR code on a certificate: the address of its verification page, and nothing about the holder.

`<public_url>/v/<identifier>?t=<token>`: the token proves that the code was read off this very certificate, so that
identifiers cannot be tried one after the other. Reading is strict: a code that leads anywhere else is refused by
name, because a forged certificate with a link to a look-alike site is the attack to expect.
"""

import re
from dataclasses import dataclass, field

import zxingcpp

from trust.kernel.errors import InvalidInput, MalformedInput
from trust.kernel.identifier_errors import CertificateIdentifierInvalid
from trust.kernel.identifiers import CertificateIdentifier

_TOKEN_LENGTH = 22  # characters: 16 bytes in base64url without padding; 128 bits cannot be guessed
_TEXT_MAX = 512  # characters: a code with more would not be readable at the printed size
_BASE = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?((?:/[A-Za-z0-9._~-]+)*)/?", re.ASCII)
_LINK = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(.*)", re.ASCII)
_TOKEN = re.compile(f"[A-Za-z0-9_-]{{{_TOKEN_LENGTH}}}")
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
