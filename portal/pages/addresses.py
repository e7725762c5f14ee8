"""Addresses of our own pages: the language kept in them, and a place to return to that cannot lead elsewhere."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from verifier.report import Language

RETURN_MAX: Final = 512
"""Longest address to return to, characters: our longest page address has about 120."""


def address(path: str, lang: Language, arguments: Mapping[str, str] | None = None) -> str:
    """Return `path` with its arguments and the language; the default language is left out."""
    query = {**(arguments or {}), **({"lang": lang} if lang != "zh" else {})}
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path


def local_path(text: str | None, *, otherwise: str = "/") -> str:
    r"""Return `text` when it is a path of this service, else `otherwise`: nobody is sent on to a stranger's page.

    Browsers read `//host` and `/\host` as another host, and drop tabs and line ends before they look (WHATWG URL 4.4).
    """
    if not text or len(text) > RETURN_MAX or not text.isascii() or not text.isprintable() or "\\" in text:
        return otherwise
    if not text.startswith("/") or text.startswith("//"):
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else text
