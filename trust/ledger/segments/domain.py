"""A segment: the entries of one full subtree of the ledger, and the statement that let them leave the database.

Its life: *sealed* (the file is written and checked, the entries are still in the database) by one person, *released*
(the entries' data are gone from the database) by another. The release is a signed statement, and its signature a key
use with an entry of its own in the ledger. Leaf hashes and nodes stay in the database, so proofs need no file.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trust.gm.sm3 import DIGEST_BYTES
from trust.kernel.encoding import canonical_json
from trust.kernel.merkle import Node
from trust.keys import KeyRef
from trust.ledger.domain import encode_moment, parse_moment
from trust.ledger.segments.errors import SegmentInvalid, SegmentMalformed

SEGMENT_LEAVES = 65_536
"""Entries in one segment: some 25 MB, which is a file that can be handled, and twenty of them in a million entries."""

RELEASE_WHY = "release ledger segment"
_FORMAT = "yinxin-ledger-release"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where a segment lies: a full subtree of at least two leaves, so that its root is a stored node."""

    start: int
    size: int

    def __post_init__(self) -> None:
        if self.size < 2 or self.size & (self.size - 1) or self.start < 0 or self.start % self.size:  # noqa: PLR2004  two leaves
            raise SegmentInvalid("A segment covers a full subtree of at least two leaves.", field="start")

    @property
    def end(self) -> int:
        """The index after its last entry."""
        return self.start + self.size

    @property
    def level(self) -> int:
        """The level of its root."""
        return self.size.bit_length() - 1

    @property
    def node(self) -> Node:
        """The place of its root in the tree."""
        return Node(self.level, self.start >> self.level)

    @property
    def place(self) -> str:
        """The name under which it is reported."""
        return f"segment {self.start}"

    @property
    def document(self) -> str:
        """Its name in the entry of the key use that released it."""
        return f"ledger-segment:{self.start}-{self.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is signed when the entries leave the database: which, into which file, and who wanted it.

    `file` is the SM3 of the segment file, hex. Its canonical JSON is one line and can be no checkpoint.
    """

    extent: Extent
    root: bytes
    file: str
    proposed_by: str
    approved_by: str
    at: datetime

    @property
    def body(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(
            {
                "format": _FORMAT,
                "v": _VERSION,
                "start": self.extent.start,
                "size": self.extent.size,
                "root": base64.b64encode(self.root).decode("ascii"),
                "file": self.file,
                "proposed_by": self.proposed_by,
                "approved_by": self.approved_by,
                "at": encode_moment(self.at),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRelease:
    """A release as it was signed: `body` byte for byte (law 3); `entry` is the leaf of that key use."""

    body: bytes
    key: KeyRef
    signature: bytes
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment as the database knows it; `release` is None while its entries are still there."""

    extent: Extent
    root: bytes
    file: str
    checkpoint_size: int
    proposed_by: str
    proposed_at: datetime
    release: SignedRelease | None = None

    @property
    def file_name(self) -> str:
        """The name of its file in the folder of segments."""
        return file_name(self.extent, self.file)


def file_name(extent: Extent, digest: str) -> str:
    """Return the name of a segment file: it tells the entries and, by the digest of its bytes, which file it is."""
    return f"{extent.start:012d}-{extent.end:012d}-{digest[:16]}.jsonl"


def parse_release(body: bytes) -> Release:
    """Return the release of a signed body, of its one form only. Raises `SegmentMalformed`."""
    try:
        members: dict[str, Any] = json.loads(body)
        release = Release(
            extent=Extent(start=members["start"], size=members["size"]),
            root=parse_hash(members["root"]),
            file=members["file"],
            proposed_by=members["proposed_by"],
            approved_by=members["approved_by"],
            at=parse_moment(members["at"]),
        )
        same = release.body == body
    except (ValueError, TypeError, LookupError, RecursionError, SegmentInvalid):
        raise SegmentMalformed from None
    if not same:
        raise SegmentMalformed("The release is not in its one form.")
    return release


def parse_hash(text: str) -> bytes:
    """Return a hash from its base64. Raises `SegmentMalformed`."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        value = b""
    if len(value) != DIGEST_BYTES:
        raise SegmentMalformed("A hash has 32 bytes, in base64.")
    return value
