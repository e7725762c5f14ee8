"""The file of a segment: whoever holds it can check it against a checkpoint without the service.

Text of lines. The first is canonical JSON: `format`, `v`, `start`, `size`, `root` (of these entries), `checkpoint` (one
that covers them: `body` as it was signed, `key`, `signature`, `entry`), `path` (the hashes from the root of these
entries up to the root of the checkpoint, RFC 6962 section 2.1.1 above the segment's level). Then comes one line for
each entry, its exact bytes. Hashes and signatures are base64.
"""

import base64
import json
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from trust.durable import write_whole
from trust.gm import sm3
from trust.kernel import merkle
from trust.kernel.encoding import canonical_json
from trust.kernel.merkle import Frontier
from trust.kernel.randomness import Randomness
from trust.keys import KeyRef
from trust.ledger.domain import MAX_LEAF_BYTES, TREE, SignedCheckpoint, parse_checkpoint
from trust.ledger.errors import CheckpointMalformed
from trust.ledger.segments.domain import Extent, Segment, file_name, parse_hash
from trust.ledger.segments.errors import (
    SegmentFileMissing,
    SegmentFolderUnusable,
    SegmentInvalid,
    SegmentMalformed,
    SegmentUnproven,
)

_FORMAT = "yinxin-ledger-segment"
_VERSION = 1
_MAX_HEADER_BYTES = 64 * 1024  # a checkpoint of a few kB and at most 63 hashes
_LINE_BYTES = max(_MAX_HEADER_BYTES, MAX_LEAF_BYTES) + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: what the entries are, and how they lead to a checkpoint."""

    extent: Extent
    root: bytes
    checkpoint: SignedCheckpoint
    path: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the line without its end."""
        signed = self.checkpoint
        return canonical_json(
            {
                "format": _FORMAT,
                "v": _VERSION,
                "start": self.extent.start,
                "size": self.extent.size,
                "root": _text(self.root),
                "checkpoint": {
                    "body": signed.body.decode("ascii"),
                    "key": signed.key,
                    "signature": _text(signed.signature),
                    "entry": signed.entry,
                },
                "path": [_text(value) for value in self.path],
            }
        )

    def check_path(self) -> None:
        """Raise `SegmentUnproven` unless the root of the entries leads to the root of the checkpoint."""
        level, place = self.extent.node
        size = self.checkpoint.checkpoint.size
        try:
            merkle.verify_inclusion(
                TREE,  # full subtrees of one level, and a ragged last one, are the leaves of the tree above them
                index=place,
                size=((size - 1) >> level) + 1 if self.extent.end <= size else 0,
                leaf_hash=self.root,
                path=self.path,
                root=self.checkpoint.checkpoint.root,
            )
        except merkle.ProofInvalid:
            raise SegmentUnproven("The path does not lead from the segment to its checkpoint.") from None


class SegmentFile:
    """An opened file: its header, its digest, and where each entry begins. The entries are read as they are asked for.

    It promises nothing about the entries: who asks checks them (`check`, or against the hashes of the ledger).
    """

    def __init__(self, path: Path) -> None:
        """Raises `SegmentFileMissing`, `SegmentFolderUnusable`, `SegmentMalformed`."""
        self._path = path
        self._offsets = array("Q")
        digest = sm3.new()
        with _opened(path) as file:
            line = _line(file)
            self.header = _parse_header(line)
            digest.update(line)
            offset = len(line)
            while self.size <= self.header.extent.size and (line := _line(file)):
                self._offsets.append(offset)
                offset += len(line)
                digest.update(line)
        self.digest = digest.hexdigest()

    @property
    def size(self) -> int:
        """The number of entries that it holds."""
        return len(self._offsets)

    def leaves(self, index: int, count: int) -> list[bytes]:
        """Return the data of up to `count` entries of the ledger from `index`, as far as they are in the file."""
        first = index - self.header.extent.start
        last = min(first + count, self.size)
        if not 0 <= first < last:
            return []
        with _opened(self._path) as file:
            file.seek(self._offsets[first])
            return [_line(file).removesuffix(b"\n") for _ in range(first, last)]

    def check(self) -> None:
        """Raise `SegmentUnproven` unless the entries lead to the checkpoint; its signature is the caller's to check."""
        extent = self.header.extent
        frontier = Frontier()
        for index in range(extent.start, extent.end, 1024):
            hashes = [TREE.leaf(data) for data in self.leaves(index, 1024)]
            frontier, _ = frontier.extend(TREE, hashes)
        if self.size != extent.size or frontier.root(TREE) != self.header.root:
            raise SegmentUnproven("The entries do not have the root that the header states.")
        self.header.check_path()


class SegmentFolder:
    """The folder of segment files. Who reads them knows who used which key: they are readable to the owner only."""

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        self._folder = folder
        self._randomness = randomness
        self._last: tuple[object, SegmentFile] | None = None  # entries are read in order: one file will do

    def write(self, header: Header, leaves: Iterable[bytes]) -> str:
        """Write a file, durably, and return its digest. Raises `SegmentFolderUnusable`, `SegmentMalformed`."""
        lines = [header.encode(), *leaves]
        if any(b"\n" in line for line in lines):
            raise SegmentMalformed("An entry holds an end of line, which canonical JSON never does.")
        content = b"".join(line + b"\n" for line in lines)
        digest = sm3.sm3(content).hex()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._folder / file_name(header.extent, digest), content, self._randomness)
        except OSError as error:
            raise SegmentFolderUnusable(kind=type(error).__name__) from error
        return digest

    def open(self, segment: Segment) -> SegmentFile:
        """Open the file of a segment. Raises `SegmentFileMissing`, `SegmentFolderUnusable`, `SegmentMalformed`."""
        path = self._folder / segment.file_name
        with _opened(path) as file:
            found = os.fstat(file.fileno())
        seen = (path, found.st_ino, found.st_size, found.st_mtime_ns)
        last = self._last
        if last is None or last[0] != seen:
            self._last = last = (seen, SegmentFile(path))
        if last[1].header.extent != segment.extent:
            raise SegmentMalformed("The file holds other entries than its name says.")
        return last[1]


def _parse_header(line: bytes) -> Header:
    try:
        members: dict[str, Any] = json.loads(line)
        signed = members["checkpoint"]
        body = signed["body"].encode("ascii")
        header = Header(
            extent=Extent(start=members["start"], size=members["size"]),
            root=parse_hash(members["root"]),
            checkpoint=SignedCheckpoint(
                checkpoint=parse_checkpoint(body),
                body=body,
                key=KeyRef(signed["key"]),
                signature=base64.b64decode(signed["signature"], validate=True),
                entry=signed["entry"],
            ),
            path=tuple(parse_hash(value) for value in members["path"]),
        )
        same = header.encode() + b"\n" == line
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, CheckpointMalformed, SegmentInvalid):
        raise SegmentMalformed from None
    if not same:
        raise SegmentMalformed("The header is not in its one form.")
    return header


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise SegmentFileMissing(f"The file {path.name} is not there.") from None
    except OSError as error:
        raise SegmentFolderUnusable(kind=type(error).__name__) from error


def _line(file: BinaryIO) -> bytes:
    return file.readline(_LINE_BYTES)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def path_above(extent: Extent, size: int, read: merkle.NodeReader) -> Sequence[bytes]:
    """Return the path from the root of a segment to that of the tree of `size` leaves."""
    return merkle.inclusion_proof(TREE, extent.start, size, read)[extent.level :]
