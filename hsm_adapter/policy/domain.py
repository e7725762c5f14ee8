"""A key's policy: what it is for, whose it is, who may use it, when, and how often.

Canonical form: one JSON object (`trust.kernel.encoding.canonical_json`) with every member of `KeyPolicy`; what is not
limited is null. Hours are counted in the calendar of China (`trust.kernel.clock.CALENDAR`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from hsm_adapter.policy.errors import KeyPolicyInvalid
from trust.kernel.clock import CALENDAR
from trust.kernel.errors import InvalidInput
from trust.kernel.text import check_clear_text
from trust.keys import KeyPurpose

MAX_CALLERS: Final = 100
"""Most callers that one policy names. More are a service of their own."""

MAX_HOURS: Final = 14
"""Most spans of hours: two for each day of a week."""

MAX_SIGNATURES: Final = 2**53 - 1
"""Greatest count limit: every reader of JSON has it exactly (RFC 8259 section 6)."""

MAX_OVERLAP_DAYS: Final = 3650
"""Longest overlap with the key before, days. A CA key's certificates may run ten years."""

OWNER_MAX: Final = 100
"""Longest name of an owner, characters: an authority's full name."""

NOTE_MAX: Final = 200
"""Longest note, characters."""

_MINUTES = 24 * 60
_WEEK = 7
_HOURS = re.compile(
    r"([1-7](?:-[1-7])?(?:,[1-7](?:-[1-7])?)*) ([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])"
)
_CALLER = re.compile(r"(?:client|operator|system|person):\S.*")
_CALLER_MAX = 120


class LifeState(StrEnum):
    """Where a key is in its life, by the record of its changes."""

    GENERATED = "generated"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """Hours of some days of the week (1 is Monday), minutes since midnight; `opens` belongs to them, `closes` not.

    Hours that close before they open end on the next day, and belong to the day on which they began.
    """

    days: frozenset[int]
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not self.days or not self.days <= set(range(1, _WEEK + 1)):
            raise KeyPolicyInvalid("Days are 1 (Monday) to 7 (Sunday).", field="hours")
        if not 0 <= self.opens < _MINUTES or not 0 < self.closes <= _MINUTES or self.opens == self.closes:
            raise KeyPolicyInvalid("Hours run from 00:00 to 24:00 and do not close when they open.", field="hours")

    @classmethod
    def parse(cls, text: str) -> "WorkingHours":
        """Return hours written as `1-5 08:30-17:30` or `1,3,5-7 22:00-06:00`. Raises `KeyPolicyInvalid`."""
        found = _HOURS.fullmatch(text)
        if found is None:
            raise KeyPolicyInvalid("Hours are written as `1-5 08:30-17:30`.", field="hours")
        days: set[int] = set()
        for part in found[1].split(","):
            first, last = int(part[0]), int(part[-1])
            if first > last:
                raise KeyPolicyInvalid("A span of days runs forwards.", field="hours")
            days.update(range(first, last + 1))
        opens, closes = (int(found[at]) * 60 + int(found[at + 1]) for at in (2, 4))
        return cls(days=frozenset(days), opens=opens, closes=closes or _MINUTES)

    @property
    def text(self) -> str:
        """The one written form: each day by itself."""
        days = ",".join(str(day) for day in sorted(self.days))
        return f"{days} {self.opens // 60:02}:{self.opens % 60:02}-{self.closes // 60:02}:{self.closes % 60:02}"

    def include(self, moment: datetime) -> bool:
        """Whether `moment` lies within these hours in China."""
        there = moment.astimezone(CALENDAR)
        minute, day = there.hour * 60 + there.minute, there.isoweekday()
        if self.opens < self.closes:
            return day in self.days and self.opens <= minute < self.closes
        the_day_before = (there - timedelta(days=1)).isoweekday()
        return (day in self.days and minute >= self.opens) or (the_day_before in self.days and minute < self.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """What two people agreed that a key may do.

    `callers` are the principals that may use it; None is any service of this installation. It may be used from
    `not_before` on and before `not_after`, within `hours` if there are any, for `max_signatures` in all. `overlap_days`
    says how long the key before it is kept once this one is active.
    """

    purpose: KeyPurpose
    owner: str | None = None
    callers: frozenset[str] | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    max_signatures: int | None = None
    hours: tuple[WorkingHours, ...] = ()
    overlap_days: int = 1
    note: str | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("owner", self.owner, OWNER_MAX), ("note", self.note, NOTE_MAX)):
            if value is not None:
                check_clear_text(value, field=name, most=most)
        self._check_callers()
        self._check_time()
        if self.max_signatures is not None and not _whole(self.max_signatures, 1, MAX_SIGNATURES):
            raise KeyPolicyInvalid(f"A count limit is 1 to {MAX_SIGNATURES}.", field="max_signatures")
        if not _whole(self.overlap_days, 0, MAX_OVERLAP_DAYS):
            raise KeyPolicyInvalid(f"An overlap is 0 to {MAX_OVERLAP_DAYS} days.", field="overlap_days")

    def _check_callers(self) -> None:
        if self.callers is None:
            return
        if not 1 <= len(self.callers) <= MAX_CALLERS:
            raise KeyPolicyInvalid(f"A policy names 1 to {MAX_CALLERS} callers, or none at all.", field="callers")
        for caller in self.callers:
            check_clear_text(caller, field="callers", most=_CALLER_MAX)
            if not _CALLER.fullmatch(caller):
                raise KeyPolicyInvalid("A caller is a principal, such as client:food-office.", field="callers")

    def _check_time(self) -> None:
        for name, moment in (("not_before", self.not_before), ("not_after", self.not_after)):
            if moment is not None and moment.tzinfo is None:
                raise KeyPolicyInvalid("A moment names its offset, such as +08:00.", field=name)
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise KeyPolicyInvalid("The validity ends before it begins.", field="not_after")
        if len(self.hours) > MAX_HOURS:
            raise KeyPolicyInvalid(f"A policy has at most {MAX_HOURS} spans of hours.", field="hours")

    @property
    def members(self) -> dict[str, object]:
        """The canonical form, to be encoded."""
        return {
            "purpose": self.purpose.value,
            "owner": self.owner,
            "callers": None if self.callers is None else sorted(self.callers),
            "not_before": None if self.not_before is None else self.not_before.isoformat(),
            "not_after": None if self.not_after is None else self.not_after.isoformat(),
            "max_signatures": self.max_signatures,
            "hours": [hours.text for hours in self.hours],
            "overlap_days": self.overlap_days,
            "note": self.note,
        }

    @classmethod
    def parse(cls, members: Mapping[str, Any]) -> "KeyPolicy":
        """Return the policy of its members; those left out are not limited. Raises `KeyPolicyInvalid`, `TextLength`."""
        unknown = set(members) - {field.name for field in fields(cls)}
        if unknown:
            raise KeyPolicyInvalid("A policy has no such member.", field=min(unknown))
        given = dict(members)
        try:
            given["purpose"] = KeyPurpose(given["purpose"])
            for name in ("not_before", "not_after"):
                given[name] = None if given.get(name) is None else datetime.fromisoformat(given[name])
            given["callers"] = None if given.get("callers") is None else frozenset(_list(given["callers"]))
            given["hours"] = tuple(WorkingHours.parse(text) for text in _list(given.get("hours") or []))
            return cls(**given)
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise KeyPolicyInvalid(f"A member is missing or of another kind ({type(error).__name__}).") from None


def default_policy(purpose: KeyPurpose) -> KeyPolicy:
    """Return what holds for a key that nobody recorded a policy for: its purpose, and no other limit."""
    return KeyPolicy(purpose=purpose)


def _whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise KeyPolicyInvalid("Callers and hours are lists.")
    return value
