"""HTTP to witnesses: addresses that the operator wrote into the settings, answers that are bounded in time and length.

The addresses come from nobody else, so there is no network to be tricked into; still no redirect is followed, no proxy
of the environment used, and nothing is sent over plain http but to this machine.
"""

import ipaddress
import queue
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from trust.kernel.errors import NotReady
from trust.ledger.note_errors import WitnessUnreachable
from trust.ledger.note_keys import COSIGNATURE, VerifierKey

TOTAL_SECONDS = 10.0
"""Longest time for one answer, seconds, from the first byte of the request to the last of the answer.

A witness checks a proof of 63 hashes and writes one file."""

MAX_ANSWER_BYTES = 256 * 1024 + 4096
"""Longest answer, bytes: the longest note, with room."""

_STEP_SECONDS = 5.0  # longest silence between two pieces of an answer, and longest time to connect
_PIECE_BYTES = 16 * 1024


class WitnessMisconfigured(NotReady):
    """A witness in the settings has an address or a key that cannot be one."""

    code = "witness-misconfigured"
    title = "A witness in the settings cannot be used."
    title_zh = "配置中的见证方不可用。"
    remedy = "Give each witness as `<vkey> <address>`: type 0x04, https, or http on this machine."
    remedy_zh = "每个见证方写作“<vkey> <地址>”：密钥类型 0x04，地址为 https，本机可用 http。"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPlace:
    """One witness: the key that it cosigns with, and the prefix of its addresses without a final slash."""

    key: VerifierKey
    url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        plain = parts.scheme == "http" and _is_loopback(parts.hostname or "")
        if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query or parts.fragment:
            raise WitnessMisconfigured(f"The address of {self.key.name} must be https.", field="witnesses")
        if self.key.type != COSIGNATURE or "@" in parts.netloc or self.url.endswith("/"):
            raise WitnessMisconfigured(f"The key or address of {self.key.name} is of another form.", field="witnesses")

    @classmethod
    def parse(cls, text: str) -> "WitnessPlace":
        """Return the witness of a line of the settings. Raises `WitnessMisconfigured`, `NoteMalformed`."""
        key, space, url = text.strip().partition(" ")
        if not space:
            raise WitnessMisconfigured(field="witnesses")
        return cls(key=VerifierKey.parse(key), url=url.strip().rstrip("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The status and the body of an answer."""

    status: int
    body: bytes


class HttpTransport:
    """Asks over HTTP. Safe to share between threads.

    The time-outs of sockets count from byte to byte, so an answer that drips never ends: each exchange has a thread of
    its own, which is left alone when the time is over. Until it ends, its address is not asked again.
    """

    def __init__(self, *, seconds: float = TOTAL_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def post(self, url: str, body: bytes) -> Reply:
        """Return the answer to a post. Raises `WitnessUnreachable`."""
        return self._ask("POST", url, body)

    def get(self, url: str) -> Reply:
        """Return the answer to a get. Raises `WitnessUnreachable`."""
        return self._ask("GET", url, None)

    def _ask(self, method: str, url: str, body: bytes | None) -> Reply:
        parts = urlsplit(url)
        place, host = parts.netloc, parts.hostname
        with self._lock:
            if place in self._busy:
                raise WitnessUnreachable("An answer from before has not ended yet.", kind="Timeout", host=host)
            self._busy.add(place)
        answers: queue.SimpleQueue[Reply | str] = queue.SimpleQueue()

        def exchange() -> None:
            try:
                answer: Reply | str = self._exchange(method, url, body)
            except Exception as error:  # noqa: BLE001  whatever a stranger's answer does to the parsers of HTTP
                answer = type(error).__name__
            with self._lock:
                self._busy.discard(place)
            answers.put(answer)

        threading.Thread(target=exchange, name="witness-exchange", daemon=True).start()
        try:
            answer = answers.get(timeout=self._seconds)
        except queue.Empty:
            answer = "Timeout"
        if isinstance(answer, str):
            raise WitnessUnreachable(kind=answer, host=host)
        return answer

    def _exchange(self, method: str, url: str, body: bytes | None) -> Reply:
        deadline = time.monotonic() + self._seconds
        step = min(_STEP_SECONDS, self._seconds)
        with requests.Session() as session:
            session.trust_env = False
            with session.request(
                method,
                url,
                data=body,
                headers={"Content-Type": "text/plain; charset=utf-8", "User-Agent": "yinxin"},
                timeout=(step, step),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return Reply(status=answer.status_code, body=_read(answer, deadline))


def _read(answer: requests.Response, deadline: float) -> bytes:
    content = b""
    for piece in answer.iter_content(_PIECE_BYTES):
        content += piece
        if len(content) > MAX_ANSWER_BYTES:
            raise ValueError("longer than any answer of the protocol")
        if time.monotonic() > deadline:
            raise TimeoutError
    return content


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
