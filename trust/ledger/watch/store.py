"""The watch in SQL: `ledger_watch` says where each part stands, `ledger_alert` what was found.

A cursor moves in the same transaction that keeps its alerts, and one alert exists per rule and place: whatever is
killed or runs twice, nothing is lost and nothing is raised twice.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, Database
from trust.ledger.domain import encode_moment, parse_moment
from trust.ledger.store import available
from trust.ledger.watch.domain import Acknowledgement, Alert, Raised, Severity
from trust.ledger.watch.errors import AlertAcknowledged, AlertUnknown
from trust.ledger.watch.ports import Cursor
from trust.upserts import insert_into

TABLES = ("ledger_watch", "ledger_alert")
"""The tables of the watch."""

_INDEX = BigInteger().with_variant(Integer, "sqlite")
_MOMENT, _WORD, _NAME = String(27), String(32), String(64)
_PLACE_CHARACTERS = 600  # what PostgreSQL's index takes; the longest place names a document
_TURNS = "*"  # the row that writers wait at, so that alerts are numbered in the order in which they become visible


class WatchRow(Base):
    """Where one part of the watch stands."""

    __tablename__ = "ledger_watch"

    name: Mapped[str] = mapped_column(_NAME, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)


class AlertRow(Base):
    """One alert; the last three columns are empty until an officer acknowledges it."""

    __tablename__ = "ledger_alert"
    __table_args__ = (UniqueConstraint("rule", "place"),)

    number: Mapped[int] = mapped_column(_INDEX, primary_key=True)
    rule: Mapped[str] = mapped_column(_NAME)
    place: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(_WORD)
    title: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[str] = mapped_column(_MOMENT)
    acknowledged_by: Mapped[str | None] = mapped_column(Text)
    acknowledged_at: Mapped[str | None] = mapped_column(_MOMENT)
    note: Mapped[str | None] = mapped_column(Text)


_CURSORS: Table = Base.metadata.tables["ledger_watch"]
_ALERTS: Table = Base.metadata.tables["ledger_alert"]


class SqlWatchStore:
    """The watch of one ledger. Each method raises `LedgerUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self, name: str) -> Cursor:
        """Return where a part stands: at the beginning when it never ran."""
        with available(), self._database.connect() as connection:
            return _cursor(connection, name)

    def advance(self, before: Cursor, after: Cursor, raised: Sequence[Raised], at: datetime) -> bool:
        """Move a cursor and keep its alerts, or neither: False when the cursor is not at `before` any more."""
        with available(), self._database.begin() as connection:
            begin = insert_into(connection, _CURSORS).on_conflict_do_nothing()
            connection.execute(begin, [{"name": name, "position": 0, "state": ""} for name in (_TURNS, before.name)])
            connection.execute(select(_CURSORS.c.name).where(_CURSORS.c.name == _TURNS).with_for_update())
            if _cursor(connection, before.name) != before:
                return False
            here = update(_CURSORS).where(_CURSORS.c.name == before.name)
            connection.execute(here.values(position=after.position, state=after.state))
            for each in raised:
                connection.execute(insert_into(connection, _ALERTS).on_conflict_do_nothing(), _row(each, at))
        return True

    def alerts(self, *, after: int, limit: int, still_open: bool) -> list[Alert]:
        """Return alerts with numbers above `after`, in order."""
        query = select(_ALERTS).where(_ALERTS.c.number > after).order_by(_ALERTS.c.number).limit(limit)
        if still_open:
            query = query.where(_ALERTS.c.acknowledged_at.is_(None))
        with available(), self._database.connect() as connection:
            return [_alert(row) for row in connection.execute(query).mappings()]

    def open_alerts(self) -> dict[str, int]:
        """Return how many alerts wait for an officer, by severity."""
        query = select(_ALERTS.c.severity, func.count()).where(_ALERTS.c.acknowledged_at.is_(None))
        with available(), self._database.connect() as connection:
            rows = connection.execute(query.group_by(_ALERTS.c.severity)).all()
        return {severity: count for severity, count in rows}  # noqa: C416  rows are no pairs to the type checker

    def acknowledge(self, number: int, acknowledgement: Acknowledgement) -> Alert:
        """Keep who has seen an alert. Raises `AlertUnknown`, `AlertAcknowledged`."""
        values = {
            "acknowledged_by": acknowledgement.by,
            "acknowledged_at": encode_moment(acknowledgement.at),
            "note": acknowledgement.note,
        }
        this = select(_ALERTS).where(_ALERTS.c.number == number)
        with available(), self._database.begin() as connection:
            waiting = update(_ALERTS).where(_ALERTS.c.number == number, _ALERTS.c.acknowledged_at.is_(None))
            changed = connection.execute(waiting.values(values)).rowcount
            row = connection.execute(this).mappings().first()
        if row is None:
            raise AlertUnknown(f"There is no alert {number}.", field="number")
        if not changed:
            raise AlertAcknowledged(field="number")
        return _alert(row)


def _cursor(connection: Connection, name: str) -> Cursor:
    row = connection.execute(select(_CURSORS).where(_CURSORS.c.name == name)).mappings().first()
    return Cursor(name=name, position=0, state="") if row is None else Cursor(**row)


def _row(raised: Raised, at: datetime) -> dict[str, str]:
    rule = raised.rule
    return {
        "rule": rule.id,
        "place": raised.place.replace("\0", "\ufffd")[:_PLACE_CHARACTERS],
        "severity": rule.severity.value,
        "title": rule.title,
        "title_zh": rule.title_zh,
        "detail": raised.detail.replace("\0", "\ufffd"),
        "raised_at": encode_moment(at),
    }


def _alert(row: RowMapping) -> Alert:
    seen = None
    if row["acknowledged_at"] is not None:
        seen = Acknowledgement(by=row["acknowledged_by"], at=parse_moment(row["acknowledged_at"]), note=row["note"])
    return Alert(
        number=row["number"],
        rule=row["rule"],
        place=row["place"],
        severity=Severity(row["severity"]),
        title=row["title"],
        title_zh=row["title_zh"],
        detail=row["detail"],
        raised_at=parse_moment(row["raised_at"]),
        acknowledged=seen,
    )
