"""A document of an upstream platform, kept for a while and fetched anew in a way that cannot hold up the service.

A fetch holds a thread for as long as the upstream takes to answer or not to answer, and a process has few of them:
one thread at a time fetches, the others go on with what is kept, and a document that could not be had is left alone.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from sso.keycloak.errors import UpstreamUnavailable
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError

CACHE_SECONDS: Final = 300
"""How long metadata and keys are kept, seconds: as long as our own provider lets others keep its keys."""

REFETCH_SECONDS: Final = 15
"""Shortest time between two fetches for an unknown key, or after a failure, seconds: neither forged `kid`s nor people
who try again must become a flood upstream, or hold our own threads."""

WAIT_SECONDS: Final = 2.0
"""How long a thread waits for another that fetches what nobody has yet, seconds: an upstream that is well answers."""

ValueT = TypeVar("ValueT")


class Fetched(Generic[ValueT]):
    """One document. Safe between threads."""

    def __init__(self, fetch: Callable[[], ValueT], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._kept: tuple[datetime, ValueT] | None = None
        self._failed_at: datetime | None = None

    def get(self, suffices: Callable[[ValueT], bool] = lambda _: True) -> ValueT:
        """Return the document; one that does not suffice is fetched anew, if the last fetch is not too near.

        Raises `UpstreamUnavailable`, and what the fetch raises.
        """
        kept = self._kept
        fresh = kept is not None and self._is_within(kept[0], CACHE_SECONDS)
        if kept is not None and fresh and (suffices(kept[1]) or self._is_within(kept[0], REFETCH_SECONDS)):
            return kept[1]
        if self._failed_at is not None and self._is_within(self._failed_at, REFETCH_SECONDS):
            if kept is not None and fresh:
                return kept[1]
            raise UpstreamUnavailable("The upstream platform could not be asked a moment ago.")
        if self._fetching.acquire(timeout=WAIT_SECONDS if kept is None else 0):
            try:
                return self._renewed(kept)
            finally:
                self._fetching.release()
        if kept is None:
            raise UpstreamUnavailable("The upstream platform is slow to answer.")
        return kept[1]  # another thread is fetching; until then this one does

    def _renewed(self, known: tuple[datetime, ValueT] | None) -> ValueT:
        kept = self._kept
        if kept is not None and kept is not known:  # another thread has just fetched it
            return kept[1]
        try:
            value = self._fetch()
        except TrustError:
            self._failed_at = self._clock.now()
            raise
        self._kept, self._failed_at = (self._clock.now(), value), None
        return value

    def _is_within(self, moment: datetime, seconds: int) -> bool:
        return self._clock.now() - moment < timedelta(seconds=seconds)
