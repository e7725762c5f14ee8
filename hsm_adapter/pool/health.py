"""What operators, metrics and the health page are told about each device."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency classes, seconds per call of the device; the last class has no bound."""


class DeviceState(StrEnum):
    """How a device is: the two last wait for an operator."""

    OK = "ok"
    DEGRADED = "degraded"
    OPEN = "open"
    LOCKED_OUT = "locked-out"
    DISTRUSTED = "distrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyFigures:
    """How long the device's calls took: their number, their sum in seconds, and how many fell into each class.

    `counts` has one member more than `LATENCY_BOUNDS`, for the calls above the last bound.
    """

    calls: int
    seconds: float
    counts: tuple[int, ...]

    def quantile(self, share: float) -> float | None:
        """Return the upper bound of the class in which this share of the calls ended, seconds; None without calls."""
        reached = 0
        for bound, count in zip((*LATENCY_BOUNDS, float("inf")), self.counts, strict=True):
            reached += count
            if self.calls and reached >= share * self.calls:
                return bound
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHealth:
    """One device as this process sees it. `queue_length` counts messages that it might be asked to sign."""

    name: str
    state: DeviceState
    sessions: int
    sessions_busy: int
    queue_length: int
    signatures: int
    failures: int
    last_error: str | None
    last_error_at: datetime | None
    latency: LatencyFigures


class LatencyMeter:
    """Collects `LatencyFigures`; used under the pool's lock."""

    def __init__(self) -> None:
        self._calls = 0
        self._seconds = 0.0
        self._counts = [0] * (len(LATENCY_BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        """Count one call."""
        self._calls += 1
        self._seconds += seconds
        self._counts[bisect_left(LATENCY_BOUNDS, seconds)] += 1

    def figures(self) -> LatencyFigures:
        """Return what was collected."""
        return LatencyFigures(calls=self._calls, seconds=self._seconds, counts=tuple(self._counts))
