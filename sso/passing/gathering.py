"""Group commit for hops: threads that exchange at the same time share one transaction; one alone waits for nobody.

The same idea as `trust.ledger.batching`, for items of any kind that each have an outcome of their own: one refused
item leaves the others of its transaction untouched.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from trust.kernel.errors import Unavailable

MAX_ITEMS: Final = 256
"""Items that one transaction gathers; bounds the time for which other writers wait, some 30 ms."""

ItemT = TypeVar("ItemT")
OutcomeT = TypeVar("OutcomeT")


@dataclass(slots=True, eq=False)
class _Turn(Generic[ItemT, OutcomeT]):
    item: ItemT
    wake: threading.Event = field(default_factory=threading.Event)
    outcome: list[OutcomeT] = field(default_factory=list)
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return bool(self.outcome) or self.error is not None


class Gathering(Generic[ItemT, OutcomeT]):
    """Gathers the items of several threads into one call of `commit`, which returns an outcome for each."""

    def __init__(self, commit: Callable[[Sequence[ItemT]], Sequence[OutcomeT]]) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: list[_Turn[ItemT, OutcomeT]] = []
        self._led = False

    def submit(self, item: ItemT) -> OutcomeT:
        """Return the outcome of the item once it is durable; raises what `commit` raised."""
        turn: _Turn[ItemT, OutcomeT] = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            leads = not self._led
            self._led = True
        if not leads:
            turn.wake.wait()  # until the item is committed, or it is our turn to lead
        if not turn.done:
            self._lead()
        if not turn.outcome:
            raise turn.error or Unavailable
        return turn.outcome[0]

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:MAX_ITEMS], self._waiting[MAX_ITEMS:]
        try:
            for turn, outcome in zip(batch, self._commit([turn.item for turn in batch]), strict=True):
                turn.outcome.append(outcome)
        except BaseException as error:
            for turn in batch:
                turn.error = error if isinstance(error, Exception) else Unavailable()
            raise
        finally:
            with self._lock:
                self._led = bool(self._waiting)
                heirs = self._waiting[:1]
            for turn in (*batch, *heirs):
                turn.wake.set()
