"""Signed notes (C2SP signed-note): a text, an empty line, and one line per signature.

A note says nothing until a key that the reader trusts has signed it: `Note.opened` is the way to its text. Reading is
strict, one note has one spelling, so that what was signed is what is kept (law 3).
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trust.ledger.note_errors import NoteMalformed, NoteSignatureInvalid, NoteUntrusted
from trust.ledger.note_keys import KEY_ID_BYTES, VerifierKey, check_name

MAX_NOTE_BYTES = 256 * 1024
"""Longest note, bytes. The specification asks for at least 16 signatures, of up to 5 kB each."""

MAX_LINES = 64
"""Most signature lines of a note; each may cost a verification."""

_DASH = "— "


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """One signature line: key name, key ID (4 bytes) and what the algorithm made."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise NoteMalformed("A signature line holds a key ID of four bytes and a signature.", field="signature")

    @property
    def text(self) -> str:
        """The line as it stands in the note, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}\n"

    @classmethod
    def parse(cls, line: str) -> "SignatureLine":
        """Return the parts of one line, without its newline. Raises `NoteMalformed`."""
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise NoteMalformed("A signature line is an em dash, the key's name and base64.", field="signature")
        raw = decode_base64(encoded)
        return cls(name=name, key_id=raw[:KEY_ID_BYTES], signature=raw[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A note of which at least one trusted key has signed the text; `by` holds those keys and their lines, in order."""

    text: bytes
    by: tuple[tuple[VerifierKey, SignatureLine], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A signed note taken apart. `text` ends in a newline and is exactly what the signatures are over."""

    text: bytes
    lines: tuple[SignatureLine, ...]

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not 0 < len(self.lines) <= MAX_LINES:
            raise NoteMalformed(f"A note has 1 to {MAX_LINES} signature lines.", field="signature")

    @property
    def content(self) -> bytes:
        """The whole note."""
        return self.text + b"\n" + "".join(line.text for line in self.lines).encode()

    @classmethod
    def parse(cls, content: bytes) -> "Note":
        """Return the parts. Raises `NoteMalformed`."""
        if len(content) > MAX_NOTE_BYTES:
            raise NoteMalformed(f"A note has at most {MAX_NOTE_BYTES} bytes.", field="note")
        body, empty, signatures = content.rpartition(b"\n\n")  # the last empty line separates
        if not empty or not signatures.endswith(b"\n"):
            raise NoteMalformed("A note is a text, an empty line and signature lines.", field="note")
        note = cls(text=body + b"\n", lines=parse_lines(signatures))
        if note.content != content:
            raise NoteMalformed("The note is not in its one form.", field="note")
        return note

    def opened(self, keys: Iterable[VerifierKey]) -> Opened:
        """Return the note as signed by those of `keys` that signed it; lines of other keys are ignored.

        Raises `NoteSignatureInvalid` when a line of a known key does not hold, `NoteUntrusted` when none is there.
        """
        known = {(key.name, key.key_id): key for key in keys}
        by = []
        for line in self.lines:
            key = known.get((line.name, line.key_id))
            if key is not None:
                key.verify(self.text, line.signature)
                by.append((key, line))
        if not by:
            raise NoteUntrusted
        return Opened(text=self.text, by=tuple(by))


def parse_lines(content: bytes) -> tuple[SignatureLine, ...]:
    """Return signature lines, each ending in a newline, as a witness answers them. Raises `NoteMalformed`."""
    lines = _decoded(content).split("\n")
    if lines.pop() or len(lines) > MAX_LINES:
        raise NoteMalformed(f"Each signature line ends in a newline; there are at most {MAX_LINES}.", field="signature")
    return tuple(SignatureLine.parse(line) for line in lines)


def verified_by(text: bytes, lines: Sequence[SignatureLine], key: VerifierKey) -> SignatureLine | None:
    """Return the line of one key over a text, None when there is none that holds."""
    for line in lines:
        if (line.name, line.key_id) == (key.name, key.key_id):
            try:
                key.verify(text, line.signature)
            except NoteSignatureInvalid:
                continue
            return line
    return None


def decode_base64(text: str) -> bytes:
    """Return the bytes of standard base64 in its one spelling. Raises `NoteMalformed`."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteMalformed("What should be base64 is not.", field="base64") from None
    if base64.b64encode(raw).decode("ascii") != text:
        raise NoteMalformed("Base64 has one spelling.", field="base64")
    return raw


def _check_text(text: bytes) -> None:
    decoded = _decoded(text)
    if not decoded.endswith("\n") or any(character < " " and character != "\n" for character in decoded):
        raise NoteMalformed("A note's text ends in a newline and has no control characters.", field="text")


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise NoteMalformed("A note is UTF-8.", field="note") from None
