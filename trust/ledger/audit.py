"""The whole ledger recomputed, page by page in flat memory: leaves, nodes, checkpoints, segments and the head.

Places are judged in this order, and the first bad one is named: each leaf, the key use that it records for an earlier
checkpoint or release, the nodes that it completes, the checkpoint and the known checkpoint of the size then reached;
last the head, and rows beyond it. A segment is judged where its first emptied leaf is met and where its root is
complete.

What it cannot see by itself: an attacker who cuts the tail *and* the checkpoints over it, consistently. That takes a
checkpoint kept elsewhere, which is what `known` is for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from trust.gm.errors import SignatureInvalid
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound
from trust.kernel.merkle import Frontier
from trust.keys import KeyPurpose, KeyRef, UseOutcome
from trust.ledger.domain import TREE, Checkpoint, Head, Leaf, LedgerReport, SignedCheckpoint, place_of
from trust.ledger.errors import EntryMalformed, LedgerBroken
from trust.ledger.odd import CheckpointWatch, ClockWatch, Findings
from trust.ledger.ports import ArchiveReader, DescribeKey, LedgerStore, Progress
from trust.ledger.segments.auditing import ArchivedLeaves
from trust.ledger.segments.domain import Segment, SignedRelease
from trust.signatures import verify

PAGE_LEAVES = 1024
"""Leaves read at once: some 400 KiB, at most 4 MiB. A power of two keeps the nodes of a page to two per level."""


class Audit:
    """One run over a ledger; entries appended after it began are left to the next run."""

    def __init__(
        self,
        store: LedgerStore,
        clock: Clock,
        describe: DescribeKey,
        archive: ArchiveReader,
        known: Iterable[Checkpoint] = (),
    ) -> None:
        """`known` are checkpoints that someone kept: the ledger has to be what grew out of each of them."""
        self._store = store
        self._clock = clock
        self._describe = describe
        self._known = {each.size: each for each in known}
        self._findings = Findings()
        self._clock_watch = ClockWatch(self._findings)
        self._checkpoint_watch = CheckpointWatch(self._findings, store)
        self._archived = ArchivedLeaves(archive, self._findings, self._check_release)
        self._segments: Mapping[object, Segment] = {}
        self._awaited: dict[int, list[tuple[str, KeyRef, str]]] = {}  # key uses by the leaf that has to record them
        self._frontier = Frontier()
        self._size = self._nodes = self._checkpoints = 0
        self._checkpointed: int | None = None

    def run(self, progress: Progress | None) -> LedgerReport:
        """Verify from the first leaf to the head. Raises `LedgerBroken` with the first bad place."""
        head = self._store.head()
        self._size = head.size
        self._segments = {segment.extent.node: segment for segment in self._archived.segments()}
        self._check_size(self._points(0, 1))
        for start in range(0, head.size, PAGE_LEAVES):
            self._check_page(start, min(start + PAGE_LEAVES, head.size))
            if progress is not None:
                progress(self._frontier.size, head.size)
        self._check_head(head)
        self._checkpoint_watch.report()
        return LedgerReport(
            size=head.size,
            root=head.root,
            nodes=self._nodes,
            checkpoints=self._checkpoints,
            checkpointed_size=self._checkpointed,
            verified_at=self._clock.now(),
            archived=self._archived.count,
            findings=tuple(self._findings.kept),
            findings_in_all=self._findings.count,
        )

    def _check_page(self, start: int, end: int) -> None:
        points = self._points(start + 1, end + 1)
        hashes, broken = self._hashes(start, end, points)
        end = start + len(hashes)  # up to a bad leaf: what comes before it is judged first
        stored = self._store.nodes_finished(start, end)
        stops = sorted({start, *(size for size in (*points, *self._known) if start < size < end), end})
        for left, right in pairwise(stops):
            self._frontier, finished = self._frontier.extend(TREE, hashes[left - start : right - start])
            for node, value in finished:
                if stored.get(node) != value:
                    missing = "the row is missing." if node not in stored else "it is not the hash of its children."
                    raise LedgerBroken(missing, place=place_of(node))
                if node in self._segments and self._segments[node].root != value:
                    raise LedgerBroken("its root is not that of its entries.", place=self._segments[node].extent.place)
            self._nodes += len(finished)
            self._check_size(points)
        if broken is not None:
            raise broken

    def _hashes(
        self, start: int, end: int, points: Mapping[int, SignedCheckpoint | LedgerBroken]
    ) -> tuple[list[bytes], LedgerBroken | None]:
        """Return the hashes of the leaves up to the first bad one, and what is wrong with that one."""
        kept = {size: point for size, point in points.items() if isinstance(point, SignedCheckpoint)}
        for point in kept.values():
            self._await(f"checkpoint {point.checkpoint.size}", point.key, point.body, point.entry)
        hashes: list[bytes] = []
        try:
            for stored in _expected(start, end, self._page(start, end)):
                leaf = stored if stored.data else self._archived.filled(stored, end)
                if leaf is not None:
                    self._check_leaf(leaf, kept)
                hashes.append(stored.hash)
        except LedgerBroken as broken:
            return hashes, broken
        return hashes, None

    def _page(self, start: int, end: int) -> Iterator[Leaf]:
        """Yield the stored leaves; one whose row cannot be read raises `LedgerBroken` when its turn comes."""
        try:
            leaves: Sequence[Leaf] = self._store.leaves(start, end - start)
        except LedgerBroken:
            for index in range(start, end):
                yield from self._store.leaves(index, 1)
        else:
            yield from leaves

    def _check_leaf(self, leaf: Leaf, kept: dict[int, SignedCheckpoint]) -> None:
        if TREE.leaf(leaf.data) != leaf.hash:
            raise LedgerBroken("its hash is not that of its data.", place=f"leaf {leaf.index}")
        self._archived.judged(leaf)
        self._clock_watch.look(leaf.index, leaf.data)
        for place, key, digest in self._awaited.pop(leaf.index, ()):
            _check_own_use(leaf, place, key, digest)
        self._checkpoint_watch.look(leaf, kept)

    def _points(self, start: int, end: int) -> dict[int, SignedCheckpoint | LedgerBroken]:
        """Return the checkpoints of these sizes; in the place of a row that cannot be read, what is wrong with it."""
        try:
            return {signed.checkpoint.size: signed for signed in self._store.checkpoints(start, end)}
        except LedgerBroken:
            pass
        found: dict[int, SignedCheckpoint | LedgerBroken] = {}
        for size in range(start, end):
            try:
                found.update((size, signed) for signed in self._store.checkpoints(size, size + 1))
            except LedgerBroken as broken:
                found[size] = broken
        return found

    def _check_size(self, points: Mapping[int, SignedCheckpoint | LedgerBroken]) -> None:
        """Judge what was signed, here or elsewhere, about the size that is now reached."""
        size, root = self._frontier.size, self._frontier.root(TREE)
        point = points.get(size)
        if isinstance(point, LedgerBroken):
            raise point
        if point is not None:
            self._check_checkpoint(point, root)
        if size in self._known and self._known[size].root != root:
            raise LedgerBroken("the ledger does not extend it.", place=f"known checkpoint {size}")

    def _check_checkpoint(self, signed: SignedCheckpoint, root: bytes) -> None:
        place = f"checkpoint {signed.checkpoint.size}"
        if signed.checkpoint.root != root:
            raise LedgerBroken("its root is not that of the entries.", place=place)
        self._check_signature(place, signed.key, signed.body, signed.signature)
        if signed.entry < signed.checkpoint.size:
            raise LedgerBroken("its own key use is not recorded.", place=place)
        if signed.entry >= self._size:  # signed while this run was about to begin, or nowhere
            self._check_use_now(place, signed.key, signed.body, signed.entry)
        self._checkpoints += 1
        self._checkpointed = signed.checkpoint.size

    def _check_signature(self, place: str, ref: KeyRef, body: bytes, signature: bytes) -> None:
        try:
            key = self._describe(ref)
            if key.purpose is not KeyPurpose.LEDGER_CHECKPOINT:
                raise LedgerBroken("it is signed by a key of another purpose.", place=place)
            verify(key.algorithm, key.public_key, body, signature)
        except SignatureInvalid:
            raise LedgerBroken("its signature does not hold.", place=place) from None
        except NotFound:
            raise LedgerBroken("its key is not known to the device.", place=place) from None

    def _check_release(self, segment: Segment, release: SignedRelease) -> None:
        place = segment.extent.place
        self._check_signature(place, release.key, release.body, release.signature)
        if release.entry < segment.extent.end:
            raise LedgerBroken("its release is not recorded.", place=place)
        if release.entry >= self._size:
            self._check_use_now(place, release.key, release.body, release.entry)
        self._await(place, release.key, release.body, release.entry)

    def _await(self, place: str, key: KeyRef, body: bytes, entry: int) -> None:
        """Signing is a key use too, recorded after the entries that the signature is about: judge it at that leaf."""
        if entry < self._size:
            self._awaited.setdefault(entry, []).append((place, key, sm3(body).hex()))

    def _check_use_now(self, place: str, key: KeyRef, body: bytes, entry: int) -> None:
        leaves = self._store.leaves(entry, 1)
        if not leaves:
            raise LedgerBroken("its own key use is not recorded.", place=place)
        _check_own_use(leaves[0], place, key, sm3(body).hex())

    def _check_head(self, head: Head) -> None:
        if self._frontier.root(TREE) != head.root:
            raise LedgerBroken("its root is not that of the entries.", place="head")
        beyond = self._store.place_beyond_head() or next(
            (each.extent.place for each in self._segments.values() if each.extent.end > head.size), None
        )
        if beyond is not None:
            raise LedgerBroken("it lies beyond the head.", place=beyond)
        lost = min((size for size in self._known if size > head.size), default=None)
        if lost is not None:
            raise LedgerBroken(f"the ledger has only {head.size} entries.", place=f"known checkpoint {lost}")


def _expected(start: int, end: int, leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    """Yield the leaf of every index of the page. Raises `LedgerBroken` at the first index without one."""
    index = start
    for leaf in leaves:
        if leaf.index != index:
            break
        yield leaf
        index += 1
    if index < end:
        raise LedgerBroken("the row is missing.", place=f"leaf {index}")


def _check_own_use(leaf: Leaf, place: str, key: KeyRef, digest: str) -> None:
    try:
        use = leaf.use
        matches = use.key == key and use.digest == digest and use.outcome is UseOutcome.SIGNED
    except EntryMalformed:
        matches = False
    if not matches:
        raise LedgerBroken("its own key use is not recorded.", place=place)
