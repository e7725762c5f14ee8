"""A process that serves sign-in until it is killed: `python -m tests.integration.signing_in_process`.

It loads everything once and then forks for each order that it reads from standard input, one JSON object a line. A
forked child opens the installation anew as a restarted service does, serves the whole application on its port, and
delivers sign-out notices beside it. It reports in lines on standard output:

    forked <pid> · ready · ended <wait status>

A request with the header `X-Trip: record` is answered with the boundaries that it passed, in `X-Passed`; one with
`X-Trip: <number>` kills the process at that passage, with the same signal as a power cut would have it. An order's
`delivery` does the same to the delivery of notices, at that passage counted from the first notice that is due.
"""

import functools
import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager

from sqlalchemy import Engine, event
from werkzeug.serving import WSGIRequestHandler, make_server

from hsm_adapter.software import SoftwareToken
from portal import telemetry
from portal.foundation import open_foundation
from portal.wiring import application, open_installation
from sso.provider.backchannel import LogoutDelivery
from sso.provider.outbound import OutboundPost
from tests.integration.issuing_process import LaterClock
from trust.config import load_settings
from trust.db import Database
from trust.ledger.service import Ledger

STEPS = {
    "sign": (SoftwareToken, "sign_batch"),
    "record": (Ledger, "record"),
    "post": (OutboundPost, "post"),
}
NOTICES_SECONDS = 0.05
_DELIVERY_THREADS = ("notices", "logout")  # the second is what the delivery names its own


def say(*words: object) -> None:
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


class Trip:
    """Counts the boundaries passed by one request or delivery, and kills the process at one of them."""

    def __init__(self, wanted: str) -> None:
        self.passed: list[str] = []
        self._at = None if wanted == "record" else int(wanted)
        self._lock = threading.Lock()

    def note(self, boundary: str) -> None:
        with self._lock:
            if self._at == len(self.passed):
                os.kill(os.getpid(), signal.SIGKILL)
            self.passed.append(boundary)


class Tripwire:
    """Lies around every effect: commits, key uses, their entries, notices to other systems."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._delivery: Trip | None = None

    def lay(self) -> None:
        for step, (place, name) in STEPS.items():
            setattr(place, name, self._around(step, getattr(place, name)))
        for name in ("begin", "write"):
            setattr(Database, name, self._unit(getattr(Database, name)))
        event.listen(Engine, "commit", lambda _connection: self._pass("before commit"))

    def arm_delivery(self, wanted: str) -> None:
        """Count from the first notice that is claimed."""
        claim = LogoutDelivery._tell_all

        def told(*args, **kwargs):
            self._delivery = self._delivery or Trip(wanted)
            told_of = claim(*args, **kwargs)
            say("passed", ",".join(each.replace(" ", "-") for each in self._delivery.passed))
            return told_of

        LogoutDelivery._tell_all = told

    def around_requests(self, app):
        def tripped(environ, start_response):
            wanted = environ.get("HTTP_X_TRIP")
            if wanted is None:
                return app(environ, start_response)
            self._mine.trip = trip = Trip(wanted)
            try:
                kept = []
                body = list(app(environ, lambda status, headers, _error=None: kept.extend((status, headers))))
                trip.note("before answer")
                start_response(kept[0], [*kept[1], ("X-Passed", ",".join(trip.passed))])
                return body
            finally:
                self._mine.trip = None

        return tripped

    def _around(self, step: str, real):
        @functools.wraps(real)
        def watched(*args, **kwargs):
            self._pass(f"before {step}")
            result = real(*args, **kwargs)
            self._pass(f"after {step}")
            return result

        return watched

    def _unit(self, real):
        @contextmanager
        def unit(*args, **kwargs):
            with real(*args, **kwargs) as given:
                yield given
            self._pass("after commit")

        return unit

    def _pass(self, boundary: str) -> None:
        trip = getattr(self._mine, "trip", None)
        if trip is None and threading.current_thread().name.startswith(_DELIVERY_THREADS):
            trip = self._delivery
        if trip is not None:
            trip.note(boundary)


class Quiet(WSGIRequestHandler):
    """Writes no access log: the application writes its own."""

    def log_request(self, *_: object) -> None:
        pass


def run(order: dict[str, object]) -> None:
    """Be one life of the service; it never returns."""
    wire = Tripwire()
    wire.lay()
    if "delivery" in order:
        wire.arm_delivery(str(order["delivery"]))
    settings = load_settings(**order["settings"])
    installation = open_installation(settings, open_foundation(settings, LaterClock(order.get("minutes", 0))))
    app = wire.around_requests(application(installation))
    server = make_server("127.0.0.1", settings.port, app, threaded=True, request_handler=Quiet)

    def notify() -> None:
        while True:
            installation.provider.deliveries.deliver_due()
            time.sleep(NOTICES_SECONDS)

    if order.get("notices", True):
        threading.Thread(target=notify, name="notices", daemon=True).start()
    say("ready")
    server.serve_forever()


def main() -> None:
    telemetry.configure_logging("info")
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


if __name__ == "__main__":
    main()
