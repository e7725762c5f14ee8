"""Lives of the service, each ended by a kill: of a process that forks for it, and of the real processes."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from portal.demo.browser import Browser
from tests.integration.door import Door
from trust.config import child_environment

ROOT = Path(__file__).resolve().parents[2]
AFTER = 2  # minutes: beyond the lease of notices that a killed process was about to send
START_SECONDS = 120.0  # several processes load everything, on a machine that may be busy
GONE = (OSError, http.client.HTTPException)  # a connection that was cut, wherever


class Lives:
    """Starts one life of the service after the other."""

    def __init__(self, settings, log):
        self.settings = settings
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.signing_in_process"],
            cwd=ROOT,
            env=child_environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._pid = None

    def start(self, **order):
        order |= {"settings": self.settings}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._until("forked")[-1].split()[1])
        self._until("ready")

    def kill(self):
        os.kill(self._pid, signal.SIGKILL)
        self.ended()

    def ended(self):
        """Wait for the end of a life that kills itself; return what it said."""
        said = self._until("ended")
        assert said[-1] == f"ended {signal.SIGKILL}", said
        self._pid = None
        return said

    def restart(self, **order):
        if self._pid is not None:
            self.kill()
        self.start(**order)

    def last(self):
        """Begin the life in which everything is checked."""
        self.restart(minutes=AFTER)

    def until(self, word):
        return self._until(word)

    def close(self):
        if self._pid is not None:
            self.kill()
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _until(self, word):
        lines = []
        while not lines or lines[-1].split()[0] != word:
            line = self._process.stdout.readline()
            assert line, "the serving process ended"
            assert not line.startswith("failed"), line
            lines.append(line.rstrip("\n"))
        return lines


class ServedLives:
    """Lives of the real service: a parent that keeps house and processes that answer, all killed at once."""

    def __init__(self, settings, log):
        self.settings = settings | {"workers": 2}
        self._log = log.open("ab")
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "portal", "serve"],
            cwd=ROOT,
            env=child_environment(self.settings),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kill(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        assert self._process.wait() == -signal.SIGKILL
        self._process = None

    last = start

    def close(self):
        if self._process is not None:
            self.kill()
        self._log.close()

    def _is_ready(self):
        assert self._process.poll() is None
        try:
            return Door(str(self.settings["public_url"])).ask("GET", "/readyz").status == 200
        except GONE:
            return False


class TrippedBrowser(Browser):
    """A browser whose next request to one path carries the order to trip."""

    def __init__(self):
        super().__init__()
        self._trip = None
        self.passed = []

    @contextmanager
    def trip(self, path, wanted):
        self._trip = (path, wanted)
        try:
            yield
        finally:
            self._trip = None

    def _send(self, netloc, method, target, body, headers):
        here = self._trip is not None and urlsplit(target).path == self._trip[0]
        try:
            answer = super()._send(netloc, method, target, body, headers | (tripped(self._trip[1]) if here else {}))
        except GONE:
            self.close()
            raise
        if here:
            self.passed = passed_by(answer)
        return answer


def tripped(wanted):
    return {"X-Trip": str(wanted)}


def passed_by(answer):
    return answer.headers["X-Passed"].split(",")
