"""Rate limits: one token bucket per key, in bounded memory.

The buckets live in one server process; with n processes a caller gets up to n times the rate. That is enough against
floods and guessing; it is not an accounting.
"""

import ipaddress
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from flask import request

from trust.kernel.clock import Clock
from trust.kernel.errors import RateLimited

MAX_KEYS = 10_000
"""Buckets kept per limiter, about 2 MB. The key unused for longest is forgotten first; its next bucket is full."""

_IPV6_SITE_BITS = 64  # one subscriber holds a whole /64: single addresses in it are free to change
_SECONDS_PER_MINUTE = 60.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime


class RateLimiter:
    """Admits `per_minute` requests a minute for each key, with a burst of as many after a quiet minute."""

    def __init__(self, per_minute: int, clock: Clock, *, max_keys: int = MAX_KEYS) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / _SECONDS_PER_MINUTE
        self._clock = clock
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, key: str) -> None:
        """Take one token of `key`. Raises `RateLimited` with the seconds until the next one is there."""
        now = self._clock.now()
        with self._lock:
            bucket = self._bucket(key, now)
            elapsed = max(0.0, (now - bucket.filled_at).total_seconds())
            bucket.tokens = min(self._capacity, bucket.tokens + elapsed * self._per_second)
            bucket.filled_at = now
            if bucket.tokens >= 1.0:
                bucket.tokens -= 1.0
                return
            wait = math.ceil((1.0 - bucket.tokens) / self._per_second)
        raise RateLimited(f"Try again in {wait} s.", retry_after_seconds=wait)

    def _bucket(self, key: str, now: datetime) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._capacity, now)
            if len(self._buckets) > self._max_keys:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket


def client_address() -> str:
    """Return the address of the peer as a key for a limiter; an IPv6 address counts by its /64."""
    text = request.remote_addr or "unknown"
    if ":" not in text:
        return text
    try:
        return str(ipaddress.IPv6Network((text.partition("%")[0], _IPV6_SITE_BITS), strict=False))
    except ValueError:
        return text
