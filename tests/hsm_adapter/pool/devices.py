"""A signing device in memory, with faults to switch on, and pools over several of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_adapter import private_keys
from hsm_adapter.api import Holding
from hsm_adapter.errors import DeviceFailed, KeyUnknown
from hsm_adapter.keyfile import Place
from hsm_adapter.pool.dispatch import PoolLimits
from hsm_adapter.pool.outages import Outages
from hsm_adapter.pool.pool import DevicePool
from tests.fakes import CountingRandomness, FixedClock
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError

HANDLE = "1"
Answer = Callable[[Sequence[bytes], Sequence[bytes]], Sequence[bytes]]


class MemoryDevice:
    """Signs with a software key. `fault` is raised by each call; `answer` bends what it returns."""

    def __init__(self, name: str, key: private_keys.SoftwareKey | None = None, *, sessions: int = 2) -> None:
        self.name = name
        self.sessions = sessions
        self.fault: TrustError | Exception | None = None
        self.fail_after: int | None = None
        self.answer: Answer | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()
        self.calls: list[int] = []
        self.checks = 0
        self.closed = 0
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[Holding, private_keys.SoftwareKey]] = {}
        if key is not None:
            self.put(HANDLE, key)

    def put(self, handle: str, key: private_keys.SoftwareKey, algorithm: Algorithm = Algorithm.SM2_SM3) -> Holding:
        holding = Holding(handle=handle, algorithm=algorithm, public_key=key.public_key)
        self._keys[handle] = (holding, key)
        return holding

    def holdings(self) -> Sequence[Holding]:
        return [holding for holding, _ in self._keys.values()]

    def generate(self, algorithm: Algorithm, *, label: str) -> Holding:
        return self.put(str(len(self._keys) + 1), new_key(algorithm), algorithm)

    def destroy(self, handle: str) -> None:
        if self._keys.pop(handle, None) is None:
            raise KeyUnknown(field="key")

    def sign(self, holding: Holding, messages: Sequence[bytes]) -> Sequence[bytes]:
        with self._lock:
            self.calls.append(len(messages))
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            self.entered.set()
            if self.gate is not None:
                self.gate.wait()
            self._fail()
            if holding.handle not in self._keys:
                raise KeyUnknown(field="key")
            values = [self._keys[holding.handle][1].sign(message) for message in messages]
            return values if self.answer is None else self.answer(messages, values)
        finally:
            with self._lock:
                self._busy -= 1

    def uses(self, handle: str) -> int | None:
        return sum(self.calls)

    def check(self) -> None:
        self.checks += 1
        self._fail()

    def close(self) -> None:
        self.closed += 1

    def _fail(self) -> None:
        if self.fail_after is not None and len(self.calls) > self.fail_after:
            raise DeviceFailed("gone in the middle")
        if self.fault is not None:
            raise self.fault


class Monotonic:
    """A clock of seconds that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Pooled:
    """A pool and all that it was made of."""

    pool: DevicePool
    devices: dict[str, MemoryDevice]
    key: Holding
    places: tuple[Place, ...]
    time: Monotonic
    clock: FixedClock
    outages: Outages

    def sign(self, messages: Sequence[bytes], lane: str = "") -> Sequence[bytes]:
        return self.pool.sign(self.places, self.key, messages, lane=lane)

    def state(self, name: str) -> str:
        return next(health.state for health in self.pool.health() if health.name == name)


def new_key(algorithm: Algorithm = Algorithm.SM2_SM3) -> private_keys.SoftwareKey:
    return private_keys.load(algorithm, private_keys.generate(algorithm))


def pooled(folder: Path, *names: str, sessions: int = 2, limits: PoolLimits | None = None) -> Pooled:
    """A pool of devices that all hold one key; time stands still unless `limits` are short."""
    key = new_key()
    devices = {name: MemoryDevice(name, key, sessions=sessions) for name in names}
    clock, seconds, outages = FixedClock(), Monotonic(), Outages(folder / "outages", CountingRandomness())
    timing = {} if limits is not None else {"monotonic": seconds}
    pool = DevicePool(list(devices.values()), outages=outages, clock=clock, limits=limits, **timing)  # type: ignore[arg-type]
    return Pooled(
        pool=pool,
        devices=devices,
        key=Holding(handle=HANDLE, algorithm=Algorithm.SM2_SM3, public_key=key.public_key),
        places=tuple(Place(device=name, handle=HANDLE) for name in names),
        time=seconds,
        clock=clock,
        outages=outages,
    )
