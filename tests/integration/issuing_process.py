"""A process that issues until it is killed: `python -m tests.integration.issuing_process`.

It loads everything once and then forks for each order that it reads from standard input, one JSON object a line. A
forked child opens the installation anew as a restarted service does, finishes what its predecessors left behind, and
issues in several threads. It reports in lines on standard output:

    forked <pid> · ready · recovered <finished> <abandoned> <waiting> · at <boundary> · start <key> ·
    done <key> <identifier> · failed <code> · ended <wait status>

An order may name a boundary and how often it is passed before the child kills itself there, with the same signal.
"""

import functools
import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, event

import certs.glyphs
import trust.files
import trust.typesetting
from certs.domain import IssueCommand
from certs.render import Renderer
from certs.routes import IssueBody
from certs.store import SqlIntents, SqlLibrary
from hsm_adapter.software import SoftwareToken
from portal.demo import data
from portal.foundation import open_foundation
from portal.wiring import Installation, open_installation
from seals.service import SealService
from trust.config import load_settings
from trust.files import SealedFolder
from trust.kernel.clock import SystemClock
from trust.kernel.errors import TrustError
from trust.ledger.service import Ledger
from verifier.api import Verifier

STEPS = {
    "reserve": (SqlIntents, "reserve"),
    "render": (Renderer, "render"),
    "seal": (SealService, "stamp"),
    "sign": (SoftwareToken, "sign_batch"),
    "record": (Ledger, "record"),
    "verify": (Verifier, "verify_file"),
    "put": (SealedFolder, "put"),
    "sync": (trust.files, "_sync"),
    "complete": (SqlLibrary, "complete"),
}
COMMITS = 3  # of one issue: the intent, the ledger entry, the certificate
BOUNDARIES = (*(f"{when} {step}" for step in STEPS for when in ("before", "after")), "before commit")


class LaterClock:
    """The clock of the machine, put forward: a restart happens after the leases of the killed process have run out."""

    def __init__(self, minutes: int) -> None:
        self._ahead = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return SystemClock().now() + self._ahead


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The authority's business system."""

    client: str = "kill-test"
    authority: str = data.AUTHORITY
    name: str = "client:kill-test"


def command(key: str, day: date) -> IssueCommand:
    """Return what is issued under a key: certificates of both types, and the same key always asks for the same."""
    body = data.residence_permit(day) if sum(key.encode()) % 2 else data.food_licence(day)
    return IssueBody.model_validate_json(json.dumps(body)).parse(key)


def open_later(settings: dict[str, object], minutes: int) -> Installation:
    """Open the installation at a later moment."""
    loaded = load_settings(**settings)
    return open_installation(loaded, open_foundation(loaded, LaterClock(minutes)))


def say(*words: object) -> None:
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


class Tripwire:
    """Reports each boundary that is passed, and kills the process at one of them once it is armed."""

    def __init__(self, boundary: str | None, passages: int) -> None:
        self._boundary = boundary
        self._left = passages
        self._lock = threading.Lock()
        self.armed = False

    def lay(self) -> None:
        for step, (place, name) in STEPS.items():
            setattr(place, name, self._around(step, getattr(place, name)))
        event.listen(Engine, "commit", lambda _connection: self._pass("before commit"))

    def _around(self, step: str, real):
        @functools.wraps(real)
        def watched(*args, **kwargs):
            self._pass(f"before {step}")
            result = real(*args, **kwargs)
            self._pass(f"after {step}")
            return result

        return watched

    def _pass(self, boundary: str) -> None:
        say("at", boundary)
        with self._lock:
            if self.armed and boundary == self._boundary:
                self._left -= 1
                if not self._left:
                    os.kill(os.getpid(), signal.SIGKILL)


def issue_on(installation: Installation, prefix: str, day: date) -> None:
    number = 0
    while True:
        key = f"{prefix}-{number:04d}"
        say("start", key)
        try:
            certificate = installation.certs.issue(Caller(), command(key, day))
        except TrustError as error:
            say("failed", error.code, *traceback.format_exception(error.__cause__ or error)[-1:])
            os._exit(1)
        say("done", key, certificate.identifier)
        number += 1


def run(order: dict[str, object]) -> None:
    """Be one life of the service; it never returns."""
    wire = Tripwire(order.get("boundary"), order.get("passages", 1))
    wire.lay()
    installation = open_later(order["settings"], order["minutes"])
    say("ready")
    wire.armed = order.get("while_recovering", False)
    report = installation.certs.recover()
    say("recovered", len(report.finished), len(report.abandoned), len(report.waiting))
    wire.armed = True
    day = date.fromisoformat(order["day"])
    threads = [
        threading.Thread(target=issue_on, args=(installation, f"life{order['minutes']:03d}-thread{number}", day))
        for number in range(order["threads"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    certs.glyphs._read = functools.cache(certs.glyphs._read)
    certs.glyphs._read(load_folders())
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                run(json.loads(line))
            except BaseException:  # noqa: BLE001  the parent must be told
                say("failed", traceback.format_exc().replace("\n", " | "))
            os._exit(1)
        say("forked", pid)
        _, status = os.waitpid(pid, 0)
        say("ended", status)


def load_folders():
    """Return the folders of fonts as the typesetter does, so that their tables are read once for all children."""
    return (trust.typesetting.shipped_fonts(), *(folder for folder in load_settings().font_paths if folder.is_dir()))


if __name__ == "__main__":
    main()
