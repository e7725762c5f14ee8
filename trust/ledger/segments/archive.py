"""Reads entries whose data have left the database from the files of their segments."""

from collections.abc import Sequence
from typing import Protocol

from trust.ledger.domain import TREE, Leaf
from trust.ledger.errors import LedgerBroken
from trust.ledger.segments.domain import Segment, SignedRelease
from trust.ledger.segments.files import SegmentFile, SegmentFolder


class SegmentStore(Protocol):
    """Keeps what is known of segments; `trust.ledger.segments.store` implements it."""

    def segments(self) -> list[Segment]:
        """Return all segments, oldest first."""
        ...

    def add(self, segment: Segment) -> Segment:
        """Keep a sealed segment; when another process sealed it first, return that one."""
        ...

    def release(self, segment: Segment, release: SignedRelease) -> Segment:
        """Keep the release and empty the leaves, or neither."""
        ...


class Archive:
    """The segments of one ledger with their files."""

    def __init__(self, store: SegmentStore, folder: SegmentFolder) -> None:
        self._store = store
        self._folder = folder

    def segments(self) -> list[Segment]:
        """Return all segments, oldest first."""
        return self._store.segments()

    def open(self, segment: Segment) -> SegmentFile:
        """Open the file of a segment. Raises `SegmentFileMissing`, `SegmentFolderUnusable`, `SegmentMalformed`."""
        return self._folder.open(segment)

    def filled(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        """Return the leaves with the data of those that are in segments, each checked against its hash.

        Raises `SegmentFileMissing`, or `LedgerBroken` with the place.
        """
        if all(leaf.data for leaf in leaves):
            return list(leaves)
        segments = [segment for segment in self.segments() if segment.release is not None]
        return [leaf if leaf.data else self._filled(leaf, segments) for leaf in leaves]

    def _filled(self, leaf: Leaf, segments: Sequence[Segment]) -> Leaf:
        place = f"leaf {leaf.index}"
        segment = covering(leaf.index, segments)
        if segment is None:
            raise LedgerBroken("it was emptied without a released segment.", place=place)
        data = self.open(segment).leaves(leaf.index, 1)
        if not data or TREE.leaf(data[0]) != leaf.hash:
            raise LedgerBroken(f"it is not what {segment.file_name} holds.", place=place)
        return Leaf(index=leaf.index, data=data[0], hash=leaf.hash)


def covering(index: int, segments: Sequence[Segment]) -> Segment | None:
    """Return the segment that holds an entry, None when there is none."""
    return next((each for each in segments if each.extent.start <= index < each.extent.end), None)
