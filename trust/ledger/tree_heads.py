"""The text of any log's checkpoint (C2SP tlog-checkpoint): origin, size, root, and extension lines if there are any.

`trust.ledger.domain.Checkpoint` is ours alone, with its extension line `time …`; this reads those of other logs too.
"""

import base64
import re
from dataclasses import dataclass

from trust.ledger.note_errors import NoteMalformed
from trust.ledger.notes import decode_base64

ROOT_BYTES = 32
"""Length of a root: SHA-256 and SM3 alike."""

MAX_EXTENSIONS = 16
"""Most extension lines that are read. The specification advises against any; ours has one."""

SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
"""A tree size in decimal, without leading zeroes; 19 digits hold 2^63 - 1."""

_MANDATORY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """What a checkpoint says of its log."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> bytes:
        """The note's text."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode("ascii"), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def parse(cls, text: bytes) -> "TreeHead":
        """Return the parts of a note's text. Raises `NoteMalformed`."""
        try:
            *lines, rest = text.decode().split("\n")
        except UnicodeDecodeError:
            raise NoteMalformed("A checkpoint is UTF-8.", field="checkpoint") from None
        if rest or not all(lines) or not _MANDATORY <= len(lines) <= _MANDATORY + MAX_EXTENSIONS:
            raise NoteMalformed("A checkpoint is three lines or more, none empty.", field="checkpoint")
        origin, size, root, *extensions = lines
        if not SIZE.fullmatch(size) or int(size) >= 2**63:
            raise NoteMalformed("The tree size is a decimal number below 2^63.", field="size")
        raw = decode_base64(root)
        if len(raw) != ROOT_BYTES:
            raise NoteMalformed("The root has 32 bytes.", field="root")
        return cls(origin=origin, size=int(size), root=raw, extensions=tuple(extensions))
