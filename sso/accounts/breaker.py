"""A circuit breaker for one proofing source: a register that does not answer is left alone for a while.

People wait at the page while a source is asked, each in a thread of which a worker has two: without this, a few
registrations in a minute with a dead register stop every page.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog

from sso.accounts.errors import ProofingSourceResting, ProofingSourceUnavailable
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError

FAILURES_MAX: Final = 3
"""Questions in a row without an answer before the source rests: one is a lost packet, three are none."""

REST: Final = timedelta(seconds=30)
"""How long a source rests: short enough that nobody looks for it; a dead one then takes one thread in 30 s."""

_log = structlog.get_logger("sso.accounts")


class Breaker:
    """Closed while the source answers; open after `FAILURES_MAX`; after `REST` one question tries it out (half-open).

    It is kept per server process, as are the threads that it protects.
    """

    def __init__(self, source: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until: datetime | None = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the source in this block. Raises `ProofingSourceResting` at once while the source rests.

        Only a source that does not answer fails here: what cannot be read, or refuses us, was quick.
        """
        self._admit()
        try:
            yield
        except ProofingSourceUnavailable:
            self._failed()
            raise
        except TrustError:
            self._answered()
            raise
        except BaseException:
            self._failed()
            raise
        self._answered()

    def _admit(self) -> None:
        now = self._clock.now()
        with self._lock:
            if self._rests_until is None:
                return
            if now >= self._rests_until:
                self._rests_until = now + REST  # this one tries; the others wait for what becomes of it
                return
            wait = math.ceil((self._rests_until - now).total_seconds())
        raise ProofingSourceResting(source=self._source, retry_after_seconds=wait)

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures < FAILURES_MAX:
                return
            opened = self._failures == FAILURES_MAX
            self._rests_until = self._clock.now() + REST
        if opened:
            _log.warning("proofing-source-rests", source=self._source, seconds=REST.total_seconds())

    def _answered(self) -> None:
        with self._lock:
            rested = self._rests_until is not None
            self._failures, self._rests_until = 0, None
        if rested:
            _log.info("proofing-source-answers-again", source=self._source)
