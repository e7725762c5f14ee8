"""A served application in a process of its own, for the demonstration, the benchmark and the tests."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from trust.config import child_environment
from trust.kernel.errors import Unavailable

_START_SECONDS = 60.0  # a loaded machine opens the key store in some seconds; more means that it will not start
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.1


class ServerDidNotStart(Unavailable):
    """The server process ended or did not answer in time."""

    code = "server-did-not-start"
    title = "The server did not start."
    title_zh = "服务进程未能启动。"
    remedy = "Read the server's log named in the detail."
    remedy_zh = "请查看详情所指的服务日志。"


def free_port() -> int:
    """Return a TCP port that is free on the loopback interface at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(settings: Mapping[str, object], log: Path) -> Iterator[str]:
    """Run `yinxin serve` with these settings while the block runs; yields its address. Raises `ServerDidNotStart`."""
    address = f"http://127.0.0.1:{settings['port']}"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal", "serve"],
            env=child_environment(settings),
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _await_ready(process, address, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310  a fixed http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_SECONDS)
    raise ServerDidNotStart(f"See {log}.")
