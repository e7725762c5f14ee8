"""The record of a ceremony: a file of lines, each canonical JSON that carries the SM3 of the line before.

A line is on the disk before the ceremony goes on. Whoever changes, removes or inserts a line breaks the chain at the
next one; who changes or cuts the end has another head than the one that stands on the printed protocol and in the
ledger of the installation. A power cut may leave half a line at the end: it was never finished, and is cut off.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.errors import (
    CeremonyExists,
    CeremonyFolderUnusable,
    CeremonyMissing,
    CeremonyRunning,
    RecordBroken,
)
from trust.durable import sync
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.encoding import canonical_json, members_once

RECORD = "record.jsonl"

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""Longest record, bytes: thousands of sittings. A longer file is some other file."""

_START = "0" * 64  # what the first line has for the SM3 of the line before
_MEMBERS = frozenset({"number", "at", "kind", "previous", "facts"})


class Kind(StrEnum):
    """What a line says."""

    SITTING = "sitting"  # people came together: the terms
    RESUMED = "resumed"  # the process had ended and another one goes on
    BEGUN = "begun"  # a step is about to do what must not be done twice
    DONE = "done"  # a step is finished
    USE = "use"  # the root key signed, or refused to
    REOPENED = "reopened"  # custodians typed their shares again after an interruption
    VOIDED = "voided"  # key and shares of an attempt count for nothing
    ABORTED = "aborted"
    FINISHED = "finished"
    PROTOCOL = "protocol"  # the SM3 of the PDF made from all lines before


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line, with its own SM3: that of its bytes without the line end."""

    number: int
    at: datetime
    kind: Kind
    previous: str
    facts: Mapping[str, Any]
    digest: str


class Record:
    """An open record: nobody else writes to it until it is closed. Use `created` or `opened`."""

    def __init__(self, path: Path, descriptor: int, clock: Clock) -> None:
        self._path = path
        self._descriptor = descriptor
        self._clock = clock
        self._lines: list[Line] = []

    @property
    def lines(self) -> Sequence[Line]:
        """Return every line, oldest first."""
        return tuple(self._lines)

    @property
    def head(self) -> str:
        """Return the SM3 of the last line, hex."""
        return self._lines[-1].digest if self._lines else _START

    def append(self, kind: Kind, facts: Mapping[str, Any]) -> Line:
        """Have a line on the disk. Raises `CeremonyFolderUnusable`; then nothing counts as done."""
        members = {
            "number": len(self._lines) + 1,
            "at": self._clock.now().isoformat(),
            "kind": kind.value,
            "previous": self.head,
            "facts": dict(facts),
        }
        content = canonical_json(members)
        with _usable(self._path):
            self._write(content + b"\n")
        line = _parse_line(content, number=len(self._lines) + 1, previous=self.head)
        self._lines.append(line)
        return line

    def _write(self, content: bytes) -> None:
        end = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, content)
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, end)  # half a line would stand in the way of the next
            raise

    def load(self) -> int:
        """Read what is there and cut off half a line at the end; return how many bytes that was."""
        with _usable(self._path):
            content = self._path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            self._lines = list(parse_record(whole)) if whole else []
            torn = len(content) - len(whole)
            if torn:
                os.ftruncate(self._descriptor, len(whole))
                os.fsync(self._descriptor)
        return torn


@contextmanager
def created(folder: Path, clock: Clock) -> Iterator[Record]:
    """Open a new record in `folder`. Raises `CeremonyExists`, `CeremonyFolderUnusable`."""
    path = folder / RECORD
    with _usable(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CeremonyExists(field=folder.name) from None
        sync(folder)
    with _held(path, descriptor):
        yield Record(path, descriptor, clock)


@contextmanager
def opened(folder: Path, clock: Clock) -> Iterator[tuple[Record, int]]:
    """Open the record in `folder`, and say how many bytes of half a line were cut off.

    Raises `CeremonyMissing`, `CeremonyRunning`, `RecordBroken`, `CeremonyFolderUnusable`.
    """
    path = folder / RECORD
    with _usable(path):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            raise CeremonyMissing(field=folder.name) from None
    with _held(path, descriptor):
        record = Record(path, descriptor, clock)
        torn = record.load()
        yield record, torn


def read_record(folder: Path) -> tuple[Line, ...]:
    """Read and check a record. Raises `CeremonyMissing`, `RecordBroken`, `CeremonyFolderUnusable`."""
    path = folder / RECORD
    with _usable(path):
        try:
            with path.open("rb") as file:
                return parse_record(file.read(MAX_RECORD_BYTES + 1))
        except FileNotFoundError:
            raise CeremonyMissing(field=folder.name) from None


def parse_record(content: bytes) -> tuple[Line, ...]:
    """Check the chain and return the lines. Raises `RecordBroken` naming the first line that does not fit."""
    if len(content) > MAX_RECORD_BYTES or not content.endswith(b"\n"):
        raise RecordBroken("The record is too long, empty, or ends in half a line.", field="record")
    lines: list[Line] = []
    for number, line in enumerate(content[:-1].split(b"\n"), start=1):
        previous = lines[-1].digest if lines else _START
        lines.append(_parse_line(line, number=number, previous=previous))
    return tuple(lines)


def _parse_line(content: bytes, *, number: int, previous: str) -> Line:
    try:
        members = json.loads(content, object_pairs_hook=members_once)
        _check_members(members, content, number=number, previous=previous)
        at = datetime.fromisoformat(members["at"])
        return Line(
            number=number,
            at=at,
            kind=Kind(members["kind"]),
            previous=previous,
            facts=dict(members["facts"]),
            digest=sm3(content).hex(),
        )
    except (ValueError, TypeError, RecursionError):
        raise RecordBroken(f"Line {number} does not follow from the line before it.", field=f"line {number}") from None


def _check_members(members: Any, content: bytes, *, number: int, previous: str) -> None:
    if set(members) != _MEMBERS or canonical_json(members) != content:
        raise ValueError("another form")
    if (members["number"], members["previous"]) != (number, previous):
        raise ValueError("another place")


def _write_all(descriptor: int, content: bytes) -> None:
    """Write every byte; a disk that fills up takes fewer, and the next call says why."""
    while content:
        content = content[os.write(descriptor, content) :]


@contextmanager
def _held(path: Path, descriptor: int) -> Iterator[None]:
    try:
        with _usable(path):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CeremonyRunning(field=path.parent.name) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CeremonyFolderUnusable(f"{path.parent.name}/{path.name}: {error.strerror}.", field=path.name) from None
