"""The last checkpoint, kept outside the database, and the comparison of the database with it.

Whoever cuts the tail of the ledger cuts the checkpoints over it too, and a database restored from yesterday looks
whole. Both are found because the newest checkpoint also lies in a file of the home (on the disk before `checkpoint`
returns) and with the witnesses: each is held against the stored tree at start and before each checkpoint.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from trust.durable import alone, sync, write_whole
from trust.kernel import merkle
from trust.kernel.randomness import Randomness
from trust.ledger.domain import TREE
from trust.ledger.halting import Halt
from trust.ledger.note_errors import (
    LedgerForked,
    LedgerRolledBack,
    MemoryUnreadable,
    NoteMalformed,
    NoteSignatureInvalid,
    NoteUntrusted,
)
from trust.ledger.note_keys import VerifierKey
from trust.ledger.notes import MAX_NOTE_BYTES, Note
from trust.ledger.ports import LedgerStore
from trust.ledger.tree_heads import TreeHead

FILE = "last-checkpoint.note"
"""Name of the file."""

_LOCK = "lock"
_log = structlog.get_logger("trust.ledger.memory")

LogKeys = Callable[[str], Sequence[VerifierKey]]
"""Returns the keys, retired ones too, that this ledger's own checkpoints are signed with, named for an origin."""


class CheckpointMemory:
    """The file with the newest checkpoint. Safe to share between threads and processes of one machine."""

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        """`folder` exists, is for our account alone, and is on no volume that is restored with the database."""
        self._folder = folder
        self._randomness = randomness

    def last(self) -> Note | None:
        """Return what is kept, None before the first. Raises `MemoryUnreadable`."""
        try:
            with (self._folder / FILE).open("rb") as file:
                return Note.parse(file.read(MAX_NOTE_BYTES + 1))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MemoryUnreadable(f"{FILE}: {error.strerror}.", field=FILE) from None
        except NoteMalformed:
            raise MemoryUnreadable(f"{FILE} is not a signed note.", field=FILE) from None

    def keep(self, note: Note) -> None:
        """Keep a checkpoint unless a greater one is kept already. Raises `MemoryUnreadable`."""
        with self._alone():
            kept = self.last()
            smaller = kept is not None and _size(note) < _size(kept)
            if not smaller and kept != note:
                write_whole(self._folder / FILE, note.content, self._randomness)

    def set_aside(self, size: int) -> None:
        """Take the kept checkpoint of `size` out of use; it stays beside, as evidence. Raises `MemoryUnreadable`."""
        with self._alone():
            kept = self.last()
            if kept is not None and _size(kept) == size:
                aside = f"lost-{size}-{self._randomness.token(4).hex()}.note"
                (self._folder / FILE).rename(self._folder / aside)
                sync(self._folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with alone(self._folder / _LOCK):
                yield
        except OSError as error:
            raise MemoryUnreadable(f"{FILE}: {error.strerror}.", field=FILE) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackWatch:
    """Holds checkpoints that we signed once against the tree that the database has now."""

    store: LedgerStore
    memory: CheckpointMemory
    halt: Halt
    keys: LogKeys
    origin: str

    def check(self) -> None:
        """Compare the database with the checkpoint that is kept outside it.

        Raises `LedgerRolledBack`, and `LedgerHalted` ever after; `MemoryUnreadable` when the kept one cannot be
        trusted; `LedgerUnavailable`, `LedgerBroken` of the store.
        """
        self.halt.check()
        self.compare_kept()

    def compare_kept(self) -> None:
        """Compare as `check` does, although signing may be stopped already: an operator wants to know."""
        kept = self.memory.last()
        if kept is not None:
            self._compare(self._believed(kept), source="the checkpoint kept outside the database", forked=False)

    def compare(self, evidence: Note, *, source: str) -> None:
        """Compare the database with a checkpoint that `source` shows. Raises as `check`, `LedgerForked`, `Note…`.

        Only a note with our own signature counts: nobody else can stop this service by what they say.
        """
        head = TreeHead.parse(evidence.opened(self.keys(self.origin)).text)
        if head.origin == self.origin:
            self._compare(head, source=source, forked=True)

    def _believed(self, kept: Note) -> TreeHead:
        """Return the kept head; it may bear the origin of before, when the service moved to another name."""
        try:
            head = TreeHead.parse(kept.text)
            kept.opened(self.keys(head.origin))
        except (NoteMalformed, NoteUntrusted, NoteSignatureInvalid):
            raise MemoryUnreadable(f"{FILE} holds no checkpoint with a signature of ours.", field=FILE) from None
        return head

    def _compare(self, signed: TreeHead, *, source: str, forked: bool) -> None:
        present = self.store.head()
        if present.size < signed.size:
            detail = f"{source} has size {signed.size}, the database {present.size}."
            self._stop(LedgerRolledBack(detail, signed=signed.size, found=present.size))
        if merkle.frontier(signed.size, self.store.nodes).root(TREE) != signed.root:
            detail = f"{source} has another root at size {signed.size}; the database has size {present.size}."
            error = LedgerForked if forked else LedgerRolledBack
            self._stop(error(detail, signed=signed.size, found=present.size))

    def _stop(self, error: LedgerRolledBack | LedgerForked) -> None:
        _log.critical("ledger-contradicts-its-checkpoint", code=error.code, facts=error.facts)
        self.halt.halt(code=error.code, detail=error.detail)
        raise error


def _size(note: Note) -> int:
    try:
        return TreeHead.parse(note.text).size
    except NoteMalformed:
        raise MemoryUnreadable(f"{FILE} holds no checkpoint.", field=FILE) from None
