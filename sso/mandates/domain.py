"""Mandates: who may act for whom, in which matters, for how long."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sso.accounts.domain import ProofingLevel
from sso.counters.domain import Matter
from sso.mandates.errors import (
    MandateAgentUnfit,
    MandateExpired,
    MandateKindNotGrantable,
    MandateMatterNotCovered,
    MandateMattersInvalid,
    MandateNotAccepted,
    MandateNotYetValid,
    MandateTimeInvalid,
    MandateTypesInvalid,
    MandateUsed,
    MandateWithdrawn,
)
from sso.revocation.domain import Tie, TieKind
from trust.kernel.errors import TrustError

MATTERS_MAX: Final = 50  # matters of a standing agent: more than any agent of an enterprise deals with in a year
TYPES_MAX: Final = 200  # certificate types of one mandate: those of its matters, most of which are shared
ORGANISATION_MANDATES_MAX: Final = 200  # live mandates of an organisation: large enterprises have dozens of agents
PERSON_MANDATES_MAX: Final = 20  # live one-off mandates of a natural person: nobody follows more errands at once
STANDING_LIFE: Final = timedelta(days=3 * 366)  # then it is granted again: a forgotten agent does not stay for good
ONE_OFF_LIFE: Final = timedelta(days=90)  # an errand that was not run in a season is no longer wanted
START_AHEAD: Final = timedelta(days=90)  # a start further ahead is a slip of the pen
OFFER_LIFE: Final = timedelta(days=30)  # in which the agent accepts

LEAST_LEVEL: Final = ProofingLevel.DOCUMENT_CHECKED
"""Least level of who grants, accepts, acts or claims to represent: names and numbers are widely known, so an account
that rests on them alone may be a stranger's who registered first. What the stranger did would outlast the person's own
proofing."""


class MandateKind(StrEnum):
    """How someone came to act for another."""

    LEGAL_REPRESENTATIVE = "legal-representative"  # 法定代表人: from the register of legal persons, every matter
    STANDING_AGENT = "standing-agent"  # 经办人: granted by the representative, listed matters, until withdrawn
    ONE_OFF = "one-off"  # 授权: one matter, used up by one case


_LONGEST: Final = {MandateKind.STANDING_AGENT: STANDING_LIFE, MandateKind.ONE_OFF: ONE_OFF_LIFE}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantCommand:
    """What someone wants to grant; parsed on construction.

    No `types` means all types of the matters, as they are at the grant. `valid_from` None means from now on.
    `ends_with_representative` says that the mandate ends when the legal representative changes; without it the mandate
    is the organisation's own and outlasts them.
    """

    kind: MandateKind
    principal: str
    agent: str
    matters: frozenset[str]
    valid_until: datetime
    valid_from: datetime | None = None
    types: frozenset[str] = frozenset()
    ends_with_representative: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _LONGEST:
            raise MandateKindNotGrantable(field="kind")
        if self.agent == self.principal:
            raise MandateAgentUnfit(field="agent")
        most = 1 if self.kind is MandateKind.ONE_OFF else MATTERS_MAX
        if not 1 <= len(self.matters) <= most:
            raise MandateMattersInvalid(f"{self.kind.value}: 1 to {most} matters.", field="matters")
        if len(self.types) > TYPES_MAX:
            raise MandateTypesInvalid(f"At most {TYPES_MAX} types.", field="types")
        for name in ("valid_from", "valid_until"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise MandateTimeInvalid("A moment has a time zone.", field=name)

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from when to when the mandate holds if it is granted `now`. Raises `MandateTimeInvalid`."""
        begins = now if self.valid_from is None else max(now, self.valid_from)
        if begins > now + START_AHEAD:
            raise MandateTimeInvalid(f"It begins at most {START_AHEAD.days} days ahead.", field="valid_from")
        if self.valid_until <= begins:
            raise MandateTimeInvalid("It ends after it begins, and in the future.", field="valid_until")
        longest = _LONGEST[self.kind]
        if self.valid_until - begins > longest:
            raise MandateTimeInvalid(f"{self.kind.value}: at most {longest.days} days.", field="valid_until")
        return begins.astimezone(UTC), self.valid_until.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """The right of `agent` (a natural person) to act for `principal` (a legal or natural person); both are person ids.

    Empty `matters` mean all; only the legal representative's are empty, and only theirs mean all types (`types_for`).
    A granted mandate is an offer until the agent accepts it, before `offered_until`. `used_at` ends a one-off mandate
    for every case but `used_case`. `granted_by` and `withdrawn_by` are person ids, `register` or `operators`.
    """

    id: str
    kind: MandateKind
    principal: str
    agent: str
    granted_by: str
    matters: frozenset[str]
    types: frozenset[str]
    valid_from: datetime
    valid_until: datetime | None
    created_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    used_at: datetime | None = None
    used_case: str | None = None
    offered_until: datetime | None = None
    accepted_at: datetime | None = None
    ends_with_representative: bool = False

    @property
    def tie(self) -> Tie:
        """What every token that rests on the mandate hangs on."""
        return Tie(TieKind.MANDATE, self.id)

    @property
    def accepted(self) -> bool:
        """Whether the agent took it on; the legal representative need not."""
        return self.offered_until is None or self.accepted_at is not None

    def fault(self, matter: str | None, *, now: datetime, case: str | None = None) -> type[TrustError] | None:
        """Return why the mandate does not hold at `now` for `matter` (and `case`), or None when it does."""
        faults: tuple[tuple[bool, type[TrustError]], ...] = (
            (self.withdrawn_at is not None, MandateWithdrawn),
            (self.used_at is not None and (case is None or case != self.used_case), MandateUsed),
            (not self.accepted, MandateNotAccepted),
            (self.valid_until is not None and now >= self.valid_until, MandateExpired),
            (now < self.valid_from, MandateNotYetValid),
            (bool(self.matters) and matter not in self.matters, MandateMatterNotCovered),
        )
        return next((error for holds, error in faults if holds), None)

    def covers(self, matter: str | None, *, now: datetime) -> bool:
        """Whether the mandate holds at `now` for `matter`, and for a case not yet begun."""
        return self.fault(matter, now=now) is None

    def types_for(self, matter: Matter) -> frozenset[str]:
        """Return the certificate types that may be read for a matter under this mandate."""
        if self.kind is MandateKind.LEGAL_REPRESENTATIVE:
            return matter.types
        return matter.types & self.types if matter.code in self.matters else frozenset()

    def live(self, now: datetime) -> bool:
        """Whether the mandate holds or may still come to hold: what counts against the limit."""
        ended = self.withdrawn_at is not None or self.used_at is not None
        over = self.valid_until is not None and now >= self.valid_until
        lapsed = not self.accepted and self.offered_until is not None and now >= self.offered_until
        return not (ended or over or lapsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateOrder:
    """What operators did to a mandate: one asked, another approved (law 9). Kept for good."""

    id: str
    mandate: str
    order: str
    reason: str
    requested_by: str
    approved_by: str
    at: datetime


def allowed_types(asked: Collection[str], matters: Collection[Matter]) -> frozenset[str]:
    """Return the types of a new mandate: those asked for, or all of its matters. Raises `MandateTypesInvalid`."""
    of_matters = frozenset[str]().union(*(matter.types for matter in matters))
    if not of_matters.issuperset(asked):
        raise MandateTypesInvalid(field="types")
    return frozenset(asked) or of_matters
