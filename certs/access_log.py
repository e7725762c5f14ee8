"""Who has looked at a person's certificates, when and for which purpose (law 8).

A row is written in the same unit of work that reads what is shown: nothing is shown without its row. The holder is
kept as a blind index, so that the person can later be shown all rows about them, a search without a hit included.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trust.kernel.text import check_reason


class Look(StrEnum):
    """What was looked at."""

    DATA = "data"
    FILE = "file"
    SEARCH = "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why someone looks, in their own words, 2 to 200 characters, without an ID number. Kept in clear."""

    text: str

    def __post_init__(self) -> None:
        check_reason(self.text, field="purpose")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who looks, when, at what and for which purpose."""

    at: datetime
    client: str
    authority: str
    look: Look
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One look as it is kept. `identifier` is None for a search that found nothing."""

    visit: Visit
    holder_index: bytes
    identifier: str | None
