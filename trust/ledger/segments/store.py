"""The segments in SQL: `ledger_segment`. Releasing one empties the data of its leaves in the same transaction.

`append_only` has the triggers: a row is added unreleased, released once, and nothing else; and a leaf loses its data
only when a released segment covers it.
"""

from dataclasses import replace

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Table, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, Database
from trust.keys import KeyRef
from trust.ledger.domain import encode_moment, parse_moment
from trust.ledger.errors import LedgerBroken
from trust.ledger.segments.domain import Extent, Segment, SignedRelease
from trust.ledger.segments.errors import SegmentInvalid, SegmentReleased
from trust.ledger.store import available, created_with_triggers

_INDEX = BigInteger().with_variant(Integer, "sqlite")
_PRINCIPAL_CHARACTERS = 200
_MOMENT_CHARACTERS = 27
_DIGEST_CHARACTERS = 64


class SegmentRow(Base):
    """One segment; the last four columns are empty until it is released."""

    __tablename__ = "ledger_segment"

    start: Mapped[int] = mapped_column(_INDEX, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    file: Mapped[str] = mapped_column(String(_DIGEST_CHARACTERS))
    checkpoint_size: Mapped[int] = mapped_column(BigInteger)
    proposed_by: Mapped[str] = mapped_column(String(_PRINCIPAL_CHARACTERS))
    proposed_at: Mapped[str] = mapped_column(String(_MOMENT_CHARACTERS))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    key: Mapped[str | None] = mapped_column(String(64))
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    entry: Mapped[int | None] = mapped_column(BigInteger)


_SEGMENTS: Table = Base.metadata.tables["ledger_segment"]
_LEAVES: Table = Base.metadata.tables["ledger_leaf"]
created_with_triggers(_SEGMENTS)


class SqlSegmentStore:
    """The segments of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def segments(self) -> list[Segment]:
        """Return all segments, oldest first. Raises `LedgerUnavailable`; `LedgerBroken` when a row cannot be read."""
        with available(), self._database.connect() as connection:
            return [_segment(row) for row in connection.execute(select(_SEGMENTS).order_by(_SEGMENTS.c.start))]

    def add(self, segment: Segment) -> Segment:
        """Keep a sealed segment; when another process sealed it first, return that one."""
        row = {
            "start": segment.extent.start,
            "size": segment.extent.size,
            "root": segment.root,
            "file": segment.file,
            "checkpoint_size": segment.checkpoint_size,
            "proposed_by": segment.proposed_by,
            "proposed_at": encode_moment(segment.proposed_at),
        }
        try:
            with available(), self._database.begin() as connection:
                connection.execute(insert(_SEGMENTS).values(row))
        except IntegrityError:
            (segment,) = [kept for kept in self.segments() if kept.extent.start == segment.extent.start]
        return segment

    def release(self, segment: Segment, release: SignedRelease) -> Segment:
        """Keep the release and empty the leaves, or neither.

        Raises `SegmentReleased`, `LedgerUnavailable`; `LedgerBroken` when the database refuses what this code may do.
        """
        extent = segment.extent
        values = {"body": release.body, "key": release.key, "signature": release.signature, "entry": release.entry}
        try:
            with available(), self._database.begin() as connection:
                unreleased = update(_SEGMENTS).where(_SEGMENTS.c.start == extent.start, _SEGMENTS.c.entry.is_(None))
                if not connection.execute(unreleased.values(values)).rowcount:
                    raise SegmentReleased(field="start")
                covered = update(_LEAVES).where(_LEAVES.c.idx >= extent.start, _LEAVES.c.idx < extent.end)
                if connection.execute(covered.values(data=b"")).rowcount != extent.size:
                    raise LedgerBroken("it does not cover as many rows as it says.", place=extent.place)
        except IntegrityError:
            raise LedgerBroken("the database refuses its release.", place=extent.place) from None
        return replace(segment, release=release)


def _segment(row: Row[tuple[object, ...]]) -> Segment:
    """Raises `LedgerBroken`: a hand may have put anything into the row."""
    place = f"segment {row.start}"
    released = (row.body, row.key, row.signature, row.entry)
    if type(row.root) is not bytes or (released != (None,) * 4 and None in released):
        raise LedgerBroken("its row cannot be read.", place=place)
    try:
        return Segment(
            extent=Extent(start=row.start, size=row.size),
            root=row.root,
            file=row.file,
            checkpoint_size=row.checkpoint_size,
            proposed_by=row.proposed_by,
            proposed_at=parse_moment(row.proposed_at),
            release=None
            if row.entry is None
            else SignedRelease(body=row.body, key=KeyRef(row.key), signature=row.signature, entry=row.entry),
        )
    except (ValueError, TypeError, SegmentInvalid):
        raise LedgerBroken("its row cannot be read.", place=place) from None
