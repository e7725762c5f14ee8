"""The form of an export (JSON Lines, UTF-8, each line canonical JSON).

An entry's line has `index`, `leaf` (the entry's exact text), `proof` (RFC 6962 section 2.1.1, base64, in the tree of
the statement's size), and `after`: hex SM3 over all lines above it, newlines included. Thereby a line that was altered,
added, moved or taken out is found where it is.

The last line has `statement` and `signature` (base64). The statement is what is signed, as text: the format's
name, a newline, canonical JSON, a newline. It says how many lines there are above it and the SM3 over them, the size
and root of the checkpoint that the proofs lead to, and what was asked for. It can be no checkpoint: the second line of
a checkpoint is a number.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trust.gm.sm3 import DIGEST_BYTES
from trust.kernel.encoding import canonical_json
from trust.ledger.domain import encode_moment, parse_moment
from trust.ledger.export.errors import ExportMalformed

FORMAT: Final = "yinxin-ledger-export/1"

MAX_LINE_BYTES: Final = 64 * 1024
"""Longest line, bytes: a leaf of 4 KiB, escaped, and a proof of 63 hashes have about half of it."""

_LINE: Final = frozenset({"after", "index", "leaf", "proof"})
_LAST: Final = frozenset({"signature", "statement"})
_STATEMENT: Final = frozenset({"asked", "at", "by", "count", "key", "origin", "root", "size", "sm3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry of an export."""

    index: int
    leaf: bytes
    proof: tuple[bytes, ...]
    after: str

    @property
    def content(self) -> bytes:
        """The line with its newline."""
        members = {
            "index": self.index,
            "leaf": self.leaf.decode(),
            "proof": [base64.b64encode(item).decode("ascii") for item in self.proof],
            "after": self.after,
        }
        return canonical_json(members) + b"\n"

    @classmethod
    def parse(cls, content: bytes) -> "Line":
        """Return the entry of a line with its newline, of its one form only. Raises `ExportMalformed`."""
        members = _members(content, _LINE)
        try:
            line = cls(
                index=_number(members["index"]),
                leaf=members["leaf"].encode(),
                proof=tuple(_hash(item) for item in members["proof"]),
                after=members["after"],
            )
            same = line.content == content
        except (ValueError, TypeError, AttributeError):
            raise ExportMalformed from None
        if not same:
            raise ExportMalformed("The line is not in its one form.")
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the last line says about the lines above it."""

    origin: str
    size: int
    root: bytes
    count: int
    sm3: str
    at: datetime
    by: str
    key: str
    asked: Mapping[str, str | int]

    @property
    def body(self) -> bytes:
        """The bytes that are signed."""
        members = {
            "origin": self.origin,
            "size": self.size,
            "root": base64.b64encode(self.root).decode("ascii"),
            "count": self.count,
            "sm3": self.sm3,
            "at": encode_moment(self.at),
            "by": self.by,
            "key": self.key,
            "asked": dict(self.asked),
        }
        return FORMAT.encode("ascii") + b"\n" + canonical_json(members) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A statement with its signature by the ledger's checkpoint key, whose reference it names."""

    statement: Statement
    signature: bytes

    @property
    def content(self) -> bytes:
        """The last line with its newline."""
        members = {
            "statement": self.statement.body.decode(),
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }
        return canonical_json(members) + b"\n"

    @classmethod
    def parse(cls, content: bytes) -> "SignedStatement":
        """Return the statement of a last line, of its one form only. Raises `ExportMalformed`."""
        members = _members(content, _LAST)
        try:
            name, body, rest = members["statement"].split("\n")
            if name != FORMAT or rest:
                raise ExportMalformed("The last line holds no statement of this format.")
            signed = cls(
                statement=_statement(_members(body.encode() + b"\n", _STATEMENT)),
                signature=base64.b64decode(members["signature"], validate=True),
            )
            same = signed.content == content
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise ExportMalformed("The last line holds no statement.") from None
        if not same:
            raise ExportMalformed("The last line is not in its one form.")
        return signed


def _statement(members: Mapping[str, Any]) -> Statement:
    return Statement(
        origin=members["origin"],
        size=_number(members["size"]),
        root=_hash(members["root"]),
        count=_number(members["count"]),
        sm3=members["sm3"],
        at=parse_moment(members["at"]),
        by=members["by"],
        key=members["key"],
        asked=members["asked"],
    )


def _members(content: bytes, names: frozenset[str]) -> dict[str, Any]:
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict) or set(members) != names or not content.endswith(b"\n"):
        raise ExportMalformed("A line is not of the form of an export.")
    return members


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ExportMalformed("A number is of another form.")
    return value


def _hash(text: str) -> bytes:
    value = base64.b64decode(text, validate=True)
    if len(value) != DIGEST_BYTES:
        raise ExportMalformed("A hash has 32 bytes.")
    return value
