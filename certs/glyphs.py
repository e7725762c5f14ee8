"""Which characters the fonts of the page have: asked before anything is issued, so that a refusal can name the field.

The typesetter would refuse as well, but only once the identifier is reserved, and without knowing the field.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont

# In this order: the first that has a character sets it. Noto Serif SC for all common characters in mainland forms,
# the others for rare ones in names and places (all of the unified block and its extensions A to F).
FONT_CHAIN: Final = ("Noto Serif SC", "HanaMinA", "HanaMinB", "BabelStone Han")
_FONT_FILES = (".otf", ".ttf")
_CODE_POINTS = 17 * 0x10000


class GlyphCoverage:
    """The characters of all fonts of the chain in some folders; read at the first question, in half a second."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._lock = threading.Lock()
        self._characters: bytes | None = None  # one byte a code point: 1 MB, against 10 MB for a set

    def missing(self, text: str) -> tuple[str, ...]:
        """Return the characters of `text` that no font has, each once. Line breaks need no glyph."""
        with self._lock:
            if self._characters is None:
                self._characters = _read(self._folders)
        known = self._characters
        return tuple(dict.fromkeys(found for found in text if found != "\n" and not known[ord(found)]))


def _read(folders: Iterable[Path]) -> bytes:
    characters = bytearray(_CODE_POINTS)
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in _FONT_FILES):
        with TTFont(path, lazy=True) as font:
            if font["name"].getBestFamilyName() in FONT_CHAIN:
                for code, glyph in font.getBestCmap().items():
                    characters[code] = glyph != ".notdef"
    return bytes(characters)
