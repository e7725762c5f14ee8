"""How often one clerk acts on accounts in a day: what one hostile clerk can do before somebody looks."""

from datetime import date
from typing import Protocol

import structlog

from sso.accounts.errors import ClerkDayFull
from sso.counters.domain import Clerk
from trust.kernel.clock import Clock, calendar_day

_log = structlog.get_logger("sso.accounts")


class ClerkDayStore(Protocol):
    """Counts acts of clerks by day; each call is one unit of work."""

    def count(self, clerk: str, day: date, *, most: int) -> bool:
        """Count one act; False, and nothing counted, when there are `most` already, also in a race."""
        ...


class ClerkDays:
    """Admits `most` acts of a clerk on accounts per day in China (setting `clerk_acts_per_day`)."""

    def __init__(self, store: ClerkDayStore, *, most: int, clock: Clock) -> None:
        self._store = store
        self._most = most
        self._clock = clock

    def admit(self, clerk: Clerk, *, counter: str, act: str) -> None:
        """Count an act before it is judged: guessing at names counts too. Raises `ClerkDayFull`."""
        if self._store.count(clerk.id, calendar_day(self._clock.now()), most=self._most):
            return
        _log.warning("clerk-day-full", clerk=clerk.id, counter=counter, act=act, most=self._most)
        raise ClerkDayFull(clerk=clerk.id)
