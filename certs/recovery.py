"""Finishing what a killed process left behind (law 5): each intent ends completed or abandoned, and only once."""

from dataclasses import dataclass
from typing import Final

from certs.domain import IntentState
from certs.issue import Issuing
from certs.ports import Intents
from certs.reservation import Reservations
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError

BATCH: Final = 1000  # intents per pass; a process has at most its number of threads open when it dies


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """Identifiers by what became of their intents; those `waiting` stay open because a needed part does not answer."""

    finished: tuple[str, ...]
    abandoned: tuple[str, ...]
    waiting: tuple[str, ...]


class Recovery:
    """Continues intents whose lease has run out. Several processes may do so at once: each intent has one holder."""

    def __init__(self, *, issuing: Issuing, reservations: Reservations, intents: Intents, clock: Clock) -> None:
        self._issuing = issuing
        self._reservations = reservations
        self._intents = intents
        self._clock = clock

    def recover(self) -> RecoveryReport:
        """Try each such intent once and report; the cause of a failure is in the intent and in the log of its step."""
        ends: dict[IntentState, list[str]] = {state: [] for state in IntentState}
        for identifier in self._intents.overdue(now=self._clock.now(), limit=BATCH):
            claimed = self._reservations.claim(identifier)
            if claimed is None:
                continue
            try:
                self._issuing.resume(claimed)
            except TrustError:
                state = self._intents.state(identifier) or IntentState.INTENDED
            else:
                state = IntentState.COMPLETED
            ends[state].append(identifier)
        return RecoveryReport(
            finished=tuple(ends[IntentState.COMPLETED]),
            abandoned=tuple(ends[IntentState.ABANDONED]),
            waiting=tuple(ends[IntentState.INTENDED]),
        )
