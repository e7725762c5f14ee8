"""The sessions of one device: each belongs to a thread of its own, so that a call that hangs can be left behind.

Sessions open when they are needed and are opened anew, with the log-in, after an answer by which they ended. A call
that outlasts the time-out keeps its thread until the library lets go of it; then that session is closed. When as many
threads hang as there are sessions, calls are refused at once: more threads would not help a device that is stuck.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

import structlog

from hsm_adapter.pkcs11.cryptoki import Cryptoki, KeyObject, Session
from hsm_adapter.pkcs11.errors import Pkcs11Failed, TimedOut, UsedAcrossFork
from hsm_adapter.pkcs11.pin import Login
from hsm_adapter.pkcs11.profile import Pkcs11Profile
from trust.kernel.errors import TrustError

_Result = TypeVar("_Result")
_log = structlog.get_logger("hsm_adapter.pkcs11")


@dataclass(eq=False, slots=True)
class Lane:
    """What one thread has of the device: its session, and the key objects it found in it. Used by that thread alone."""

    session: Session | None = None
    epoch: int = -1
    objects: dict[bytes, KeyObject] = field(default_factory=dict)
    given_up: bool = False


@dataclass(eq=False, slots=True)
class Call:
    """One call of the adapter: until when it may last, and whether its caller has gone."""

    deadline: float
    ended: bool = False


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[Lane, Call], Any]
    call: Call
    future: Future[Any] = field(default_factory=Future)
    lane: Lane | None = None


class Sessions:
    """Threads, sessions and the log-in they share. Safe to share between threads, not between processes."""

    def __init__(self, profile: Pkcs11Profile, cryptoki: Cryptoki, login: Login) -> None:
        self._profile = profile
        self._cryptoki = cryptoki
        self._login = login
        self._lock = threading.Lock()
        self._login_lock = threading.Lock()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lanes: dict[Lane, threading.Thread] = {}
        self._hanging: list[threading.Thread] = []
        self._waiting = 0
        self._epoch = 0
        self._logged_in = -1
        self._open_sessions = 0
        self._pid: int | None = None

    def run(self, works: Sequence[Callable[[Lane, Call], _Result]], *, seconds: float | None = None) -> list[_Result]:
        """Return what each work returned, in order, once all have; `seconds` in place of the profile's time-out.

        Raises the first error, or `TimedOut`.
        """
        seconds = seconds or self._profile.timeout_seconds
        call = Call(deadline=time.monotonic() + seconds)
        jobs = [_Job(work, call) for work in works]
        self._put(jobs)
        try:
            _, unfinished = wait([job.future for job in jobs], seconds, FIRST_EXCEPTION)
            for job in jobs:
                if job.future.done() and not job.future.cancelled() and job.future.exception() is not None:
                    job.future.result()
            if unfinished:
                self._give_up(jobs)
                raise TimedOut(f"{self._profile.name}: no answer within {seconds:g} s.")
            return [job.future.result() for job in jobs]
        finally:
            call.ended = True
            for job in jobs:
                job.future.cancel()

    def session(self, lane: Lane, call: Call) -> Session:
        """Return the session of a thread, opened and logged in when it is not yet."""
        if lane.session is None or lane.epoch != self._epoch:
            self._drop(lane)
            lane.epoch = self._epoch
            lane.session = self._open(lane.epoch, call)
        return lane.session

    def reopen(self, lane: Lane, call: Call) -> Session:
        """Return a new session for a thread; the log-in is made sure of, since a key may be hidden without it."""
        self._drop(lane)
        lane.epoch = self._epoch
        lane.session = self._open(lane.epoch, call, login=True)
        return lane.session

    @contextmanager
    def writing(self, call: Call) -> Iterator[Session]:
        """Give a session that can make and destroy keys, for one change."""
        session = self._open(self._epoch, call, writing=True)
        try:
            yield session
        finally:
            self._close(session)

    def close(self) -> None:
        """End the threads and their sessions; the next call begins anew."""
        with self._lock:
            threads = self._retire()
        deadline = time.monotonic() + self._profile.timeout_seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _put(self, jobs: Sequence[_Job]) -> None:
        with self._lock:
            if self._pid not in (None, os.getpid()):
                raise UsedAcrossFork
            self._pid = os.getpid()
            self._hanging = [thread for thread in self._hanging if thread.is_alive()]
            if len(self._hanging) >= self._profile.sessions:
                raise TimedOut(f"{self._profile.name}: all of its sessions still hang in calls of before.")
            self._waiting += len(jobs)
            for _ in range(min(self._waiting, self._profile.sessions) - len(self._lanes)):
                self._start()
            for job in jobs:
                self._jobs.put(job)

    def _start(self) -> None:
        lane = Lane()
        name = f"pkcs11-{self._profile.name}"
        thread = threading.Thread(target=self._serve, args=(lane, self._jobs), name=name, daemon=True)
        self._lanes[lane] = thread
        thread.start()

    def _serve(self, lane: Lane, queue: SimpleQueue[_Job | None]) -> None:
        while not lane.given_up and (job := queue.get()) is not None:
            job.lane = lane
            if job.future.set_running_or_notify_cancel():
                self._carry_out(job, lane)
            with self._lock:
                if queue is self._jobs and not lane.given_up:
                    self._waiting -= 1
        self._drop(lane)

    def _carry_out(self, job: _Job, lane: Lane) -> None:
        epoch = self._epoch
        try:
            result = job.work(lane, job.call)
        except BaseException as error:  # noqa: BLE001  whatever it is belongs to the caller, not to this thread
            if not isinstance(error, TrustError) or (isinstance(error, Pkcs11Failed) and error.ends_sessions):
                self._drop(lane)
                self._renew(epoch)
            job.future.set_exception(error)
        else:
            job.future.set_result(result)

    def _renew(self, epoch: int) -> None:
        """Have every session opened anew, once for all that ended together."""
        with self._lock:
            if epoch == self._epoch:
                self._retire()
                _log.warning("pkcs11_sessions_lost", device=self._profile.name)

    def _retire(self) -> list[threading.Thread]:
        """Have the threads end, with their sessions, after the jobs that wait already; later jobs get new ones."""
        threads = list(self._lanes.values())
        for _ in threads:
            self._jobs.put(None)
        self._lanes.clear()
        self._jobs, self._waiting = SimpleQueue(), 0
        self._epoch += 1
        return threads

    def _give_up(self, jobs: Sequence[_Job]) -> None:
        with self._lock:
            for job in jobs:
                if job.future.cancel() or job.future.done() or job.lane is None:
                    continue
                job.lane.given_up = True
                thread = self._lanes.pop(job.lane, None)
                if thread is not None:
                    self._hanging.append(thread)
                    self._waiting -= 1

    def _open(self, epoch: int, call: Call, *, writing: bool = False, login: bool = False) -> Session:
        session = self._cryptoki.open(writing=writing)
        try:
            with self._login_lock:
                if login or self._logged_in != epoch or self._profile.quirks.login_per_session:
                    self._login.login(session, deadline=call.deadline)
            with self._lock:
                self._open_sessions += 1
                self._logged_in = epoch
        except BaseException:
            with suppress(TrustError):
                session.close()
            raise
        return session

    def _drop(self, lane: Lane) -> None:
        session, lane.session = lane.session, None
        lane.objects.clear()
        if session is not None:
            self._close(session)

    def _close(self, session: Session) -> None:
        """The log-in ends with the last session of the process (section 5.6): the next session makes it again."""
        with self._lock:
            self._open_sessions -= 1
            if self._open_sessions == 0:
                self._logged_in = -1
        with suppress(TrustError):
            session.close()
