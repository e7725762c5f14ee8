"""The policies in force, read from the signed changes and verified; what does not verify stops its key.

Believed are the public halves in the key store, the ledger, and the file of the home that remembers the ledger; not
believed are the rows. Of each row: the document is in its one form and says the row's key and number; a key of the
purpose key-policy signed it; the leaf it names is that very use; it follows the change before; two people agreed. And
no change is missing at the end: the file and this process remember the greatest number. Each row is verified once.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

import structlog

from hsm_adapter.policy.changes import Change, ChangeMalformed, KeyLife, change_name
from hsm_adapter.policy.domain import LifeState
from hsm_adapter.policy.errors import KeyChangeForbidden, KeyPolicyBroken
from hsm_adapter.policy.memory import PolicyMemory, Record, Seen
from hsm_adapter.policy.ports import LeafReader, PolicyStore, SignedDocument, StoredChange
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.errors import InvalidInput, NotFound
from trust.keys import KeyInfo, KeyPurpose, KeyRef, UseOutcome
from trust.ledger.errors import EntryMalformed
from trust.ledger.segments.errors import SegmentFileMissing
from trust.signatures import verify

FRESH_FOR: Final = timedelta(seconds=1)
"""How long a process signs by what it read before it looks for changes by others: a suspension is felt within it."""

SETTLING: Final = timedelta(seconds=60)
"""How old a leaf of a change must be before its row is missed: the row is stored right after the leaf."""

_UNFINISHED = "[key-proposal:"

_log = structlog.get_logger("hsm_adapter.policy")

Describe = Callable[[KeyRef], KeyInfo]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Everything that was read at one moment."""

    version: tuple[int, int]
    record: Record
    lives: Mapping[KeyRef, KeyLife] = field(default_factory=dict)
    history: Mapping[KeyRef, tuple[Change, ...]] = field(default_factory=dict)
    forged: Mapping[KeyRef, str] = field(default_factory=dict)
    floors: Mapping[KeyRef, Seen] = field(default_factory=dict)

    def floor(self, key: KeyRef) -> int:
        """Return the number of the newest change whose row this process has read: that one is not on its way."""
        seen = self.floors.get(key)
        return 0 if seen is None else seen.number


class PolicyBook:
    """The policy of each key. Safe to share between threads; one for each process."""

    def __init__(
        self,
        store: PolicyStore,
        describe: Describe,
        leaves: LeafReader,
        memory: PolicyMemory,
        clock: Clock,
        *,
        fresh_for: timedelta = FRESH_FOR,
    ) -> None:
        """`describe` tells the public half of a policy key, from the device and not from the database."""
        self._store = store
        self._describe = describe
        self._leaves = leaves
        self._memory = memory
        self._clock = clock
        self._fresh_for = fresh_for
        self._lock = threading.Lock()
        self._page: _Page | None = None
        self._read_at: datetime | None = None
        self._floors: dict[KeyRef, Seen] = {}
        self._verified: dict[StoredChange, Change] = {}

    def life(self, info: KeyInfo) -> KeyLife:
        """Return where a key stands. Raises `KeyPolicyBroken`, `PolicyMemoryUnusable`, `DatabaseUnavailable`."""
        page = self._fresh()
        life = self._chain(page, info)
        newest = self._newest(page, info.ref)
        missing = newest is not None and newest.number > life.number
        if newest is not None and missing and (page.floor(info.ref) > life.number or not self._settling(newest)):
            raise KeyPolicyBroken(
                f"{change_name(info.ref, newest.number)} was signed and is not in the database, which ends with "
                f"{life.number}.",
                key=info.ref,
                place=change_name(info.ref, newest.number),
            )
        return life

    def foundation_of_change(self, info: KeyInfo) -> KeyLife:
        """Return the life that the next change builds on: like `life`, but the newest change may be missing.

        A process that ended between leaf and row leaves it so; two people then decide again. Raises `KeyPolicyBroken`.
        """
        page = self._fresh(again=True)
        life = self._chain(page, info)
        newest = self._newest(page, info.ref)
        return life if newest is not None and newest.number == life.number + 1 else self.life(info)

    def history(self, key: KeyRef) -> Sequence[Change]:
        """Return the verified changes of a key, oldest first, as far as they verify."""
        return self._fresh(again=True).history.get(key, ())

    def successor_of(self, key: KeyRef) -> KeyLife | None:
        """Return the active key that was made to follow this one, if there is one."""
        for life in self._fresh().lives.values():
            if life.predecessor == key and life.state is LifeState.ACTIVE:
                return life
        return None

    def read_again(self) -> None:
        """Read every row anew: a row that was altered in its place changes nothing until somebody looks."""
        with self._lock:
            self._page = None
        self._fresh(again=True)

    def believe(self, what: str, signed: SignedDocument) -> None:
        """Check that a policy key signed a document, recorded in the ledger as `what`. Raises `KeyPolicyBroken`."""
        try:
            signer = self._describe(signed.signer)
            if signer.purpose is not KeyPurpose.KEY_POLICY:
                raise KeyPolicyBroken(f"{what} is signed by a key of another purpose.", place=what)
            verify(signer.algorithm, signer.public_key, signed.document, signed.signature)
            use = self._leaves.entry(signed.entry).use
        except SegmentFileMissing:
            return  # the signature stands by itself; the missing file is reported by the ledger's own verification
        except (InvalidInput, NotFound, EntryMalformed, TypeError):
            raise KeyPolicyBroken(f"{what} has no signature of a policy key of ours.", place=what) from None
        said = (use.context.document, use.digest, use.key, use.outcome)
        if said != (what, sm3(signed.document).hex(), signed.signer, UseOutcome.SIGNED):
            raise KeyPolicyBroken(f"{what} names a ledger entry of something else.", place=what)

    def remember(self, change: Change) -> None:
        """Note a change that was stored just now, here and outside the database. Raises `PolicyMemoryUnusable`."""
        seen = Seen(number=change.number, at=change.at)
        self._memory.keep(self._memory.record().with_change(change.key, seen))
        self._fresh(again=True)

    def _chain(self, page: _Page, info: KeyInfo) -> KeyLife:
        forged = page.forged.get(info.ref)
        if forged is not None:
            raise KeyPolicyBroken(forged, key=info.ref)
        life = page.lives.get(info.ref)
        return life if life is not None else _unrecorded(info)

    def _newest(self, page: _Page, key: KeyRef) -> Seen | None:
        kept, here = page.record.changes.get(key), self._floors.get(key)
        return max((seen for seen in (kept, here) if seen), key=lambda seen: seen.number, default=None)

    def _settling(self, seen: Seen) -> bool:
        return abs(self._clock.now() - seen.at) < SETTLING

    def _fresh(self, *, again: bool = False) -> _Page:
        now = self._clock.now()
        page, read_at = self._page, self._read_at
        if page is not None and read_at is not None and not again and timedelta() <= now - read_at < self._fresh_for:
            return page
        with self._lock:
            version, record = self._store.version(), self._memory.record()
            if self._page is None or (self._page.version, self._page.record.changes) != (version, record.changes):
                self._page = self._read(version, record)
            self._read_at = now
            return self._page

    def _read(self, version: tuple[int, int], record: Record) -> _Page:
        lives: dict[KeyRef, KeyLife] = {}
        history: dict[KeyRef, tuple[Change, ...]] = {}
        forged: dict[KeyRef, str] = {}
        for key, rows in groupby(self._store.changes(), key=lambda row: row.key):
            try:
                history[key], lives[key] = self._replayed(key, list(rows))
                self._raise_floor(history[key][-1])
            except KeyPolicyBroken as error:
                forged[key] = error.detail
                _log.critical("key-policy-broken", key=key, detail=error.detail)
        return _Page(
            version=version, record=record, lives=lives, history=history, forged=forged, floors=dict(self._floors)
        )

    def _replayed(self, key: KeyRef, rows: Sequence[StoredChange]) -> tuple[tuple[Change, ...], KeyLife]:
        changes = tuple(self._change(row) for row in rows)
        try:
            info = self._describe(key)
            life = _unrecorded(info)
            for change in changes:
                life = life.after(change)
        except (KeyChangeForbidden, NotFound) as error:
            raise KeyPolicyBroken(f"The changes of {key} do not follow from each other: {error.detail}") from None
        return changes, life

    def _change(self, row: StoredChange) -> Change:
        known = self._verified.get(row)
        if known is not None:
            return known
        name = change_name(row.key, row.number)
        try:
            change = Change.parse(row.signed.document)
        except ChangeMalformed:
            raise KeyPolicyBroken(f"{name} cannot be read.", place=name) from None
        if (change.key, change.number) != (row.key, row.number):
            raise KeyPolicyBroken(f"{name} holds {change.name}.", place=name)
        self.believe(name, row.signed)
        self._verified[row] = change
        return change

    def _raise_floor(self, newest: Change) -> None:
        known = self._floors.get(newest.key)
        if known is None or known.number < newest.number:
            self._floors[newest.key] = Seen(number=newest.number, at=newest.at)


def unfinished_label(label: str, proposal_id: str) -> str:
    """Return the label of a key that is made for a proposal: with it the key is found again after a crash.

    Until the first change of such a key is signed, it counts as generated and signs nothing.
    """
    return f"{label} {_UNFINISHED}{proposal_id}]"


def _unrecorded(info: KeyInfo) -> KeyLife:
    state = LifeState.GENERATED if _UNFINISHED in info.label else LifeState.ACTIVE
    return KeyLife.unrecorded(info.ref, info.purpose, state)
