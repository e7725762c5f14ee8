"""The index in SQL: derived from the leaves, rebuildable, and never part of what is proven.

`ledger_use` has a row per leaf, `ledger_use_name` one per person named in it, `ledger_caller` the first entry in which
a key met a caller or an address, `ledger_tally` the counts. One row of `ledger_index` says how far it came; it grows in
the same transaction as the rest, so that an entry is counted once, whoever kills whom.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Index,
    Integer,
    Select,
    SmallInteger,
    String,
    Table,
    Text,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, Database
from trust.keys import KeyPurpose, KeyUse, UseOutcome
from trust.ledger.domain import Leaf, encode_moment
from trust.ledger.search.domain import (
    DAY_CHARACTERS,
    GroupCount,
    Grouping,
    KeyFigures,
    Question,
    Span,
    Tally,
    indexed_name,
)
from trust.ledger.search.reading import Batch, Meeting
from trust.ledger.store import available
from trust.upserts import insert_into

_INDEX = BigInteger().with_variant(Integer, "sqlite")
_MOMENT, _WORD = String(27), String(32)
_ONE = 1


class UseRow(Base):
    """What one leaf is found by."""

    __tablename__ = "ledger_use"
    __table_args__ = (
        Index("ix_ledger_use_key", "key", "idx"),
        Index("ix_ledger_use_document", "document", "idx"),
        Index("ix_ledger_use_authority", "authority", "idx"),
        Index("ix_ledger_use_reason", "reason", "idx"),
        Index("ix_ledger_use_at", "at"),
    )

    idx: Mapped[int] = mapped_column(_INDEX, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(_MOMENT)
    key: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(_WORD)
    outcome: Mapped[str] = mapped_column(_WORD)
    authority: Mapped[str | None] = mapped_column(Text)
    document: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class UseNameRow(Base):
    """One person of a leaf: its principal, or someone of the `act` chain."""

    __tablename__ = "ledger_use_name"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class CallerRow(Base):
    """The first entry in which a key was used by a caller, or from an address."""

    __tablename__ = "ledger_caller"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(_WORD, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    first: Mapped[int] = mapped_column(BigInteger)


class TallyRow(Base):
    """Uses that agree in the first five; an entry without an authority is counted under an empty one."""

    __tablename__ = "ledger_tally"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[str] = mapped_column(String(DAY_CHARACTERS), primary_key=True)
    purpose: Mapped[str] = mapped_column(_WORD, primary_key=True)
    outcome: Mapped[str] = mapped_column(_WORD, primary_key=True)
    authority: Mapped[str] = mapped_column(Text, primary_key=True)
    uses: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)


class IndexRow(Base):
    """The one row that says how many entries are indexed."""

    __tablename__ = "ledger_index"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)


_USES: Table = Base.metadata.tables["ledger_use"]
_NAMES: Table = Base.metadata.tables["ledger_use_name"]
_CALLERS: Table = Base.metadata.tables["ledger_caller"]
_TALLIES: Table = Base.metadata.tables["ledger_tally"]
_REACHED: Table = Base.metadata.tables["ledger_index"]
_LEAVES: Table = Base.metadata.tables["ledger_leaf"]

TABLES = ("ledger_use", "ledger_use_name", "ledger_caller", "ledger_tally", "ledger_index")
"""The tables of the index, all of which a rebuild empties."""

_TALLY_KEY = (_TALLIES.c.key, _TALLIES.c.day, _TALLIES.c.purpose, _TALLIES.c.outcome, _TALLIES.c.authority)
_SIGNED = case((_TALLIES.c.outcome == UseOutcome.SIGNED.value, _TALLIES.c.uses), else_=0)
_COLUMNS: Mapping[Grouping, Any] = {grouping: _TALLIES.c[grouping.value] for grouping in Grouping}


class SqlIndexStore:
    """The index of one ledger. Each method is one unit of work and raises `LedgerUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reached(self) -> int:
        """Return how many entries are indexed."""
        with available(), self._database.connect() as connection:
            return _reached(connection)

    def add(self, batch: Batch) -> bool:
        """Index the entries of a batch; False, and nothing is done, when it does not begin where the index ends.

        The commit may be lost in a power cut, and then all of it: the entries are read again.
        """
        with available(), self._database.begin(durable=False) as connection:
            begin = insert_into(connection, _REACHED).on_conflict_do_nothing()
            connection.execute(begin, {"id": _ONE, "size": 0})
            here = select(_REACHED.c.size).where(_REACHED.c.id == _ONE).with_for_update()
            if connection.execute(here).scalar_one() != batch.start:
                return False
            connection.execute(insert(_USES), [_use_row(index, use) for index, use in batch.entries])
            connection.execute(insert(_NAMES), [{"name": name, "idx": index} for name, index in batch.names])
            _meet(connection, batch.meetings)
            for tally in batch.tallies:
                _count(connection, tally)
            connection.execute(update(_REACHED).where(_REACHED.c.id == _ONE).values(size=batch.end))
        return True

    def clear(self) -> None:
        """Forget the whole index, to be made again from the first leaf."""
        with available(), self._database.begin() as connection:
            for table in (_REACHED, _USES, _NAMES, _CALLERS, _TALLIES):
                connection.execute(delete(table))

    def hits(self, question: Question) -> list[Leaf]:
        """Return the newest leaves that match, one more than the question's limit when there are more."""
        found = _narrowed(select(_USES.c.idx), question).order_by(_USES.c.idx.desc()).limit(question.limit + 1)
        with available(), self._database.connect() as connection:
            indexes = connection.execute(found).scalars().all()
            rows = connection.execute(
                select(_LEAVES.c.idx, _LEAVES.c.data, _LEAVES.c.hash)
                .where(_LEAVES.c.idx.in_(indexes))
                .order_by(_LEAVES.c.idx.desc())
            )
            return [Leaf(index=index, data=data, hash=value) for index, data, value in rows]

    def after(self, question: Question, start: int, end: int) -> list[int]:
        """Return the smallest indexes in [start, end) that match, as many as the question's limit, in order."""
        found = _narrowed(select(_USES.c.idx), question).where(_USES.c.idx >= start, _USES.c.idx < end)
        with available(), self._database.connect() as connection:
            return list(connection.execute(found.order_by(_USES.c.idx).limit(question.limit)).scalars())

    def counts(self, by: Sequence[Grouping], span: Span, *, limit: int) -> list[GroupCount]:
        """Return the uses of each group, in the order of the groups; at most `limit`."""
        columns = [_COLUMNS[grouping] for grouping in by]
        query = _within(select(*columns, func.sum(_TALLIES.c.uses)), span).group_by(*columns).order_by(*columns)
        with available(), self._database.connect() as connection:
            rows = connection.execute(query.limit(limit)).all()
        names = [grouping.value for grouping in by]
        return [
            GroupCount(group={name: value or None for name, value in zip(names, values, strict=True)}, uses=int(uses))
            for *values, uses in rows
        ]

    def figures(self, span: Span, *, limit: int) -> list[KeyFigures]:
        """Return what each key did, in the order of keys; at most `limit`."""
        totals = (
            func.sum(_SIGNED),
            func.sum(_TALLIES.c.uses) - func.sum(_SIGNED),
            func.min(_TALLIES.c.first),
            func.max(_TALLIES.c.last),
        )
        query = _within(select(_TALLIES.c.key, *totals), span).group_by(_TALLIES.c.key).order_by(_TALLIES.c.key)
        with available(), self._database.connect() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [
            KeyFigures(key=key, signed=int(signed), refused=int(refused), first=first, last=last)
            for key, signed, refused, first, last in rows
        ]

    def tallies(self) -> Iterator[Tally]:
        """Return every count."""
        with available(), self._database.connect() as connection:
            rows = connection.execute(select(_TALLIES).order_by(*_TALLY_KEY)).mappings().all()
        return (
            Tally(
                **{
                    **row,
                    "purpose": KeyPurpose(row["purpose"]),
                    "outcome": UseOutcome(row["outcome"]),
                    "authority": row["authority"] or None,
                }
            )
            for row in rows
        )

    def first_meeting(self, key: str, kind: str, value: str) -> int | None:
        """Return the first entry in which a key met this caller or address, None when it never did."""
        query = select(_CALLERS.c.first).where(
            _CALLERS.c.key == indexed_name(key), _CALLERS.c.kind == kind, _CALLERS.c.value == indexed_name(value)
        )
        with available(), self._database.connect() as connection:
            return connection.execute(query).scalar()

    def first_use(self, key: str) -> int | None:
        """Return the first entry of a key, None when it has none."""
        query = select(func.min(_USES.c.idx)).where(_USES.c.key == indexed_name(key))
        with available(), self._database.connect() as connection:
            return connection.execute(query).scalar()

    def signed_for(self, document: str, purpose: KeyPurpose) -> bool:
        """Whether an entry says that a document was signed for this purpose."""
        query = select(_USES.c.idx).where(
            _USES.c.document == indexed_name(document),
            _USES.c.purpose == purpose.value,
            _USES.c.outcome == UseOutcome.SIGNED.value,
        )
        with available(), self._database.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None


def _reached(connection: Connection) -> int:
    return connection.execute(select(_REACHED.c.size).where(_REACHED.c.id == _ONE)).scalar() or 0


def _use_row(index: int, use: KeyUse) -> dict[str, object]:
    context = use.context
    return {
        "idx": index,
        "at": encode_moment(use.at),
        "key": indexed_name(use.key),
        "purpose": use.purpose.value,
        "outcome": use.outcome.value,
        "authority": None if context.authority is None else indexed_name(context.authority),
        "document": None if context.document is None else indexed_name(context.document),
        "reason": None if use.reason is None else indexed_name(use.reason),
    }


def _meet(connection: Connection, meetings: Sequence[Meeting]) -> None:
    rows = [{"key": each.key, "kind": each.kind, "value": each.value, "first": each.index} for each in meetings]
    connection.execute(insert_into(connection, _CALLERS).on_conflict_do_nothing(), rows)


def _count(connection: Connection, tally: Tally) -> None:
    values = {
        "key": tally.key,
        "day": tally.day,
        "purpose": tally.purpose.value,
        "outcome": tally.outcome.value,
        "authority": tally.authority or "",
    }
    statement = insert_into(connection, _TALLIES).values(
        {**values, "uses": tally.uses, "first": tally.first, "last": tally.last}
    )
    grown = {"uses": _TALLIES.c.uses + tally.uses, "last": tally.last}
    connection.execute(statement.on_conflict_do_update(index_elements=list(_TALLY_KEY), set_=grown))


def _narrowed(query: Select[Any], question: Question) -> Select[Any]:
    for column, wanted in (
        (_USES.c.key, question.key),
        (_USES.c.authority, question.authority),
        (_USES.c.document, question.document),
        (_USES.c.reason, question.reason),
        (_USES.c.purpose, question.purpose),
        (_USES.c.outcome, question.outcome),
    ):
        if wanted is not None:
            query = query.where(column == indexed_name(wanted))
    if question.person is not None:
        named = _NAMES.c.name == indexed_name(question.person)
        query = query.join(_NAMES, _NAMES.c.idx == _USES.c.idx).where(named)
    if question.since is not None:
        query = query.where(_USES.c.at >= encode_moment(question.since))
    if question.until is not None:
        query = query.where(_USES.c.at < encode_moment(question.until))
    return query if question.before is None else query.where(_USES.c.idx < question.before)


def _within(query: Select[Any], span: Span) -> Select[Any]:
    if span.since is not None:
        query = query.where(_TALLIES.c.day >= span.since)
    if span.until is not None:
        query = query.where(_TALLIES.c.day <= span.until)
    return query if span.key is None else query.where(_TALLIES.c.key == indexed_name(span.key))
