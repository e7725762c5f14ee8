"""Group commit: threads that record at the same time share one transaction, and one that is alone waits for nobody.

The first to come leads: it commits everything that waits, and then hands over to the first of those who came
meanwhile. A disk that takes 3 ms to sync is thus paid once for all of them. Who shared the last commit is likely to be
back soon: the leader gives as many the moment it takes to come, so that they do not split into halves that wait for
each other.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trust.ledger.errors import LedgerUnavailable

MAX_ENTRIES_PER_COMMIT = 1024
"""Entries that one transaction gathers; bounds the time that other processes wait for the lock, some 50 ms.

One call of more entries still goes into one transaction, as it is all or nothing."""

GATHER_SECONDS = 0.001
"""Longest time that a leader gives those of the last commit to come back: a fraction of what a disk takes to sync."""

Commit = Callable[[Sequence[bytes]], int]


@dataclass(slots=True, eq=False)
class _Turn:
    """One caller's entries on their way to the disk."""

    entries: Sequence[bytes]
    wake: threading.Lock = field(default_factory=threading.Lock)  # held while the caller sleeps; an event costs more
    first: int | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.wake.acquire()

    @property
    def done(self) -> bool:
        return self.first is not None or self.error is not None


class GroupCommit:
    """Gathers the entries of several threads into one call of `commit`, which returns the index of the first."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._complete = threading.Condition(self._lock)
        self._waiting: list[_Turn] = []
        self._expected = 1  # callers, as many as shared the last commit
        self._led = False

    def submit(self, entries: Sequence[bytes]) -> int:
        """Return the index of the first entry once all are durable; raises what `commit` raised."""
        turn = _Turn(entries)
        with self._lock:
            self._waiting.append(turn)
            leads = not self._led
            self._led = True
            if len(self._waiting) == self._expected:
                self._complete.notify()
        if not leads:
            turn.wake.acquire()  # until the entries are committed, or it is our turn to lead
        if not turn.done:
            self._lead()
        if turn.first is None:
            raise turn.error or LedgerUnavailable
        return turn.first

    def _lead(self) -> None:
        with self._lock:
            self._complete.wait_for(lambda: len(self._waiting) >= self._expected, GATHER_SECONDS)
            batch = self._take()
            self._expected = len(batch)
        try:
            first = self._commit([entry for turn in batch for entry in turn.entries])
            for turn in batch:
                turn.first = first
                first += len(turn.entries)
        except BaseException as error:
            for turn in batch:
                turn.error = error if isinstance(error, Exception) else LedgerUnavailable()
            raise
        finally:
            with self._lock:
                self._led = bool(self._waiting)
                heirs = self._waiting[:1]
            for turn in (*batch, *heirs):
                turn.wake.release()

    def _take(self) -> list[_Turn]:
        """Remove and return the turns of the next transaction, oldest first, ours among them; the lock is held."""
        count, entries = 0, 0
        for turn in self._waiting:
            entries += len(turn.entries)
            if count and entries > MAX_ENTRIES_PER_COMMIT:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch
