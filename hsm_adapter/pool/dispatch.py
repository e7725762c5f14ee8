"""Who signs what next, and what follows from an answer or a failure. It calls no device and holds no thread.

One lock guards it all, and is never held while a device or the disk works. A device that fails is dropped from the
batch with all it signed of it, and that part is signed anew by another device that holds the key, before anything else
of its lane; where there is none, the batch ends with the device's own error.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hsm_adapter.errors import DeviceAccessRefused, DeviceUnresponsive, SelfVerificationFailed
from hsm_adapter.pool.errors import DevicesOutOfService, DevicesUnavailable, SigningBusy
from hsm_adapter.pool.fair import Group, Schedule
from hsm_adapter.pool.health import DeviceHealth
from hsm_adapter.pool.jobs import Job, Slice
from hsm_adapter.pool.member import Member
from hsm_adapter.pool.outages import Outage, OutageKind
from trust.kernel.clock import Clock
from trust.kernel.errors import InternalFault, InvalidInput, NotReady, TooLarge, TrustError, Unavailable

_OUTAGES: Mapping[type[TrustError], OutageKind] = {
    SelfVerificationFailed: OutageKind.DISTRUSTED,
    DeviceAccessRefused: OutageKind.LOCKED_OUT,
}
_OF_THE_DEVICE = (Unavailable, InternalFault, NotReady)
_OF_THE_REQUEST = (InvalidInput, TooLarge)  # another device would say the same
_SHORTEST_WAIT = 0.001  # seconds; what is due now is looked at at once, without spinning


def outage_after(error: TrustError, at: datetime) -> Outage | None:
    """Return the outage that follows from what a device did at this moment, if an operator has to look at it."""
    kind = next((kind for family, kind in _OUTAGES.items() if isinstance(error, family)), None)
    return None if kind is None else Outage(kind=kind, code=error.code, since=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """What the queue takes and how long anything lasts.

    `lane_messages`: most that one lane has waiting: four of the largest batches. `pool_messages`: most that all have
    waiting, some 30 MiB of ordinary messages; a lane that has nothing waiting is let in all the same.
    `call_seconds`: after which a device that was asked counts as hung; far above any profile's own time-out for one
    slice. `wait_seconds`: longest that a caller waits, below the 30 s after which HTTP clients give up.
    """

    lane_messages: int = 4000
    pool_messages: int = 40_000
    call_seconds: float = 20.0
    wait_seconds: float = 25.0
    longest_retry_seconds: int = 60


class Dispatcher:
    """Hands slices to members and settles what comes back."""

    def __init__(
        self, members: Iterable[Member], *, clock: Clock, monotonic: Callable[[], float], limits: PoolLimits
    ) -> None:
        self._members = {member.name: member for member in members}
        self._clock = clock
        self._monotonic = monotonic
        self._limits = limits
        self._lock = threading.Lock()
        self._work = {name: threading.Condition(self._lock) for name in self._members}
        self._schedule: Schedule[Slice] = Schedule()
        self._waiting: Counter[str] = Counter()
        self._closed = False

    def submit(self, job: Job) -> None:
        """Take a batch in. Raises `SigningBusy`, `DevicesUnavailable`, `DevicesOutOfService`."""
        with self._lock:
            refusal = self._refusal(job.group)
            if refusal is not None:
                raise refusal
            self._admit(job)
            self._put(job, job.cut(sum(self._members[name].sessions for name in job.group)))

    def wait_for(self, name: str) -> Slice | None:
        """Wait until the device has something to sign; None once the pool is closed."""
        with self._lock:
            while not self._closed:
                found = self._next(name)
                if found is not None:
                    return found
                self._work[name].wait()
            return None

    def next(self, name: str) -> Slice | None:
        """Return what the device is to sign now, or None."""
        with self._lock:
            return self._next(name)

    def answered(self, done: Slice) -> None:
        """Note that the device has answered; its session takes the next slice while this one is verified."""
        with self._lock:
            done.seconds = self._monotonic() - done.started
            self._end_call(done)

    def completed(self, done: Slice, values: Sequence[bytes]) -> None:
        """Note signatures that were verified."""
        with self._lock:
            member = self._members[done.member]
            if member.held_back:
                self._work[member.name].notify_all()  # its other sessions were waiting for this one
            member.signed(len(values), done.seconds)
            if done.stale or done.job.done:
                return
            done.values = values
            if done.job.complete():
                done.job.finish()

    def failed(self, done: Slice, error: TrustError) -> None:
        """Note that a device failed. The outage that follows from it (`outage_after`) is durable already."""
        with self._lock:
            member = self._members[done.member]
            self._end_call(done)
            self._blame(member, error, late=done.stale)
            self._fail_over(done.job, member, error)
            self._strand()

    def patience(self, job: Job, deadline: float) -> float:
        """Return after how many seconds to call `expire`."""
        with self._lock:
            now = self._monotonic()
            ends = [one.started + self._limits.call_seconds for one in job.slices if one.in_call]
            due = min([deadline, *ends, now + self._limits.call_seconds])
            return max(_SHORTEST_WAIT, due - now)

    def expire(self, job: Job, deadline: float) -> None:
        """Give up on devices that hang with a part of `job`, and on the job when its time is over."""
        with self._lock:
            now = self._monotonic()
            hung = [one for one in job.slices if one.in_call and now - one.started >= self._limits.call_seconds]
            for one in hung:
                self._hang(one)
            if now >= deadline and not job.done:
                self._finish(job, self._busy(job, "The devices did not come to it in time."))

    def cancel(self, job: Job) -> None:
        """Forget a job for which nobody waits any more."""
        with self._lock:
            self._finish(job, None)

    def out_of_service(self, name: str, outage: Outage | None) -> None:
        """Take over what the outage files say: another process or an operator may have changed them."""
        with self._lock:
            member = self._members[name]
            known = member.outage
            member.learnt(outage)
            if member.outage is not known:
                self._strand()

    def reinstate(self, name: str) -> None:
        """Let a device sign again, whatever was known of it."""
        with self._lock:
            self._members[name].reinstated()

    def check_failed(self, name: str, error: TrustError) -> None:
        """Note that a health check failed."""
        with self._lock:
            self._blame(self._members[name], error, late=False)
            self._strand()

    def refusal(self, names: Iterable[str]) -> TrustError | None:
        """Return why a key that lies on these devices could not be used now, or None."""
        with self._lock:
            return self._refusal(Group(names))

    def health(self) -> tuple[DeviceHealth, ...]:
        """Return the figures of every device."""
        with self._lock:
            now = self._clock.now()
            return tuple(
                member.health(sum(one.count for one in self._schedule.waiting(name)), now)
                for name, member in self._members.items()
            )

    def close(self) -> None:
        """End every job and wake every worker for good."""
        with self._lock:
            self._closed = True
            for group in self._schedule.groups():
                for one in self._schedule.take_all(group):
                    one.job.finish(DevicesUnavailable("The service is stopping.", retry_after_seconds=1))
            for condition in self._work.values():
                condition.notify_all()

    def _admit(self, job: Job) -> None:
        ahead, limits, count = self._waiting[job.lane], self._limits, len(job.messages)
        if ahead and ahead + count > limits.lane_messages:
            raise self._busy(job, f"At most {limits.lane_messages} messages of one authority may wait.")
        if ahead and self._waiting.total() + count > limits.pool_messages:
            raise self._busy(job, f"At most {limits.pool_messages} messages may wait.")

    def _put(self, job: Job, slices: Sequence[Slice], *, first: bool = False) -> None:
        group = job.group
        for one in reversed(slices) if first else slices:
            self._schedule.put(group, job.lane, one, first=first)
            self._waiting[job.lane] += one.count
        for name in group:
            member = self._members[name]
            self._work[name].notify(min(len(slices), member.sessions))

    def _next(self, name: str) -> Slice | None:
        member, now = self._members[name], self._monotonic()
        if not member.may_start(now):
            return None
        found = self._schedule.take(name)
        if found is None:
            return None
        self._no_longer_waits(found)
        found.member, found.started, found.in_call = name, now, True
        found.trial = member.breaker.trial(now)
        member.busy += 1
        return found

    def _end_call(self, done: Slice) -> None:
        if done.in_call:
            member = self._members[done.member]
            member.busy -= 1
            member.hung -= done.hung
            done.in_call = False  # the worker whose call this was takes the next slice itself: nobody is woken

    def _blame(self, member: Member, error: TrustError, *, late: bool) -> None:
        now, at = self._monotonic(), self._clock.now()
        outage = outage_after(error, at)
        if outage is not None:
            member.noted(error.code, at)
            member.outage = member.outage or outage
        elif not isinstance(error, _OF_THE_DEVICE):
            member.noted(error.code, at)
            member.breaker.succeeded()  # it answers, if only about one key
        elif not late:
            member.failed(error.code, now, at)

    def _hang(self, one: Slice) -> None:
        member, error = self._members[one.member], DeviceUnresponsive(device=one.member)
        member.hung += 1
        one.hung = True
        self._blame(member, error, late=False)
        self._fail_over(one.job, member, error)
        self._strand()

    def _fail_over(self, job: Job, member: Member, error: TrustError) -> None:
        if job.done or member.name in job.excluded:
            return
        job.exclude(member.name)
        if isinstance(error, _OF_THE_REQUEST) or self._refusal(job.group) is not None:
            self._finish(job, error)
            return
        self._drop(lambda one: one.job is job)
        self._put(job, job.unassigned(), first=True)

    def _finish(self, job: Job, error: TrustError | None) -> None:
        self._drop(lambda one: one.job is job)
        job.finish(error)

    def _drop(self, unwanted: Callable[[Slice], bool]) -> None:
        def gone(one: Slice) -> bool:
            if unwanted(one):
                self._no_longer_waits(one)
                return True
            return False

        self._schedule.drop(gone)

    def _no_longer_waits(self, one: Slice) -> None:
        self._waiting[one.job.lane] -= one.count
        if not self._waiting[one.job.lane]:
            del self._waiting[one.job.lane]

    def _strand(self) -> None:
        """End what waits for devices of which none will come to it."""
        for group in self._schedule.groups():
            refusal = self._refusal(group)
            if refusal is None:
                continue
            for one in self._schedule.take_all(group):
                self._no_longer_waits(one)
                if not one.job.done:
                    one.job.finish(refusal)

    def _refusal(self, group: Group) -> TrustError | None:
        now = self._monotonic()
        members = [self._members[name] for name in group if name in self._members]
        if any(member.hopeful(now) for member in members):
            return None
        open_ones = [member for member in members if member.outage is None]
        if not open_ones:
            return DevicesOutOfService(devices=sorted(group))
        seconds = min(member.breaker.seconds_left(now) for member in open_ones)
        return DevicesUnavailable(retry_after_seconds=max(1, math.ceil(seconds)))

    def _busy(self, job: Job, detail: str) -> SigningBusy:
        members = [self._members[name] for name in job.group]
        rate = sum(member.sessions / member.seconds_per_message for member in members)
        seconds = math.ceil(self._waiting.total() / rate) if rate else self._limits.longest_retry_seconds
        return SigningBusy(detail, retry_after_seconds=min(max(1, seconds), self._limits.longest_retry_seconds))
