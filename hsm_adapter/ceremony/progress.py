"""What the record of a ceremony says: which steps count, whether key and shares are whole, what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hsm_adapter.ceremony.domain import Terms
from hsm_adapter.ceremony.errors import CeremonyClosed, RecordBroken
from hsm_adapter.ceremony.record import Kind, Line
from hsm_adapter.ceremony.script import Action, Step

_ENDS = frozenset({Kind.FINISHED, Kind.ABORTED})


@dataclass(slots=True, kw_only=True)
class Progress:
    """The state after some lines. `root` is what the record says of the key; None before it is made, or once void.

    `files` has the fingerprint of each file that the key has signed, the newest of each name.
    `done` and `begun` hold the facts of the steps of the last sitting, `end` how that sitting ended. `number` counts
    sittings, `attempt` the makings of the key.
    """

    terms: Terms
    script_digest: str
    number: int = 1
    attempt: int = 1
    crls: int = 0
    done: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    root: Mapping[str, Any] | None = None
    end: Kind | None = None
    protocol: Mapping[str, Any] | None = None

    def pending(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the steps that are left, in order."""
        return tuple(step for step in steps if step.id not in self.done)

    def lost_secret(self, steps: Sequence[Step]) -> tuple[str, ...]:
        """Return the steps that count for nothing once the process has ended: from the key's making to the last share.

        The secret was in the memory of that process alone. Empty while no key was begun, and once every custodian has
        their share.
        """
        window = [step.id for step in steps if step.action in {Action.GENERATE, Action.SHARE}]
        touched = [step for step in window if step in self.done or step in self.begun]
        return tuple(touched) if touched and any(step not in self.done for step in window) else ()

    def take(self, line: Line) -> None:
        """Go on by one line. Raises `RecordBroken` when it cannot stand here."""
        try:
            self._take(line)
        except (KeyError, TypeError, ValueError):
            raise RecordBroken(f"Line {line.number} lacks what its kind needs.", field=f"line {line.number}") from None

    def _take(self, line: Line) -> None:
        facts = line.facts
        if line.kind is Kind.SITTING:
            self._sit(facts)
        elif line.kind is Kind.BEGUN:
            self.begun[facts["step"]] = facts
        elif line.kind is Kind.DONE:
            self._finish(facts)
        elif line.kind is Kind.VOIDED:
            self._void(facts)
        elif line.kind is Kind.PROTOCOL:
            self.protocol = facts
        elif line.kind in _ENDS:
            self.end = line.kind

    def _sit(self, facts: Mapping[str, Any]) -> None:
        self.terms = Terms.parse(facts["terms"])
        self.script_digest = facts["script_sm3"]
        self.done, self.begun, self.end, self.protocol = {}, {}, None, None
        self.number += 1

    def _finish(self, facts: Mapping[str, Any]) -> None:
        self.done[facts["step"]] = facts
        if facts["action"] == Action.GENERATE:
            self.root = facts["recorded"]
        elif facts["action"] == Action.PUBLISH_CRL:
            self.crls += 1
        if "file_sm3" in facts["recorded"]:
            self.files[facts["recorded"]["file"]] = facts["recorded"]["file_sm3"]

    def _void(self, facts: Mapping[str, Any]) -> None:
        for step in facts["steps"]:
            self.done.pop(step, None)
            self.begun.pop(step, None)
        self.root = None
        self.files.clear()
        self.attempt += 1


def follow(lines: Sequence[Line]) -> Progress:
    """Return the state after all lines. Raises `RecordBroken` when they do not begin with a sitting."""
    try:
        first = next(line.facts for line in lines[:1] if line.kind is Kind.SITTING)
        progress = Progress(terms=Terms.parse(first["terms"]), script_digest=first["script_sm3"])
    except (KeyError, TypeError, ValueError, StopIteration):
        raise RecordBroken("The record does not begin with a sitting.", field="line 1") from None
    for line in lines[1:]:
        progress.take(line)
    return progress


def check_keeps_key(progress: Progress) -> Mapping[str, Any]:
    """Return what the record says of a key that may be opened: its ceremony was finished. Raises `CeremonyClosed`."""
    if progress.root is None or progress.end is None or (progress.end is Kind.ABORTED and progress.number == 1):
        raise CeremonyClosed("No finished ceremony made a root key on this medium.", field="ceremony")
    return progress.root
