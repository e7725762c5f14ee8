import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from trust.db import Database, DatabaseUnavailable


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
