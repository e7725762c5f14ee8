"""What clerks and officers did with a person's account, as the person sees it (law 8).

Nothing is recorded for this: proofing, changes of an account and codes from counters are kept for good in the commit of
the act itself, and each of those records is a row here. So no act can be without its row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sso.accounts.domain import Change, Evidence
from sso.accounts.proofing import COUNTER_SOURCE
from sso.counters.domain import Clerk, Counter
from sso.signin.credentials import RecoveryCode
from sso.signin.ports import CounterCodes
from trust.kernel.errors import NotFound


class ClerkActKind(StrEnum):
    """What a clerk, or the holder in answer to it, did; acts on accounts have the words of `Act` beside these."""

    PROOFED = "proofed"
    CODE = "code-handed-out"
    RELEASED = "code-released"
    CANCELLED = "code-cancelled"  # by the holder
    USED = "code-used"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkAct:
    """One row. `kind` is a `ClerkActKind` or an `Act`; `clerk` is masked, None when it was no clerk's act.

    `good_from` and `until` are those of a code.
    """

    kind: str
    at: datetime
    clerk: str | None = None
    counter: str | None = None
    document_kind: str | None = None
    good_from: datetime | None = None
    until: datetime | None = None


class History(Protocol):
    """What is kept of an account (`sso.accounts.service.PersonRegister`)."""

    def evidence(self, person_id: str) -> Sequence[Evidence]:
        """Return all evidence about a person and their merged duplicates, oldest first."""
        ...

    def changes(self, person_id: str) -> Sequence[Change]:
        """Return what was done to an account and to its merged duplicates, oldest first."""
        ...


class Counters(Protocol):
    """The register of counters and clerks (`sso.counters.service.CounterRegister`)."""

    def counter(self, counter_id: str) -> Counter:
        """Return a counter, open or closed. Raises a `NotFound`."""
        ...

    def clerk(self, clerk_id: str) -> Clerk:
        """Return a clerk, in office or not. Raises a `NotFound`."""
        ...


class ClerkActs:
    """The history of accounts."""

    def __init__(self, history: History, codes: CounterCodes, counters: Counters) -> None:
        self._history = history
        self._codes = codes
        self._counters = counters

    def of(self, person_id: str) -> Sequence[ClerkAct]:
        """Return what was done with an account and its merged duplicates, newest first."""
        changes = self._history.changes(person_id)
        persons = {person_id, *(change.person for change in changes)}
        rows = [self._changed(change) for change in changes]
        rows += [self._proofed(piece) for piece in self._history.evidence(person_id) if piece.source == COUNTER_SOURCE]
        rows += [row for code in self._codes.all(persons) for row in self._of_code(code)]
        return sorted(rows, key=lambda row: row.at, reverse=True)

    def clerk_name(self, clerk_id: str | None) -> str | None:
        """Return a clerk as citizens see them; None for who is no clerk."""
        try:
            return None if clerk_id is None else self._counters.clerk(clerk_id).shown
        except NotFound:
            return None

    def counter_name(self, counter_id: str | None) -> str | None:
        """Return the name of a counter; the id of one that nobody knows any more."""
        try:
            return None if counter_id is None else self._counters.counter(counter_id).name
        except NotFound:
            return counter_id

    def _changed(self, change: Change) -> ClerkAct:
        return ClerkAct(kind=change.act.value, at=change.at, clerk=self.clerk_name(change.requested_by))

    def _proofed(self, piece: Evidence) -> ClerkAct:
        return ClerkAct(
            kind=ClerkActKind.PROOFED,
            at=piece.at,
            clerk=self.clerk_name(piece.clerk),
            counter=self.counter_name(piece.counter),
            document_kind=piece.document_kind,
        )

    def _of_code(self, code: RecoveryCode) -> Iterator[ClerkAct]:
        counter = self.counter_name(code.counter)
        yield ClerkAct(
            kind=ClerkActKind.CODE,
            at=code.created_at,
            clerk=self.clerk_name(code.clerk),
            counter=counter,
            good_from=code.good_from,
            until=code.expires_at,
        )
        if code.released_by is not None and code.good_from is not None:
            yield ClerkAct(
                kind=ClerkActKind.RELEASED, at=code.good_from, clerk=self.clerk_name(code.released_by), counter=counter
            )
        if code.cancelled_at is not None:
            yield ClerkAct(kind=ClerkActKind.CANCELLED, at=code.cancelled_at, counter=counter)
        if code.used_at is not None:
            yield ClerkAct(kind=ClerkActKind.USED, at=code.used_at, counter=counter)
