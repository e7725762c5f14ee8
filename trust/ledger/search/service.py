"""Keeps the index in step with the ledger, and answers from it.

The follower reads leaves in order, outside the appends' transactions: signing never waits for it. Whoever asks has it
catch up first, by a bounded number of entries; an answer that is still behind says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from trust.keys import KeyPurpose, KeyUse, UseOutcome
from trust.ledger.domain import TREE, Leaf
from trust.ledger.errors import LedgerBroken
from trust.ledger.ports import ArchiveReader, NoArchive
from trust.ledger.search.domain import (
    GroupCount,
    Grouping,
    KeyFigures,
    Page,
    Question,
    Reached,
    Span,
    Tally,
    indexed_name,
)
from trust.ledger.search.errors import TooManyGroups
from trust.ledger.search.reading import Batch, MeetingKind
from trust.ledger.service import MAX_ENTRIES, Ledger

MAX_CATCH_UP: Final = 16 * MAX_ENTRIES
"""Entries that a question reads into the index before it is answered: about a second of work."""

MAX_GROUPS: Final = 10_000
"""Lines of statistics in one answer: ten years of days, or a thousand keys by purpose and outcome."""


RowT = TypeVar("RowT")


class IndexStore(Protocol):
    """Keeps the index; `trust.ledger.search.store` implements it."""

    def reached(self) -> int:
        """Return how many entries are indexed."""
        ...

    def add(self, batch: Batch) -> bool:
        """Index the entries of a batch; False when it does not begin where the index ends."""
        ...

    def clear(self) -> None:
        """Forget the whole index."""
        ...

    def hits(self, question: Question) -> list[Leaf]:
        """Return the newest leaves that match, one more than the limit when there are more."""
        ...

    def after(self, question: Question, start: int, end: int) -> list[int]:
        """Return the smallest indexes in [start, end) that match, as many as the limit, in order."""
        ...

    def counts(self, by: Sequence[Grouping], span: Span, *, limit: int) -> list[GroupCount]:
        """Return the uses of each group."""
        ...

    def figures(self, span: Span, *, limit: int) -> list[KeyFigures]:
        """Return what each key did."""
        ...

    def tallies(self) -> Iterator[Tally]:
        """Return every count."""
        ...

    def first_meeting(self, key: str, kind: str, value: str) -> int | None:
        """Return the first entry in which a key met this caller or address."""
        ...

    def first_use(self, key: str) -> int | None:
        """Return the first entry of a key."""
        ...

    def signed_for(self, document: str, purpose: KeyPurpose) -> bool:
        """Whether an entry says that a document was signed for this purpose."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The leaves themselves say what the counts say: so many entries, and of each key so many signatures."""

    size: int
    figures: tuple[KeyFigures, ...]


class LedgerSearch:
    """Searches one ledger. Safe to share between threads; several processes may follow at once."""

    def __init__(self, store: IndexStore, ledger: Ledger, archive: ArchiveReader | None = None) -> None:
        """`archive` gives the entries that are in segments."""
        self.store = store
        self._ledger = ledger
        self._archive = archive or NoArchive()

    def follow(self, most: int = MAX_CATCH_UP) -> Reached:
        """Index up to `most` entries more, and return how far that came.

        Raises `LedgerUnavailable`, `LedgerBroken` at an entry that is none, `SegmentFileMissing`.
        """
        reached, size, done = self.store.reached(), self._ledger.size(), 0
        while reached < size and done < most:
            leaves = self._ledger.entries(reached, min(MAX_ENTRIES, most - done))
            if not leaves:
                break
            if self.store.add(Batch(leaves=leaves)):
                done += len(leaves)
            reached = self.store.reached()  # another process may have come first
            size = max(size, reached)
        return Reached(indexed=reached, size=size)

    def follow_some(self) -> int:
        """Index what is new, for the housekeeping; return how many entries that were."""
        before = self.store.reached()
        return self.follow().indexed - before

    def catch_up(self) -> Reached:
        """Index everything that is there now, however long it takes."""
        reached = self.follow()
        end = reached.size
        while reached.indexed < end:
            reached = self.follow()
        return reached

    def rebuild(self) -> Reached:
        """Throw the index away and make it again from the first leaf."""
        self.store.clear()
        return self.catch_up()

    def search(self, question: Question) -> Page:
        """Return one page of entries, newest first. Raises as `follow`."""
        reached = self.follow()
        found = self._archive.filled(self.store.hits(question))
        page = found[: question.limit]
        for leaf in page:
            if TREE.leaf(leaf.data) != leaf.hash:
                raise LedgerBroken("its hash is not that of its data.", place=f"leaf {leaf.index}")
        more = len(found) > question.limit
        hits = tuple(leaf for leaf in page if question.matches(leaf.use))  # long names share one place in the index
        return Page(leaves=hits, next=page[-1].index if more else None, reached=reached)

    def counts(self, by: Sequence[Grouping], span: Span) -> tuple[list[GroupCount], Reached]:
        """Return the uses of each group. Raises `TooManyGroups`, and as `follow`."""
        reached = self.follow()
        return _bounded(self.store.counts(tuple(dict.fromkeys(by)), span, limit=MAX_GROUPS + 1)), reached

    def figures(self, span: Span) -> tuple[list[KeyFigures], Reached]:
        """Return what each key did: with a span of all time, "this key made exactly so many signatures".

        Raises `TooManyGroups`, and as `follow`.
        """
        reached = self.follow()
        return _bounded(self.store.figures(span, limit=MAX_GROUPS + 1)), reached

    def confirm(self) -> Confirmed:
        """Count again from the leaves and compare.

        Raises `LedgerBroken` naming the key whose count differs, and as `follow`.
        """
        counted: dict[str, KeyFigures] = {}
        start, end = 0, self.catch_up().indexed
        indexed: dict[str, KeyFigures] = {}
        while start < end:
            _count(counted, self._uses(start, end))
            indexed = {each.key: each for each in self.store.figures(Span(), limit=len(counted) + 1)}
            start, end = end, self.store.reached()  # entries that came meanwhile are counted too, before comparing
        for key in sorted(counted | indexed):
            if counted.get(key) != indexed.get(key):
                raise LedgerBroken("the index counts other uses than the entries; rebuild it.", place=f"key {key}")
        return Confirmed(size=end, figures=tuple(counted[key] for key in sorted(counted)))

    def _uses(self, start: int, end: int) -> Iterator[tuple[int, KeyUse]]:
        for begin in range(start, end, MAX_ENTRIES):
            batch = Batch(leaves=self._ledger.entries(begin, min(MAX_ENTRIES, end - begin)))
            yield from batch.entries

    def is_new(self, key: str, kind: MeetingKind, value: str, index: int) -> bool:
        """Whether a key that was used before met this caller or address for the first time in entry `index`."""
        return self.store.first_use(key) != index and self.store.first_meeting(key, kind, value) == index


def _bounded(rows: list[RowT]) -> list[RowT]:
    if len(rows) > MAX_GROUPS:
        raise TooManyGroups(f"One answer holds at most {MAX_GROUPS} lines.", field="by")
    return rows


def _count(counted: dict[str, KeyFigures], uses: Iterator[tuple[int, KeyUse]]) -> None:
    for index, use in uses:
        key = indexed_name(use.key)
        known = counted.get(key) or KeyFigures(key=key, signed=0, refused=0, first=index, last=index)
        signed = use.outcome is UseOutcome.SIGNED
        counted[key] = KeyFigures(
            key=key, signed=known.signed + signed, refused=known.refused + (not signed), first=known.first, last=index
        )
