"""The whole ledger recomputed: every leaf hash, node, checkpoint and the head, page by page in flat memory.

What it cannot see: an attacker who cuts the tail *and* the checkpoints over it, consistently. That takes a checkpoint
kept elsewhere, which is why checkpoints are served to anyone who wants to keep them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from trust.gm.errors import SignatureInvalid
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound
from trust.kernel.merkle import Frontier
from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.domain import TREE, Head, Leaf, LedgerReport, SignedCheckpoint, place_of
from trust.ledger.errors import EntryMalformed, LedgerBroken
from trust.ledger.ports import DescribeKey, LedgerStore, Progress
from trust.signatures import verify

PAGE_LEAVES = 1024
"""Leaves read at once: some 350 KiB, at most 4 MiB. A power of two keeps the nodes of a page to two per level."""


class Audit:
    """One run over a ledger; entries appended after it began are left to the next run."""

    def __init__(self, store: LedgerStore, clock: Clock, describe: DescribeKey) -> None:
        self._store = store
        self._clock = clock
        self._describe = describe
        self._frontier = Frontier()
        self._nodes = 0
        self._checkpoints = 0
        self._checkpointed: int | None = None

    def run(self, progress: Progress | None) -> LedgerReport:
        """Verify from the first leaf to the head. Raises `LedgerBroken` with the first bad place."""
        head = self._store.head()
        for signed in self._store.checkpoints(0, 1):
            self._check_checkpoint(signed, TREE.empty())
        for start in range(0, head.size, PAGE_LEAVES):
            self._check_page(start, min(start + PAGE_LEAVES, head.size))
            if progress is not None:
                progress(self._frontier.size, head.size)
        self._check_head(head)
        return LedgerReport(
            size=head.size,
            root=head.root,
            nodes=self._nodes,
            checkpoints=self._checkpoints,
            checkpointed_size=self._checkpointed,
            verified_at=self._clock.now(),
        )

    def _check_page(self, start: int, end: int) -> None:
        hashes = [
            _checked_hash(index, leaf) for index, leaf in _expected(start, end, self._store.leaves(start, end - start))
        ]
        stored = self._store.nodes_finished(start, end)
        signed_at = {signed.checkpoint.size: signed for signed in self._store.checkpoints(start + 1, end + 1)}
        for left, right in pairwise(sorted({start, *signed_at, end})):
            self._frontier, finished = self._frontier.extend(TREE, hashes[left - start : right - start])
            for node, value in finished:
                if stored.get(node) != value:
                    missing = "the row is missing." if node not in stored else "it is not the hash of its children."
                    raise LedgerBroken(missing, place=place_of(node))
            self._nodes += len(finished)
            if right in signed_at:
                self._check_checkpoint(signed_at[right], self._frontier.root(TREE))

    def _check_checkpoint(self, signed: SignedCheckpoint, root: bytes) -> None:
        place = f"checkpoint {signed.checkpoint.size}"
        if signed.checkpoint.root != root:
            raise LedgerBroken("its root is not that of the entries.", place=place)
        self._check_signature(signed, place)
        self._check_own_entry(signed, place)
        self._checkpoints += 1
        self._checkpointed = signed.checkpoint.size

    def _check_signature(self, signed: SignedCheckpoint, place: str) -> None:
        try:
            key = self._describe(signed.key)
            if key.purpose is not KeyPurpose.LEDGER_CHECKPOINT:
                raise LedgerBroken("it is signed by a key of another purpose.", place=place)
            verify(key.algorithm, key.public_key, signed.body, signed.signature)
        except SignatureInvalid:
            raise LedgerBroken("its signature does not hold.", place=place) from None
        except NotFound:
            raise LedgerBroken("its key is not known to the device.", place=place) from None

    def _check_own_entry(self, signed: SignedCheckpoint, place: str) -> None:
        """Signing a checkpoint is a key use too, recorded after the entries that the checkpoint covers."""
        leaves = self._store.leaves(signed.entry, 1) if signed.entry >= signed.checkpoint.size else []
        try:
            matches = [
                leaf.use.key == signed.key
                and leaf.use.digest == sm3(signed.body).hex()
                and leaf.use.outcome is UseOutcome.SIGNED
                for leaf in leaves
            ]
        except EntryMalformed:
            matches = []
        if matches != [True]:
            raise LedgerBroken("its own key use is not recorded.", place=place)

    def _check_head(self, head: Head) -> None:
        if self._frontier.root(TREE) != head.root:
            raise LedgerBroken("its root is not that of the entries.", place="head")
        beyond = self._store.place_beyond_head()
        if beyond is not None:
            raise LedgerBroken("it lies beyond the head.", place=beyond)


def _expected(start: int, end: int, leaves: Sequence[Leaf]) -> Iterator[tuple[int, Leaf]]:
    """Yield every index of the page with its leaf. Raises `LedgerBroken` at the first index without one."""
    stored = {leaf.index: leaf for leaf in leaves}
    for index in range(start, end):
        if index not in stored:
            raise LedgerBroken("the row is missing.", place=f"leaf {index}")
        yield index, stored[index]


def _checked_hash(index: int, leaf: Leaf) -> bytes:
    if TREE.leaf(leaf.data) != leaf.hash:
        raise LedgerBroken("its hash is not that of its data.", place=f"leaf {index}")
    return leaf.hash
