"""The stop: once the ledger was found to contradict a signed checkpoint, nothing is signed until an operator acts.

The mark is a file in the home, on the disk before the error leaves, so that every process and every later start sees
it. `HaltingRecorder` stands before the ledger: without a recorder no key signs (law 2).
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trust.durable import sync, write_new
from trust.kernel.clock import Clock
from trust.kernel.encoding import canonical_json
from trust.kernel.randomness import Randomness
from trust.keys import KeyUse, KeyUseRecorder
from trust.ledger.domain import encode_moment
from trust.ledger.note_errors import LedgerHalted, MemoryUnreadable

FILE = "halted.json"
"""Name of the mark in the folder of what the ledger keeps outside the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """Why and since when: the code of the error that stopped signing, its detail, the moment."""

    code: str
    detail: str
    at: str


class Halt:
    """The mark. Safe to share between threads and processes."""

    def __init__(self, folder: Path, clock: Clock, randomness: Randomness) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._randomness = randomness
        self._lifting = False

    def check(self) -> None:
        """Return unless signing was stopped. Raises `LedgerHalted`."""
        if not self._lifting and self._marked():
            found = self.reason()
            raise LedgerHalted(found.detail if found else "", reason=found.code if found else None)

    def halt(self, *, code: str, detail: str) -> None:
        """Stop signing; the first reason stays. Raises `MemoryUnreadable` when the mark cannot be written."""
        content = {"code": code, "detail": detail, "at": encode_moment(self._clock.now())}
        try:
            write_new(self._path, canonical_json(content) + b"\n", self._randomness)
        except OSError as error:
            raise MemoryUnreadable(f"{FILE}: {error.strerror}.", reason=code) from None

    def reason(self) -> Halted | None:
        """Return why signing is stopped, None while it is not."""
        try:
            members = json.loads(self._path.read_bytes())
            return Halted(code=str(members["code"]), detail=str(members["detail"]), at=str(members["at"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return Halted(code="unknown", detail=f"{FILE} cannot be read.", at="")

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Let this process sign within the block, and every process once the block has ended well.

        What is signed there says who lets signing go on and why: until it is recorded, the mark stays (law 5).
        Raises `MemoryUnreadable`.
        """
        self._lifting = True
        try:
            yield
            self._lift()
        finally:
            self._lifting = False

    def _marked(self) -> bool:
        """Whether the mark is there; a folder that cannot be looked into counts as marked."""
        try:
            self._path.stat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def _lift(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
            sync(self._path.parent)
        except OSError as error:
            raise MemoryUnreadable(f"{FILE}: {error.strerror}.") from None


class HaltingRecorder:
    """A `KeyUseRecorder` that records nothing while signing is stopped, whereby no key signs."""

    def __init__(self, recorder: KeyUseRecorder, halt: Halt) -> None:
        self._recorder = recorder
        self._halt = halt

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        """Record as the recorder inside does. Raises `LedgerHalted`."""
        self._halt.check()
        return self._recorder.record(uses)
