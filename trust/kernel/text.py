"""Free text as it enters a record: bounded, without invisible characters, without ID numbers; and one person is one.

A text that is kept in clear (a reason, a purpose, a person's name) must not carry a resident identity number into the
database, the ledger or a log (law 7); a text that is sealed may.
"""

import re
import unicodedata
from typing import Final

from trust.kernel.identifier_errors import ResidentIdInvalid
from trust.kernel.identifiers import ResidentId
from trust.kernel.text_errors import PersonalNumberInText, TextCharacters, TextLength

PERSON_MAX: Final = 64  # characters: a person's name, with room for names of minorities
REASON_MIN: Final = 2  # characters: shorter than any word that says why
REASON_MAX: Final = 200  # characters: useCause of the provincial sharing interfaces has the same bound

# Control, surrogate, invisible formatting (bidi overrides, zero width) and line separators. Unassigned and private
# characters pass: a rare character newer than this Python is decided on by the fonts, not here.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cf", "Zl", "Zp"})
# Letters and marks that show nothing: the grapheme joiner, fillers of Hangul and Khmer, the blank Braille cell.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_NUMBER_LIKE = re.compile("(?=([0-9]{17}[0-9X]))")  # each place, as a true number may begin inside a longer run


def check_text(value: str, *, field: str, most: int, least: int = 1) -> str:
    """Return `value`, of at most `most` characters, at least `least` of them letters or digits.

    Raises:
        TextLength: too short, only spaces and signs, or too long.
        TextCharacters: a control or invisible character.
    """
    if not least <= len(value.strip()) or len(value) > most:
        raise TextLength(f"{field} takes {least} to {most} characters.", field=field)
    if any(unicodedata.category(found) in _REFUSED_CATEGORIES or found in _BLANKS for found in value):
        raise TextCharacters(field=field)
    if len(_letters(value)) < least:
        raise TextLength(f"{field} takes at least {least} letters or digits.", field=field)
    return value


def check_clear_text(value: str, *, field: str, most: int, least: int = 1) -> str:
    """Return `value`, which will be kept in clear. Raises as `check_text`, and `PersonalNumberInText`."""
    check_text(value, field=field, most=most, least=least)
    for found in _NUMBER_LIKE.finditer(_without_writing_habits(value)):
        if _is_resident_id(found[1]):
            raise PersonalNumberInText(field=field)
    return value


def check_person(value: str, *, field: str) -> str:
    """Return the name of a person who acts, 1 to `PERSON_MAX` characters in clear. Raises as `check_clear_text`."""
    return check_clear_text(value, field=field, most=PERSON_MAX)


def check_reason(value: str, *, field: str) -> str:
    """Return why something is done, `REASON_MIN` to `REASON_MAX` characters in clear. Raises as `check_clear_text`."""
    return check_clear_text(value, field=field, most=REASON_MAX, least=REASON_MIN)


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are one person's (law 9): case, width, spaces, signs and invisible marks make no second one."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return _letters(unicodedata.normalize("NFKC", name).casefold())


def _letters(text: str) -> str:
    """Return `text` without spaces, signs and marks; a letter newer than this Python counts as one."""
    return "".join(found for found in text if unicodedata.category(found)[0] not in "ZPSM" and found not in _BLANKS)


def _without_writing_habits(text: str) -> str:
    """Return letters and digits alone, in plain capitals: 110105 19491231 002x or full-width digits hide no number."""
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(_plain_digit(character) for character in plain if character.isalnum())


def _plain_digit(character: str) -> str:
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)


def _is_resident_id(digits: str) -> bool:
    try:
        ResidentId.parse(digits)
    except ResidentIdInvalid:
        return False
    return True
