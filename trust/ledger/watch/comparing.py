"""Rules that compare the ledger with what is outside it: libraries, devices, checkpoints and witnesses.

Each is one turn: it reads where it stands, looks, and moves its cursor together with its alerts. When another process
was faster, nothing happens here; its turn has found the same.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from trust.kernel.clock import Clock
from trust.keys import KeyUse, UseOutcome
from trust.ledger.domain import encode_moment, parse_moment
from trust.ledger.search.domain import Span
from trust.ledger.search.reading import Batch
from trust.ledger.search.service import LedgerSearch
from trust.ledger.service import MAX_ENTRIES, Ledger
from trust.ledger.watch.domain import (
    CheckpointOverdue,
    CounterDisagrees,
    MissingLeaf,
    Raised,
    UnknownDocument,
    WitnessesMissing,
)
from trust.ledger.watch.ports import Cursor, DeviceCounters, Documents, WatchStore

PAGE_DOCUMENTS: Final = 256
"""Documents of a library that are compared in one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """How far the ledger is vouched for.

    `checkpoint_due` tells whether one is due now, `newest` the size of the newest checkpoint, `witnessed` that of the
    newest that enough witnesses have cosigned; None when there is none.
    """

    checkpoint_due: Callable[[], bool]
    newest: Callable[[], int | None]
    witnessed: Callable[[], int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The ledger on one side; everything that a turn needs."""

    store: WatchStore
    ledger: Ledger
    search: LedgerSearch
    clock: Clock

    def unknown_documents(self, rule: UnknownDocument, libraries: Sequence[Documents]) -> bool:
        """Judge one page of entries that are old enough; False when none is left."""
        before = self.store.cursor(rule.id)
        size = self.search.store.reached()
        leaves = self.ledger.entries(before.position, min(MAX_ENTRIES, max(0, size - before.position)))
        by_purpose = {library.purpose: library for library in libraries}
        raised, position = [], before.position
        for leaf, use in _pairs(leaves):
            if not self._settled(use.at, rule.seconds):
                break
            position = leaf + 1
            library = by_purpose.get(use.purpose)
            if library is None or not rule.where.admits(use) or use.outcome is not UseOutcome.SIGNED:
                continue
            document = use.context.document
            if document is None or not library.knows(document):
                detail = f"Entry {leaf} of key {use.key} is for the document {document or '(none named)'}."
                raised.append(Raised(rule=rule, place=f"leaf {leaf}", detail=detail))
        return position > before.position and self.store.advance(
            before, replace(before, position=position), raised, self.clock.now()
        )

    def missing_leaves(self, rule: MissingLeaf, library: Documents) -> bool:
        """Judge the next documents of a library; False when none is left."""
        before = self.store.cursor(f"{rule.id}:{library.name}"[:64])
        listed = library.documents_since(before.position, PAGE_DOCUMENTS)
        if not listed:
            return False
        self.search.catch_up()  # an entry is older than its document, so it is in the index now or nowhere
        raised = [
            Raised(
                rule=rule,
                place=f"document {each.document}",
                detail=f"No entry says that the document {each.document} was signed for {library.purpose.value}.",
            )
            for each in listed
            if not self.search.store.signed_for(each.document, library.purpose)
        ]
        return self.store.advance(before, replace(before, position=listed[-1].mark), raised, self.clock.now())

    def device_counts(self, rule: CounterDisagrees, devices: DeviceCounters) -> None:
        """Compare each key's count once. What is remembered is how often in a row a key disagreed, and by what."""
        before = self.store.cursor(rule.id)
        memory = _memory(before)
        least = self._signatures()
        counted = {each.key: each.count for each in devices.counts()}
        self.search.catch_up()
        most = self._signatures()
        after: dict[str, list[int]] = {}
        raised = []
        for key, count in sorted(counted.items()):
            apart = max(0, count - most.get(key, 0)) + min(0, count - least.get(key, 0))
            if not apart:
                continue
            looks, smallest = memory.get(key, [0, apart])
            same_side = (smallest > 0) == (apart > 0)
            looks, smallest = (looks + 1, min(smallest, apart, key=abs)) if same_side else (1, apart)
            after[key] = [min(looks, rule.looks), smallest]
            if looks >= rule.looks:
                detail = f"The devices have counted {count} signatures of key {key}, the ledger {most.get(key, 0)}."
                raised.append(Raised(rule=rule, place=f"key {key}, difference {smallest:+d}", detail=detail))
        self._remember(before, after, raised)

    def overdue_checkpoint(self, rule: CheckpointOverdue, vouching: Vouching) -> None:
        """Raise an alert once a checkpoint is due for too long."""
        size = vouching.newest()
        place = f"checkpoint after {size}" if size is not None else "first checkpoint"
        self._lasting(rule, place if vouching.checkpoint_due() else None, rule.seconds)

    def missing_witnesses(self, rule: WitnessesMissing, vouching: Vouching) -> None:
        """Raise an alert once the newest checkpoints lack cosignatures for too long."""
        newest, witnessed = vouching.newest(), vouching.witnessed()
        place = f"checkpoints after {witnessed}" if witnessed is not None else "all checkpoints"
        self._lasting(rule, place if newest is not None and newest != witnessed else None, rule.seconds)

    def _lasting(self, rule: CheckpointOverdue | WitnessesMissing, place: str | None, seconds: int) -> None:
        """Raise an alert for what is wrong at the same place since so long ago; None is that nothing is wrong."""
        before = self.store.cursor(rule.id)
        memory, now = _memory(before), self.clock.now()
        since = memory.get("since") if place is not None and memory.get("place") == place else None
        begun = now if since is None else min(now, parse_moment(since))  # a clock that went back starts anew
        after = {} if place is None else {"place": place, "since": encode_moment(begun)}
        raised = []
        if place is not None and now - begun >= timedelta(seconds=seconds):
            raised.append(Raised(rule=rule, place=place, detail=f"It is so since {encode_moment(begun)}."))
        self._remember(before, after, raised)

    def _remember(self, before: Cursor, memory: Mapping[str, Any], raised: Sequence[Raised]) -> None:
        state = json.dumps(memory, sort_keys=True) if memory else ""
        if raised or state != before.state:
            self.store.advance(
                before, replace(before, position=before.position + 1, state=state), raised, self.clock.now()
            )

    def _signatures(self) -> dict[str, int]:
        figures, _ = self.search.figures(Span())
        return {each.key: each.signed for each in figures}

    def _settled(self, at: datetime, seconds: int) -> bool:
        """Whether an entry is old enough; one from the future counts as old, or it would stop us until then."""
        return not timedelta() <= self.clock.now() - at < timedelta(seconds=seconds)


def _pairs(leaves: Sequence[Any]) -> Iterator[tuple[int, KeyUse]]:
    if leaves:
        yield from Batch(leaves=leaves).entries


def _memory(cursor: Cursor) -> dict[str, Any]:
    return json.loads(cursor.state) if cursor.state else {}
