"""The rule that the guard asks before the device: state, callers, validity, hours, and the count.

The count comes last and is taken before the device signs: a process that ends in between, or a device that fails, has
spent what it took. So there are never more signatures than the limit, and there may be fewer.
"""

from collections.abc import Sequence

from hsm_adapter.errors import KeyRetired
from hsm_adapter.policy.book import PolicyBook
from hsm_adapter.policy.changes import KeyLife
from hsm_adapter.policy.domain import KeyPolicy, LifeState
from hsm_adapter.policy.errors import (
    CallerNotAllowed,
    KeyCountExhausted,
    KeyNotActive,
    KeyOutsideHours,
    KeyPolicyBroken,
    KeySuspended,
    KeyValidityOver,
)
from hsm_adapter.policy.ports import PolicyStore
from trust.kernel.clock import Clock
from trust.keys import KeyInfo, SigningRequest


class PolicyRule:
    """The `KeyUseRule` of an installation. Safe to share between threads."""

    def __init__(self, book: PolicyBook, store: PolicyStore, clock: Clock) -> None:
        self._book = book
        self._store = store
        self._clock = clock

    def admit(self, info: KeyInfo, requests: Sequence[SigningRequest]) -> None:
        """Return when the key may make these signatures now.

        Raises `KeyPolicyBroken`, `KeyNotActive`, `KeySuspended`, `KeyRetired`, `CallerNotAllowed`, `KeyValidityOver`,
        `KeyOutsideHours`, `KeyCountExhausted`, `DatabaseUnavailable`, `PolicyMemoryUnusable`.
        """
        life = self._book.life(info)
        _check_state(life)
        _check_callers(life, requests)
        self._check_time(life.policy)
        if life.policy.max_signatures is not None:
            self._take(life, life.policy.max_signatures, len(requests))

    def _check_time(self, policy: KeyPolicy) -> None:
        if not policy.hours and policy.not_before is None and policy.not_after is None:
            return
        now = self._clock.now()
        if policy.not_before is not None and now < policy.not_before:
            raise KeyValidityOver(f"The key may be used from {policy.not_before.isoformat()} on.", field="key")
        if policy.not_after is not None and now >= policy.not_after:
            raise KeyValidityOver(f"The key could be used until {policy.not_after.isoformat()}.", field="key")
        if policy.hours and not any(hours.include(now) for hours in policy.hours):
            raise KeyOutsideHours(field="key")

    def _take(self, life: KeyLife, limit: int, count: int) -> None:
        if self._store.take(life.key, count, most=limit - life.used_before):
            return
        if self._store.taken(life.key) is None:
            raise KeyPolicyBroken(f"The counter of {life.key} is gone.", key=life.key, place="key_count")
        raise KeyCountExhausted(f"The policy permits {limit} signatures in all.", field="key")


def _check_state(life: KeyLife) -> None:
    match life.state:
        case LifeState.ACTIVE:
            return
        case LifeState.GENERATED:
            raise KeyNotActive(field="key")
        case LifeState.SUSPENDED:
            raise KeySuspended(field="key")
        case LifeState.RETIRED | LifeState.DESTROYED:
            raise KeyRetired(f"The key {life.key} was retired.", field="key")


def _check_callers(life: KeyLife, requests: Sequence[SigningRequest]) -> None:
    callers = life.policy.callers
    if callers is not None and not all(request.context.principal in callers for request in requests):
        raise CallerNotAllowed(field="key")
