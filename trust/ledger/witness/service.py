"""The witness: cosigns a checkpoint when it grows out of the last one that it cosigned (C2SP tlog-witness).

It never judges what a log records, only that it takes nothing back. What is cosigned is on the disk before the answer
leaves; killed in between, the witness answers 409 with the new size to the log's next try, and cosigns no other tree.
"""

from dataclasses import dataclass

import structlog

from trust.kernel import merkle
from trust.kernel.clock import Clock
from trust.ledger.note_errors import NoteMalformed, NoteSignatureInvalid, NoteUntrusted
from trust.ledger.note_keys import cosigned_message, join_cosignature
from trust.ledger.notes import Note, Opened, SignatureLine
from trust.ledger.tree_heads import TreeHead
from trust.ledger.witness.protocol import SIZE_TYPE, Submission
from trust.ledger.witness.state import WatchedLog, WitnessFolder

_log = structlog.get_logger("trust.ledger.witness")

_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the witness answers: a status of the protocol and a body."""

    status: int
    body: bytes
    content_type: str = _PLAIN


class Witness:
    """One witness over its folder. Safe to share between threads and processes of one machine."""

    def __init__(self, folder: WitnessFolder, clock: Clock) -> None:
        """Raises `WitnessNotReady`, `SecretMissing`, `SecretExposed`."""
        self._folder = folder
        self._clock = clock
        self._private = folder.private()
        self.key = folder.key()

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge one submission and answer it. Raises `WitnessNotReady` when its own state cannot be read or kept."""
        try:
            submission = Submission.parse(body)
            head = TreeHead.parse(submission.note.text)
        except NoteMalformed as error:
            return _refused(400, "", error.detail)
        if self._folder.log(head.origin) is None:
            return _refused(404, head.origin, "This witness does not know the log.")
        with self._folder.alone():
            log = self._folder.log(head.origin)
            if log is None:
                return _refused(404, head.origin, "This witness does not know the log.")
            return self._judge(log, submission, head)

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Return the last checkpoint that was cosigned for a log, with the log's line and ours; None when none was."""
        log = self._folder.by_hash(origin_hash)
        return None if log is None or log.cosigned is None else log.cosigned.content

    def _judge(self, log: WatchedLog, submission: Submission, head: TreeHead) -> Answer:
        """Check in the order of the specification; every refusal leaves the state as it was."""
        try:
            opened = submission.note.opened(log.keys)
        except (NoteSignatureInvalid, NoteUntrusted) as error:
            return _refused(403, head.origin, error.detail)
        if submission.old_size > head.size:
            return _refused(400, head.origin, "The old size is greater than that of the checkpoint.")
        if submission.old_size != log.size:
            return Answer(status=409, body=f"{log.size}\n".encode("ascii"), content_type=SIZE_TYPE)
        try:
            merkle.verify_consistency(
                log.hash.tree,
                old_size=log.size,
                old_root=log.root,
                new_size=head.size,
                new_root=head.root,
                path=submission.proof,
            )
        except merkle.ProofInvalid as error:
            _log.warning("inconsistent-checkpoint", origin=head.origin, size=head.size, cosigned=log.size)
            return _refused(422, head.origin, error.detail)
        try:
            return self._cosign(log, opened)
        except NoteMalformed as error:
            return _refused(400, head.origin, error.detail)

    def _cosign(self, log: WatchedLog, opened: Opened) -> Answer:
        at = int(self._clock.now().timestamp())
        value = self._private.sign(cosigned_message(opened.text, at))
        line = SignatureLine(name=self.key.name, key_id=self.key.key_id, signature=join_cosignature(at, value))
        log_lines = tuple(dict.fromkeys(signed for _, signed in opened.by))
        note = Note(text=opened.text, lines=(*log_lines, line))
        Note.parse(note.content)  # with our line it may be longer than what we read again
        self._folder.advance(log.with_cosigned(note))
        return Answer(status=200, body=line.text.encode())


def _refused(status: int, origin: str, detail: str) -> Answer:
    _log.info("refused", status=status, origin=origin)
    return Answer(status=status, body=f"{detail}\n".encode())
