"""A register as an authority would run it, by the contract of docs/proofing-sources.md; everyone in it is invented.

It imports nothing of this service: it is the other side of the contract, to test ours against and to copy from. One
server stands for all four sources, one path each.

Run: `python -m portal.demo.register CONFIG.json` with the members `port`, `secret_file`, `authentication` and `people`
(a list with the members of `Entry`); or `with serving(Register(...)) as address` in a test.
"""

import hashlib
import hmac
import json
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

from typing_extensions import override

ITEMS: Final[Mapping[str, str | None]] = {
    "/population-register": None,
    "/legal-person-register": None,
    "/mobile-carrier": "mobile",
    "/social-security": "social_security",
}
"""The address of each source below the server's, and the item that it compares beside number and name."""

_QUESTION_MAX: Final = 4096  # bytes: ours have below 600
_CLOCK_SKEW: Final = timedelta(minutes=5)
_SCHEME: Final = "YINXIN-HMAC-SHA256 "
_COMMON: Final = frozenset({"version", "id", "kind", "number"})


class Entry(NamedTuple):
    """One invented person or organisation. `representative` is the number of an organisation's representative."""

    kind: str
    number: str
    name: str
    mobile: str = ""
    social_security: str = ""
    representative: str = ""
    ended: bool = False


class Register:
    """The entries, and the secret that its one caller shares with it. `authentication` is bearer or hmac."""

    def __init__(self, entries: Iterable[Entry], *, secret: str, authentication: str = "bearer") -> None:
        self._entries = {(entry.kind, entry.number): entry for entry in entries}
        self._secret = secret.encode()
        self._signed = authentication == "hmac"

    def admits(self, authorization: str, date: str, path: str, body: bytes) -> bool:
        """Whether the request comes from the one caller, and for signed requests: was made just now."""
        if not self._signed:
            return hmac.compare_digest(authorization.encode(), b"Bearer " + self._secret)
        expected = _SCHEME + self._mac(b"yinxin-proofing-1", date.encode(), path.encode(), body)
        return hmac.compare_digest(authorization.encode(), expected.encode()) and _is_recent(date)

    def signature(self, authorization: str, body: bytes) -> str | None:
        """Return what the answer to a request is signed with, or None where only the request carries a secret."""
        mac = authorization.removeprefix(_SCHEME).encode()
        return self._mac(b"yinxin-proofing-1-answer", mac, body) if self._signed else None

    def outcome(self, question: Mapping[str, Any], item: str | None) -> str:
        """Return match, no-match or ended; which element differs is never told."""
        entry = self._entries.get((question["kind"], question["number"]))
        if entry is None or not self._fits(entry, question, item):
            return "no-match"
        return "ended" if entry.ended else "match"

    def _fits(self, entry: Entry, question: Mapping[str, Any], item: str | None) -> bool:
        if "representative" in question:
            asked = question["representative"]
            person = self._entries.get((asked["kind"], asked["number"]))
            return person is not None and (entry.representative, person.name) == (asked["number"], asked["name"])
        return entry.name == question["name"] and (item is None or getattr(entry, item) == question[item] != "")

    def _mac(self, *parts: bytes) -> str:
        return hmac.new(self._secret, b"\n".join(parts), hashlib.sha256).hexdigest()


class RegisterServer(ThreadingHTTPServer):
    """Serves one register on the loopback interface."""

    daemon_threads = True

    def __init__(self, register: Register, port: int = 0) -> None:
        self.register = register
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: RegisterServer
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self) -> None:
        """Answer one question."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _QUESTION_MAX:
            self._answer(413, {})
            return
        body = self.rfile.read(int(length))
        authorization, register = self.headers.get("Authorization", ""), self.server.register
        if self.path not in ITEMS:
            self._answer(404, {})
        elif not register.admits(authorization, self.headers.get("Yinxin-Date", ""), self.path, body):
            self._answer(401, {})
        elif (question := _question(body, ITEMS[self.path])) is None:
            self._answer(400, {})
        else:
            outcome = register.outcome(question, ITEMS[self.path])
            self._answer(200, {"version": 1, "id": question["id"], "outcome": outcome}, authorization)

    def _answer(self, status: int, members: Mapping[str, object], authorization: str = "") -> None:
        body = json.dumps(members).encode()
        signature = self.server.register.signature(authorization, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if signature is not None:
            self.send_header("Yinxin-Signature", signature)
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Keep silent: a register's log is not the place for who asked about whom."""


def _question(body: bytes, item: str | None) -> Mapping[str, Any] | None:
    """Return a question that has exactly the members of the contract, or None."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("version") != 1:
        return None
    elements = {"representative"} if "representative" in found else {"name"} | ({item} if item else set())
    return found if set(found) == _COMMON | elements else None


def _is_recent(date: str) -> bool:
    try:
        moment = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - moment) <= _CLOCK_SKEW  # noqa: TID251  a program of its own, without our clock


@contextmanager
def serving(register: Register, port: int = 0) -> Iterator[str]:
    """Serve while the block runs, in a thread; yields the address. Port 0 is any free one."""
    server = RegisterServer(register, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(arguments: list[str]) -> int:
    """Serve until the process is ended."""
    config = json.loads(Path(arguments[0]).read_text("utf-8"))
    register = Register(
        (Entry(**person) for person in config["people"]),
        secret=Path(config["secret_file"]).read_text("ascii").strip(),
        authentication=config.get("authentication", "bearer"),
    )
    with RegisterServer(register, config["port"]) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
