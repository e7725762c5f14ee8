"""The page of a certificate: PDF/A-3b from the template of its type, metadata attached, QR code to its verification.

Decides whether the values can be printed at all (`check_renderable`), and nothing about whether they may be issued.
The same input gives the same bytes: the only moment on the page and in the file is the one given.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from certs.catalogue import Catalogue, CertificateType
from certs.face import Face, Field, FieldKind, parse_date
from certs.glyphs import FONT_CHAIN, GlyphCoverage
from trust.formats.metadata import METADATA_NAME, Metadata
from trust.formats.qr import VerificationLink, qr_svg
from trust.kernel.identifiers import CertificateIdentifier
from trust.typesetting import Typesetter, UnrenderableCharacter

SHEET: Final = "sheet.typ"
_RUN = re.compile("[!-~\u00a1-\u024f]+")  # Latin letters, digits and signs: no line is broken inside a run of them
_RUN_MAX = 10.5  # em: what the narrowest column of the shipped types takes in one line
_LONG_PART = re.compile("(.{16})(?=.{6})")
_CHUNK = re.compile(".{1,6}")
_BROAD = frozenset("MWmw@%—…")
_EMPTY = "—"  # stands where an optional field was not given, so that nothing can be added on paper


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderInput:
    """Everything that a page depends on. `authority` is the issuing department's name; its code is in the identifier.

    `moment` becomes the creation date in the file: the time of acceptance, so that a retry gives the same bytes.
    """

    face: Face
    identifier: CertificateIdentifier
    authority: str
    link: VerificationLink
    moment: datetime


class Renderer:
    """Renders certificates of every type of one catalogue; safe to share between threads."""

    def __init__(self, typesetter: Typesetter, catalogue: Catalogue) -> None:
        self._typesetter = typesetter
        self._catalogue = catalogue
        self._coverage = GlyphCoverage(typesetter.font_folders)
        self._fonts = [family for family in FONT_CHAIN if family in typesetter.families]

    def check_renderable(self, face: Face, *, authority: str) -> None:
        """Refuse values that the fonts cannot show, before anything is issued.

        Raises:
            UnrenderableCharacter: names the field and the characters with their code points.
        """
        for found in self._catalogue.get(face.type_code).fields:
            self._check_text(str(face.values.get(found.key, "")), found.key)
        self._check_text(authority, "authority")

    def _check_text(self, text: str, field: str) -> None:
        missing = self._coverage.missing(text)
        if missing:
            raise UnrenderableCharacter(missing, field=field)

    def render(self, values: RenderInput) -> bytes:
        """Return the page as PDF/A-3b.

        Raises:
            UnrenderableCharacter: a font lacks a character after all.
            TypesettingFailed: the template of the type is broken.
        """
        kind = self._catalogue.get(values.face.type_code)
        return self._typesetter.pdf(
            self._catalogue.folder / SHEET, self._page(kind, values), timestamp=values.moment, standard="a-3b"
        )

    def _page(self, kind: CertificateType, values: RenderInput) -> dict[str, object]:
        """Return what the sheet and the template read; every text of a user is data here and never markup."""
        return {
            "folder": kind.folder.name,
            "fonts": self._fonts,
            "title": kind.title,
            "name": kind.name,
            "name_en": kind.name_en,
            "fields": {found.key: _printed(found, values.face.values) for found in kind.fields},
            "authority": values.authority,
            "authority_text": _breakable(values.authority),
            "authority_units": _units(values.authority),
            "identifier": _identifier_text(values.identifier),
            "qr": qr_svg(values.link.text),
            "seal": {"x_mm": kind.seal.x_mm, "y_mm": kind.seal.y_mm},
            "notice": f"{kind.notice} {kind.notice_en}",
            "metadata_name": METADATA_NAME,
            "metadata": metadata_of(kind, values).encode_metadata().decode(),
        }


def metadata_of(kind: CertificateType, values: RenderInput) -> Metadata:
    """Return the machine-readable data that are attached to the page (GB/T 36903)."""
    face = values.face
    return Metadata(
        name=kind.name,
        type_name=kind.name,
        type_code=kind.code,
        number=face.number,
        identifier=values.identifier,
        authority=values.authority,
        authority_code=values.identifier.issuer,
        issued_on=face.issued_on,
        valid_from=face.valid_from,
        valid_to=face.valid_to,
        holder_name=face.holder_name,
        holder_code=face.holder.value,
        holder_code_type=face.holder_code_type,
        extensions={
            found.metadata: str(face.values[found.key])
            for found in kind.fields
            if found.metadata is not None and found.key in face.values
        },
    )


def _units(text: str) -> float:
    """Return the estimated width of a text in em, rather too wide than too narrow."""
    return sum(_width(character) for character in text)


@lru_cache(maxsize=32_768)  # characters: more than any office's texts use
def _width(character: str) -> float:
    if character in _BROAD or unicodedata.east_asian_width(character) in "WFA":
        return 1.0
    return 0.76 if character.isupper() else 0.58


def _breakable(text: str) -> str:
    """Mark places to break, by zero-width spaces, in runs wider than a column; the sheet takes the marks out."""
    return _RUN.sub(lambda run: "\u200b".join(_CHUNK.findall(run[0])) if _units(run[0]) > _RUN_MAX else run[0], text)


def _identifier_text(identifier: CertificateIdentifier) -> str:
    """Mark a place to break after each dot, and inside a serial longer than any that this service makes."""
    parts = [_LONG_PART.sub("\\1\u200b", part) for part in identifier.value.split(".")]
    return ".\u200b".join(parts)


def _printed(field: Field, values: Mapping[str, str | int]) -> dict[str, object]:
    text = str(values.get(field.key, _EMPTY))
    if field.kind is FieldKind.DATE and field.key in values:
        day = parse_date(text, key=field.key)
        text = f"{day.year}年{day.month}月{day.day}日"
    units = [_units(line) for line in text.split("\n")]
    return {"label": field.label, "label_en": field.label_en, "text": _breakable(text), "units": units}
