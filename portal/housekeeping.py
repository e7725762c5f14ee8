"""What must happen without anyone asking: finish interrupted issues, sign checkpoints, renew CRLs.

It runs in the serving parent, once per installation. Each task is safe to run at any moment and any number of times;
a task that fails is logged and tried again at its next turn, and never stops the others.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError

_PULSE_SECONDS = 1.0  # how late a task may start

_log = structlog.get_logger("portal.housekeeping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One recurring piece of work; `run` returns a number for the log, such as how many items it finished."""

    name: str
    every: timedelta
    run: Callable[[], int]


class Housekeeping:
    """Runs tasks when they are due."""

    def __init__(self, tasks: tuple[Task, ...], clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock
        self._due: dict[str, datetime] = {}

    def run_due(self) -> None:
        """Run every task whose time has come; the first call runs all."""
        now = self._clock.now()
        for task in self._tasks:
            if self._due.get(task.name, now) <= now:
                self._due[task.name] = now + task.every
                self._run(task)

    def run(self, stop: threading.Event) -> None:
        """Run due tasks until `stop` is set."""
        while not stop.is_set():
            self.run_due()
            stop.wait(_PULSE_SECONDS)

    def _run(self, task: Task) -> None:
        try:
            done = task.run()
        except TrustError as error:
            _log.warning("housekeeping-failed", task=task.name, code=error.code, facts=error.facts)
        except Exception:  # noqa: BLE001  one broken task must not end the others
            _log.exception("housekeeping-broken", task=task.name)
        else:
            if done:
                _log.info("housekeeping-done", task=task.name, count=done)
