"""A real Keycloak on a free port of this machine, in memory, for one test module; and what stands around it.

`.ci/run` fetches the distribution and builds it once for a start without a database server.
"""

import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from urllib.parse import parse_qs, urlsplit

import pytest
from keycloak import KeycloakAdmin

from tests.interop.programs import need

VERSION = "26.7.3"
HOME = Path(__file__).parents[2] / ".venv" / "tools" / f"keycloak-{VERSION}"
BUILT = HOME / "built-for-tests"
"""Written by `.ci/run` after `kc.sh build`."""

ADMIN_CLIENT = "yinxin-provisioner"
ADMIN_SECRET = "the secret of the first service account"
_JAVA = "-Xms96m -Xmx448m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Dfile.encoding=UTF-8"
_START_SECONDS = 180  # 12 s alone on a core; the other core's tests may hold it up
_STOP_SECONDS = 20
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running Keycloak."""

    address: str

    def admin(self, realm: str) -> KeycloakAdmin:
        """The library's own administration client: it plays the people who work on a realm by hand."""
        return KeycloakAdmin(
            server_url=f"{self.address}/",
            client_id=ADMIN_CLIENT,
            client_secret_key=ADMIN_SECRET,
            realm_name=realm,
            user_realm_name="master",
        )


@contextmanager
def running() -> Iterator[Server]:
    """Run Keycloak while the block runs. Skips, naming what is missing."""
    need("java")
    if not BUILT.exists():
        pytest.skip(f"missing part: Keycloak {VERSION} in {HOME.parent.parent.name}/{HOME.parent.name} (run .ci/run)")
    port = _free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME", "LANG") if name in os.environ}
    environment |= {
        "JAVA_OPTS": _JAVA,
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID": ADMIN_CLIENT,
        "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": ADMIN_SECRET,
        "KC_HTTP_ENABLED": "true",
        "KC_HTTP_HOST": "127.0.0.1",
        "KC_HTTP_PORT": str(port),
        "KC_HOSTNAME_STRICT": "false",
        "KC_LOG_LEVEL": "warn",
    }
    process = subprocess.Popen(
        [HOME / "bin" / "kc.sh", "start", "--optimized"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(process, port)
        yield Server(address=f"http://127.0.0.1:{port}")
    finally:
        _stop(process)


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Keycloak ended with {process.returncode}"
        if _answers(port):
            return
        pause.wait(_PAUSE_SECONDS)
    pytest.fail(f"Keycloak did not answer within {_START_SECONDS} s")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/realms/master")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """The script's child is the server: both are of one group of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
    process.wait(_STOP_SECONDS)


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(kw_only=True)
class Listener:
    """A relying party's address: what browsers bring back to it, and the forms that Keycloak posts."""

    address: str
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Listener]:
    """Answer every request with 200 while the block runs."""
    found: list[Listener] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found[0].queries.append(parse_qs(urlsplit(self.path).query))
            self._done()

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found[0].forms.append(parse_qs(self.rfile.read(length).decode()))
            self._done()

        def _done(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    found.append(Listener(address=f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
