"""The `yinxin` command as a test runs it: in this process, on a copy of a finished installation."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from certs.access_log import Purpose
from portal.cli import run
from portal.demo import data
from portal.wiring import open_installation
from tests.integration.installation import Template, today
from trust.config import load_settings
from trust.kernel.identifiers import CertificateIdentifier


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands on one home."""

    def __init__(self, home: Path, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.folder = folder
        self._capture = capture

    def __call__(self, *arguments: object) -> Outcome:
        self._capture.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = self._capture.readouterr()
        return Outcome(code=code, out=out, err=err)

    def json(self, *arguments: object) -> Any:
        """Run a command that must succeed and return its JSON."""
        outcome = self(*arguments, "--json")
        assert outcome.code == 0, outcome.err
        return outcome.json

    def write(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def issue(self, key: str = "command-line-1") -> dict[str, Any]:
        """Issue a food licence."""
        path = self.write("licence.json", data.food_licence(today()))
        issued: dict[str, Any] = self.json("issue", path, "--authority", data.AUTHORITY, "--by", "王经办", "--key", key)
        return issued

    def file(self, identifier: str) -> bytes:
        """Return a certificate's file, as a department downloads it."""
        installation = open_installation(load_settings())
        try:
            parsed = CertificateIdentifier.parse(identifier)
            return installation.certs.file(_Department(), parsed, Purpose(text="测试")).content
        finally:
            installation.close()

    def sql(self, *statements: str) -> list[Any]:
        """Look into the database, or change it, behind the application's back; return the rows of the last one."""
        rows: list[Any] = []
        with closing(sqlite3.connect(self.home / "yinxin.sqlite3", isolation_level=None)) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows


@contextmanager
def command_line(
    template: Template, folder: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """Run the command on a copy of `template` in `folder`."""
    home = folder / "home"
    for name, value in template.copy(home).items():
        monkeypatch.setenv(f"YINXIN_{name.upper()}", str(value))
    monkeypatch.chdir(folder)
    yield CommandLine(home, folder, capture)
    structlog.reset_defaults()


@dataclass(frozen=True, kw_only=True)
class _Department:
    client: str = "test"
    authority: str = data.AUTHORITY
    name: str = "client:test"
