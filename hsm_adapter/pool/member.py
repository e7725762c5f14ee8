"""One device in the pool: breaker, figures, and whether it waits for an operator. Used under the pool's lock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hsm_adapter.api import SigningDevice
from hsm_adapter.pool.breaker import Breaker, BreakerState
from hsm_adapter.pool.health import DeviceHealth, DeviceState, LatencyMeter
from hsm_adapter.pool.outages import Outage, OutageKind

DEGRADED_AFTER_ERROR = timedelta(seconds=60)
"""How long a device counts as degraded after its last error."""

_SECONDS_PER_MESSAGE = 0.01  # what a signature is taken to cost before the first one was measured
_WEIGHT = 0.2  # of the newest call in the moving average: five calls decide

_STATES = {OutageKind.DISTRUSTED: DeviceState.DISTRUSTED, OutageKind.LOCKED_OUT: DeviceState.LOCKED_OUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The last thing that went wrong."""

    code: str
    at: datetime


class Member:
    """A device and what the pool knows of it."""

    def __init__(self, device: SigningDevice) -> None:
        self.device = device
        self.name = device.name
        self.sessions = device.sessions
        self.breaker = Breaker()
        self.outage: Outage | None = None
        self.outage_durable = False
        self.proven = False
        self.busy = 0
        self.hung = 0
        self.signatures = 0
        self.failures = 0
        self.seconds_per_message = _SECONDS_PER_MESSAGE
        self.last_error: LastError | None = None
        self.latency = LatencyMeter()

    @property
    def held_back(self) -> bool:
        """Whether it is asked with one session only: until it has signed once, or again after a failure.

        A wrong PIN is thus tried once, and not by every session at the same time.
        """
        return not self.proven or self.breaker.state is not BreakerState.CLOSED

    def may_start(self, now: float) -> bool:
        """Tell whether one more call may start at `now`."""
        limit = 1 if self.held_back else self.sessions
        return self.outage is None and self.busy < limit and self.breaker.may_try(now)

    def hopeful(self, now: float) -> bool:
        """Tell whether work may be left waiting for this device."""
        return self.outage is None and self.hung < self.sessions and self.breaker.hopeful(now)

    def signed(self, messages: int, seconds: float) -> None:
        """Note a call that gave its signatures."""
        self.breaker.succeeded()
        self.proven = True
        self.signatures += messages
        self.latency.add(seconds)
        self.seconds_per_message += _WEIGHT * (seconds / max(1, messages) - self.seconds_per_message)

    def failed(self, code: str, now: float, at: datetime) -> None:
        """Note a failure that the breaker counts."""
        self.noted(code, at)
        self.breaker.failed(now)

    def noted(self, code: str, at: datetime) -> None:
        """Note an error that says nothing of the device as a whole, such as a key it does not hold."""
        self.failures += 1
        self.last_error = LastError(code=code, at=at)

    def learnt(self, outage: Outage | None) -> None:
        """Take over what the outage files say. What is not in them yet is not lifted by that."""
        if outage is not None:
            self.outage, self.outage_durable = outage, True
        elif self.outage_durable:
            self.reinstated()

    def reinstated(self) -> None:
        """Forget what went wrong: an operator has seen to it."""
        self.outage = None
        self.outage_durable = False
        self.proven = False
        self.breaker = Breaker()

    def health(self, queue_length: int, at: datetime) -> DeviceHealth:
        """Return the figures of this moment."""
        return DeviceHealth(
            name=self.name,
            state=self._state(at),
            sessions=self.sessions,
            sessions_busy=self.busy,
            queue_length=queue_length,
            signatures=self.signatures,
            failures=self.failures,
            last_error=self.last_error.code if self.last_error else None,
            last_error_at=self.last_error.at if self.last_error else None,
            latency=self.latency.figures(),
        )

    def _state(self, at: datetime) -> DeviceState:
        if self.outage is not None:
            return _STATES[self.outage.kind]
        if self.breaker.state is BreakerState.OPEN:
            return DeviceState.OPEN
        recent = self.last_error is not None and at - self.last_error.at < DEGRADED_AFTER_ERROR
        troubled = self.hung or self.breaker.state is BreakerState.HALF_OPEN or self.breaker.failures
        return DeviceState.DEGRADED if recent or troubled else DeviceState.OK
