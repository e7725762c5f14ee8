"""The pool: the threads that ask the devices, and the callers that wait for them.

Each device has one worker per session, which does nothing but sign: what it answered is verified by the caller that
waits for it, and by helpers where the batch is long, while the session signs on. The threads start with the first
signature: a process that never signs has none. Every signature is verified in here, with the guard's own check where
there is one, so that a wrong one is replaced by another device's before anybody sees it.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from hsm_adapter.api import Holding, SigningDevice, VerifyAnswer
from hsm_adapter.errors import DeviceFailed, SelfVerificationFailed
from hsm_adapter.keyfile import Place
from hsm_adapter.pool.dispatch import Dispatcher, PoolLimits, outage_after
from hsm_adapter.pool.errors import DeviceUnknown
from hsm_adapter.pool.health import DeviceHealth
from hsm_adapter.pool.jobs import Job, Slice
from hsm_adapter.pool.member import Member
from hsm_adapter.pool.outages import Outages
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.errors import InvalidInput, TrustError
from trust.signatures import verify as verify_signature

HELPERS = 2
"""Threads that verify long batches beside their callers: one batch can then use three processors."""

LOOK_SECONDS = 1.0
"""How long what the outage files say is taken for granted: so soon is an operator's act seen by a busy process."""

CHECK_SECONDS = 2.0
"""How long the result of a health check holds: probes of several load balancers ask the hardware once."""

_log = structlog.get_logger("hsm_adapter.pool")


class DevicePool:
    """Signs with whatever device holds the key and is well. Safe to share between threads, not across a fork."""

    def __init__(
        self,
        devices: Sequence[SigningDevice],
        *,
        outages: Outages,
        clock: Clock,
        limits: PoolLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` tells seconds of a clock that never jumps."""
        self._members = {device.name: Member(device) for device in devices}
        self._outages = outages
        self._clock = clock
        self._limits = limits or PoolLimits()
        self._monotonic = monotonic
        self._dispatcher = Dispatcher(self._members.values(), clock=clock, monotonic=monotonic, limits=self._limits)
        self._start = threading.Lock()
        self._started: set[str] = set()
        self._checked_at: dict[str, float] = {}
        self._looked_at: dict[str, float] = {}
        self._long: queue.SimpleQueue[Job | None] = queue.SimpleQueue()

    @property
    def names(self) -> Sequence[str]:
        """The names of the devices, in the order of the devices file."""
        return tuple(self._members)

    def device(self, name: str) -> SigningDevice:
        """Return a device for what is not signing. Raises `DeviceUnknown`."""
        if name not in self._members:
            raise DeviceUnknown(f"There is no device {name}.", field="device")
        return self._members[name].device

    def sign(
        self,
        places: Sequence[Place],
        key: Holding,
        messages: Sequence[bytes],
        *,
        lane: str = "",
        verify: VerifyAnswer | None = None,
    ) -> Sequence[bytes]:
        """Return one verified signature per message, in order, from the devices of `places` that are well.

        `key` tells algorithm and public half. Raises `SigningBusy`, `DevicesUnavailable`, `DevicesOutOfService`, or
        what the last device that could be asked raised.
        """
        if not messages:
            return []
        holdings = self._holdings(places, key)
        check = verify or _verifier(key, messages)
        job = Job(holdings, messages, lane=lane, verify=check)
        for name in holdings:
            self._look_sometimes(name)
            self._run(name)
        deadline = self._monotonic() + self._limits.wait_seconds
        self._dispatcher.submit(job)
        try:
            while not job.done:
                self._wait(job, deadline)
        finally:
            if not job.done:  # the caller was interrupted: nobody wants the rest any more
                self._dispatcher.cancel(job)
            self._verify(job)  # what came too late still tells whether its device is well
        return job.result()

    def check(self) -> None:
        """Ask every device that is in service whether it is well, and note the answer; raises nothing of theirs.

        A device that waits for an operator is not asked, and none more often than every `CHECK_SECONDS`.
        """
        for name, member in self._members.items():
            self._look(name)
            now = self._monotonic()
            if member.outage is not None or now - self._checked_at.get(name, -CHECK_SECONDS) < CHECK_SECONDS:
                continue
            self._checked_at[name] = now
            try:
                member.device.check()
            except Exception as error:  # noqa: BLE001  whatever a driver raises is a failure of the device
                failure = _translated(error)
                self._persist(name, failure)
                self._dispatcher.check_failed(name, failure)

    def refusal(self, places: Sequence[Place]) -> TrustError | None:
        """Return why a key at these places could not be used now, or None."""
        return self._dispatcher.refusal(place.device for place in places)

    def health(self) -> tuple[DeviceHealth, ...]:
        """Return the figures of every device, as this process knows them."""
        for name in self._members:
            self._look(name)
        return self._dispatcher.health()

    def reinstate(self, name: str) -> None:
        """Bring a device back that waited for an operator, in every process. Raises `DeviceUnknown`."""
        self.device(name)
        self._outages.lift(name)
        self._dispatcher.reinstate(name)
        _log.warning("key-device-reinstated", device=name)

    def close(self) -> None:
        """End the workers and the devices' sessions; what waits is refused."""
        self._dispatcher.close()
        for _ in range(HELPERS):
            self._long.put(None)
        for member in self._members.values():
            member.device.close()

    def _holdings(self, places: Sequence[Place], key: Holding) -> dict[str, Holding]:
        return {
            place.device: Holding(handle=place.handle, algorithm=key.algorithm, public_key=key.public_key)
            for place in places
            if place.device in self._members
        }

    def _wait(self, job: Job, deadline: float) -> None:
        """Wait for an answer and verify it; when none comes, see what hangs or is over."""
        if job.turn.wait(self._dispatcher.patience(job, deadline)):
            job.turn.clear()
            self._verify(job)
        else:
            self._dispatcher.expire(job, deadline)

    def _look_sometimes(self, name: str) -> None:
        now = self._monotonic()
        if now - self._looked_at.get(name, -LOOK_SECONDS) >= LOOK_SECONDS:
            self._looked_at[name] = now
            self._look(name)

    def _look(self, name: str) -> None:
        self._dispatcher.out_of_service(name, self._outages.of(name))

    def _persist(self, name: str, error: TrustError) -> None:
        """Have an outage on the disk before anybody hears of it: whoever starts next then knows it too."""
        outage = outage_after(error, self._clock.now())
        if outage is None:
            return
        _log.error("key-device-out-of-service", device=name, kind=outage.kind, code=outage.code)
        try:
            self._outages.put(name, outage)
            self._look(name)
        except TrustError as trouble:  # the disk: this process knows all the same
            _log.error("key-device-outage-not-kept", device=name, code=trouble.code)

    def _run(self, name: str) -> None:
        """Start the threads of a device, and the helpers with the first, once."""
        if name in self._started:
            return
        with self._start:
            if not self._started:
                for number in range(HELPERS):
                    _thread(f"verify-{number}", self._help)
            if name not in self._started:
                self._started.add(name)
                for number in range(self._members[name].sessions):
                    _thread(f"{name}-{number}", lambda: self._work(self._members[name]))

    def _help(self) -> None:
        while (job := self._long.get()) is not None:
            self._verify(job)

    def _work(self, member: Member) -> None:
        while (assigned := self._dispatcher.wait_for(member.name)) is not None:
            self._serve(member, assigned)

    def _serve(self, member: Member, assigned: Slice) -> None:
        job = assigned.job
        try:
            if assigned.trial:
                member.device.close()  # sessions from before the failure are worth nothing
                member.device.check()
            values = member.device.sign(job.holdings[member.name], assigned.messages)
        except Exception as error:  # noqa: BLE001  whatever a driver raises is a failure of the device
            self._failed(assigned, error)
            return
        self._dispatcher.answered(assigned)
        job.answered(assigned, values)
        if job.done:
            self._verify(job)
        elif len(job.slices) > 1:
            self._long.put(job)

    def _verify(self, job: Job) -> None:
        """Verify what of a batch is answered and in nobody's hands."""
        while (answer := job.to_verify()) is not None:
            assigned, values = answer
            try:
                _verified(assigned, values)
            except Exception as error:  # noqa: BLE001  it is settled in any case: somebody waits
                self._failed(assigned, error)
            else:
                self._dispatcher.completed(assigned, values)

    def _failed(self, assigned: Slice, error: Exception) -> None:
        failure = _translated(error)
        _log.warning("key-device-failed", device=assigned.member, code=failure.code, facts=failure.facts)
        self._persist(assigned.member, failure)
        self._dispatcher.failed(assigned, failure)


def _verified(assigned: Slice, values: Sequence[bytes]) -> None:
    """Raise `SelfVerificationFailed` unless each message has its right signature."""
    if len(values) != assigned.count:
        raise SelfVerificationFailed("The device returned another number of signatures.", device=assigned.member)
    for index, value in enumerate(values, start=assigned.start):
        assigned.job.verify(index, value)


def _verifier(key: Holding, messages: Sequence[bytes]) -> VerifyAnswer:
    algorithm: Algorithm = key.algorithm

    def check(index: int, value: bytes) -> None:
        try:
            verify_signature(algorithm, key.public_key, messages[index], value)
        except InvalidInput:
            raise SelfVerificationFailed from None

    return check


def _translated(error: Exception) -> TrustError:
    return error if isinstance(error, TrustError) else DeviceFailed(kind=type(error).__name__)


def _thread(name: str, work: Callable[[], None]) -> None:
    # A daemon: a driver that never returns must not keep the process from ending.
    threading.Thread(target=work, name=name, daemon=True).start()
