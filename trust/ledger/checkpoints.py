"""Signed checkpoints: what the ledger was at a moment, in a form that others can keep and hold against it.

Signing a checkpoint of size N is itself a key use and appends an entry, so a checkpoint always trails its ledger by
that entry. An entry of that kind alone is no reason for another checkpoint.
"""

import threading

from trust.kernel import merkle
from trust.kernel.clock import Clock
from trust.keys import KeyPurpose, KeyRef, Signer, SigningRequest, UseContext, UseOutcome
from trust.ledger.domain import TREE, Checkpoint, Head, SignedCheckpoint
from trust.ledger.errors import EntryMalformed, LedgerBroken
from trust.ledger.ports import LedgerStore

_MAX_OWN_ENTRIES = 16
"""New entries that are looked at one by one; more than this, by processes checkpointing at once, is never all ours."""


class Checkpointer:
    """Signs and stores checkpoints with one key, under one origin. Safe to share between threads."""

    def __init__(self, store: LedgerStore, signer: Signer, key: KeyRef, clock: Clock, *, origin: str) -> None:
        """`origin` names this ledger among all others: host and path without a scheme, for ever the same."""
        self._store = store
        self._signer = signer
        self._key = key
        self._clock = clock
        self._origin = origin
        self._lock = threading.Lock()
        self._known: SignedCheckpoint | None = None  # the last that we saw; the database could be made to forget it

    def latest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint, None before the first."""
        return self._store.latest_checkpoint()

    def checkpoint(self) -> SignedCheckpoint:
        """Sign the present head, unless the newest checkpoint already covers all but checkpoints' own entries.

        Raises what the signer raises, `LedgerUnavailable`, or `LedgerBroken` when the head contradicts that checkpoint
        or one that this object has seen is gone.
        """
        with self._lock:
            self._refuse_forgetting()
            latest, head = self._store.latest_checkpoint(), self._store.head()
            if latest is None or not self._covers(latest, head):
                if latest is not None:
                    self._refuse_contradiction(latest.checkpoint, head)
                latest = self._sign(head)
            self._known = latest
            return latest

    def _sign(self, head: Head) -> SignedCheckpoint:
        checkpoint = Checkpoint(origin=self._origin, size=head.size, root=head.root, at=self._clock.now())
        context = UseContext(principal="system:ledger", why="ledger checkpoint", document=f"ledger:{head.size}")
        signature = self._signer.sign(
            self._key,
            SigningRequest(message=checkpoint.body, context=context),
            purpose=KeyPurpose.LEDGER_CHECKPOINT,
        )
        return self._store.add_checkpoint(
            SignedCheckpoint(
                checkpoint=checkpoint,
                body=checkpoint.body,
                key=signature.key,
                signature=signature.value,
                entry=signature.ledger_index,
            )
        )

    def _covers(self, latest: SignedCheckpoint, head: Head) -> bool:
        fresh = head.size - latest.checkpoint.size
        if not 0 <= fresh <= _MAX_OWN_ENTRIES:
            return False
        try:
            uses = [leaf.use for leaf in self._store.leaves(latest.checkpoint.size, fresh)]
        except EntryMalformed:
            return False  # whatever it is, it is news
        return all(
            use.purpose is KeyPurpose.LEDGER_CHECKPOINT and use.key == self._key and use.outcome is UseOutcome.SIGNED
            for use in uses
        )

    def _refuse_forgetting(self) -> None:
        """Never sign again for a database from which a checkpoint was taken: whoever cuts the ledger cuts that too."""
        if self._known is not None:
            size = self._known.checkpoint.size
            if self._store.checkpoints(size, size + 1) != [self._known]:
                raise LedgerBroken("it was signed and is gone.", place=f"checkpoint {size}")

    def _refuse_contradiction(self, latest: Checkpoint, head: Head) -> None:
        """Never sign a tree that does not grow out of the last one that was signed."""
        try:
            merkle.verify_consistency(
                TREE,
                old_size=latest.size,
                old_root=latest.root,
                new_size=head.size,
                new_root=head.root,
                path=merkle.consistency_proof(TREE, latest.size, head.size, self._store.nodes),
            )
        except (merkle.ProofInvalid, merkle.OutsideTree):
            raise LedgerBroken("it does not grow out of the last checkpoint.", place="head") from None
