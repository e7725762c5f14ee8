"""What can be asked of the ledger, and what is answered.

The index only says where to look: each entry of an answer is the ledger's own leaf.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from trust.keys import KeyPurpose, KeyUse, UseOutcome
from trust.ledger.domain import Leaf, encode_moment
from trust.ledger.search.errors import QuestionInvalid

MAX_HITS: Final = 256
"""Entries in one page of an answer; at some 350 bytes each that is about 100 KiB, and at most 1 MiB."""

NAME_CHARACTERS: Final = 500
"""Characters of a name that are indexed: PostgreSQL's index takes some 2700 bytes. Longer ones are told apart by their
leaves."""

DAY_CHARACTERS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which entries are meant: those that match all that is given.

    `person` is the principal or anyone in its `act` chain. `since` is included, `until` is not. `before` is where the
    last page ended: entries below that index. Raises `QuestionInvalid`.
    """

    key: str | None = None
    person: str | None = None
    authority: str | None = None
    document: str | None = None
    purpose: KeyPurpose | None = None
    outcome: UseOutcome | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = MAX_HITS

    def __post_init__(self) -> None:
        if not 0 < self.limit <= MAX_HITS:
            raise QuestionInvalid(f"One page holds 1 to {MAX_HITS} entries.", field="limit")
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise QuestionInvalid("A moment needs its offset from UTC.", field=name)
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise QuestionInvalid("The span ends before it begins.", field="until")

    @property
    def asked(self) -> Mapping[str, str | int]:
        """What was given, as text: for logs and for the statement of an export."""
        members = {name: getattr(self, name) for name in _ASKED}
        return {
            name: encode_moment(value) if isinstance(value, datetime) else str(value)
            for name, value in members.items()
            if value is not None
        }

    def matches(self, use: KeyUse) -> bool:
        """Whether a key use is one of those that are meant; `before` and `limit` do not matter."""
        context = use.context
        persons = (context.principal, *context.act)
        return (
            (self.person is None or self.person in persons)
            and all(
                wanted is None or wanted == found
                for wanted, found in (
                    (self.key, use.key),
                    (self.authority, context.authority),
                    (self.document, context.document),
                    (self.purpose, use.purpose),
                    (self.outcome, use.outcome),
                    (self.reason, use.reason),
                )
            )
            and (self.since is None or use.at >= self.since)
            and (self.until is None or use.at < self.until)
        )


_ASKED: Final = ("key", "person", "authority", "document", "purpose", "outcome", "reason", "since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far the index has come: `indexed` of `size` entries. What comes after is not in the answer."""

    indexed: int
    size: int

    @property
    def behind(self) -> int:
        """Entries that the index has yet to read."""
        return max(0, self.size - self.indexed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of hits, newest first. `next` is what to ask `before`, None when this was the last page."""

    leaves: tuple[Leaf, ...]
    next: int | None
    reached: Reached


class Grouping(StrEnum):
    """What uses are counted by."""

    KEY = "key"
    PURPOSE = "purpose"
    AUTHORITY = "authority"
    DAY = "day"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Uses that agree in these five, with the indexes of the first and the last. `day` is UTC, YYYY-MM-DD."""

    day: str
    key: str
    purpose: KeyPurpose
    authority: str | None
    outcome: UseOutcome
    uses: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From which day to which, both included, and of which key; None is all."""

    since: str | None = None
    until: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            day = getattr(self, name)
            if day is not None and not _is_day(day):
                raise QuestionInvalid("A day is written YYYY-MM-DD.", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCount:
    """Uses of one group; `group` holds a value for each thing that was counted by."""

    group: Mapping[str, str | None]
    uses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigures:
    """What one key did: uses that were signed and refused, and the indexes of its first and last use."""

    key: str
    signed: int
    refused: int
    first: int
    last: int


def indexed_name(text: str) -> str:
    """Return a name as it stands in the index: short, and without the NUL that PostgreSQL refuses."""
    return text.replace("\0", "\ufffd")[:NAME_CHARACTERS]


def _is_day(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).date().isoformat() == text
    except ValueError:
        return False
