"""Signed checkpoints: what the ledger was at a moment, in a form that others can keep and hold against it.

Signing a checkpoint of size N is itself a key use and appends an entry, so a checkpoint always trails its ledger by
that entry. An entry of that kind alone is no reason for another checkpoint.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trust.kernel import merkle
from trust.kernel.clock import Clock
from trust.kernel.text import check_person, check_reason, is_same_person
from trust.keys import KeyPurpose, KeyRef, KeyUse, Signature, Signer, SigningRequest, UseContext, UseOutcome
from trust.ledger.domain import TREE, Checkpoint, Head, SignedCheckpoint
from trust.ledger.errors import EntryMalformed, LedgerBroken
from trust.ledger.halting import Halted
from trust.ledger.memory import RollBackWatch
from trust.ledger.note_errors import LossNotSeparated
from trust.ledger.notebook import Notebook
from trust.ledger.ports import LedgerStore

MAX_UNCHECKPOINTED_ENTRIES = 4096
"""Entries after which a checkpoint is due before its time: 16 tiles, under a second of a bulk issue at full speed."""

CHECKPOINT_EVERY = timedelta(seconds=60)
"""Longest time that an entry waits for a checkpoint where the settings say nothing else."""

_MAX_OWN_ENTRIES = 16
"""New entries that are looked at one by one; more than this, by processes checkpointing at once, is never all ours."""

_PRINCIPAL = "system:ledger"
_WHY = "ledger checkpoint"


class NoteSigner(Protocol):
    """Signs a checkpoint with the guarded key and, as the same recorded use, with Ed25519 (`hsm_adapter`)."""

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> tuple[Signature, bytes]:
        """Return the recorded signature, and the Ed25519 signature over the same bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a checkpoint is beyond the database: a note for stock tools, and a copy that a restored database lacks."""

    signer: NoteSigner
    notebook: Notebook
    watch: RollBackWatch


class Checkpointer:
    """Signs and stores checkpoints with one key, under one origin. Safe to share between threads."""

    def __init__(
        self,
        store: LedgerStore,
        signer: Signer,
        key: KeyRef | Callable[[], KeyRef],
        clock: Clock,
        *,
        origin: str,
        outside: Outside | None = None,
        every: timedelta = CHECKPOINT_EVERY,
    ) -> None:
        """`key` may be asked for at each checkpoint: a suspended key must not end them while another is active.

        `origin` names this ledger among all others: host and path without a scheme, for ever the same.

        Without `outside` a checkpoint lives in the database alone, and a database put back is not noticed.
        """
        self._store = store
        self._signer = signer
        self._key = key if callable(key) else lambda: key
        self._clock = clock
        self._origin = origin
        self._outside = outside
        self._every = every
        self._lock = threading.Lock()
        self._known: SignedCheckpoint | None = None  # the last that we saw; the database could be made to forget it

    def latest(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint, None before the first."""
        return self._store.latest_checkpoint()

    def halted(self) -> Halted | None:
        """Return why signing is stopped, None while it is not."""
        return None if self._outside is None else self._outside.watch.halt.reason()

    def checkpoint_due(self) -> bool:
        """Whether entries wait for a checkpoint longer, or in greater number, than the bounds allow.

        A clock that was put back never delays one: a latest checkpoint from the future counts as too old.
        """
        latest, head = self._store.latest_checkpoint(), self._store.head()
        if latest is None:
            return True
        age = self._clock.now() - latest.checkpoint.at
        full = head.size - latest.checkpoint.size >= MAX_UNCHECKPOINTED_ENTRIES
        timely = timedelta() <= age < self._every
        return (full or not timely) and not self._covers(latest, head)

    def checkpoint(self) -> SignedCheckpoint:
        """Sign the present head, unless the newest checkpoint already covers all but checkpoints' own entries.

        Raises what the signer raises, `LedgerUnavailable`, `LedgerBroken` when the head contradicts that checkpoint
        or one that this object has seen is gone, `LedgerRolledBack` or `LedgerHalted` when the database is not the one
        whose checkpoint lies outside it.
        """
        with self._lock:
            self._refuse_roll_back()
            self._refuse_forgetting()
            latest, head = self._store.latest_checkpoint(), self._store.head()
            if latest is None or not self._covers(latest, head):
                if latest is not None:
                    self._refuse_contradiction(latest.checkpoint, head)
                latest = self._sign(head, principal=_PRINCIPAL, why=_WHY)
            self._known = latest
            self._keep_outside(latest)
            return latest

    def accept_loss(self, size: int, *, by: str, approved_by: str, reason: str) -> SignedCheckpoint:
        """Go on with the present database although a checkpoint of `size` was signed that it does not hold.

        The kept checkpoint stays beside as evidence; who asked, who approved and why becomes the entry of the next
        checkpoint. Raises `LossNotSeparated` (law 9), `TrustError` for names and reasons that cannot be kept in clear,
        `LedgerRolledBack` when the kept checkpoint is of another size and the database contradicts it.
        """
        check_person(by, field="by")
        check_person(approved_by, field="approved_by")
        check_reason(reason, field="reason")
        if is_same_person(by, approved_by):
            raise LossNotSeparated(field="approved_by")
        why = f"{_WHY}; loss of the checkpoint of size {size} accepted, approved by {approved_by}: {reason}"
        return self._go_on(given_up=size, principal=f"operator:{by}", why=why)

    def resume(self, *, principal: str, reason: str) -> SignedCheckpoint:
        """Go on after a stop, since the right database is back. Raises `LedgerRolledBack` when it is not."""
        return self._go_on(given_up=None, principal=principal, why=f"{_WHY}; signing resumed: {reason}")

    def _go_on(self, *, given_up: int | None, principal: str, why: str) -> SignedCheckpoint:
        if self._outside is None:
            raise LedgerBroken("nothing is kept outside the database.", place="checkpoint")
        with self._lock:
            if given_up is not None:
                self._outside.watch.memory.set_aside(given_up)
            self._outside.watch.compare_kept()
            with self._outside.watch.halt.lifted():
                signed = self._sign(self._store.head(), principal=principal, why=why)
            self._known = signed
            self._keep_outside(signed)
            return signed

    def _sign(self, head: Head, *, principal: str, why: str) -> SignedCheckpoint:
        checkpoint = Checkpoint(origin=self._origin, size=head.size, root=head.root, at=self._clock.now())
        context = UseContext(principal=principal, why=why, document=f"ledger:{head.size}")
        signature, beside = self._signed(SigningRequest(message=checkpoint.body, context=context))
        stored = self._store.add_checkpoint(
            SignedCheckpoint(
                checkpoint=checkpoint,
                body=checkpoint.body,
                key=signature.key,
                signature=signature.value,
                entry=signature.ledger_index,
            )
        )
        if self._outside is not None and beside is not None and stored.body == checkpoint.body:
            self._outside.notebook.keep(stored, beside)
        return stored

    def _signed(self, request: SigningRequest) -> tuple[Signature, bytes | None]:
        purpose = KeyPurpose.LEDGER_CHECKPOINT
        if self._outside is None:
            return self._signer.sign(self._key(), request, purpose=purpose), None
        return self._outside.signer.sign(self._key(), request, purpose=purpose)

    def _covers(self, latest: SignedCheckpoint, head: Head) -> bool:
        fresh = head.size - latest.checkpoint.size
        if not 0 <= fresh <= _MAX_OWN_ENTRIES:
            return False
        if self._outside is not None and not self._outside.notebook.countersigned(latest):
            return False  # of an older release, or cut short between its two rows
        try:
            uses = [leaf.use for leaf in self._store.leaves(latest.checkpoint.size, fresh)]
        except EntryMalformed:
            return False  # whatever it is, it is news
        return all(self._is_own(use) for use in uses)

    @staticmethod
    def _is_own(use: KeyUse) -> bool:
        """Whether an entry is that of a checkpoint; exports, releases and accepted losses have the same key."""
        said = (use.purpose, use.outcome, use.context.principal, use.context.why)
        return said == (KeyPurpose.LEDGER_CHECKPOINT, UseOutcome.SIGNED, _PRINCIPAL, _WHY)

    def _keep_outside(self, latest: SignedCheckpoint) -> None:
        if self._outside is not None:
            self._outside.watch.memory.keep(self._outside.notebook.note(latest))

    def _refuse_roll_back(self) -> None:
        if self._outside is not None:
            self._outside.watch.check()

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
