"""The arithmetic of proofing levels. Everything here is pure; the clock's day is an argument.

A level is the highest that one piece of evidence gives: weak sources do not add up, however many agree. Evidence counts
for the name it attested, and a document counts fully until its last day has passed in China.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from sso.accounts.domain import Evidence, ProofingLevel

EXPIRED_CEILING: Final = ProofingLevel.TWO_ELEMENT_MATCH
"""What an expired document still shows: that name and number belong together. It no longer shows whose they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The level that holds on a day, and the last day of the document that the highest level reached rests on."""

    level: ProofingLevel
    document_expires: date | None


def capped(level: ProofingLevel, ceiling: ProofingLevel) -> ProofingLevel:
    """Return `level`, never above what its source can give."""
    return min(level, ceiling)


def counted(evidence: Evidence, *, today: date) -> ProofingLevel:
    """Return what one piece of evidence gives on `today`; a document is good on its last day."""
    expires = evidence.document_expires
    expired = expires is not None and expires < today
    return capped(evidence.level, EXPIRED_CEILING) if expired else evidence.level


def standing(evidence: Iterable[Evidence], *, name_version: int, today: date) -> Standing:
    """Return the level that a person's evidence gives on `today` for the present version of their name."""
    own = [piece for piece in evidence if piece.name_version == name_version]
    level = max((counted(piece, today=today) for piece in own), default=ProofingLevel.SELF_ASSERTED)
    reached = max((piece.level for piece in own), default=ProofingLevel.SELF_ASSERTED)
    return Standing(level=level, document_expires=_last_day([piece for piece in own if piece.level is reached]))


def _last_day(carrying: Iterable[Evidence]) -> date | None:
    """Return the day until which one of these holds; None when one has no end, or there is none with a document."""
    days = [piece.document_expires for piece in carrying]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None
