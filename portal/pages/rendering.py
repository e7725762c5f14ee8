"""What every page shares: the language asked for, links that keep it, and the addresses of style sheet and script."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Flask, g, render_template, request

from portal.pages.addresses import address
from portal.pages.texts import TEXTS
from verifier.report import Language

_KEPT: Final = ("t", "next", "request", "as", "own", "hop", "mandate")
"""The arguments that our pages read besides the language; whatever else a caller wrote is not repeated."""

_LANGUAGE = "language"


def asked_language() -> Language | None:
    """Return the language that `?lang=` names, None when it names none of ours."""
    asked = request.args.get("lang")
    return "en" if asked == "en" else "zh" if asked == "zh" else None


def remember_language(kept: str | None) -> None:
    """Use for this request what an earlier one chose (`kept`), unless its own address says otherwise."""
    setattr(g, _LANGUAGE, asked_language() or ("en" if kept == "en" else "zh"))


def language() -> Language:
    """Return the language of the present request: as asked, else as chosen before, else Chinese."""
    found: Language = g.get(_LANGUAGE) or asked_language() or "zh"
    return found


class Pages:
    """Renders templates; made once per application."""

    def __init__(self, app: Flask) -> None:
        self._folder = Path(app.static_folder or "")
        self._prefix = app.static_url_path
        app.add_template_filter(code_parts, "code_parts")
        self._style = self.static("yinxin.css")

    def static(self, name: str) -> str:
        """Return the address of one of our static files; it changes with the file's content."""
        digest = hashlib.sha256((self._folder / name).read_bytes()).hexdigest()
        return f"{self._prefix}/{name}?v={digest[:12]}"

    def render(self, template: str, **values: object) -> str:
        """Return the page; Jinja escapes every value, as all templates end in `.html`."""
        lang = language()
        texts = TEXTS[lang]
        return render_template(
            template,
            t=texts,
            lang=lang,
            style=self._style,
            here=_in_other_language(request.path if request.url_rule else "/", texts.other_lang),
            link=_link_in(lang),
            **values,
        )

    def part(self, template: str, **values: object) -> str:
        """Return a part of a page, escaped, which says the same to everybody who reads this language."""
        lang = language()
        return render_template(template, t=TEXTS[lang], lang=lang, link=_link_in(lang), **values)


def _link_in(lang: Language) -> Callable[[str], str]:
    return lambda path: address(path, lang)


def code_parts(text: str) -> list[tuple[bool, str]]:
    """Split `text` at its backticks into parts, and say of each whether it is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an odd backtick: not meant as a mark
        return [(False, text)]
    return [(place % 2 == 1, part) for place, part in enumerate(parts)]


def _in_other_language(path: str, other: Language) -> str:
    """Return the present address in the other language, which is always named: a cookie may say otherwise."""
    kept = {name: request.args[name] for name in _KEPT if name in request.args}
    return address(path, other, {**kept, "lang": other})
