"""Threads that own one session each, so that a vendor's call that hangs holds up its own thread and nobody else.

A caller waits for its call until the deadline and then gives up the sessions that are still in it: each is *abandoned*,
closes itself if its call ever comes back, and is counted until then. At most as many sessions may be abandoned at a
time as the profile allows open ones; beyond that no thread is started any more and callers get `SdfBusy`.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from hsm_adapter.errors import DeviceFailed
from hsm_adapter.sdf.errors import Ends, SdfSessionsExhausted
from hsm_adapter.sdf.faults import SdfBusy, SdfTimedOut
from hsm_adapter.sdf.sessions import Connector, Session, ends_of
from trust.kernel.errors import TrustError

CROWDED_SECONDS: Final = 30.0
"""How long no further session is asked for after the device refused one, seconds: others may give theirs back."""

CLOSING_SECONDS: Final = 1.0
"""How long a session that is being closed counts against `sessions`, seconds; one that takes longer hangs."""

_log: Final = structlog.get_logger("hsm_adapter.sdf")


class Call:
    """One call of the adapter on one or several sessions; `cancelled` tells the others to stop after an error."""

    def __init__(self, work: Callable[[Session, "Call"], None], width: int) -> None:
        self.work = work
        self.cancelled = False
        self.served = False
        self._error: TrustError | None = None
        self._no_session: TrustError | None = None
        self._left = width
        self._lock = threading.Lock()
        self._done = threading.Event()

    def fail(self, error: TrustError, *, opening: bool) -> None:
        """Keep the first error. A session that could not be opened is no error while another one does the work."""
        with self._lock:
            if opening and isinstance(error, SdfSessionsExhausted):
                self._no_session = self._no_session or error
            else:
                self._error = self._error or error
                self.cancelled = True

    def leave(self) -> None:
        """Count one session off."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._done.set()

    def wait(self, seconds: float) -> bool:
        """Wait for all sessions; False when some did not come back. What comes later is not used."""
        if not self._done.wait(max(seconds, 0)):
            self.cancelled = True
            return False
        return True

    def error(self) -> TrustError | None:
        """Return why the call failed, or None."""
        return self._error or (None if self.served else self._no_session)

    def crowded(self) -> bool:
        """Tell whether nothing was done because the device gave no session."""
        return self._error is None and not self.served


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """How the sessions stand: open or opening, free of these, left to end by themselves, and abandoned so far."""

    live: int
    idle: int
    abandoned: int
    abandoned_ever: int


class _Worker:
    """A thread and its session. All members but the inbox are the pool's, under its lock."""

    def __init__(self, serve: Callable[["_Worker"], None], name: str) -> None:
        self.inbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self.session: Session | None = None
        self.call: Call | None = None
        self.ending_until: float | None = None  # once it is left to itself: how long it still counts as a session
        # A daemon: a call that never comes back must not keep the process from ending.
        threading.Thread(target=serve, args=(self,), name=name, daemon=True).start()


class SessionPool:
    """The sessions of one device in this process, opened when they are needed and kept."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._profile = connector.profile
        self._changed = threading.Condition()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._ending: set[_Worker] = set()
        self._abandoned_ever = 0
        self._crowded_until = 0.0

    def occupancy(self) -> Occupancy:
        """Return how the sessions stand now."""
        with self._changed:
            return Occupancy(
                live=len(self._workers),
                idle=len(self._idle),
                abandoned=len(self._ending),
                abandoned_ever=self._abandoned_ever,
            )

    def run(self, work: Callable[[Session, Call], None], *, width: int = 1) -> None:
        """Do `work` on up to `width` sessions at once, within the profile's time-out.

        Raises `SdfBusy`, `SdfTimedOut`, or the first error of a session; then nothing of the call may be used.
        """
        deadline = time.monotonic() + self._profile.timeout_seconds
        while True:
            call = self._begin(work, width, deadline)
            if not call.wait(deadline - time.monotonic()):
                self._give_up(call)
                raise call.error() or SdfTimedOut(device=self._profile.name)
            error = call.error()
            if error is None:
                return
            if not (call.crowded() and self.occupancy().live):
                raise error

    def close(self) -> None:
        """End all sessions and wait for them within the time-out, not for those that hung before."""
        with self._changed:
            closing = self._workers.copy()
            for worker in closing:
                self._end(worker, seconds=CLOSING_SECONDS)
            self._idle.clear()
            self._changed.wait_for(lambda: not closing & self._ending, self._profile.timeout_seconds)

    def _begin(self, work: Callable[[Session, Call], None], width: int, deadline: float) -> Call:
        """Hand a call to free sessions as soon as there is one. Raises `SdfBusy`."""
        with self._changed:
            while not (workers := self._free(width)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise SdfBusy(device=self._profile.name, live=len(self._workers), abandoned=len(self._ending))
                self._changed.wait(min(left, CLOSING_SECONDS))
            call = Call(work, len(workers))
            for worker in workers:
                worker.call = call
                worker.inbox.put(call)
            return call

    def _free(self, width: int) -> list[_Worker]:
        """Take free sessions, the last used first; start what is missing as far as the limits allow."""
        taken: list[_Worker] = []
        while self._idle and len(taken) < width:
            worker = self._idle.pop()
            if worker.session is not None and worker.session.connection.lost:
                self._end(worker, seconds=CLOSING_SECONDS)
            else:
                taken.append(worker)
        for _ in range(min(width - len(taken), self._room())):
            worker = _Worker(self._serve, f"sdf-{self._profile.name}")
            self._workers.add(worker)
            taken.append(worker)
        return taken

    def _room(self) -> int:
        """Return how many workers may be started now."""
        now = time.monotonic()
        if self._workers and now < self._crowded_until:
            return 0
        closing = sum(worker.ending_until is not None and now < worker.ending_until for worker in self._ending)
        hanging = len(self._ending) - closing
        return min(self._profile.sessions - len(self._workers) - closing, self._profile.sessions - hanging)

    def _give_up(self, call: Call) -> None:
        with self._changed:
            hanging = [worker for worker in self._workers if worker.call is call]
            for worker in hanging:
                self._end(worker, seconds=0)
            self._abandoned_ever += len(hanging)
            _log.warning(
                "sdf_sessions_abandoned", device=self._profile.name, sessions=len(hanging), hanging=len(self._ending)
            )
            self._changed.notify_all()

    def _end(self, worker: _Worker, *, seconds: float) -> None:
        """Leave a worker to itself; it closes its session as soon as it can. The caller holds the lock."""
        if worker.ending_until is None:
            worker.ending_until = time.monotonic() + seconds
            self._ending.add(worker)
            self._workers.discard(worker)
            worker.inbox.put(None)

    def _serve(self, worker: _Worker) -> None:
        """The life of a worker: open a session at the first call, serve, end with the session."""
        going = True
        while going and (call := worker.inbox.get()) is not None:
            going = self._attend(worker, call)
        if worker.session is not None:
            worker.session.close()
        with self._changed:
            self._ending.discard(worker)
            self._workers.discard(worker)
            self._changed.notify_all()

    def _attend(self, worker: _Worker, call: Call) -> bool:
        """Do one call; tell whether the session can be used again."""
        ends = Ends.CALL
        try:
            if worker.session is None:
                worker.session = self._connector.open()
            call.work(worker.session, call)
            call.served = True
        except Exception as error:  # noqa: BLE001  whatever a driver raises belongs to the caller, not to this thread
            ends = ends_of(error)
            known = error if isinstance(error, TrustError) else DeviceFailed(kind=type(error).__name__)
            call.fail(known, opening=worker.session is None)
            if isinstance(error, SdfSessionsExhausted):
                self._crowded_until = time.monotonic() + CROWDED_SECONDS
        usable = worker.session is not None and ends is Ends.CALL
        if worker.session is not None and not usable:
            worker.session.close(lost=ends is Ends.DEVICE)
            worker.session = None
        self._settle(worker, usable=usable)
        call.leave()
        return usable and worker.ending_until is None

    def _settle(self, worker: _Worker, *, usable: bool) -> None:
        with self._changed:
            worker.call = None
            if usable and worker.ending_until is None:
                self._idle.append(worker)
            elif not usable:
                self._workers.discard(worker)
            self._changed.notify_all()
