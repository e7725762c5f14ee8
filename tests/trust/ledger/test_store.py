"""The tables refuse change by themselves, and several processes may append."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.trust.ledger.building import Setting, setting, use
from trust.db import Database
from trust.ledger import append_only
from trust.ledger.errors import LedgerBroken
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_leaf SET data = X'00' WHERE idx = 3",
        "DELETE FROM ledger_leaf WHERE idx = 20",
        "DELETE FROM ledger_leaf",
        "INSERT OR REPLACE INTO ledger_leaf VALUES (3, X'00', X'00')",
        "UPDATE ledger_node SET hash = X'00' WHERE level = 1 AND idx = 0",
        "DELETE FROM ledger_node WHERE level = 4",
        "INSERT OR REPLACE INTO ledger_node VALUES (1, 0, X'00')",
        "UPDATE ledger_checkpoint SET signature = X'00'",
        "DELETE FROM ledger_checkpoint",
        "INSERT OR REPLACE INTO ledger_checkpoint VALUES (13, X'00', 'k', X'00', 13)",
        "UPDATE ledger_head SET size = 20",
        "UPDATE ledger_head SET size = 21, root = X'00'",
        "UPDATE ledger_head SET id = 2, size = 22",
        "DELETE FROM ledger_head",
        "INSERT OR REPLACE INTO ledger_head VALUES (1, 0, X'00')",
        "INSERT INTO ledger_head VALUES (2, 0, X'00')",
        "INSERT INTO ledger_leaf VALUES (-1, X'00', X'00')",
        "INSERT INTO ledger_node VALUES (0, 5, X'00')",
        "UPDATE ledger_leaf SET data = X'' WHERE idx = 3",
        "INSERT INTO ledger_segment VALUES (0, 4, X'00', 'f', 13, 'a', 't', X'00', 'k', X'00', 20)",
    ],
)
def test_the_database_refuses_to_change_the_ledger(grown: Setting, statement: str) -> None:
    with pytest.raises(IntegrityError), grown.database.write() as session:
        session.execute(text(statement))
    grown.ledger.verify()


def test_the_migration_gets_the_same_schema_as_create_all(empty: Setting) -> None:
    connection = sqlite3.connect(":memory:")
    with empty.database.read() as session:
        tables = session.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'table'")).all()
        triggers = set(session.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")))
    for statement in (*tables, *append_only.first_statements("sqlite"), *append_only.segment_statements("sqlite")):
        connection.execute(statement)
    assert {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")} == triggers
    assert len(triggers) == 15
    assert connection.execute("SELECT id, size FROM ledger_head").fetchall() == [(1, 0)]
    connection.close()


def test_a_dialect_without_triggers_is_refused() -> None:
    with pytest.raises(KeyError):
        append_only.first_statements("mysql")
    assert len(append_only.removal_statements("postgresql")) == 5


def test_an_append_that_fails_half_way_leaves_nothing(grown: Setting) -> None:
    with grown.database.write() as session:
        session.execute(
            text(
                "CREATE TRIGGER fault BEFORE INSERT ON ledger_node WHEN NEW.level = 1 AND NEW.idx = 11 "
                "BEGIN SELECT RAISE(ABORT, 'fault'); END"
            )
        )
    with pytest.raises(LedgerBroken):
        grown.ledger.record([use()] * 3)
    assert grown.ledger.size() == 21
    assert grown.ledger.verify().size == 21
    with grown.database.write() as session:
        session.execute(text("DROP TRIGGER fault"))
    assert list(grown.ledger.record([use()] * 3)) == [21, 22, 23]


def test_nodes_of_a_proof_are_read_in_one_query(grown: Setting) -> None:
    statements: list[str] = []
    with grown.database.connect() as connection:
        connection.connection.dbapi_connection.set_trace_callback(statements.append)
    grown.ledger.inclusion_proof(6, 21)
    assert sum("ledger_node" in statement for statement in statements) == 1


WORKERS, ROUNDS, BATCH = 2, 15, 3


def append_in_a_process(address: str, worker: int, start: "multiprocessing.synchronize.Barrier") -> None:
    database = Database(address)
    ledger = Ledger(SqlLedgerStore(database), None, None)  # type: ignore[arg-type]
    start.wait()
    for step in range(ROUNDS):
        numbers = [worker * 1000 + step * BATCH + part for part in range(BATCH)]
        indexes = ledger.record([use(number) for number in numbers])
        for index, number in zip(indexes, numbers, strict=True):
            assert int(ledger.entry(index).use.digest, 16) == number
    database.close()


def append_in_processes(address: str, ledger: Ledger) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(WORKERS)
    processes = [
        context.Process(target=append_in_a_process, args=(address, worker, start)) for worker in range(WORKERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert ledger.verify().size == WORKERS * ROUNDS * BATCH
    numbers = sorted(int(entry.use.digest, 16) for entry in ledger.entries(0, 256))
    assert numbers == [worker * 1000 + part for worker in range(WORKERS) for part in range(ROUNDS * BATCH)]


def test_two_processes_at_once_lose_and_repeat_nothing(tmp_path: Path) -> None:
    made = setting(tmp_path)
    append_in_processes(f"sqlite:///{made.path}", made.ledger)
    made.database.close()
