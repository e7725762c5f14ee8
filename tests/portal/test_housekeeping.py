from datetime import timedelta

from portal.housekeeping import Housekeeping, Task
from tests.fakes import FixedClock
from trust.kernel.errors import Unavailable


def test_each_task_runs_at_start_and_then_when_due():
    ran = []
    clock = FixedClock()
    tasks = (
        Task(name="a", every=timedelta(seconds=10), run=lambda: ran.append("a") or 0),
        Task(name="b", every=timedelta(seconds=60), run=lambda: ran.append("b") or 0),
    )
    keeper = Housekeeping(tasks, clock)
    keeper.run_due()
    keeper.run_due()
    clock.advance(seconds=10)
    keeper.run_due()
    clock.advance(seconds=50)
    keeper.run_due()
    assert ran == ["a", "b", "a", "a", "b"]


def test_a_failing_task_does_not_stop_the_others():
    ran = []

    def refused():
        raise Unavailable(task="a fact of the name that the log line has as well", event="another")

    def broken():
        raise KeyError

    every = timedelta(seconds=1)
    tasks = (
        Task(name="refused", every=every, run=refused),
        Task(name="broken", every=every, run=broken),
        Task(name="fine", every=every, run=lambda: ran.append(1) or 1),
    )
    Housekeeping(tasks, FixedClock()).run_due()
    assert ran == [1]
