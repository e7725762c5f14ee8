"""Doubles that pass the same contracts as the real parts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from trust.keys import KeyUse

MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = MOMENT) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class CountingRandomness:
    """Bytes that differ at each call and are the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def token(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")


class MemoryRecorder:
    """A key-use recorder in memory."""

    def __init__(self) -> None:
        self.uses: list[KeyUse] = []

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        start = len(self.uses)
        self.uses.extend(uses)
        return range(start, len(self.uses))
