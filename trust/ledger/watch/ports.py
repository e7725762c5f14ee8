"""What the watch compares the ledger with, and where it keeps what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trust.keys import KeyPurpose
from trust.ledger.watch.domain import Acknowledgement, Alert, Raised


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDocument:
    """A document of a library. `mark` grows from one to the next in the order in which the library took them in."""

    mark: int
    document: str


class Documents(Protocol):
    """A library of what keys of one purpose have signed.

    `name` tells one library from another for ever; `document` names stand in entries as they stand here.
    """

    name: str
    purpose: KeyPurpose

    def knows(self, document: str) -> bool:
        """Whether the library has this document, or has begun to make it."""
        ...

    def documents_since(self, mark: int, limit: int) -> Sequence[ListedDocument]:
        """Return the next documents after a mark, in order; none that another transaction might still come before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCount:
    """How many signatures all devices together have counted for a key."""

    key: str
    count: int


class DeviceCounters(Protocol):
    """The devices' own counters, where they have any."""

    def counts(self) -> Sequence[DeviceCount]:
        """Return the counts of the keys that every device of theirs counts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where one part of the watch stands; `state` is what it remembers, as JSON."""

    name: str
    position: int
    state: str


class WatchStore(Protocol):
    """Keeps cursors and alerts. Each method is one unit of work."""

    def cursor(self, name: str) -> Cursor:
        """Return where a part stands: at the beginning when it never ran."""
        ...

    def advance(self, before: Cursor, after: Cursor, raised: Sequence[Raised], at: datetime) -> bool:
        """Move a cursor and keep its alerts, or neither: False when the cursor is not at `before` any more."""
        ...

    def alerts(self, *, after: int, limit: int, still_open: bool) -> list[Alert]:
        """Return alerts with numbers above `after`, in order."""
        ...

    def open_alerts(self) -> dict[str, int]:
        """Return how many alerts wait for an officer, by severity."""
        ...

    def acknowledge(self, number: int, acknowledgement: Acknowledgement) -> Alert:
        """Keep who has seen an alert. Raises `AlertUnknown`, `AlertAcknowledged`."""
        ...
