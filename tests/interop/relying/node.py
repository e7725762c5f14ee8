"""Relying parties in JavaScript: a process per library, which does one operation of one party per line.

The operations are the same in `openid_client.mjs` and `oauth4webapi.mjs`: `keys` (own key pair for private_key_jwt),
`setup` (discovery), `begin` (authorization request, pushed on wish), `finish` (redeem the code, judge the ID token),
`userinfo`, `refresh`, `introspect`, `exchange`, `revoke`, `accept` (judge an access token as its audience), `call` (an
API with a token), `logout` (address to send the browser to), `loggedOut` (judge a logout token).
"""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = Path(__file__).parents[3] / ".venv" / "tools" / "relying"
LIBRARIES = ("openid_client", "oauth4webapi")
LEAST_NODE = 20  # what openid-client 6 asks for: fetch, WebCrypto and import without a flag
_SECONDS = 30


class RelyingPartyFailed(Exception):
    """A library refused, or was refused; `code` is its own name for it, `error` the provider's."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(" ".join(str(value) for value in failure.values() if value is not None))
        self.code, self.error, self.status = failure["code"], failure["error"], failure["status"]


class Library:
    """A library in its process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._numbers = itertools.count()

    def party(self) -> "Node":
        """Return a new relying party."""
        return Node(self, next(self._numbers))

    def do(self, party: int, operation: str, given: dict[str, Any]) -> Any:
        """Do one operation of a party. Raises `RelyingPartyFailed`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"party": party, "operation": operation, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(_SECONDS)}"
        answer = json.loads(line)
        if "failure" in answer:
            raise RelyingPartyFailed(answer["failure"])
        return answer["result"]


@dataclass(frozen=True)
class Node:
    """One relying party."""

    library: Library
    number: int

    def do(self, operation: str, **given: Any) -> Any:
        """Do one operation. Raises `RelyingPartyFailed`."""
        return self.library.do(self.number, operation, given)


def prepare(folder: Path) -> Path:
    """Lay the scripts beside the fetched libraries. Skips, naming what is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("missing part: node (Debian package nodejs)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=_SECONDS).stdout
    found = re.match(r"v(\d+)\.", version)
    if found is None or int(found[1]) < LEAST_NODE:
        pytest.skip(f"missing part: node {LEAST_NODE} or newer, here is {version.strip()}")
    lock, fetched = HERE / "package-lock.json", TOOLS / "package-lock.json"
    if not fetched.exists() or fetched.read_bytes() != lock.read_bytes():
        pytest.skip("missing part: openid-client and oauth4webapi as locked, in .venv/tools/relying (run .ci/run)")
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    (folder / "node_modules").symlink_to(TOOLS / "node_modules")
    return folder


@contextmanager
def started(folder: Path, library: str) -> Iterator[Library]:
    """Run a library while the block runs; it ends with its input."""
    with (folder / f"{library}.log").open("ab") as log:
        process = subprocess.Popen(
            ["node", folder / f"{library}.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
        )
    try:
        with process:
            yield Library(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
