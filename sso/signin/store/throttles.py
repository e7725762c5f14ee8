"""Counters of failures in the database: shared by all server processes, and still there after a restart."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, false, select, update

from sso.signin.store.tables import ThrottleRow, moment_of, moment_text
from sso.signin.throttle import Bucket, Rule
from trust.db import Base, Database
from trust.upserts import insert_into

_THROTTLES = Base.metadata.tables[ThrottleRow.__tablename__]


class DatabaseBucketStore:
    """`sso.signin.throttle.BucketStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charge(self, rules: Mapping[bytes, Rule], now: datetime) -> timedelta:
        """Charge all buckets and return zero; or, when one is blocked, change nothing and return the longest wait."""
        with self._database.begin() as connection:
            _make_missing(connection, rules, now)
            buckets = _locked(connection, rules)
            wait = max(bucket.wait(now) for bucket in buckets.values())
            if not wait:
                for key, bucket in buckets.items():
                    _keep(connection, key, bucket.charged(rules[key], now))
        return wait

    def take_back(self, rules: Mapping[bytes, Rule], now: datetime) -> None:
        """Take one failure back from each bucket."""
        with self._database.begin() as connection:
            for key, bucket in _locked(connection, rules).items():
                _keep(connection, key, bucket.taken_back(rules[key], now))

    def forget(self, *, before: datetime) -> int:
        """Drop buckets that nobody has tried since, but those that are being charged; return how many."""
        old = select(_THROTTLES.c.bucket).where(_THROTTLES.c.scored_at < moment_text(before))
        free = old.with_for_update(skip_locked=True).scalar_subquery()  # PostgreSQL; SQLite has one writer at a time
        with self._database.begin() as connection:
            return connection.execute(delete(_THROTTLES).where(_THROTTLES.c.bucket.in_(free))).rowcount


def _make_missing(connection: Connection, keys: Iterable[bytes], now: datetime) -> None:
    """Make the buckets that are not there, and lock all: none is forgotten before it is charged.

    An update that changes nothing locks the row all the same (PostgreSQL's manual, ON CONFLICT).
    """
    statement = insert_into(connection, _THROTTLES).on_conflict_do_update(
        index_elements=["bucket"], set_={"score": _THROTTLES.c.score}, where=false()
    )
    for key in sorted(keys):
        connection.execute(statement, {"bucket": key, "score": 0.0, "scored_at": moment_text(now)})


def _locked(connection: Connection, rules: Mapping[bytes, Rule]) -> dict[bytes, Bucket]:
    """Return the buckets, locked in one order for everybody."""
    statement = select(_THROTTLES).where(_THROTTLES.c.bucket.in_(rules)).order_by(_THROTTLES.c.bucket)
    return {
        row.bucket: Bucket(
            score=row.score,
            scored_at=moment_of(row.scored_at),
            blocked_until=moment_of(row.blocked_until) if row.blocked_until else None,
        )
        for row in connection.execute(statement.with_for_update())
    }


def _keep(connection: Connection, key: bytes, bucket: Bucket) -> None:
    connection.execute(
        update(_THROTTLES)
        .where(_THROTTLES.c.bucket == key)
        .values(
            score=bucket.score,
            scored_at=moment_text(bucket.scored_at),
            blocked_until=moment_text(bucket.blocked_until) if bucket.blocked_until else None,
        )
    )
