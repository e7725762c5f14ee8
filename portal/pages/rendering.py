"""What every page shares: the language asked for, links that keep it, and the style sheet's address."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, render_template, request

from portal.pages.texts import TEXTS
from verifier.report import Language

_STYLE = "yinxin.css"
_KEPT = "t"  # the one argument that our pages read besides the language; whatever else a caller wrote is not repeated


def language() -> Language:
    """Return the language of the present request: Chinese, unless `?lang=en` says otherwise."""
    return "en" if request.args.get("lang") == "en" else "zh"


class Pages:
    """Renders templates; made once per application."""

    def __init__(self, app: Flask) -> None:
        content = (Path(app.static_folder or "") / _STYLE).read_bytes()
        app.add_template_filter(code_parts, "code_parts")
        self._style = f"{app.static_url_path}/{_STYLE}?v={hashlib.sha256(content).hexdigest()[:12]}"

    def render(self, template: str, **values: object) -> str:
        """Return the page; Jinja escapes every value, as all templates end in `.html`."""
        lang = language()
        texts = TEXTS[lang]
        return render_template(
            template,
            t=texts,
            lang=lang,
            style=self._style,
            here=address(request.path if request.url_rule else "/", texts.other_lang, _kept()),
            link=lambda path: address(path, lang),
            **values,
        )


def code_parts(text: str) -> list[tuple[bool, str]]:
    """Split `text` at its backticks into parts, and say of each whether it is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an odd backtick: not meant as a mark
        return [(False, text)]
    return [(place % 2 == 1, part) for place, part in enumerate(parts)]


def address(path: str, lang: Language, arguments: Mapping[str, str] | None = None) -> str:
    """Return `path` with its arguments and the language; the default language is left out."""
    query = {**(arguments or {}), **({"lang": lang} if lang != "zh" else {})}
    return f"{path}?{urlencode(query)}" if query else path


def _kept() -> dict[str, str]:
    return {_KEPT: request.args[_KEPT]} if _KEPT in request.args else {}
