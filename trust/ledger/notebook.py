"""Checkpoints as signed notes: the stored body with our lines and those of the witnesses, put together and checked."""

from collections.abc import Sequence
from typing import Protocol

from trust.ledger.domain import SignedCheckpoint
from trust.ledger.errors import LedgerBroken
from trust.ledger.note_errors import NoteMalformed, NoteSignatureInvalid
from trust.ledger.note_keys import VerifierKey, ed25519_key, own_key
from trust.ledger.notes import Note, SignatureLine
from trust.ledger.ports import DescribeKey


class NoteLines(Protocol):
    """Keeps the signature lines beside the ledger's own: Ed25519 of the log, and cosignatures."""

    def add(self, size: int, line: SignatureLine) -> None:
        """Keep a line over the checkpoint of `size`; of one key, the first stays."""
        ...

    def of(self, size: int) -> Sequence[SignatureLine]:
        """Return the lines over the checkpoint of `size`, in the order of names and key IDs."""
        ...

    def last_size(self, key: VerifierKey) -> int:
        """Return the greatest size that a key has a line over, 0 when there is none."""
        ...

    def size_signed_by(self, keys: Sequence[VerifierKey], *, quorum: int) -> int | None:
        """Return the greatest size that at least `quorum` of `keys` have lines over."""
        ...


class Notebook:
    """Makes notes of stored checkpoints. Safe to share between threads."""

    def __init__(
        self,
        lines: NoteLines,
        describe: DescribeKey,
        *,
        origin: str,
        public_key: bytes,
        witnesses: Sequence[VerifierKey] = (),
    ) -> None:
        """`public_key` is the Ed25519 half of the log's note key; `witnesses` are those whose lines are served."""
        self.lines = lines
        self._describe = describe
        self.log_key = ed25519_key(origin, public_key)
        self._public_key = public_key
        self._witnesses = tuple(witnesses)

    def note(self, signed: SignedCheckpoint) -> Note:
        """Return the note: our own line, Ed25519 where it was signed so, then the witnesses' lines.

        Raises `LedgerBroken` when a stored line does not hold: served on, it would spoil the note for every reader.
        """
        own = own_key(signed.checkpoint.origin, self._describe(signed.key).public_key)
        lines = [SignatureLine(name=own.name, key_id=own.key_id, signature=signed.signature)]
        found = {(line.name, line.key_id): line for line in self.lines.of(signed.checkpoint.size)}
        log_key = ed25519_key(signed.checkpoint.origin, self._public_key)  # the origin of then
        for key in (log_key, *self._witnesses):
            line = found.get((key.name, key.key_id))
            if line is not None:
                self._check(signed, key, line)
                lines.append(line)
        return Note(text=signed.body, lines=tuple(lines))

    def countersigned(self, signed: SignedCheckpoint) -> bool:
        """Whether the log's Ed25519 signature stands beside its own; checkpoints of older releases have none."""
        wanted = (self.log_key.name, self.log_key.key_id)
        return any((line.name, line.key_id) == wanted for line in self.lines.of(signed.checkpoint.size))

    def keep(self, signed: SignedCheckpoint, value: bytes) -> None:
        """Keep the log's Ed25519 signature over a checkpoint. Raises `NoteSignatureInvalid`."""
        self.log_key.verify(signed.body, value)
        self.lines.add(
            signed.checkpoint.size,
            SignatureLine(name=self.log_key.name, key_id=self.log_key.key_id, signature=value),
        )

    @staticmethod
    def _check(signed: SignedCheckpoint, key: VerifierKey, line: SignatureLine) -> None:
        try:
            key.verify(signed.body, line.signature)
        except (NoteSignatureInvalid, NoteMalformed):
            place = f"checkpoint {signed.checkpoint.size}"
            raise LedgerBroken(f"the line of {key.name} over it does not hold.", place=place) from None
