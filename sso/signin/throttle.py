"""How guessing is slowed without locking anybody out.

Each try is charged to its buckets before it is judged, and a right one is taken back: many guesses at once gain
nothing, and a crash leaves one failure too many, never one too few. A bucket's score fades with its half-life; each
failure above the free ones blocks the bucket twice as long as the one before. A blocked try costs nothing, so nobody
can keep a bucket blocked for longer by knocking.

Which buckets a try has (OWASP authentication cheat sheet, device cookies): from a known browser only the browser's own;
from any other the account's for strangers and the address. Codes have buckets apart from passwords. A key exists for
any number that somebody types, with an account or not: what is answered tells nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

import structlog

from sso.signin.devices import Device, KnownDevice
from sso.signin.errors import SignInThrottled
from trust.kernel.clock import Clock
from trust.sealing import BlindIndex

_log = structlog.get_logger("sso.signin")


class Secret(StrEnum):
    """What is being guessed; each has its own buckets."""

    PASSWORD = "password"  # noqa: S105  a kind
    CODE = "code"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`free` failures cost nothing; the next blocks for `first`, each further one twice as long, up to `longest`.

    `half_life` must be long against `longest`, or a patient attacker's score fades between two guesses.
    """

    free: int
    first: timedelta
    longest: timedelta
    half_life: timedelta


STRANGERS: Final = Rule(free=5, first=timedelta(seconds=1), longest=timedelta(minutes=15), half_life=timedelta(hours=6))
"""One account from unknown browsers: about a hundred guesses a day (NIST SP 800-63B 3.2.2 allows 100 in a row)."""

KNOWN: Final = Rule(free=10, first=timedelta(seconds=1), longest=timedelta(minutes=5), half_life=timedelta(hours=1))
"""One known browser: a person who mistypes waits seconds; a stolen browser gets some hundred guesses a day."""

CODES: Final = Rule(free=5, first=timedelta(seconds=1), longest=timedelta(minutes=15), half_life=timedelta(hours=6))
"""One-time codes, also from a known browser: of a million three are right, a hundred tries a day are 1 in 3,000."""

ADDRESS: Final = Rule(
    free=30, first=timedelta(seconds=1), longest=timedelta(minutes=1), half_life=timedelta(minutes=10)
)
"""One address, all accounts: a hall full of people shares it, so it slows to about two failures a minute, no less."""


MEMORY: Final = timedelta(days=7)
"""How long a bucket is kept after the last try: 28 of the longest half-lives, nothing of its score is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Failures of one key: `score` as it was at `scored_at`; until `blocked_until` no try is judged."""

    score: float
    scored_at: datetime
    blocked_until: datetime | None = None

    def wait(self, now: datetime) -> timedelta:
        """Return how long the bucket stays blocked."""
        return max(timedelta(0), self.blocked_until - now) if self.blocked_until else timedelta(0)

    def charged(self, rule: Rule, now: datetime) -> "Bucket":
        """Return the bucket after one more failure."""
        score = self._faded(rule, now) + 1
        over = score - rule.free
        if over <= 0:
            return Bucket(score=score, scored_at=now)
        doublings = min(over - 1, math.log2(rule.longest / rule.first))  # bounded: a power must not overflow
        return Bucket(score=score, scored_at=now, blocked_until=now + rule.first * 2 ** max(0.0, doublings))

    def taken_back(self, rule: Rule, now: datetime) -> "Bucket":
        """Return the bucket without the failure that a right try was charged with."""
        return Bucket(score=max(0.0, self._faded(rule, now) - 1), scored_at=now)

    def _faded(self, rule: Rule, now: datetime) -> float:
        elapsed = max(timedelta(0), now - self.scored_at)
        return float(self.score * 0.5 ** (elapsed / rule.half_life))


class BucketStore(Protocol):
    """Keeps the buckets; each call is one unit of work in which no other try of the same keys comes between."""

    def charge(self, rules: Mapping[bytes, Rule], now: datetime) -> timedelta:
        """Charge all buckets and return zero; or, when one is blocked, change nothing and return the longest wait."""
        ...

    def take_back(self, rules: Mapping[bytes, Rule], now: datetime) -> None:
        """Take one failure back from each bucket."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Drop buckets that nobody has tried since; return how many."""
        ...


class Throttle:
    """Counts tries at secrets that could be guessed."""

    def __init__(self, store: BucketStore, index: BlindIndex, clock: Clock) -> None:
        self._store = store
        self._index = index
        self._clock = clock

    def charge(self, secret: Secret, account: str, device: Device, known: KnownDevice | None) -> Mapping[bytes, Rule]:
        """Charge a try and return its buckets, for `take_back`.

        `account` is whatever names the account that is tried, whether it exists or not. Raises `SignInThrottled` with
        the whole seconds to wait.
        """
        rules = self._rules(secret, account, device, known)
        wait = self._store.charge(rules, self._clock.now())
        if wait:
            seconds = math.ceil(wait.total_seconds())
            _log.warning("sign-in throttled", secret=secret.value, known_device=known is not None, wait=seconds)
            raise SignInThrottled(f"Try again in {seconds} s.", retry_after_seconds=seconds)
        return rules

    def take_back(self, rules: Mapping[bytes, Rule]) -> None:
        """Take a charge back: the try was right."""
        self._store.take_back(rules, self._clock.now())

    def forget_unused(self) -> int:
        """Drop buckets that nobody has tried for `MEMORY`; return how many."""
        return self._store.forget(before=self._clock.now() - MEMORY)

    def _rules(self, secret: Secret, account: str, device: Device, known: KnownDevice | None) -> Mapping[bytes, Rule]:
        if known is not None:
            rule = CODES if secret is Secret.CODE else KNOWN
            return {self._key(f"{secret}\x00device\x00{account}\x00{known.bucket}"): rule}
        address = {self._key(f"{secret}\x00address\x00{device.address}"): ADDRESS}
        if secret is Secret.RECOVERY:  # 125 random bits: nothing to guess, so strangers must not block the person's own
            return address
        rule = CODES if secret is Secret.CODE else STRANGERS
        return address | {self._key(f"{secret}\x00account\x00{account}"): rule}

    def _key(self, text: str) -> bytes:
        return self._index.of(text, domain="sso.signin.throttle")
