"""One bounded exchange with a register: one address, one time-out over all of it, no redirect, a small answer.

The standard library's client is enough: each exchange is one POST on its own connection, and a pool would keep numbers
of persons in more buffers. A socket's time-out counts from byte to byte, so a watchdog ends the exchange as a whole.
"""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sso.accounts.errors import ProofingAnswerUnreadable, ProofingSourceUnavailable, ProofingSourceUnusable

ANSWER_MAX: Final = 4096
"""Bytes of an answer. Ours has three short members; more is no answer of this contract."""

CONCURRENT_MAX: Final = 8
"""Exchanges with one source at once, per server process: a slow register must not take every thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """What came back: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class BoundedPost:
    """Posts to one fixed address. Raises `ProofingSourceUnusable` for an address that would expose what is sent."""

    def __init__(self, url: str, *, seconds: float, ca_file: Path | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port, self.path = _checked(parts)
        self._tls = _tls(ca_file) if parts.scheme == "https" else None
        self._seconds = seconds
        self._slots = threading.BoundedSemaphore(CONCURRENT_MAX)

    def send(self, body: bytes, headers: Mapping[str, str]) -> RawAnswer:
        """Return the answer. Raises `ProofingSourceUnavailable`, and `ProofingAnswerUnreadable` when it is too long."""
        if not self._slots.acquire(blocking=False):
            raise ProofingSourceUnavailable("Too many questions are waiting for this source.")
        try:
            return self._exchange(body, headers)
        except (OSError, HTTPException) as error:
            raise ProofingSourceUnavailable(kind=type(error).__name__) from None
        finally:
            self._slots.release()

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> RawAnswer:
        plain = socket.create_connection((self._host, self._port), timeout=self._seconds)
        with _ended_after(plain, self._seconds) as late, self._secured(plain) as line:
            answer = self._spoken(line, body, headers)
        if late.is_set():  # what was read may be cut off anywhere
            raise ProofingSourceUnavailable("The source took too long.")
        if len(answer.body) > ANSWER_MAX:
            raise ProofingAnswerUnreadable(f"The answer has more than {ANSWER_MAX} bytes.")
        return answer

    def _secured(self, plain: socket.socket) -> socket.socket:
        return plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self._host)

    def _spoken(self, line: socket.socket, body: bytes, headers: Mapping[str, str]) -> RawAnswer:
        kind = HTTPConnection if self._tls is None else HTTPSConnection
        connection = kind(self._host, self._port)
        connection.sock = line
        connection.request("POST", self.path, body=body, headers={**headers, "Connection": "close"})
        with connection.getresponse() as response:
            found = {name.lower(): value for name, value in response.getheaders()}
            return RawAnswer(status=response.status, headers=found, body=response.read(ANSWER_MAX + 1))


@contextmanager
def _ended_after(line: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Shut the connection down when the block takes longer; the event says that it did."""
    handle = line.dup()  # the socket itself changes hands when TLS begins
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    watchdog = threading.Timer(seconds, end)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield late
    finally:
        watchdog.cancel()
        handle.close()


def _checked(parts: SplitResult) -> tuple[str, int, str]:
    """Return host, port and path. A query is refused: it is where numbers end up in logs."""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ProofingSourceUnusable("The port is not one.", field="url") from None
    if parts.hostname is None or parts.query or parts.fragment or parts.username is not None:
        raise ProofingSourceUnusable("An address has a host and a path, nothing else.", field="url")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ProofingSourceUnusable("Outside this machine the address is https.", field="url")
    return parts.hostname, port, parts.path or "/"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError):
        raise ProofingSourceUnusable("The file of CA certificates cannot be read.", field="ca_file") from None
