"""The watch: follows the ledger, judges each entry by the rules, and compares the ledger with what is outside it.

It may be killed at any moment and run several times at once: what it has seen and what it has found change together.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError
from trust.kernel.text import check_person, check_reason
from trust.ledger.errors import LedgerBroken
from trust.ledger.search.reading import Batch
from trust.ledger.search.service import LedgerSearch
from trust.ledger.service import MAX_ENTRIES, Ledger
from trust.ledger.watch.comparing import Comparison, Vouching
from trust.ledger.watch.domain import (
    Acknowledgement,
    Alert,
    CheckpointOverdue,
    CounterDisagrees,
    MissingLeaf,
    Raised,
    Rule,
    UnknownDocument,
    WitnessesMissing,
)
from trust.ledger.watch.judging import judges_of
from trust.ledger.watch.ports import Cursor, DeviceCounters, Documents, WatchStore

MAX_STEPS: Final = 64
"""Pages that one part of the watch goes on in one turn: 16,384 entries, some seconds of work."""

MAX_ALERTS: Final = 500
"""Alerts in one list."""

_LEAVES: Final = "*leaves"  # no id of a rule begins so

_log = structlog.get_logger("trust.ledger.watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the ledger is compared with; a rule about what is not there is not judged."""

    libraries: Sequence[Documents] = ()
    devices: DeviceCounters | None = None
    vouching: Vouching | None = None


class Watch:
    """Watches one ledger by some rules."""

    def __init__(
        self,
        store: WatchStore,
        ledger: Ledger,
        search: LedgerSearch,
        clock: Clock,
        *,
        rules: Sequence[Rule],
        around: Surroundings | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._search = search
        self._clock = clock
        self._rules = tuple(rules)
        self._around = around or Surroundings()
        self._comparison = Comparison(store=store, ledger=ledger, search=search, clock=clock)

    def turn(self) -> int:
        """Look once at everything that is new; return how many entries were judged.

        A part that cannot be asked is logged and does not keep the others from being judged.
        Raises `LedgerUnavailable`, `LedgerBroken` at an entry that is none.
        """
        self._search.follow()
        judged = sum(self._steps(self._judge_page))
        for rule in self._rules:
            try:
                self._compare(rule)
            except LedgerBroken:
                raise
            except TrustError as error:
                _log.warning("rule-not-judged", rule=rule.id, code=error.code, facts=error.facts)
        return judged

    def _judge_page(self) -> int:
        before = self._store.cursor(_LEAVES)
        reached = self._search.store.reached()
        leaves = self._ledger.entries(before.position, min(MAX_ENTRIES, max(0, reached - before.position)))
        if not leaves:
            return 0
        batch = Batch(leaves=leaves)
        raised, memory = self._judge(batch, _memory(before))
        after = replace(before, position=batch.end, state=json.dumps(memory, sort_keys=True))
        return len(leaves) if self._store.advance(before, after, raised, self._clock.now()) else 0

    def _judge(self, batch: Batch, memory: Mapping[str, Any]) -> tuple[list[Raised], Mapping[str, Any]]:
        judges = judges_of(self._rules, memory, self._search.is_new)
        raised = []
        for leaf, use in zip(batch.leaves, batch.uses, strict=True):
            found = (judge.look(leaf.index, use) for judge in judges.values())
            raised += [each for each in found if each is not None]
        kept = {name: judge.memory() for name, judge in judges.items()}
        return raised, {name: value for name, value in kept.items() if value is not None}

    def _compare(self, rule: Rule) -> None:
        compared, around = self._comparison, self._around
        if isinstance(rule, UnknownDocument):
            self._steps(lambda: compared.unknown_documents(rule, around.libraries))
        elif isinstance(rule, MissingLeaf):
            for library in around.libraries:
                self._steps(lambda library=library: compared.missing_leaves(rule, library))  # type: ignore[misc]
        elif isinstance(rule, CounterDisagrees) and around.devices is not None:
            compared.device_counts(rule, around.devices)
        elif around.vouching is not None:
            self._compare_vouching(rule, around.vouching)

    def _compare_vouching(self, rule: Rule, vouching: Vouching) -> None:
        if isinstance(rule, CheckpointOverdue):
            self._comparison.overdue_checkpoint(rule, vouching)
        elif isinstance(rule, WitnessesMissing):
            self._comparison.missing_witnesses(rule, vouching)

    @staticmethod
    def _steps(step: Callable[[], int]) -> list[int]:
        """Repeat a step until it finds nothing more, or for as long as one turn may take."""
        done: list[int] = []
        while len(done) < MAX_STEPS and (found := step()):
            done.append(found)
        return done


class AlertDesk:
    """Where officers see alerts and say that they have."""

    def __init__(self, store: WatchStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def alerts(self, *, after: int = 0, limit: int = MAX_ALERTS, still_open: bool = True) -> list[Alert]:
        """Return alerts with numbers above `after`, in order, at most `MAX_ALERTS`."""
        return self._store.alerts(after=after, limit=min(limit, MAX_ALERTS), still_open=still_open)

    def open_alerts(self) -> dict[str, int]:
        """Return how many alerts wait for an officer, by severity."""
        return self._store.open_alerts()

    def acknowledge(self, number: int, *, by: str, note: str) -> Alert:
        """Keep that an officer has seen an alert, and what they made of it; nothing else changes.

        Raises `AlertUnknown`, `AlertAcknowledged`, and as `check_person` and `check_reason`.
        """
        check_person(by, field="by")
        check_reason(note, field="note")
        seen = Acknowledgement(by=by, at=self._clock.now(), note=note)
        alert = self._store.acknowledge(number, seen)
        _log.info("alert-acknowledged", alert=number, rule=alert.rule, by=by)
        return alert


def _memory(cursor: Cursor) -> Mapping[str, Any]:
    return json.loads(cursor.state) if cursor.state else {}
