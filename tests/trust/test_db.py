import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from trust.db import Database, DatabaseUnavailable, make_durable
from trust.prepared import Prepared

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(20)),
    Column("blob", LargeBinary),
    Column("list", JSON),
    Column("yes", Boolean),
)
ROW = {"id": 1, "name": "名", "blob": b"\x00\xff", "list": ["a", {"b": None}], "yes": True}
ADD, ALL = Prepared(insert(THINGS)), Prepared(select(THINGS).order_by(THINGS.c.id))
BY_ID = Prepared(select(THINGS).where(THINGS.c.id == bindparam("key")))


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    with database.write() as session:
        session.execute(text("create table t (n integer primary key)"))
    yield database
    database.close()


def count(database):
    with database.read() as session:
        return session.execute(text("select count(*) from t")).scalar_one()


def test_a_unit_that_ends_is_kept(database):
    with database.write() as session:
        session.execute(text("insert into t values (1)"))
    assert count(database) == 1


def test_a_unit_that_raises_leaves_nothing(database):
    def unit():
        with database.write() as session:
            session.execute(text("insert into t values (1)"))
            raise KeyError

    with pytest.raises(KeyError):
        unit()
    assert count(database) == 0


def test_a_reading_unit_keeps_nothing(database):
    with database.read() as session:
        session.execute(text("insert into t values (1)"))
    assert count(database) == 0


def test_integrity_errors_reach_the_store_and_all_else_is_translated(database):
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text("insert into t values (1), (1)"))
    with pytest.raises(DatabaseUnavailable) as caught, database.read() as session:
        session.execute(text("select * from missing"))
    assert caught.value.code == "database-unavailable"
    assert "missing" not in caught.value.detail


def test_writers_wait_for_each_other(database):
    def add(start):
        for number in range(start, start + 25):
            with database.write() as session:
                highest = session.execute(text("select coalesce(max(n), -1) from t")).scalar_one()
                session.execute(text("insert into t values (:n)"), {"n": highest + 1})
                assert number >= 0

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 100


def test_committed_data_survives_a_power_cut_by_the_pragmas(database):
    with database.read() as session:
        assert session.execute(text("pragma journal_mode")).scalar_one() == "wal"
        assert session.execute(text("pragma synchronous")).scalar_one() == 2
        assert session.execute(text("pragma foreign_keys")).scalar_one() == 1


@pytest.fixture
def things(database):
    THINGS.metadata.create_all(database.writer)
    return database


def test_a_prepared_statement_gives_what_the_library_gives(things):
    with things.begin() as connection:
        assert ADD.run(connection, ROW, ROW | {"id": 2, "name": None, "list": None, "yes": False}) == 2
    with things.connect() as connection:
        theirs = connection.execute(select(THINGS).order_by(THINGS.c.id)).all()
        assert [tuple(row) for row in ALL.all(connection, {})] == [tuple(row) for row in theirs]
        found = BY_ID.first(connection, {"key": 1})
        assert found._asdict() == ROW
        assert BY_ID.first(connection, {"key": 3}) is None


def test_a_prepared_change_tells_how_many_rows_it_reached_and_keeps_its_constants(things):
    rename = Prepared(update(THINGS).where(THINGS.c.id == bindparam("key")).values(name="fixed", blob=bindparam("new")))
    with things.begin() as connection:
        ADD.run(connection, ROW)
        assert rename.run(connection, {"key": 1, "new": b"1"}, {"key": 2, "new": b"2"}) == 1
        assert BY_ID.first(connection, {"key": 1}).name == "fixed"
        assert Prepared(delete(THINGS).where(THINGS.c.name == "fixed")).run(connection, {}) == 1


def test_the_errors_of_prepared_statements_are_those_of_the_library(things):
    with pytest.raises(IntegrityError), things.begin() as connection:
        ADD.run(connection, ROW, ROW)
    with things.connect() as connection:
        assert ALL.all(connection, {}) == []
    THINGS.metadata.drop_all(things.writer)
    with pytest.raises(DatabaseUnavailable), things.connect() as connection:
        ALL.all(connection, {})


def test_each_reading_unit_of_a_thread_sees_what_was_committed_before_it(things):
    for number in range(3):
        with things.begin() as connection:
            ADD.run(connection, ROW | {"id": number})
        with things.connect() as connection:
            assert len(ALL.all(connection, {})) == number + 1


def test_a_reading_unit_is_one_snapshot_and_another_may_begin_inside_it(things):
    with things.connect() as outer:
        assert ALL.all(outer, {}) == []
        with things.begin() as connection:
            ADD.run(connection, ROW)
        with things.connect() as inner:
            assert len(ALL.all(inner, {})) == 1
        assert ALL.all(outer, {}) == []
    with things.connect() as connection:
        assert len(ALL.all(connection, {})) == 1


def test_a_reading_unit_over_a_bare_connection_keeps_nothing_even_when_it_raises(things):
    for error in (None, KeyError):
        try:
            with things.connect() as connection:
                ADD.run(connection, ROW)
                if error is not None:
                    raise error
        except KeyError:
            pass
        with things.connect() as connection:
            assert ALL.all(connection, {}) == []


def test_a_thread_reads_with_one_connection_until_the_pool_is_disposed(things):
    def driver():
        with things.connect() as connection:
            return connection.connection.dbapi_connection

    first = driver()
    assert driver() is first
    things.engine.dispose()
    assert driver() is not first


def test_more_threads_read_at_once_than_a_pool_would_hold(things):
    together = threading.Barrier(24, timeout=20)
    seen = []

    def read():
        with things.connect() as connection:
            together.wait()
            seen.append(len(ALL.all(connection, {})))

    threads = [threading.Thread(target=read) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [0] * 24


@pytest.fixture
def syncs(monkeypatch):
    """The file of every sync."""
    seen, real = [], os.fdatasync

    def watched(descriptor):
        seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", watched)
    return seen


@pytest.mark.parametrize("unit", ["write", "begin"])
def test_a_writing_unit_returns_after_the_log_that_holds_its_commit_was_synced(things, tmp_path, syncs, unit):
    with getattr(things, unit)() as work:
        work.execute(insert(THINGS).values(ROW))
        syncs.clear()
    assert syncs == [str(tmp_path / "db.sqlite3-wal")]


def test_a_log_is_found_behind_a_link(tmp_path, syncs):
    (tmp_path / "link.sqlite3").symlink_to(tmp_path / "real.sqlite3")
    database = Database(f"sqlite:///{tmp_path / 'link.sqlite3'}")
    with database.write() as session:
        session.execute(text("create table t (n integer primary key)"))
    assert syncs[-1] == str(tmp_path / "real.sqlite3-wal")
    database.close()


def test_no_unit_counts_as_kept_once_a_sync_has_failed(things, monkeypatch):
    def fail(_descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(DatabaseUnavailable), things.begin() as connection:
        ADD.run(connection, ROW)
    monkeypatch.undo()
    with pytest.raises(DatabaseUnavailable), things.begin() as connection:
        ADD.run(connection, ROW | {"id": 2})


def test_a_connection_that_commits_by_itself_syncs_inside(things):
    def read():
        with things.connect() as connection:
            assert ALL.all(connection, {}) == []

    thread = threading.Thread(target=read)  # its connection goes with it, and never back to the pool
    thread.start()
    thread.join()
    for _ in range(3):
        with things.writer.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.parametrize("given_up", [False, True])
def test_an_interrupted_unit_leaves_no_lock_behind(things, given_up):
    def unit():
        with things.begin() as connection:
            ADD.run(connection, ROW)
            if given_up:  # as the library does when it is interrupted inside a statement
                connection.invalidate()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        unit()
    assert caught.traceback  # whoever holds it holds the connection, but not its lock
    with things.begin() as connection:
        assert ALL.all(connection, {}) == []
        ADD.run(connection, ROW)


def test_a_unit_that_need_not_be_durable_leaves_the_sync_to_the_next_one_that_must(things, tmp_path, syncs):
    with things.begin(durable=False) as connection:
        ADD.run(connection, ROW)
    assert syncs == []
    with things.begin() as connection:
        ADD.run(connection, ROW | {"id": 2})
    assert syncs == [str(tmp_path / "db.sqlite3-wal")]


def test_a_unit_can_become_durable_while_it_is_open(things, tmp_path, syncs):
    with things.begin(durable=False) as connection:
        ADD.run(connection, ROW)
        make_durable(connection)
    assert syncs == [str(tmp_path / "db.sqlite3-wal")]
    syncs.clear()
    with things.begin(durable=False) as connection:  # and the next one on this connection begins afresh
        ADD.run(connection, ROW | {"id": 2})
    assert syncs == []


def test_one_question_sees_what_was_committed_before_it_and_holds_nothing_open(things):
    for number in range(3):
        with things.begin() as connection:
            ADD.run(connection, ROW | {"id": number})
        assert things.first(BY_ID, {"key": number}).id == number
        assert things.first(BY_ID, {"key": number + 1}) is None
    with things.connect() as connection:  # inside a unit of work it is asked elsewhere, and sees what came since
        before = ALL.all(connection, {})
        with things.begin() as other:
            ADD.run(other, ROW | {"id": 9})
        assert things.first(BY_ID, {"key": 9}).id == 9
        assert ALL.all(connection, {}) == before
