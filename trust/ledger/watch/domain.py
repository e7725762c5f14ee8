"""Rules and alerts as values. A rule says what is unusual; an alert says where that was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final

from trust.keys import KeyPurpose, KeyUse, UseOutcome
from trust.ledger.search.reading import MeetingKind
from trust.ledger.watch.errors import RulesUnusable

MAX_BURST_USES: Final = 1000
"""Uses that a burst can be declared of: their moments are kept while they are recent."""

MAX_SECONDS: Final = 31 * 24 * 3600
"""Longest time in a rule."""

ID_CHARACTERS: Final = 48

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK: Final = 7
_MAX_OFFSET: Final = 14 * 60


class Severity(StrEnum):
    """How soon somebody should look: at the next opportunity, today, or now."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class Group(StrEnum):
    """What a burst is counted for: each key, each caller, each address, or everything together."""

    KEY = "key"
    PRINCIPAL = "principal"
    ADDRESS = "address"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which key uses a rule is about; what is empty or None does not matter."""

    purposes: frozenset[KeyPurpose] = frozenset()
    keys: frozenset[str] = frozenset()
    outcome: UseOutcome | None = None

    def admits(self, use: KeyUse) -> bool:
        """Whether the rule is about this use."""
        return (
            (not self.purposes or use.purpose in self.purposes)
            and (not self.keys or use.key in self.keys)
            and (self.outcome is None or use.outcome is self.outcome)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has: a name of its own, how bad it is, and what it means in both languages."""

    id: str
    severity: Severity
    title: str
    title_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfHours(Rule):
    """A key is used outside the hours [begin, end) of these days (0 is Monday); one alert per key and day.

    `offset_minutes` is the civil time's distance from UTC: China has one, and no summer time.
    """

    where: Where = field(default_factory=Where)
    days: frozenset[int]
    begin: time
    end: time
    offset_minutes: int = 480

    def __post_init__(self) -> None:
        if not self.days or not all(0 <= day < _WEEK for day in self.days):
            raise RulesUnusable("Days are 0 (Monday) to 6, at least one.", field="days")
        if not self.begin < self.end:
            raise RulesUnusable("The hours end before they begin.", field="end")
        _check_range(self.offset_minutes, "offset_minutes", -_MAX_OFFSET, _MAX_OFFSET)

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the civil time of the rule."""
        return moment.astimezone(timezone(timedelta(minutes=self.offset_minutes)))

    def outside(self, moment: datetime) -> bool:
        """Whether a moment lies outside the hours."""
        local = self.local(moment)
        return local.weekday() not in self.days or not self.begin <= local.time() < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst(Rule):
    """So many uses of which the first and the last lie at most so many seconds apart; then counting begins anew."""

    where: Where = field(default_factory=Where)
    uses: int
    seconds: int
    per: Group = Group.KEY

    def __post_init__(self) -> None:
        _check_range(self.uses, "uses", 2, MAX_BURST_USES)
        _check_range(self.seconds, "seconds", 0, MAX_SECONDS)

    def group(self, use: KeyUse) -> str | None:
        """Return what a use is counted for; None when it is not known."""
        return {
            Group.KEY: use.key,
            Group.PRINCIPAL: use.context.principal,
            Group.ADDRESS: use.context.address,
            Group.ALL: "",
        }[self.per]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer(Rule):
    """A key that was used before is used by a caller, or from an address, for the first time."""

    where: Where = field(default_factory=Where)
    what: MeetingKind

    def __post_init__(self) -> None:
        if self.where.outcome is not None:
            raise RulesUnusable("A first meeting is one whatever came of it.", field="outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockBack(Rule):
    """An entry lies more than so many seconds before the one that is written before it."""

    seconds: int

    def __post_init__(self) -> None:
        _check_range(self.seconds, "seconds", 0, MAX_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownDocument(Rule):
    """A key has signed, and the library of its purpose does not know the document so many seconds later."""

    where: Where = field(default_factory=Where)
    seconds: int

    def __post_init__(self) -> None:
        _check_range(self.seconds, "seconds", 0, MAX_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingLeaf(Rule):
    """A library has a document of which no entry says that it was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterDisagrees(Rule):
    """A device has counted other uses of a key than the ledger, at this many looks in a row.

    A look may fall between a signature and its entry, hence more than one.
    """

    looks: int

    def __post_init__(self) -> None:
        _check_range(self.looks, "looks", 1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOverdue(Rule):
    """A checkpoint has been due for so many seconds and is not there."""

    seconds: int

    def __post_init__(self) -> None:
        _check_range(self.seconds, "seconds", 1, MAX_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessesMissing(Rule):
    """The newest checkpoints have lacked the witnesses' cosignatures for so many seconds."""

    seconds: int

    def __post_init__(self) -> None:
        _check_range(self.seconds, "seconds", 1, MAX_SECONDS)


KINDS: Final[Mapping[str, type[Rule]]] = {
    "out-of-hours": OutOfHours,
    "burst": Burst,
    "newcomer": Newcomer,
    "clock-back": ClockBack,
    "unknown-document": UnknownDocument,
    "missing-leaf": MissingLeaf,
    "counter-disagrees": CounterDisagrees,
    "checkpoint-overdue": CheckpointOverdue,
    "witnesses-missing": WitnessesMissing,
}
"""The kinds of rules; closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What a rule found: one alert per rule and place, whoever finds it again."""

    rule: Rule
    place: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who has seen an alert, when, and what they made of it. It changes nothing else."""

    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as it is kept, with the words that its rule had then."""

    number: int
    rule: str
    place: str
    severity: Severity
    title: str
    title_zh: str
    detail: str
    raised_at: datetime
    acknowledged: Acknowledgement | None = None


def microseconds(moment: datetime) -> int:
    """Return the exact microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _check_range(value: int, name: str, least: int, most: int) -> None:
    if not least <= value <= most:
        raise RulesUnusable(f"{name} is {least} to {most}.", field=name)
