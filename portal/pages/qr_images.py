"""QR codes as pictures inside a page: the policy takes pictures from `data:`, and no cache keeps what they say."""

import base64

from trust.formats.qr import qr_svg


def qr_image(text: str) -> str:
    """Return the address of a picture of the code. Raises `QrMalformed` as `qr_svg`."""
    return f"data:image/svg+xml;base64,{base64.b64encode(qr_svg(text).encode()).decode()}"
