"""The objects of PDF (ISO 32000-1 section 7.3) read from bytes: strict, without recursion, in linear time.

Why not a library: the readers at hand repair what is broken, or follow what a hostile file declares (docs/adr/0010). A
verifier wants neither. Hexadecimal strings keep their place in the file, which the check of the byte range needs.
"""

import re
from dataclasses import dataclass
from typing import Final

from trust.formats.pdf_errors import PdfBomb, PdfMalformed

MAX_DEPTH: Final = 32  # containers inside one another: three times the deepest structure met outside of page trees
MAX_TOKENS: Final = 200_000  # per document: about half a second of work; an issued certificate takes under a thousand

_SPACE = rb"[\x00\t\n\x0c\r ]"
_REGULAR = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
_TOKEN = re.compile(
    rb"(?:" + _SPACE + rb"++|%[^\r\n]*+)*+"
    rb"(?:(?P<ref>(\d{1,10}+)" + _SPACE + rb"++(\d{1,5}+)" + _SPACE + rb"++R(?!" + _REGULAR + rb"))"
    rb"|(?P<number>[+-]?(?:\d{1,18}+(?:\.\d{0,18}+)?|\.\d{1,18}+)(?!" + _REGULAR + rb"))"
    rb"|(?P<name>/" + _REGULAR + rb"{0,127}+(?!" + _REGULAR + rb"))"
    rb"|(?P<open><<|\[)|(?P<close>>>|\])"
    rb"|(?P<hex><[0-9A-Fa-f\x00\t\n\x0c\r ]*+>)"
    rb"|(?P<literal>\()"
    rb"|(?P<word>(?:true|false|null)(?!" + _REGULAR + rb")))"
)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PARENTHESIS = re.compile(rb"(?:[^()\\]++|\\[\s\S])*+([()])")
_LITERAL_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|[\s\S])|\r\n?")
_LITERAL_VALUES = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"\n": b"",
    b"\r": b"",
    b"\r\n": b"",
}
_WORDS = {b"true": True, b"false": False, b"null": None}


class Name(str):
    """A PDF name, without its slash, escapes resolved."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to an indirect object."""

    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class HexString:
    """A hexadecimal string and where it stands: `start` is the offset of `<`, `end` the one just behind `>`."""

    value: bytes
    start: int
    end: int


PdfValue = object  # None, bool, int, float, Name, bytes (literal string), HexString, Ref, list, dict
PdfDict = dict[str, PdfValue]


class TokenBudget:
    """Counts the tokens that one document may cost."""

    __slots__ = ("_left",)

    def __init__(self, tokens: int = MAX_TOKENS) -> None:
        self._left = tokens

    def spend(self, tokens: int) -> None:
        """Take `tokens` away.

        Raises:
            PdfBomb: none are left.
        """
        self._left -= tokens
        if self._left < 0:
            raise PdfBomb(f"The structure of the file takes more than {MAX_TOKENS} tokens to read.")


def read_value(data: bytes, offset: int, budget: TokenBudget) -> tuple[PdfValue, int]:
    """Read the object at `offset`; return it and the offset behind it.

    Raises:
        PdfMalformed: no object stands there, or it is nested deeper than MAX_DEPTH.
        PdfBomb: the budget is used up.
    """
    containers = _Containers()
    while True:
        match = _TOKEN.match(data, offset)
        if match is None:
            raise PdfMalformed(f"No PDF object can be read at byte {offset}.")
        budget.spend(1)
        offset = match.end()
        if match.lastgroup == "open":
            containers.open(match["open"])
            continue
        if match.lastgroup == "close":
            value = containers.close(match["close"])
        elif match.lastgroup == "literal":
            value, offset = _literal(data, offset, budget)
        else:
            value = _scalar(match)
        if not containers.take(value):
            return value, offset


class _Containers:
    """The arrays and dictionaries that are open at one moment."""

    __slots__ = ("_closers", "_members")

    def __init__(self) -> None:
        self._members: list[list[PdfValue]] = []
        self._closers: list[bytes] = []

    def open(self, bracket: bytes) -> None:
        if len(self._members) == MAX_DEPTH:
            raise PdfMalformed(f"Objects are nested more than {MAX_DEPTH} deep.")
        self._members.append([])
        self._closers.append(b"]" if bracket == b"[" else b">>")

    def close(self, bracket: bytes) -> PdfValue:
        if not self._closers or self._closers.pop() != bracket:
            raise PdfMalformed("A bracket is closed that was not opened.")
        members = self._members.pop()
        return members if bracket == b"]" else _dictionary(members)

    def take(self, value: PdfValue) -> bool:
        """Put `value` into the innermost container; False when none is open, so that `value` is the whole object."""
        if self._members:
            self._members[-1].append(value)
        return bool(self._members)


def _dictionary(members: list[PdfValue]) -> PdfDict:
    keys = members[::2]
    if len(members) % 2 or not all(isinstance(key, Name) for key in keys):
        raise PdfMalformed("A dictionary does not consist of names and values.")
    result = dict(zip((str(key) for key in keys), members[1::2], strict=True))
    if len(result) != len(keys):
        raise PdfMalformed("A dictionary defines the same name twice.")
    return result


def _scalar(match: re.Match[bytes]) -> PdfValue:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    if kind == "number":
        return float(text) if b"." in text else int(text)
    if kind == "name":
        return read_name(text)
    if kind == "ref":
        return Ref(int(match[2]), int(match[3]))
    if kind == "hex":
        digits = bytes(text[1:-1]).translate(None, b"\x00\t\n\x0c\r ")
        return HexString(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()), match.start("hex"), match.end())
    return _WORDS[text]


def read_name(text: bytes) -> Name:
    """Return the name behind the slash of `text`, with `#xx` resolved."""
    raw = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), text[1:]) if b"#" in text else text[1:]
    return Name(raw.decode("utf-8", "surrogateescape"))


def read_text(value: PdfValue) -> str | None:
    """Decode a text string (section 7.9.2.2); what is not ASCII in PDFDocEncoding is of no use here."""
    raw = value.value if isinstance(value, HexString) else value
    if not isinstance(raw, bytes):
        return None
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _literal(data: bytes, offset: int, budget: TokenBudget) -> tuple[bytes, int]:
    depth, at = 1, offset
    while depth:
        found = _PARENTHESIS.match(data, at)
        if found is None:
            raise PdfMalformed("A string does not end.")
        budget.spend(1)
        at = found.end()
        depth += 1 if found[1] == b"(" else -1
    raw = data[offset : at - 1]
    budget.spend(raw.count(b"\\") + raw.count(b"\r"))
    return (_LITERAL_ESCAPE.sub(_unescape, raw) if b"\\" in raw or b"\r" in raw else raw), at


def _unescape(found: re.Match[bytes]) -> bytes:
    escaped = found[1]
    if escaped is None:
        return b"\n"  # an end of line inside a string counts as one line feed, however it is written
    if escaped[:1] in b"01234567":
        return bytes((int(escaped, 8) & 255,))
    return _LITERAL_VALUES.get(escaped, escaped)
