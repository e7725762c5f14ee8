"""The breaker of one device: after some failures in a row it is left alone for a while, then tried with one slice.

closed (it signs) -> open (left alone until a moment) -> half-open (one trial at a time) -> closed, or open for longer.
It is used under the pool's lock; the present moment, in seconds of a clock that never jumps, is an argument.
"""

from enum import StrEnum

FAILURES_TO_OPEN = 3
"""Failures in a row after which a device is left alone. One may be a dropped session; three are a pattern."""

OPEN_SECONDS = 5.0
"""How long it is first left alone, seconds: about what a device takes to restart its service."""

MAX_OPEN_SECONDS = 60.0
"""Longest time between two trials, seconds: a device that is back is found within a minute."""


class BreakerState(StrEnum):
    """Where the breaker is."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Counts failures in a row and decides when the device is asked again."""

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self.failures = 0
        self._open_seconds = OPEN_SECONDS
        self._retry_at = 0.0

    def may_try(self, now: float) -> bool:
        """Tell whether the device may be asked at `now`. While a trial is under way nothing else is."""
        return self.state is BreakerState.CLOSED or (self.state is BreakerState.OPEN and now >= self._retry_at)

    def hopeful(self, now: float) -> bool:
        """Tell whether waiting for the device makes sense: it may be tried, or is being tried."""
        return self.state is BreakerState.HALF_OPEN or self.may_try(now)

    def seconds_left(self, now: float) -> float:
        """Return after how many seconds the next trial may start."""
        return max(0.0, self._retry_at - now) if self.state is BreakerState.OPEN else 0.0

    def trial(self, now: float) -> bool:
        """Start a call; True when it is the trial of an open breaker, which then is half-open."""
        if self.state is BreakerState.OPEN and now >= self._retry_at:
            self.state = BreakerState.HALF_OPEN
            return True
        return False

    def succeeded(self) -> None:
        """Note a success: the breaker closes."""
        self.state = BreakerState.CLOSED
        self.failures = 0
        self._open_seconds = OPEN_SECONDS

    def failed(self, now: float) -> None:
        """Note a failure: the last of `FAILURES_TO_OPEN` in a row, or that of a trial, opens the breaker."""
        self.failures += 1
        if self.state is BreakerState.HALF_OPEN:
            self._open_seconds = min(2 * self._open_seconds, MAX_OPEN_SECONDS)
            self._open(now)
        elif self.state is BreakerState.CLOSED and self.failures >= FAILURES_TO_OPEN:
            self._open(now)

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self._retry_at = now + self._open_seconds
