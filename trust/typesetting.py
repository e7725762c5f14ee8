"""Pages from templates: the only module that imports typst.

A template is a file; what differs from page to page arrives as one JSON string in `sys.inputs.data`
(`json(bytes(sys.inputs.data))` in the template), never as markup, so no text of a user is ever interpreted. Fonts
are the ones named here and no others: the output does not depend on the host. Every PDF is compiled under a PDF/A
standard because only then does typst refuse a character that no font has; a plain PDF would silently show a box.

It does not decide what a page says or which template belongs to it.
"""

import json
import queue
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

import typst

from trust.kernel.errors import InternalFault, InvalidInput

ArchivalStandard = Literal["a-2b", "a-2u", "a-3b", "a-3u", "a-3a"]

# typst's layout releases the GIL, but one compiler serves one thread at a time ("Already borrowed" otherwise).
# Two threads per process keep two cores busy; more only wait for each other in typst's shared cache.
_COMPILERS_PER_TEMPLATE = 2
_NAMED_CHARACTERS = 8  # characters listed in one refusal: enough to correct a name, short enough to read

_MISSING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))")
_QUOTED = re.compile(r'`[^`]*`|"[^"]*"')


class UnrenderableCharacter(InvalidInput):
    """No font of this installation has a glyph for a character of the text."""

    code = "character-unrenderable"
    title = "A character cannot be printed with the installed fonts."
    title_zh = "已安装的字体无法显示某个字符。"
    remedy = "Check the character named in the detail; if it is right, install a font that has it (YINXIN_FONT_PATHS)."
    remedy_zh = "请核对详情所列字符；如确认无误，请安装包含该字符的字体（YINXIN_FONT_PATHS）。"

    def __init__(self, characters: Sequence[str], *, field: str | None = None) -> None:
        self.characters = tuple(dict.fromkeys(characters))
        names = ", ".join(_name(character) for character in self.characters[:_NAMED_CHARACTERS])
        super().__init__(f"No installed font has a glyph for {names}.", field=field)


class TypesettingFailed(InternalFault):
    """A template does not compile with the data it was given."""

    code = "typesetting-failed"
    title = "A page could not be typeset."
    title_zh = "页面排版失败。"


class Typesetter:
    """Typesets templates with one set of fonts; safe to share between threads, one per process.

    `font_dirs` come after the fonts shipped with the service; folders that do not exist are skipped, since the
    rare-character fonts are optional. A template may read files from its own folder only.
    """

    def __init__(self, font_dirs: Sequence[Path] = ()) -> None:
        self.font_folders = (shipped_fonts(), *(folder for folder in font_dirs if folder.is_dir()))
        self._fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(folder) for folder in self.font_folders],
        )
        self._pools: dict[Path, _Pool] = {}
        self._lock = threading.Lock()

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the font families that templates can use."""
        return tuple(self._fonts.families())

    def pdf(
        self,
        template: Path,
        data: Mapping[str, object],
        *,
        timestamp: datetime,
        standard: ArchivalStandard = "a-3b",
    ) -> bytes:
        """Return the PDF of one template and its data: same arguments, same bytes.

        Raises:
            UnrenderableCharacter: no font has one of the characters.
            TypesettingFailed: the template does not compile.
        """
        # A date in a PDF has whole seconds (ISO 32000-1 section 7.9.4); typst refuses finer ones.
        return self._pool(template).compile(_inputs(data), timestamp.replace(microsecond=0), standard)

    def _pool(self, template: Path) -> "_Pool":
        with self._lock:
            pool = self._pools.get(template)
            if pool is None:
                pool = self._pools[template] = _Pool(template, self._fonts)
            return pool


class _Pool:
    """The warm compilers of one template; each is used by one thread at a time."""

    def __init__(self, template: Path, fonts: typst.Fonts) -> None:
        self._template = template
        self._fonts = fonts
        self._idle: queue.LifoQueue[typst.Compiler | None] = queue.LifoQueue()  # None: may still be made
        for _ in range(_COMPILERS_PER_TEMPLATE):
            self._idle.put(None)

    def compile(self, inputs: dict[str, str], timestamp: datetime, standard: ArchivalStandard) -> bytes:
        compiler = self._idle.get()
        try:
            compiler = compiler or self._new()
            made = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=[standard], timestamp=timestamp)
        except (RuntimeError, OSError, ValueError) as error:
            raise _translated(error, self._template) from None
        finally:
            self._idle.put(compiler)
        if not isinstance(made, bytes):
            raise TypesettingFailed(template=self._template.name, reason="no single PDF")
        return made

    def _new(self) -> typst.Compiler:
        return typst.Compiler(
            str(self._template), root=str(self._template.parent), font_paths=self._fonts, ignore_system_fonts=True
        )


def shipped_fonts() -> Path:
    """Return the folder of the fonts that come with the installation: Noto Serif SC and Noto Sans SC."""
    return Path(str(files("pylopdf_fonts_zh_cn")))


def _inputs(data: Mapping[str, object]) -> dict[str, str]:
    return {"data": json.dumps(data, ensure_ascii=False, sort_keys=True, allow_nan=False)}


def _translated(error: Exception, template: Path) -> UnrenderableCharacter | TypesettingFailed:
    """Return our error for one of typst's. Quoted text is dropped: it may be a value of a person (law 7)."""
    diagnostic = getattr(error, "diagnostic", "") or str(error)
    missing = [character for text in _MISSING.findall(diagnostic) for character in _unescaped(text)]
    if missing:
        return UnrenderableCharacter(missing)
    reason = _QUOTED.sub("…", getattr(error, "message", None) or str(error))
    return TypesettingFailed(template=template.name, reason=reason)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _name(character: str) -> str:
    shown = f"“{character}” " if character.isprintable() else ""
    return f"{shown}(U+{ord(character):04X})"
