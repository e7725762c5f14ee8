"""How a figure is taken: alternating rounds of ours and the reference, the median of each, and the pairwise ratio.

Rates are operations per second. Work that stays in this process is timed by its own CPU time (`cpu_rate`), so that a
busy neighbour does not change the figure; work that waits for disks or other processes by the wall (`wall_rate`).
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5  # the least number from which a median says something


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report: median rates, the median of the pairwise ratios, and the target if there is one."""

    name: str
    unit: str
    ours: float
    spread: tuple[float, float]
    reference_name: str = ""
    reference: float | None = None
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the figure for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": round(self.ours, 3),
            "min": round(self.spread[0], 3),
            "max": round(self.spread[1], 3),
            "reference_name": self.reference_name or None,
            "reference": None if self.reference is None else round(self.reference, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": self.target or None,
            "reached": self.reached,
            "note": self.note or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure should reach: an absolute rate, a ratio to its reference, or a time that it must not exceed."""

    rate: float | None = None
    ratio: float | None = None
    most: float | None = None

    def text(self, unit: str) -> str:
        """Return the target as the table shows it."""
        if self.rate is not None:
            return f"≥ {self.rate:g} {unit}"
        if self.most is not None:
            return f"≤ {self.most:g} {unit}"
        return f"≥ {self.ratio:g} × reference"

    def reached(self, ours: float, ratio: float | None) -> bool:
        """Tell whether the medians reach it."""
        if self.rate is not None:
            return ours >= self.rate
        if self.most is not None:
            return ours <= self.most
        return ratio is not None and self.ratio is not None and ratio >= self.ratio


def figure(
    name: str,
    unit: str,
    ours: Callable[[], float],
    *,
    reference: tuple[str, Callable[[], float]] | None = None,
    target: Target | None = None,
    rounds: int = ROUNDS,
    note: str = "",
) -> Figure:
    """Run `rounds` rounds, ours and the reference in turn, and return the medians."""
    mine: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        if reference is not None:
            others.append(reference[1]())
        mine.append(ours())
    median = statistics.median(mine)
    ratio = statistics.median(a / b for a, b in zip(mine, others, strict=True)) if others else None
    return Figure(
        name=name,
        unit=unit,
        ours=median,
        spread=(min(mine), max(mine)),
        reference_name=reference[0] if reference else "",
        reference=statistics.median(others) if others else None,
        ratio=ratio,
        target=target.text(unit) if target else "",
        reached=target.reached(median, ratio) if target else None,
        note=note,
    )


def cpu_rate(operation: Callable[[], object], *, seconds: float = 1.0) -> float:
    """Return operations per second of this process's CPU time, run for about `seconds`."""
    return _rate(operation, seconds, time.process_time)


def wall_rate(operation: Callable[[], object], *, seconds: float = 1.0) -> float:
    """Return operations per second of elapsed time, run for about `seconds`."""
    return _rate(operation, seconds, time.perf_counter)


def _rate(operation: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    operation()  # the first call pays for caches; it is not counted
    count, start = 0, clock()
    while (elapsed := clock() - start) < seconds:
        operation()
        count += 1
    return count / elapsed
