"""docs/join.md is followed as it stands: its own commands, on a served installation, with an invented person."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from portal.demo.browser import Browser, Page
from portal.demo.server import free_port, served
from portal.sandbox import SandboxWish, open_sandbox
from portal.wiring import Installation, open_installation
from tests.integration.installation import Template
from tests.interop.programs import need
from trust.config import child_environment, load_settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "join.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
SANDBOX = "yinxin sso system sandbox"
_SECONDS = 60
_NAME = "沈沙盒"


def block(part: str) -> str:
    """Return the one block of the page that has this in it."""
    (found,) = [each for each in BLOCKS if part in each]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a clone would be, as far as the page needs it."""
    made = tmp_path_factory.mktemp("clone")
    (made / "docs").symlink_to(ROOT / "docs")
    (made / ".venv").symlink_to(Path(sys.executable).parents[1])
    return made


@pytest.fixture(scope="module")
def settings(template: Template, folder: Path) -> Iterator[dict[str, object]]:
    """The installation of the newcomer, which is served meanwhile."""
    own = template.copy(folder / "var") | {"workers": 1}
    with served(own, folder / "server.log"):
        yield own


@pytest.fixture(scope="module")
def environment(settings: dict[str, object]) -> dict[str, str]:
    """What the newcomer's terminals have."""
    return child_environment(settings)


@pytest.fixture(scope="module")
def installation(settings: dict[str, object]) -> Iterator[Installation]:
    opened = open_installation(load_settings(**settings))
    yield opened
    opened.close()


class Maker(Protocol):
    def __call__(self, *, public: bool = False) -> dict[str, Any]: ...


@pytest.fixture
def make_sandbox(installation: Installation, folder: Path) -> Maker:
    """Do what step 2 does, without a process of its own and at a port of this test's own."""

    def make(*, public: bool = False) -> dict[str, Any]:
        address = f"http://127.0.0.1:{free_port()}/callback"
        wish = SandboxWish(label="沙箱", redirect_uris=(address,), public=public)
        made = open_sandbox(
            installation.systems, installation.people, wish, randomness=installation.foundation.randomness
        )
        found: dict[str, Any] = {
            "issuer": installation.foundation.settings.public_url,
            "client_id": made.client.id,
            "client_secret": made.secret,
            "redirect_uri": address,
            "person": {"kind": "111", "number": made.person.code.number, "password": made.password},
        }
        (folder / "sandbox.json").write_text(json.dumps(found, indent=2), "utf-8")
        return found

    return make


@pytest.fixture
def sandbox(make_sandbox: Maker) -> dict[str, Any]:
    return make_sandbox()


def run(script: str, environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-euc", script], env=environment, cwd=folder, capture_output=True, check=False, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@contextmanager
def running(script: str, environment: dict[str, str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command that goes on; yields it with the address that it asks to be opened."""
    path = f"{folder / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    process = subprocess.Popen(
        ["sh", "-euc", f"exec {script}"],
        env=environment | {"PATH": path, "PYTHONWARNINGS": "ignore"},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    try:
        for line in process.stdout:
            if found := re.search(r"Open:? (\S+)", line):
                yield process, found[1]
                break
        else:
            pytest.fail("It did not say what to open.")
    finally:
        process.terminate()
        process.wait(_SECONDS)
        process.stdin.close()
        process.stdout.close()


def sign_in(address: str, sandbox: dict[str, Any], *, decision: str = "allow") -> Page:
    """Do in a browser what step 3 says."""
    person = sandbox["person"]
    await_listener(address)
    browser = Browser()
    try:
        page = browser.get(address)
        values = {name: person[name] for name in ("kind", "number", "password")}
        consent = browser.submit(page, values)
        assert "测试系统" in consent.text
        return browser.submit(consent, {"decision": decision})
    finally:
        browser.close()


def await_listener(address: str) -> None:
    """Wait for what is announced a moment before it listens; the service itself always does."""
    parts = urlsplit(address)
    for _ in range(200):
        with suppress(ConnectionRefusedError), socket.create_connection((parts.hostname or "", parts.port or 80)):
            return
        threading.Event().wait(0.05)
    pytest.fail(f"Nothing answers at {address}.")


def test_the_page_has_the_commands_that_are_followed_here() -> None:
    assert [each.split()[0] for each in BLOCKS] == [
        "make", "export", "python", "java", "sh", "yinxin", "yinxin",
    ]  # fmt: skip


def test_step_two_gives_what_the_examples_read(make_sandbox: Maker, environment: dict[str, str], folder: Path) -> None:
    expected = make_sandbox()
    path = folder / "sandbox.json"
    path.unlink()
    run(block(SANDBOX), environment, folder)
    assert path.stat().st_mode & 0o777 == 0o600
    found = json.loads(path.read_text("utf-8"))
    assert (found.keys(), found["person"].keys()) == (expected.keys(), expected["person"].keys())
    assert found["redirect_uri"] == "http://127.0.0.1:5001/callback"


@pytest.mark.parametrize("program", ["python", "java"])
def test_a_person_signs_in_to_the_example(
    program: str, sandbox: dict[str, Any], environment: dict[str, str], folder: Path
) -> None:
    if program == "java":
        need(program)
    with running(block(f"{program} docs/examples"), environment, folder) as (_, address):
        page = sign_in(address, sandbox)
    assert page.status == 200, page.text
    lines = re.findall(r"^(\w+): (.*)$", page.text, re.MULTILINE)
    shown = json.loads(page.text) if program == "python" else dict(lines)
    assert (shown["name"], shown["acr"]) == (_NAME, "urn:yinxin:aal:1")
    assert shown["sub"]
    assert shown["sub"] not in str(sandbox["person"])


@pytest.mark.parametrize("program", ["python", "java"])
def test_who_declines_is_not_signed_in(
    program: str, sandbox: dict[str, Any], environment: dict[str, str], folder: Path
) -> None:
    if program == "java":
        need(program)
    with running(block(f"{program} docs/examples"), environment, folder) as (_, address):
        page = sign_in(address, sandbox, decision="refuse")
        assert (page.status, "access_denied" in page.text) == (403, True)
        forged = Browser()
        answer = forged.get(f"{sandbox['redirect_uri']}?code=c&state=s&iss={sandbox['issuer']}")
        assert (answer.status, _NAME in answer.text) == (403, False)
        forged.close()


@pytest.mark.parametrize("public", [False, True])
def test_the_steps_are_taken_by_hand(
    public: bool, make_sandbox: Maker, environment: dict[str, str], folder: Path
) -> None:
    need("curl")
    sandbox = make_sandbox(public=public)
    assert bool(sandbox["client_secret"]) is not public
    with (
        nobody_at(str(sandbox["redirect_uri"])) as ended,
        running(block("docs/examples/curl"), environment, folder) as (process, address),
    ):
        sign_in(address, sandbox)
        shown, _ = process.communicate(f"{ended[0]}\n", timeout=_SECONDS)
    assert json.loads(shown.strip().splitlines()[-1])["name"] == _NAME


def test_an_answer_to_another_request_is_not_taken_by_hand(
    sandbox: dict[str, Any], environment: dict[str, str], folder: Path
) -> None:
    need("curl")
    with running(block("docs/examples/curl"), environment, folder) as (process, _):
        shown, _ = process.communicate(f"{sandbox['redirect_uri']}?code=c&state=s\n", timeout=_SECONDS)
        assert process.returncode == 1
    assert "sub" not in shown


def test_a_system_joins_for_real(environment: dict[str, str], folder: Path) -> None:
    apply, approve, secret = block("system apply").splitlines()
    script = 'export PATH="$PWD/.venv/bin:$PATH"; {}'
    application = re.search(r"^application: (\w+)$", run(script.format(apply), environment, folder), re.MULTILINE)
    assert application
    for command, part in ((approve, "state: approved"), (secret, "secret: ")):
        assert part in run(script.format(command.replace("APPLICATION", application[1])), environment, folder)


@contextmanager
def nobody_at(address: str) -> Iterator[list[str]]:
    """Stand where nothing listens, to see what a person would read in the address bar."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(address.partition("/callback")[0] + self.path)
            self.send_response(200)
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing."""

    port = int(address.rpartition(":")[2].partition("/")[0])
    with HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()
