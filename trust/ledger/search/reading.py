"""What the index takes from leaves: rows, persons, first meetings of keys with callers, and counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from trust.keys import KeyUse
from trust.ledger.domain import TREE, Leaf, encode_moment
from trust.ledger.errors import EntryMalformed, LedgerBroken
from trust.ledger.search.domain import DAY_CHARACTERS, Tally, indexed_name


class MeetingKind(StrEnum):
    """What a key can meet for the first time."""

    PRINCIPAL = "principal"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A key met a caller, or an address, in this entry, for the first time within the batch."""

    key: str
    kind: MeetingKind
    value: str
    index: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Leaves in order, with what the index keeps of them. Raises `LedgerBroken`, naming the first that is none."""

    leaves: Sequence[Leaf]
    uses: Sequence[KeyUse] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uses", [_use_of(leaf) for leaf in self.leaves])

    @property
    def start(self) -> int:
        """The index of the first leaf."""
        return self.leaves[0].index

    @property
    def end(self) -> int:
        """The index after the last leaf."""
        return self.leaves[-1].index + 1

    @property
    def entries(self) -> Iterator[tuple[int, KeyUse]]:
        """Each entry with its index."""
        return zip((leaf.index for leaf in self.leaves), self.uses, strict=True)

    @property
    def names(self) -> Iterator[tuple[str, int]]:
        """Each person of each leaf, once."""
        for index, use in self.entries:
            persons = (use.context.principal, *use.context.act)
            yield from ((name, index) for name in dict.fromkeys(map(indexed_name, persons)))

    @cached_property
    def meetings(self) -> Sequence[Meeting]:
        """First meetings within the batch."""
        found: dict[tuple[str, MeetingKind, str], Meeting] = {}
        for index, use in self.entries:
            for kind, value in met(use):
                place = (indexed_name(use.key), kind, indexed_name(value))
                found.setdefault(place, Meeting(key=place[0], kind=kind, value=place[2], index=index))
        return tuple(found.values())

    @cached_property
    def tallies(self) -> Sequence[Tally]:
        """The counts of the batch."""
        return tallied(self.entries)


def met(use: KeyUse) -> Iterator[tuple[MeetingKind, str]]:
    """Return the caller and, where it is known, the address of a key use."""
    yield MeetingKind.PRINCIPAL, use.context.principal
    if use.context.address is not None:
        yield MeetingKind.ADDRESS, use.context.address


def tallied(uses: Iterator[tuple[int, KeyUse]]) -> Sequence[Tally]:
    """Return the counts of these entries, in the order in which each was first met."""
    found: dict[tuple[object, ...], Tally] = {}
    for index, use in uses:
        authority = use.context.authority
        tally = Tally(
            day=encode_moment(use.at)[:DAY_CHARACTERS],
            key=indexed_name(use.key),
            purpose=use.purpose,
            authority=indexed_name(authority) if authority else None,
            outcome=use.outcome,
            uses=1,
            first=index,
            last=index,
        )
        place = (tally.day, tally.key, tally.purpose, tally.authority, tally.outcome)
        known = found.get(place)
        found[place] = tally if known is None else replace(known, uses=known.uses + 1, last=index)
    return tuple(found.values())


def _use_of(leaf: Leaf) -> KeyUse:
    place = f"leaf {leaf.index}"
    if TREE.leaf(leaf.data) != leaf.hash:
        raise LedgerBroken("its hash is not that of its data.", place=place)
    try:
        return leaf.use
    except EntryMalformed:
        raise LedgerBroken("it is no key use.", place=place) from None
