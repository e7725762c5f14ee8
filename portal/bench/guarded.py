"""Figures of the guard: what verifying and recording cost beside the device, for hardware and for the software token.

Method. *Bare* is the device asked directly; *guarded* the same messages through `GuardedSigner`, for hardware with
catalogue and pool between. Both run in turn in this process, by the wall: 8 callers with one message each, again and
again, or one caller with 256. The hardware is a stand-in that signs outside this CPU: each session gives one signature
a millisecond, made beforehand, and costs this process only the waiting, as a network device does. With the recorder in
memory the figures show guard and pool alone; with the ledger they show what a caller gets.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nacl.pwhash import argon2id

from hsm_adapter.api import Holding, KeyDevice
from hsm_adapter.catalogue import Catalogue
from hsm_adapter.errors import DeviceCannot
from hsm_adapter.guard import GuardedSigner
from hsm_adapter.hardware import HardwareToken
from hsm_adapter.keyfolder import KeyFolder
from hsm_adapter.pool.outages import Outages
from hsm_adapter.pool.pool import DevicePool
from hsm_adapter.software import Argon2Cost, SoftwareToken, create_software_token, open_key_folder
from portal.bench.measure import Figure, Target, figure
from trust.gm.sm2 import PrivateKey
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import SystemClock
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyPurpose, KeyRef, KeyUse, KeyUseRecorder, SigningRequest, UseContext

CALLERS = 8
BATCH = 256  # what a province's bulk issue asks for at once
SESSIONS = (1, 2, 4)
"""Sessions of the stand-in: 1,000 to 4,000 signatures a second, from a USB device to a card."""

_SECONDS = 1.0
_SECONDS_PER_SIGNATURE = 0.001
_CHEAP = Argon2Cost(operations=argon2id.OPSLIMIT_MIN, memory=argon2id.MEMLIMIT_MIN)  # opening is not measured
_HANDLE = "1"
_MESSAGE = bytes(range(32))
_REQUEST = SigningRequest(message=_MESSAGE, context=UseContext(principal="system:bench", why="benchmark"))


class StandIn:
    """A `SigningDevice` whose sessions give one signature a millisecond each."""

    def __init__(self, sessions: int) -> None:
        self.name = "stand-in"
        self.sessions = sessions
        self._free = threading.Semaphore(sessions)
        self._key = PrivateKey.generate()
        self._ready = {_MESSAGE: self._key.sign(_MESSAGE)}
        self.holding = Holding(
            handle=_HANDLE, algorithm=Algorithm.SM2_SM3, public_key=self._key.public_key.spki, label="bench"
        )

    def holdings(self) -> Sequence[Holding]:
        """Return the one key."""
        return (self.holding,)

    def generate(self, algorithm: Algorithm, *, label: str) -> Holding:
        """Refuse: there is one key. Raises `DeviceCannot`."""
        raise DeviceCannot(algorithm=algorithm, label=label)

    def destroy(self, handle: str) -> None:
        """Refuse: there is one key. Raises `DeviceCannot`."""
        raise DeviceCannot(handle=handle)

    def sign(self, holding: Holding, messages: Sequence[bytes]) -> Sequence[bytes]:  # noqa: ARG002  there is one key
        """Return the signatures after the time that one session takes for them."""
        with self._free:
            for _ in messages:  # a session makes one after the other, and each is a call of the driver
                time.sleep(_SECONDS_PER_SIGNATURE)
        return [self._ready.get(message) or self._key.sign(message) for message in messages]

    def uses(self, handle: str) -> int | None:  # noqa: ARG002  it does not count
        """Return None: it does not count."""
        return None

    def check(self) -> None:
        """Return: it is always well."""

    def close(self) -> None:
        """Return: there is nothing to end."""


class MemoryRecorder:
    """A recorder that keeps a count only."""

    def __init__(self) -> None:
        self._count = 0

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        """Return indexes; threads may get the same ones, which nobody reads here."""
        start = self._count
        self._count += len(uses)
        return range(start, start + len(uses))


def guarded_figures(folder: Path, recorder: KeyUseRecorder | None = None) -> Iterator[Figure]:
    """Guarded against bare signing, with keys in the empty `folder`; `recorder` is in memory unless one is given.

    Targets: at least 85 % of the bare device with 8 callers, 95 % with 256 messages at once.
    """
    place = f"recorded by {type(recorder).__name__}" if recorder else "recorded in memory"
    recorder = recorder or MemoryRecorder()
    for sessions in SESSIONS:
        yield from _hardware_figures(folder / f"hardware-{sessions}", sessions, recorder, place)
    token = SoftwareToken(_folder(folder / "software"), SystemClock(), SystemRandomness())
    ref = token.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="bench").ref
    guard = GuardedSigner(token, recorder, SystemClock())
    for name, count, callers, target in _shapes():
        yield figure(
            f"guarded, software, {name}",
            "1/s",
            lambda count=count, callers=callers: _guarded(guard, ref, count, callers),  # type: ignore[misc]
            reference=(
                "bare device",
                lambda count=count, callers=callers: _rate(  # type: ignore[misc]
                    lambda: token.sign_batch(ref, (_MESSAGE,) * count), count, callers
                ),
            ),
            target=target,
            note=f"{place}; verifying costs as much of this CPU as signing",
        )


def _hardware_figures(folder: Path, sessions: int, recorder: KeyUseRecorder, place: str) -> Iterator[Figure]:
    device, clock, randomness = StandIn(sessions), SystemClock(), SystemRandomness()
    pool = DevicePool([device], outages=Outages(folder / "outages", randomness), clock=clock)
    catalogue = Catalogue(_folder(folder), clock, randomness)
    ref = catalogue.enrol(device, _HANDLE, purpose=KeyPurpose.SEALING, label="bench").ref
    key_device: KeyDevice = HardwareToken(None, catalogue, pool)
    guard = GuardedSigner(key_device, recorder, clock)
    guard.sign(ref, _REQUEST, purpose=KeyPurpose.SEALING)  # the first call starts the workers
    try:
        for name, count, callers, target in _shapes():
            yield figure(
                f"guarded, {sessions} sessions of 1 ms, {name}",
                "1/s",
                lambda count=count, callers=callers: _guarded(guard, ref, count, callers),  # type: ignore[misc]
                reference=(
                    "bare device",
                    lambda count=count, callers=callers: _bare(device, count, callers),  # type: ignore[misc]
                ),
                target=target,
                note=place,
            )
    finally:
        pool.close()


def _shapes() -> Iterator[tuple[str, int, int, Target]]:
    yield f"{CALLERS} callers", 1, CALLERS, Target(ratio=0.85)
    yield f"{BATCH} at once", BATCH, 1, Target(ratio=0.95)


def _guarded(guard: GuardedSigner, ref: KeyRef, count: int, callers: int) -> float:
    requests = (_REQUEST,) * count
    return _rate(lambda: guard.sign_many(ref, requests, purpose=KeyPurpose.SEALING), count, callers)


def _bare(device: StandIn, count: int, callers: int) -> float:
    if count == 1:
        return _rate(lambda: device.sign(device.holding, (_MESSAGE,)), count, callers)
    part = (_MESSAGE,) * (count // device.sessions)
    with ThreadPoolExecutor(device.sessions) as sessions:
        return _rate(
            lambda: list(sessions.map(lambda _: device.sign(device.holding, part), range(device.sessions))), count, 1
        )


def _rate(operation: Callable[[], object], count: int, callers: int) -> float:
    """Return messages a second of `callers` threads that each repeat an operation of `count` messages."""
    start = time.perf_counter()

    def repeat() -> int:
        done = 0
        while time.perf_counter() - start < _SECONDS:
            operation()
            done += count
        return done

    with ThreadPoolExecutor(callers) as threads:
        done = sum(future.result() for future in [threads.submit(repeat) for _ in range(callers)])
    return done / (time.perf_counter() - start)


def _folder(base: Path) -> KeyFolder:
    base.mkdir(parents=True)
    passphrase = base / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("a passphrase of the benchmark\n")
    create_software_token(base / "keys", passphrase, randomness=SystemRandomness(), cost=_CHEAP)
    return open_key_folder(base / "keys", passphrase, randomness=SystemRandomness())
