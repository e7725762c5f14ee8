"""Matters and counters in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from sso.counters.domain import Counter, Matter
from sso.counters.errors import CounterNameTaken, MatterTaken
from sso.counters.store.locking import cut, enabled_clerks_at, locked_counter, open_counter
from sso.counters.store.tables import CounterRow, MatterRow, counter_of, matter_of
from trust.db import Base, Database
from trust.kernel.identifiers import Uscc
from trust.prepared import Prepared

# Asked at every exchange at a counter, and at every sign-in for a matter.
_MATTERS, _COUNTERS = Base.metadata.tables["sso_matters"], Base.metadata.tables["sso_counters"]
_MATTER = Prepared(select(_MATTERS).where(_MATTERS.c.code == bindparam("key")))
_COUNTER = Prepared(select(_COUNTERS).where(_COUNTERS.c.id == bindparam("key")))


class DatabaseCounterStore:
    """`CounterStore` of the ports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_matter(self, matter: Matter, *, at: datetime) -> None:
        """See the port."""
        row = MatterRow(
            code=matter.code,
            name=matter.name,
            name_zh=matter.name_zh,
            purpose=matter.purpose,
            purpose_zh=matter.purpose_zh,
            types=sorted(matter.types),
            registered_at=at.isoformat(),
        )
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError:
            raise MatterTaken(field="code") from None

    def retire_matter(self, code: str, *, at: datetime) -> None:
        """See the port."""
        in_force = update(MatterRow).where(MatterRow.code == code, MatterRow.retired_at.is_(None))
        with self._database.write() as session:
            session.execute(in_force.values(retired_at=at.isoformat()))

    def matter(self, code: str) -> Matter | None:
        """See the port."""
        row = self._database.first(_MATTER, {"key": code})
        return None if row is None else matter_of(row)

    def matters(self) -> Sequence[Matter]:
        """See the port."""
        with self._database.read() as session:
            return tuple(map(matter_of, session.scalars(select(MatterRow).order_by(MatterRow.code))))

    def add_counter(self, counter: Counter, *, at: datetime) -> None:
        """See the port."""
        row = CounterRow(
            id=counter.id,
            name=counter.name,
            authority=str(counter.authority),
            systems=sorted(counter.systems),
            registered_at=at.isoformat(),
        )
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError:
            raise CounterNameTaken(field="name") from None

    def put_systems(self, counter_id: str, systems: Collection[str], *, at: datetime) -> Counter:
        """See the port."""
        with self._database.write() as session:
            row = open_counter(session, counter_id)
            if not set(row.systems) <= set(systems):
                cut(session, enabled_clerks_at(session, row), reason="counter system removed", at=at)
            row.systems = sorted(systems)
            return counter_of(row)

    def close_counter(self, counter_id: str, *, at: datetime) -> Counter:
        """See the port."""
        with self._database.write() as session:
            row = locked_counter(session, counter_id)
            if row.closed_at is None:
                cut(session, enabled_clerks_at(session, row), reason="counter closed", at=at)
                row.closed_at = at.isoformat()
            return counter_of(row)

    def counter(self, counter_id: str) -> Counter | None:
        """See the port."""
        row = self._database.first(_COUNTER, {"key": counter_id})
        return None if row is None else counter_of(row)

    def counters(self, authority: Uscc | None) -> Sequence[Counter]:
        """See the port."""
        chosen = select(CounterRow).order_by(CounterRow.id)
        if authority is not None:
            chosen = chosen.where(CounterRow.authority == str(authority))
        with self._database.read() as session:
            return tuple(map(counter_of, session.scalars(chosen)))
