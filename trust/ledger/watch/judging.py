"""Rules about entries, judged one entry after the other. What a judge must remember is JSON, so that it outlives us."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from trust.keys import KeyUse
from trust.ledger.domain import encode_moment
from trust.ledger.search.reading import MeetingKind, met
from trust.ledger.watch.domain import Burst, ClockBack, Newcomer, OutOfHours, Raised, Rule, microseconds

_SECOND: Final = 1_000_000
_BACK: Final = 60 * _SECOND  # entries carry the moment when signing began: some come late without any clock going back
_MAX_SEEN: Final = 20_000  # pairs of key and caller that need no query; forgotten all at once, which costs a query each

IsNew = Callable[[str, MeetingKind, str, int], bool]
"""Whether a key that was used before met a caller or an address for the first time in this entry."""


class Judge(Protocol):
    """Judges entries in the order of the ledger by one rule."""

    def look(self, index: int, use: KeyUse) -> Raised | None:
        """Return what is unusual about the next entry."""
        ...

    def memory(self) -> object:
        """Return what to remember, as a JSON value; None when there is nothing."""
        ...


class _Forgetful:
    """A judge that looks at each entry by itself."""

    def memory(self) -> object:
        """Return None."""
        return None


class HoursJudge(_Forgetful):
    """Judges `OutOfHours`."""

    def __init__(self, rule: OutOfHours) -> None:
        self._rule = rule

    def look(self, index: int, use: KeyUse) -> Raised | None:
        """Return an alert for the key and its civil day."""
        if not self._rule.where.admits(use) or not self._rule.outside(use.at):
            return None
        local = self._rule.local(use.at)
        detail = f"Entry {index}, {local.isoformat(timespec='seconds')}, by {use.context.principal}."
        return Raised(rule=self._rule, place=f"key {use.key}, {local.date().isoformat()}", detail=detail)


class BurstJudge:
    """Judges `Burst`: keeps the moments of the last uses of each group.

    A group that was not used since the latest moment of all less the rule's time begins anew: its uses cannot count any
    more. When the clock goes back all do, so that one entry from the future blinds nobody for long. What is remembered
    is thereby bounded, and the same wherever a turn ends.
    """

    def __init__(self, rule: Burst, memory: object) -> None:
        self._rule = rule
        self._span = rule.seconds * _SECOND
        self._latest: int | None = None
        self._recent: dict[str, list[int]] = {}
        if isinstance(memory, Mapping):
            self._latest = memory["latest"]
            self._recent = {group: list(moments) for group, moments in memory["recent"].items()}

    def look(self, index: int, use: KeyUse) -> Raised | None:
        """Return an alert when this use makes the burst full."""
        group = self._rule.group(use) if self._rule.where.admits(use) else None
        if group is None:
            return None
        moment = microseconds(use.at)
        if self._latest is not None and moment < self._latest - self._span - _BACK:
            self._latest, self._recent = None, {}
        moments = self._recent.get(group, [])
        moments = [*moments, moment][-self._rule.uses :] if self._is_recent(moments) else [moment]
        self._latest = moment if self._latest is None else max(self._latest, moment)
        self._recent[group] = moments
        if len(moments) < self._rule.uses or moment - moments[0] > self._span:
            return None
        del self._recent[group]
        counted = f"{self._rule.per.value} {group}" if group else "all keys"
        detail = f"{self._rule.uses} uses within {self._rule.seconds} seconds, {counted}."
        return Raised(rule=self._rule, place=f"leaf {index}", detail=detail)

    def memory(self) -> object:
        """Return the moments of the groups that were used recently."""
        recent = {group: moments for group, moments in self._recent.items() if self._is_recent(moments)}
        return {"latest": self._latest, "recent": recent}

    def _is_recent(self, moments: Sequence[int]) -> bool:
        return bool(moments) and self._latest is not None and moments[-1] >= self._latest - self._span


class NewcomerJudge(_Forgetful):
    """Judges `Newcomer` with what the index knows."""

    def __init__(self, rule: Newcomer, is_new: IsNew) -> None:
        self._rule = rule
        self._is_new = is_new
        self._seen: set[tuple[str, str]] = set()

    def look(self, index: int, use: KeyUse) -> Raised | None:
        """Return an alert for the first entry in which a key meets this caller or address."""
        value = dict(met(use)).get(self._rule.what)
        if value is None or not self._rule.where.admits(use) or (use.key, value) in self._seen:
            return None
        new = self._is_new(use.key, self._rule.what, value, index)
        if len(self._seen) >= _MAX_SEEN:
            self._seen.clear()
        self._seen.add((use.key, value))
        if not new:
            return None
        return Raised(rule=self._rule, place=f"leaf {index}", detail=f"Key {use.key}, {self._rule.what.value} {value}.")


class ClockJudge:
    """Judges `ClockBack`."""

    def __init__(self, rule: ClockBack, memory: object) -> None:
        self._rule = rule
        self._last = memory if isinstance(memory, int) else None

    def look(self, index: int, use: KeyUse) -> Raised | None:
        """Return an alert for an entry that lies too far before the one written before it."""
        last, self._last = self._last, microseconds(use.at)
        if last is None or last - self._last <= self._rule.seconds * _SECOND:
            return None
        step = (last - self._last) // _SECOND
        detail = f"Entry {index} is of {encode_moment(use.at)}, {step} seconds before the entry above it."
        return Raised(rule=self._rule, place=f"leaf {index}", detail=detail)

    def memory(self) -> object:
        """Return the moment of the last entry."""
        return self._last


def judges_of(rules: Sequence[Rule], memory: Mapping[str, Any], is_new: IsNew) -> dict[str, Judge]:
    """Return the judges of those rules that are about entries, by the ids of the rules."""
    judges: dict[str, Judge] = {}
    for rule in rules:
        if isinstance(rule, OutOfHours):
            judges[rule.id] = HoursJudge(rule)
        elif isinstance(rule, Burst):
            judges[rule.id] = BurstJudge(rule, memory.get(rule.id))
        elif isinstance(rule, Newcomer):
            judges[rule.id] = NewcomerJudge(rule, is_new)
        elif isinstance(rule, ClockBack):
            judges[rule.id] = ClockJudge(rule, memory.get(rule.id))
    return judges
