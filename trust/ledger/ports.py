"""What the ledger needs from outside: where it is stored, and the public halves of its checkpoint keys."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from trust.kernel.merkle import Node
from trust.keys import KeyInfo, KeyRef
from trust.ledger.domain import Head, Leaf, SignedCheckpoint
from trust.ledger.segments.domain import Segment
from trust.ledger.segments.errors import SegmentFileMissing
from trust.ledger.segments.files import SegmentFile

DescribeKey = Callable[[KeyRef], KeyInfo]
"""Returns the public facts of a key from the device that holds it, never from the ledger's own database."""

Progress = Callable[[int, int], None]
"""Is told how many entries are done, and of how many."""


class LedgerStore(Protocol):
    """Keeps leaves, full nodes, the head and checkpoints; nothing in it is ever changed or removed.

    Reading raises `LedgerUnavailable` when the database does not answer, and `LedgerBroken` when a row is missing.
    """

    def append(self, leaves: Sequence[bytes]) -> int:
        """Append the leaves in one transaction and return the index of the first. Durable when it returns."""
        ...

    def head(self) -> Head:
        """Return the present head."""
        ...

    def leaves(self, start: int, count: int) -> list[Leaf]:
        """Return the stored leaves with `start <= index < start + count` in order."""
        ...

    def nodes(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        """Return the hashes of these full nodes, at least one, in one query; leaf hashes are level 0."""
        ...

    def nodes_finished(self, start: int, end: int) -> Mapping[Node, bytes]:
        """Return the stored nodes of level 1 and up whose last leaf lies in [start, end)."""
        ...

    def place_beyond_head(self) -> str | None:
        """Return the place of a row that lies outside the tree of the head, if there is one."""
        ...

    def add_checkpoint(self, signed: SignedCheckpoint) -> SignedCheckpoint:
        """Store a checkpoint; when another of this size came first, return that one."""
        ...

    def checkpoints(self, start: int, end: int) -> list[SignedCheckpoint]:
        """Return the checkpoints with `start <= size < end`, smallest first."""
        ...

    def latest_checkpoint(self) -> SignedCheckpoint | None:
        """Return the checkpoint of the greatest size."""
        ...


class ArchiveReader(Protocol):
    """The segments of the ledger and their files: entries whose data are no longer in the database."""

    def segments(self) -> list[Segment]:
        """Return all segments, oldest first. Raises `LedgerUnavailable`, `LedgerBroken`."""
        ...

    def open(self, segment: Segment) -> SegmentFile:
        """Open the file of a segment. Raises `SegmentFileMissing`, `SegmentFolderUnusable`, `SegmentMalformed`."""
        ...

    def filled(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        """Return the leaves with the data of those that are in segments. Raises as `open`, and `LedgerBroken`."""
        ...


class NoArchive:
    """The archive of a ledger that has no segments."""

    def segments(self) -> list[Segment]:
        """Return none."""
        return []

    def open(self, segment: Segment) -> SegmentFile:
        """Raise `SegmentFileMissing`."""
        raise SegmentFileMissing(f"The file {segment.file_name} is not there.")

    def filled(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        """Return the leaves as they are: an emptied one has no data to be had."""
        for leaf in leaves:
            if not leaf.data:
                raise SegmentFileMissing(f"The data of leaf {leaf.index} are in a segment.")
        return list(leaves)
