"""The difference between a realm as it is and as it should be. Pure: it asks nobody and changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sso.keycloak.realm import Found, Kind, Place, Value, Wanted

_MAPPER_OWNERS = {Kind.SCOPE_MAPPER: Kind.SCOPE, Kind.CLIENT_MAPPER: Kind.CLIENT, Kind.ROLE: Kind.CLIENT}


class Action(StrEnum):
    """What is done to a part."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that is not as it should be; `before` is the empty text when nothing is there."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to do. `found` is None for what is made, `wanted` for what is deleted."""

    action: Action
    place: Place
    differences: tuple[Difference, ...] = ()
    wanted: Wanted | None = None
    found: Found | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A registration that has no equal in Keycloak, and why; it is left out and never made weaker."""

    client: str
    label: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What a realm should hold: its parts, the mark that they bear, and what cannot be carried over."""

    realm: str
    mark: str
    parts: tuple[Wanted, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, in order; two plans are equal when they would do the same.

    `extra` bears our mark, is wanted no more, and stays unless pruned. `foreign` has a name that we need and bears no
    mark of ours: a plan with any is never applied.
    """

    realm: str
    changes: tuple[Change, ...]
    extra: tuple[Place, ...]
    foreign: tuple[Place, ...]
    skipped: tuple[Skipped, ...]

    @property
    def in_step(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes and not self.foreign


def compare(desired: Desired, found: Sequence[Found], *, prune: bool = False) -> Plan:
    """Return the plan that brings `found` to `desired`; only with `prune` does it delete anything."""
    there = {each.place: each for each in found}
    wanted = {each.place: each for each in desired.parts}
    foreign = tuple(place for place in wanted if place in there and not there[place].ours)
    extra = sorted(_extra(wanted, there), key=lambda each: each.place, reverse=True)
    changes = [change for each in desired.parts if (change := _change(each, there.get(each.place))) is not None]
    changes.sort(key=lambda each: list(Kind).index(each.place.kind))
    if prune:
        changes += [Change(action=Action.DELETE, place=each.place, found=each) for each in extra]
    return Plan(
        realm=desired.realm,
        changes=() if foreign else tuple(changes),
        extra=() if prune else tuple(each.place for each in extra),
        foreign=foreign,
        skipped=desired.skipped,
    )


def _change(wanted: Wanted, found: Found | None) -> Change | None:
    if found is None and wanted.only_if_there:
        return None
    differences = tuple(
        Difference(name=name, before=before, after=after)
        for name, after in wanted.values.items()
        if (before := found.value(name) if found else "") != after
    )
    if found is not None and not differences:
        return None
    action = Action.CREATE if found is None else Action.CHANGE
    return Change(action=action, place=wanted.place, differences=differences, wanted=wanted, found=found)


def _extra(wanted: Mapping[Place, Wanted], there: Mapping[Place, Found]) -> list[Found]:
    """Return ours that is wanted no more, without what goes together with its owner."""
    unwanted = {place: each for place, each in there.items() if each.ours and place not in wanted}
    return [each for place, each in unwanted.items() if _owner(place) not in unwanted]


def _owner(place: Place) -> Place | None:
    kind = _MAPPER_OWNERS.get(place.kind)
    return None if kind is None else Place(kind=kind, name=place.owner)
