"""The ledger: appends key uses, answers for them with proofs, and verifies itself from the first leaf to the head.

Steps 1 and 3 of "Audit" in docs/design.md section 5; `checkpoints` is step 2, `audit` the ledger's part of step 4.
"""

from collections.abc import Iterable, Mapping, Sequence

from trust.kernel import merkle
from trust.kernel.clock import Clock
from trust.keys import KeyUse
from trust.ledger.audit import Audit
from trust.ledger.batching import GroupCommit
from trust.ledger.domain import TREE, Checkpoint, ConsistencyProof, Head, InclusionProof, Leaf, LedgerReport, encode_use
from trust.ledger.errors import EntryNotFound, LedgerBroken, TooManyEntries
from trust.ledger.ports import ArchiveReader, DescribeKey, LedgerStore, NoArchive, Progress

MAX_ENTRIES = 256
"""Entries in one answer. At some 350 bytes each that is about 100 KiB, and at most 1 MiB."""


class Ledger:
    """Every key use as one leaf of an RFC 6962 tree; it implements `trust.keys.KeyUseRecorder`.

    Safe to share between threads. Several processes may append to one database.
    """

    def __init__(
        self, store: LedgerStore, clock: Clock, describe: DescribeKey, archive: ArchiveReader | None = None
    ) -> None:
        """`describe` tells the public half of a checkpoint key, from the device and not from this database.

        Without `archive` the ledger has no segments: an emptied entry is a broken one.
        """
        self._store = store
        self._clock = clock
        self._describe = describe
        self._archive = archive or NoArchive()
        self._commits = GroupCommit(store.append)
        self._reached = 0  # a size that was seen: the ledger only grows, so smaller ones need no query

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        """Append the key uses in order and return their indexes. Durable when it returns (law 2).

        Raises `EntryRefused`, `LedgerUnavailable`, or `LedgerBroken` when the stored head contradicts the stored nodes.
        """
        leaves = [encode_use(use) for use in uses]
        if not leaves:
            return ()
        first = self._commits.submit(leaves)
        return range(first, first + len(leaves))

    def head(self) -> Head:
        """Return the present size and root."""
        return self._store.head()

    def size(self) -> int:
        """Return the number of entries."""
        return self._store.head().size

    def entry(self, index: int) -> Leaf:
        """Return one entry.

        Raises `EntryNotFound`; `LedgerBroken` when its row is gone; `SegmentFileMissing` when it is in a segment that
        is not there.
        """
        if not 0 <= index < self.size():
            raise EntryNotFound(f"The ledger has no entry {index}.", field="index")
        (leaf,) = self._archive.filled(self._leaves(index, 1))
        return leaf

    def entries(self, start: int, count: int) -> Sequence[Leaf]:
        """Return up to `count` entries from `start`; fewer at the end.

        Raises `EntryNotFound`, `TooManyEntries`; `LedgerBroken` naming the first whose row is gone;
        `SegmentFileMissing` when one is in a segment that is not there.
        """
        if count > MAX_ENTRIES:
            raise TooManyEntries(f"One answer holds at most {MAX_ENTRIES} entries.", field="count")
        size = self.size()
        if not 0 <= start <= size or count < 0:
            raise EntryNotFound(f"The ledger has {size} entries.", field="start")
        return self._archive.filled(self._leaves(start, min(count, size - start)))

    def inclusion_proof(self, index: int, size: int) -> InclusionProof:
        """Return the proof that entry `index` is in the tree of `size`. Raises `OutsideTree`."""
        self._within(size)
        leaf = merkle.Node(0, index)
        own: dict[merkle.Node, bytes] = {}

        def read(wanted: Sequence[merkle.Node]) -> Mapping[merkle.Node, bytes]:
            own.update(self._store.nodes([*wanted, leaf]))  # the leaf's own hash in the same query
            return own

        path = merkle.inclusion_proof(TREE, index, size, read)
        return InclusionProof(index=index, size=size, leaf_hash=(own or read(()))[leaf], path=path)

    def consistency_proof(self, old: int, new: int) -> ConsistencyProof:
        """Return the proof that the tree of `new` only appends to that of `old`. Raises `OutsideTree`."""
        self._within(new)
        return ConsistencyProof(
            old_size=old, new_size=new, path=merkle.consistency_proof(TREE, old, new, self._store.nodes)
        )

    def verify(self, progress: Progress | None = None, *, against: Iterable[Checkpoint] = ()) -> LedgerReport:
        """Recompute the whole ledger. Raises `LedgerBroken` with the first bad place, or `LedgerUnavailable`.

        `against` are checkpoints that were kept elsewhere, by a witness for example; their signatures are the caller's
        to check. One that the ledger no longer extends is the place `known checkpoint <size>`.
        """
        return Audit(self._store, self._clock, self._describe, self._archive, against).run(progress)

    def _leaves(self, start: int, count: int) -> Sequence[Leaf]:
        """Return exactly these leaves, which the head covers: whoever follows the ledger counts on each answer."""
        leaves = self._store.leaves(start, count)
        for index in range(start, start + count):
            if index - start >= len(leaves) or leaves[index - start].index != index:
                raise LedgerBroken("the row is missing.", place=f"leaf {index}")
        return leaves

    def _within(self, size: int) -> None:
        if size > self._reached:
            self._reached = self.size()
        if size > self._reached:
            raise merkle.OutsideTree(f"The ledger has not reached the size {size}.", field="size")
