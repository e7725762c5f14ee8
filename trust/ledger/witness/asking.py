"""Asking the witnesses: each gets the newest checkpoint with the proof from what it cosigned last (C2SP tlog-witness).

What a witness merely says cannot stop the service: it could be lying. It stops when a witness *shows* a checkpoint with
our own signature that the ledger does not grow out of: then either the database was put back, or our key has signed two
histories. Every other refusal costs that witness's cosignature, and is logged as an alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from trust.kernel import merkle
from trust.kernel.errors import TrustError
from trust.ledger.domain import TREE, SignedCheckpoint
from trust.ledger.memory import RollBackWatch
from trust.ledger.note_errors import (
    LedgerForked,
    LedgerRolledBack,
    NoteMalformed,
    NoteSignatureInvalid,
    NoteUntrusted,
    WitnessDisagrees,
    WitnessUnreachable,
)
from trust.ledger.notebook import Notebook
from trust.ledger.notes import Note, parse_lines, verified_by
from trust.ledger.ports import LedgerStore
from trust.ledger.witness.protocol import Submission, origin_hash, parse_size
from trust.ledger.witness.transport import Reply, WitnessMisconfigured, WitnessPlace

_MAX_TRIES = 3
"""Posts to one witness in one turn: one to learn its size, one to send the proof, one for a race with ourselves."""

_OK, _CONFLICT, _UNPROCESSABLE = 200, 409, 422
_UNKNOWN = frozenset({400, 403, 404})  # the witness judged our note and will not have it: asking again is no use

_log = structlog.get_logger("trust.ledger.witness")


class Transport(Protocol):
    """How witnesses are reached."""

    def post(self, url: str, body: bytes) -> Reply:
        """Return the answer to a post. Raises `WitnessUnreachable`."""
        ...

    def get(self, url: str) -> Reply:
        """Return the answer to a get. Raises `WitnessUnreachable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessing:
    """Collects cosignatures. `quorum` of `places` make a checkpoint fully witnessed; 0 means that none is asked for."""

    store: LedgerStore
    notebook: Notebook
    watch: RollBackWatch
    transport: Transport
    places: Sequence[WitnessPlace]
    quorum: int

    def __post_init__(self) -> None:
        keys = {place.key for place in self.places}
        if len(keys) != len(self.places) or not 0 <= self.quorum <= len(keys):
            raise WitnessMisconfigured("A quorum is at most the number of different witnesses.", field="witnesses")

    def ask(self) -> int:
        """Ask every witness that has not cosigned the newest checkpoint; return how many new cosignatures came.

        Raises `LedgerRolledBack`, `LedgerForked` (`LedgerHalted` ever after), `LedgerUnavailable`, `LedgerBroken`.
        """
        self.watch.halt.check()
        signed = self.store.latest_checkpoint()
        if signed is None or not self.notebook.countersigned(signed):
            return 0
        got = [self._ask_one(place, signed) for place in self.places]
        if any(got):
            self.watch.memory.keep(self.notebook.note(signed))
        return sum(got)

    def look(self) -> int:
        """Hold the last checkpoint that each witness shows against the ledger; return how many could be asked.

        To be called at start, before anything is signed: it finds a database put back together with the home folder.
        Raises as `ask`.
        """
        return sum(self._look_at(place) for place in self.places)

    def witnessed(self) -> SignedCheckpoint | None:
        """Return the newest checkpoint that the quorum has cosigned; with a quorum of 0, the newest of all."""
        if self.quorum == 0:
            return self.store.latest_checkpoint()
        size = self.notebook.lines.size_signed_by([place.key for place in self.places], quorum=self.quorum)
        found = [] if size is None else self.store.checkpoints(size, size + 1)
        return found[0] if found else None

    def _ask_one(self, place: WitnessPlace, signed: SignedCheckpoint) -> bool:
        last = self.notebook.lines.last_size(place.key)
        if last >= signed.checkpoint.size and self._has(place, signed):
            return False
        try:
            self._cosign(place, signed, last)
        except (LedgerRolledBack, LedgerForked):
            raise
        except (WitnessUnreachable, WitnessDisagrees) as error:
            level = _log.info if isinstance(error, WitnessUnreachable) else _log.error
            level("witness-gave-no-cosignature", witness=place.key.name, code=error.code, detail=error.detail)
            return False
        return True

    def _has(self, place: WitnessPlace, signed: SignedCheckpoint) -> bool:
        return verified_by(signed.body, self.notebook.lines.of(signed.checkpoint.size), place.key) is not None

    def _cosign(self, place: WitnessPlace, signed: SignedCheckpoint, last: int) -> None:
        size = signed.checkpoint.size
        for _ in range(_MAX_TRIES):
            if last > size:
                self._disagreement(place, f"It has cosigned size {last}, ours is {size}.")
            proof = merkle.consistency_proof(TREE, last, size, self.store.nodes) if last else ()
            submission = Submission(old_size=last, proof=proof, note=self.notebook.note(signed))
            reply = self.transport.post(f"{place.url}/add-checkpoint", submission.content)
            if reply.status == _OK:
                self._keep(place, signed, reply)
                return
            if reply.status != _CONFLICT:
                self._refusal(place, reply.status, last)
            last = _size_of(reply)
        raise WitnessUnreachable("The witness names another size each time.", witness=place.key.name)

    def _keep(self, place: WitnessPlace, signed: SignedCheckpoint, reply: Reply) -> None:
        try:
            line = verified_by(signed.body, parse_lines(reply.body), place.key)
        except NoteMalformed:
            line = None
        if line is None:
            raise WitnessDisagrees("It answered without a cosignature that holds.", witness=place.key.name)
        self.notebook.lines.add(signed.checkpoint.size, line)

    def _refusal(self, place: WitnessPlace, status: int, last: int) -> None:
        if status == _UNPROCESSABLE:
            self._disagreement(place, f"It refuses the proof from size {last}.")
        if status in _UNKNOWN:
            raise WitnessDisagrees(f"It refuses our checkpoints with status {status}.", witness=place.key.name)
        raise WitnessUnreachable(f"It answered with status {status}.", witness=place.key.name)

    def _disagreement(self, place: WitnessPlace, detail: str) -> None:
        """Raise `LedgerForked` or `LedgerRolledBack` when the witness can prove it, otherwise `WitnessDisagrees`."""
        shown = self._shown_by(place)
        if shown is not None:
            self._compare(place, shown)
        raise WitnessDisagrees(detail, witness=place.key.name)

    def _look_at(self, place: WitnessPlace) -> bool:
        try:
            shown = self._shown_by(place)
        except WitnessUnreachable as error:
            _log.warning("witness-not-reached", witness=place.key.name, detail=error.detail)
            return False
        if shown is not None:
            self._compare(place, shown)
        return True

    def _compare(self, place: WitnessPlace, shown: Note) -> None:
        try:
            self.watch.compare(shown, source=f"the witness {place.key.name}")
        except (NoteUntrusted, NoteSignatureInvalid, NoteMalformed):
            _log.error("witness-shows-what-we-never-signed", witness=place.key.name)

    def _shown_by(self, place: WitnessPlace) -> Note | None:
        reply = self.transport.get(f"{place.url}/{origin_hash(self.watch.origin)}/checkpoint")
        if reply.status != _OK:
            return None
        try:
            return Note.parse(reply.body)
        except TrustError:
            return None


def _size_of(reply: Reply) -> int:
    """Return the size that an answer 409 names. Raises `WitnessUnreachable`: without it the answer is no answer."""
    try:
        return parse_size(reply.body.decode("ascii").removesuffix("\n"))
    except (UnicodeDecodeError, NoteMalformed):
        raise WitnessUnreachable("Its answer 409 names no size.") from None
