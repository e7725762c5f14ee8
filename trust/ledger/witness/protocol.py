"""The words of C2SP tlog-witness: what a log posts to `add-checkpoint`, and what each side reads of the other."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from trust.ledger.note_errors import NoteMalformed
from trust.ledger.notes import MAX_NOTE_BYTES, Note, decode_base64
from trust.ledger.tree_heads import ROOT_BYTES, SIZE

MAX_PROOF_LINES = 63
"""Most hashes of a consistency proof (C2SP tlog-witness, add-checkpoint)."""

MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096
"""Longest request, bytes: a note, and 63 lines of 45 characters with the line of the old size before it."""

SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer 409, whose body is the size that the witness has."""

_OLD = "old "


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request: the size that the log takes the witness to have, the proof from there, and the checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    @property
    def content(self) -> bytes:
        """The request's body."""
        lines = [f"{_OLD}{self.old_size}", *base64_lines(self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + self.note.content

    @classmethod
    def parse(cls, content: bytes) -> "Submission":
        """Return the parts of a body. Raises `NoteMalformed`."""
        if len(content) > MAX_REQUEST_BYTES:
            raise NoteMalformed(f"A request has at most {MAX_REQUEST_BYTES} bytes.", field="body")
        head, empty, note = content.partition(b"\n\n")
        try:
            first, *hashes = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise NoteMalformed("Old size and proof are ASCII.", field="old") from None
        if not empty or not first.startswith(_OLD):
            raise NoteMalformed("A request begins with the line of the old size.", field="old")
        if len(hashes) > MAX_PROOF_LINES:
            raise NoteMalformed(f"A proof has at most {MAX_PROOF_LINES} lines.", field="proof")
        return cls(
            old_size=parse_size(first.removeprefix(_OLD)),
            proof=tuple(_hash(line) for line in hashes),
            note=Note.parse(note),
        )


def parse_size(text: str) -> int:
    """Return a tree size. Raises `NoteMalformed`."""
    if not SIZE.fullmatch(text) or int(text) >= 2**63:
        raise NoteMalformed("A tree size is a decimal number below 2^63.", field="size")
    return int(text)


def origin_hash(origin: str) -> str:
    """Return the name of a log in a witness's monitoring addresses: hex SHA-256 of its origin."""
    return hashlib.sha256(origin.encode()).hexdigest()


def base64_lines(hashes: Sequence[bytes]) -> list[str]:
    """Return hashes as the protocol writes them."""
    return [base64.b64encode(item).decode("ascii") for item in hashes]


def _hash(line: str) -> bytes:
    raw = decode_base64(line)
    if len(raw) != ROOT_BYTES:
        raise NoteMalformed("A hash of the proof has 32 bytes.", field="proof")
    return raw
