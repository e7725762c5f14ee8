"""What a verification notices without the record being untrue: clocks that went back, checkpoints that are not kept."""

from datetime import datetime, timedelta
from typing import Final

from trust.gm.sm3 import sm3
from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.domain import Finding, Leaf, Oddity, SignedCheckpoint, moment_of, parse_moment
from trust.ledger.errors import EntryMalformed, LedgerBroken
from trust.ledger.ports import LedgerStore

MAX_FINDINGS = 100
"""Findings that a report names one by one; the rest are counted. Who has more has one cause for them all."""

MAX_STEP_BACK = timedelta(seconds=60)
"""How far an entry may lie before an earlier one: entries carry the moment when signing began, a device may take half a
minute, and the clocks of two machines differ."""

_CHECKPOINT_USE: Final = b'"purpose":"' + KeyPurpose.LEDGER_CHECKPOINT.encode() + b'"'
_DOCUMENT = "ledger:"


class Findings:
    """Gathers findings in flat memory."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.count = 0

    def add(self, place: str, kind: Oddity, detail: str) -> None:
        """Keep a finding, or count it when there are many already."""
        self.count += 1
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(Finding(place=place, kind=kind, detail=detail))


class ClockWatch:
    """Reports each place where the clock jumped back; it compares texts and parses only where one is behind."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._latest = ""

    def look(self, index: int, data: bytes) -> None:
        """Take note of the next entry."""
        moment = moment_of(data)
        if moment is None:
            return
        if moment < self._latest:
            then, now = _moment(self._latest), _moment(moment)
            if then is None or now is None or then - now <= MAX_STEP_BACK:
                return
            detail = f"it is of {moment}, an earlier entry of {self._latest}."
            self._findings.add(f"leaf {index}", Oddity.CLOCK_BACK, detail)
        self._latest = moment


class CheckpointWatch:
    """Reports checkpoints that were signed but are not kept: taken away, or their process was killed in between."""

    def __init__(self, findings: Findings, store: LedgerStore) -> None:
        self._findings = findings
        self._store = store
        self._missing: list[tuple[int, int, str]] = []

    def look(self, leaf: Leaf, kept: dict[int, SignedCheckpoint]) -> None:
        """Take note of an entry whose data are known; `kept` are checkpoints that need no other query."""
        if _CHECKPOINT_USE not in leaf.data:
            return
        try:
            use = leaf.use
        except EntryMalformed:
            return
        name = use.context.document or ""
        number = name.removeprefix(_DOCUMENT)
        if use.outcome is not UseOutcome.SIGNED or name == number or not number.isdecimal() or int(number) > leaf.index:
            return
        if not self._is_kept(int(number), use.digest, kept):
            self._missing.append((leaf.index, int(number), use.digest))
            if len(self._missing) > MAX_FINDINGS:
                self.report()

    def report(self) -> None:
        """Ask for the missing ones again, as one may have been kept meanwhile, and report what is still missing."""
        for index, size, digest in self._missing:
            if not self._is_kept(size, digest, {}):
                detail = f"it was signed (leaf {index}) and is not kept."
                self._findings.add(f"checkpoint {size}", Oddity.CHECKPOINT_NOT_KEPT, detail)
        self._missing.clear()

    def _is_kept(self, size: int, digest: str, kept: dict[int, SignedCheckpoint]) -> bool:
        try:
            found = [kept[size]] if size in kept else self._store.checkpoints(size, size + 1)
        except LedgerBroken:
            return True  # it is there; what is wrong with it is reported at its own place
        return any(sm3(signed.body).hex() == digest for signed in found)


def _moment(text: str) -> datetime | None:
    try:
        return parse_moment(text)
    except ValueError:
        return None
