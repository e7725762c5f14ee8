"""Moves old entries out of the database, in two steps by two persons (law 9); the tree over them stays.

Sealing writes the file, reads it back and checks every entry of it; nothing leaves the database. Releasing checks the
file once more, signs the release (a key use with an entry of its own), and empties the leaves in one transaction.
Killed in between, either step is repeated without harm: a file nobody names, or an entry of a release that was not
carried out, is all that stays behind.
"""

from collections.abc import Iterator
from datetime import timedelta

from trust.kernel.clock import Clock
from trust.kernel.text import is_same_person
from trust.keys import KeyPurpose, KeyRef, Signer, SigningRequest, UseContext
from trust.ledger.domain import SignedCheckpoint, encode_moment, moment_of
from trust.ledger.errors import LedgerBroken
from trust.ledger.ports import LedgerStore
from trust.ledger.segments.archive import SegmentStore
from trust.ledger.segments.domain import (
    RELEASE_WHY,
    SEGMENT_LEAVES,
    Extent,
    Release,
    Segment,
    SignedRelease,
)
from trust.ledger.segments.errors import ReleaseNotSeparated, SegmentNotFound, SegmentReleased, SegmentUnproven
from trust.ledger.segments.files import Header, SegmentFolder, path_above
from trust.signatures import verify

_PAGE_LEAVES = 1024
_OPERATOR = "operator:"


class Retention:
    """Seals and releases segments of one ledger. What an officer's commands call."""

    def __init__(
        self,
        store: SegmentStore,
        ledger: LedgerStore,
        folder: SegmentFolder,
        signer: Signer,
        clock: Clock,
        *,
        leaves: int = SEGMENT_LEAVES,
    ) -> None:
        """`leaves` of a segment: a power of two, for ever the same for one ledger."""
        self._store = store
        self._ledger = ledger
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._leaves = leaves

    def segments(self) -> list[Segment]:
        """Return all segments, oldest first."""
        return self._store.segments()

    def seal(self, keep: timedelta, *, by: str) -> list[Segment]:
        """Seal every whole segment whose entries are all older than `keep` and lie below a checkpoint.

        Raises `SegmentFolderUnusable`, `LedgerUnavailable`, `LedgerBroken`; what was sealed before stays sealed.
        """
        return list(self._seal(encode_moment(self._clock.now() - keep), by))

    def release(self, start: int, key: KeyRef, *, by: str) -> Segment:
        """Empty the entries of a sealed segment; `key` is the checkpoint key that signs the release.

        Raises `SegmentNotFound`, `SegmentReleased`, `ReleaseNotSeparated`, `SegmentFileMissing`, `SegmentUnproven`,
        `SegmentMalformed`, and what the signer raises.
        """
        segment = next((each for each in self._store.segments() if each.extent.start == start), None)
        if segment is None:
            raise SegmentNotFound(field="start")
        if segment.release is not None:
            raise SegmentReleased(field="start")
        if is_same_person(by, segment.proposed_by):
            raise ReleaseNotSeparated(field="by")
        self._check_file(segment)
        release = Release(
            extent=segment.extent,
            root=segment.root,
            file=segment.file,
            proposed_by=segment.proposed_by,
            approved_by=by,
            at=self._clock.now(),
        )
        return self._store.release(segment, self._signed(release, key))

    def _seal(self, before: str, by: str) -> Iterator[Segment]:
        latest = self._ledger.latest_checkpoint()
        sealed = {segment.extent.start for segment in self._store.segments()}
        size = latest.checkpoint.size if latest else 0
        for start in range(0, size - self._leaves + 1, self._leaves):
            if start in sealed or latest is None:
                continue
            extent = Extent(start=start, size=self._leaves)
            data = self._data(extent)
            if max(moment_of(each) or "" for each in data) >= before:
                return
            yield self._seal_one(extent, data, latest, by)

    def _seal_one(self, extent: Extent, data: list[bytes], latest: SignedCheckpoint, by: str) -> Segment:
        root = self._ledger.nodes([extent.node])[extent.node]
        path = path_above(extent, latest.checkpoint.size, self._ledger.nodes)
        header = Header(extent=extent, root=root, checkpoint=latest, path=tuple(path))
        segment = Segment(
            extent=extent,
            root=root,
            file=self._folder.write(header, data),
            checkpoint_size=latest.checkpoint.size,
            proposed_by=by,
            proposed_at=self._clock.now(),
        )
        self._check_file(segment)
        return self._store.add(segment)

    def _check_file(self, segment: Segment) -> None:
        """Check the file as an outsider does: entries, path, and the signature of the checkpoint they lead to."""
        file = self._folder.open(segment)
        if file.digest != segment.file or file.header.root != segment.root:
            raise SegmentUnproven("The file is not the one that was sealed.", field="file")
        file.check()
        signed = file.header.checkpoint
        key = self._signer.describe(signed.key)
        verify(key.algorithm, key.public_key, signed.body, signed.signature)

    def _data(self, extent: Extent) -> list[bytes]:
        data = []
        for start in range(extent.start, extent.end, _PAGE_LEAVES):
            count = min(_PAGE_LEAVES, extent.end - start)
            data += [leaf.data for leaf in self._ledger.leaves(start, count)]
        if len(data) != extent.size or not all(data):
            raise LedgerBroken("entries of it are missing.", place=extent.place)
        return data

    def _signed(self, release: Release, key: KeyRef) -> SignedRelease:
        context = UseContext(
            principal=f"{_OPERATOR}{release.approved_by}",  # a name alone could be that of a service or a client
            act=(f"{_OPERATOR}{release.proposed_by}",),
            why=RELEASE_WHY,
            document=release.extent.document,
        )
        request = SigningRequest(message=release.body, context=context)
        signature = self._signer.sign(key, request, purpose=KeyPurpose.LEDGER_CHECKPOINT)
        return SignedRelease(
            body=release.body, key=signature.key, signature=signature.value, entry=signature.ledger_index
        )
