"""The served application as a group of processes: each works, and none is left behind."""

import os
import signal
import time

import pytest

from portal.demo.server import served
from tests.integration.door import Door
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

WORKERS = 2
PATIENCE_SECONDS = 60
CONNECTIONS = 40  # enough that with two processes both are met


def answered(door):
    """Return the status of the first answer; connections that the killed processes had taken are reset."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return door.ask("GET", "/readyz").status
        except ConnectionError:
            assert time.monotonic() < deadline


def test_every_process_works_is_replaced_when_it_dies_and_ends_with_the_service(own, tmp_path):
    log = tmp_path / "server.log"
    before = set(descendants())
    with served(own | {"workers": WORKERS}, log) as address:
        door = Door(address)
        assert [door.ask("GET", "/readyz").status for _ in range(CONNECTIONS)] == [200] * CONNECTIONS
        running = {pid: found.arguments for pid, found in descendants().items() if pid not in before}
        # A forked process would inherit the parent's open database and the locks of its housekeeping thread.
        workers = [pid for pid, args in running.items() if "multiprocessing.spawn" in args]
        assert len(workers) == WORKERS, running
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        assert answered(door) == 200
    assert not set(running) & set(descendants())
    assert "Respawning worker" in log.read_text()
    assert "shutdown completed" in log.read_text()
