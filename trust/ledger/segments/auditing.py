"""An audit's way through emptied leaves: their segment, its release, its file, and then the data one by one."""

from collections.abc import Callable

from trust.kernel.errors import Unavailable
from trust.kernel.text import is_same_person
from trust.ledger.domain import Leaf, Oddity
from trust.ledger.errors import LedgerBroken
from trust.ledger.odd import Findings
from trust.ledger.ports import ArchiveReader
from trust.ledger.segments.archive import covering
from trust.ledger.segments.domain import Segment, SignedRelease, parse_release
from trust.ledger.segments.errors import SegmentMalformed
from trust.ledger.segments.files import SegmentFile

CheckRelease = Callable[[Segment, SignedRelease], None]
"""Raises `LedgerBroken` unless the release is signed and recorded."""


class ArchivedLeaves:
    """Fills emptied leaves from their files, in the order of the ledger."""

    def __init__(self, archive: ArchiveReader, findings: Findings, check: CheckRelease) -> None:
        self._archive = archive
        self._findings = findings
        self._check = check
        self._segments: list[Segment] = []
        self._segment: Segment | None = None
        self._file: SegmentFile | None = None
        self._ahead: dict[int, bytes] = {}
        self.count = 0

    def segments(self) -> list[Segment]:
        """Return all segments as they are now."""
        self._segments = self._archive.segments()
        return self._segments

    def filled(self, leaf: Leaf, end: int) -> Leaf | None:
        """Return the leaf with its data, None when the file is missing (a finding); reads ahead up to `end`.

        Raises `LedgerBroken` when no released segment covers the leaf, or its file is not what was released.
        """
        if self._segment is None or leaf.index >= self._segment.extent.end:
            self._enter(leaf)
        if self._segment is None or self._file is None:
            return None
        if leaf.index not in self._ahead:
            count = min(end, self._segment.extent.end) - leaf.index
            self._ahead = dict(enumerate(self._file.leaves(leaf.index, count), start=leaf.index))
        if leaf.index not in self._ahead:
            raise LedgerBroken(f"it is missing in {self._segment.file_name}.", place=f"leaf {leaf.index}")
        return Leaf(index=leaf.index, data=self._ahead[leaf.index], hash=leaf.hash)

    def judged(self, leaf: Leaf) -> None:
        """Take note of a leaf whose hash is right. Raises `LedgerBroken` at the last of an altered file."""
        if leaf.index not in self._ahead or self._segment is None or self._file is None:
            return
        self.count += 1
        if leaf.index == self._segment.extent.end - 1 and self._file.digest != self._segment.file:
            raise LedgerBroken("its file is not the one that was released.", place=self._segment.extent.place)

    def _enter(self, leaf: Leaf) -> None:
        segment = covering(leaf.index, self._segments) or covering(leaf.index, self.segments())
        if segment is None or segment.release is None:
            segment = covering(leaf.index, self.segments())  # it may have been released since this run began
        if segment is None or segment.release is None:
            raise LedgerBroken("it was emptied without a released segment.", place=f"leaf {leaf.index}")
        _check_statement(segment, segment.release)
        self._check(segment, segment.release)
        self._segment, self._ahead = segment, {}
        try:
            self._file = self._archive.open(segment)
        except Unavailable as error:
            self._file = None
            detail = (
                f"{segment.file_name} cannot be read ({error.code}); its entries were checked by their hashes only."
            )
            self._findings.add(segment.extent.place, Oddity.SEGMENT_MISSING, detail)
        except SegmentMalformed:
            raise LedgerBroken("its file cannot be read.", place=segment.extent.place) from None


def _check_statement(segment: Segment, signed: SignedRelease) -> None:
    """Raise `LedgerBroken` unless the release is about this segment and by two persons."""
    try:
        release = parse_release(signed.body)
    except SegmentMalformed:
        raise LedgerBroken("its release cannot be read.", place=segment.extent.place) from None
    said = (release.extent, release.root, release.file, release.proposed_by)
    if said != (segment.extent, segment.root, segment.file, segment.proposed_by):
        raise LedgerBroken("its release is about something else.", place=segment.extent.place)
    if is_same_person(release.approved_by, release.proposed_by):
        raise LedgerBroken("one person proposed and approved its release.", place=segment.extent.place)
