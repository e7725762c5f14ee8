"""What stands on the front of a certificate (照面): fields, their rules, and the values that passed them.

Nothing here knows a particular certificate type; `certs.catalogue` reads the fields of each from its folder.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from certs.errors import FieldCharacter, FieldChoice, FieldDate, FieldPattern, FieldRange, FieldTooLong, FieldWrongKind
from trust.kernel.errors import FieldMissing
from trust.kernel.identifiers import ResidentId, Uscc

# Years of any date on a certificate: the oldest birth date met in registers, and beyond the longest validity.
_YEARS = range(1800, 2200)

# Unicode categories with no place in a printed value: controls, direction overrides and zero-width characters,
# surrogates, private use, line and paragraph separators. Unassigned ones pass: a rare character may be newer than this
# Python, and the fonts decide.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


class FieldKind(StrEnum):
    """What a field holds: `lines` is text that may have line breaks."""

    TEXT = "text"
    LINES = "lines"
    DATE = "date"
    INTEGER = "integer"
    CHOICE = "choice"


class Role(StrEnum):
    """What a field means to the service, whatever it is called on the certificate."""

    HOLDER_NAME = "holder-name"
    HOLDER_NUMBER = "holder-number"
    NUMBER = "number"
    ISSUED_ON = "issued-on"
    VALID_FROM = "valid-from"
    VALID_TO = "valid-to"
    BIRTH_DATE = "birth-date"
    SEX = "sex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a certificate type.

    `max_length` counts characters and `because` says why it is that many; an integer has `minimum` and `maximum`
    instead. `metadata` is the `KZ_…` name under which the value is attached, if it is.
    """

    key: str
    label: str
    label_en: str
    kind: FieldKind = FieldKind.TEXT
    role: Role | None = None
    required: bool = True
    max_length: int = 10  # a date such as 2026-11-21
    because: str = ""
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    pattern: str | None = None
    pattern_hint: str = ""
    metadata: str | None = None

    def parse(self, value: object) -> str | int:
        """Return the value as it is kept: text, an integer, or a date in the form 2026-11-21.

        Raises `FieldMissing`, `FieldWrongKind`, `FieldTooLong`, `FieldCharacter`, `FieldPattern`, `FieldDate`,
        `FieldChoice` or `FieldRange`; each names the field and none repeats the value.
        """
        if self.kind is FieldKind.INTEGER:
            return self._integer(value)
        if not isinstance(value, str):
            raise FieldWrongKind(f"{self.key} is text", field=self.key)
        if not value.strip():
            raise FieldMissing(f"{self.key} is empty", field=self.key)
        if len(value) > self.max_length:
            raise FieldTooLong(f"{self.key} may have at most {self.max_length} characters", field=self.key)
        self._check_characters(value)
        if self.kind is FieldKind.DATE:
            return parse_date(value, key=self.key).isoformat()
        if self.kind is FieldKind.CHOICE and value not in self.choices:
            raise FieldChoice(f"{self.key} is one of: {', '.join(self.choices)}", field=self.key)
        if self.pattern is not None and not re.fullmatch(self.pattern, value, re.ASCII):
            raise FieldPattern(f"{self.key}: {self.pattern_hint or self.pattern}", field=self.key)
        return value

    def _integer(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise FieldWrongKind(f"{self.key} is a whole number", field=self.key)
        if not self.minimum <= value <= self.maximum:
            raise FieldRange(f"{self.key} is {self.minimum} to {self.maximum}", field=self.key)
        return value

    def _check_characters(self, value: str) -> None:
        if value[0].isspace() or value[-1].isspace():
            raise FieldCharacter(f"{self.key} begins or ends with a blank", field=self.key)
        breaks = "\n" if self.kind is FieldKind.LINES else ""
        for character in value:
            if unicodedata.category(character) in _REFUSED and character not in breaks:
                raise FieldCharacter(f"{self.key} holds U+{ord(character):04X}", field=self.key)


def parse_date(text: str, *, key: str) -> date:
    """Return the date written as 2026-11-21 and in no other form. Raises `FieldDate`."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise FieldDate(f"{key} is no date of the calendar", field=key) from None
    if found.isoformat() != text or found.year not in _YEARS:
        raise FieldDate(f"{key} is a date of the years {_YEARS[0]} to {_YEARS[-1]} such as 2026-11-21", field=key)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """The values of one certificate, all rules of its type passed. `repr` leaves out everything about the holder.

    `values` holds each given field under its key as `Field.parse` returned it: what is stored, and what parses again
    to an equal face.
    """

    type_code: str
    number: str = field(repr=False)
    holder_name: str = field(repr=False)
    holder: ResidentId | Uscc = field(repr=False)
    issued_on: date
    valid_from: date
    valid_to: date
    values: Mapping[str, str | int] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    @property
    def holder_code_type(self) -> str:
        """The kind of the holder's number (GB/T 36903 annex A): 001 credit code, 111 resident number."""
        return "001" if isinstance(self.holder, Uscc) else "111"
