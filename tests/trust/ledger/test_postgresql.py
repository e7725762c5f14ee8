"""The same ledger on PostgreSQL: schema, triggers, proofs, and appends that wait for each other."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.fakes import CountingRandomness, FixedClock
from tests.trust.ledger.building import KEY, ORIGIN, RecordingSigner, use, uses
from tests.trust.ledger.test_store import append_in_processes
from trust.db import Base, Database, DatabaseUnavailable
from trust.kernel import merkle
from trust.ledger import append_only
from trust.ledger.append_only import TABLES
from trust.ledger.checkpoints import Checkpointer
from trust.ledger.domain import TREE
from trust.ledger.segments.archive import Archive
from trust.ledger.segments.files import SegmentFolder
from trust.ledger.segments.service import Retention
from trust.ledger.segments.store import SqlSegmentStore
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore

SERVER_ACCOUNT = "postgres"  # the server refuses to run as root, under which containers run their tests


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    config = shutil.which("pg_config")
    if config is None:
        pytest.skip("PostgreSQL is not installed (no pg_config)")
    programs = Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    if not (programs / "initdb").exists():
        pytest.skip("the PostgreSQL server is not installed (no initdb)")
    account = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else SERVER_ACCOUNT
    folder = Path(tempfile.mkdtemp())  # not below pytest's own folder: other accounts may not enter that
    shutil.chown(folder, account)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, cwd=folder, user=account, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-A", "trust", "-U", "yinxin", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=on"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://yinxin@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-w", "-m", "fast", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    made = Database(address)
    tables = [Base.metadata.tables[name] for name in TABLES]
    Base.metadata.create_all(made.engine, tables=tables)
    yield made
    Base.metadata.drop_all(made.engine, tables=tables)
    with made.write() as session:
        for statement in append_only.removal_statements("postgresql"):
            session.execute(text(statement))
    made.close()


def opened(database: Database) -> tuple[Ledger, Checkpointer]:
    store, clock = SqlLedgerStore(database), FixedClock()
    ledger = Ledger(store, clock, lambda key: signer.describe(key))  # noqa: PLW0108  the signer comes next
    signer = RecordingSigner(ledger)
    return ledger, Checkpointer(store, signer, KEY, clock, origin=ORIGIN)


@pytest.mark.integration
def test_a_ledger_on_postgresql_proves_itself(database: Database) -> None:
    ledger, checkpointer = opened(database)
    ledger.record(uses(13))
    first = checkpointer.checkpoint()
    ledger.record(uses(300, start=13))
    second = checkpointer.checkpoint()
    report = ledger.verify()
    assert (report.size, report.checkpoints, report.checkpointed_size) == (315, 2, 314)
    proof = ledger.inclusion_proof(7, 314)
    root = second.checkpoint.root
    merkle.verify_inclusion(TREE, index=7, size=314, leaf_hash=proof.leaf_hash, path=proof.path, root=root)
    merkle.verify_consistency(
        TREE,
        old_size=13,
        old_root=first.checkpoint.root,
        new_size=314,
        new_root=root,
        path=ledger.consistency_proof(13, 314).path,
    )


@pytest.mark.integration
def test_postgresql_refuses_to_change_the_ledger(database: Database) -> None:
    ledger, checkpointer = opened(database)
    ledger.record(uses(4))
    checkpointer.checkpoint()
    for statement in (
        *(f"DELETE FROM {table}" for table in append_only.FIRST_TABLES),  # noqa: S608  our own names
        *(f"TRUNCATE {table}" for table in TABLES),
        "UPDATE ledger_leaf SET data = '' WHERE idx = 1",
        "UPDATE ledger_node SET hash = ''",
        "UPDATE ledger_checkpoint SET signature = ''",
        "UPDATE ledger_head SET size = 3",
        "UPDATE ledger_head SET root = ''",
        "INSERT INTO ledger_leaf VALUES (1, '', '') ON CONFLICT (idx) DO UPDATE SET data = ''",
    ):
        with pytest.raises(DatabaseUnavailable), database.write() as session:
            session.execute(text(statement))
    assert ledger.verify().size == 5


@pytest.mark.integration
def test_writers_on_postgresql_lose_and_repeat_nothing(database: Database, address: str) -> None:
    others = [Database(address) for _ in range(3)]
    ledgers = [Ledger(SqlLedgerStore(other), FixedClock(), RecordingSigner(None).describe) for other in others]  # type: ignore[arg-type]

    def write(ledger: Ledger) -> list[int]:
        return [index for step in range(20) for index in ledger.record([use(step)] * 3)]

    with ThreadPoolExecutor(3) as pool:
        indexes = [index for result in pool.map(write, ledgers) for index in result]
    assert sorted(indexes) == list(range(180))
    assert ledgers[0].verify().size == 180
    for other in others:
        other.close()


@pytest.mark.integration
def test_two_processes_on_postgresql_lose_and_repeat_nothing(database: Database, address: str) -> None:
    append_in_processes(address, opened(database)[0])


@pytest.mark.integration
def test_a_segment_on_postgresql_lets_its_own_entries_go_and_no_others(database: Database, tmp_path: Path) -> None:
    store, clock = SqlLedgerStore(database), FixedClock()
    segments, folder = SqlSegmentStore(database), SegmentFolder(tmp_path, CountingRandomness())
    ledger = Ledger(store, clock, lambda key: signer.describe(key), Archive(segments, folder))  # noqa: PLW0108  as above
    signer = RecordingSigner(ledger)
    ledger.record(uses(20))
    Checkpointer(store, signer, KEY, clock, origin=ORIGIN).checkpoint()
    clock.advance(days=730)
    retention = Retention(segments, store, folder, signer, clock, leaves=8)
    assert len(retention.seal(timedelta(days=365), by="operator:li")) == 2
    retention.release(8, KEY, by="operator:wang")
    assert (ledger.verify().archived, ledger.verify().findings) == (8, ())
    assert [leaf.use for leaf in ledger.entries(0, 20)] == uses(20)
    for statement in (
        "UPDATE ledger_leaf SET data = '' WHERE idx = 3",
        "UPDATE ledger_leaf SET data = 'x' WHERE idx = 8",
        "UPDATE ledger_leaf SET data = '', hash = 'x' WHERE idx = 8",
        "UPDATE ledger_segment SET entry = 20 WHERE start = 8",
        "UPDATE ledger_segment SET body = '', key = 'k', signature = '' WHERE start = 0",
        "UPDATE ledger_segment SET body = '', key = 'k', signature = '', entry = 1, size = 16 WHERE start = 0",
        "INSERT INTO ledger_segment VALUES (16, 4, '', 'f', 20, 'a', 't', '', 'k', '', 21)",
        "DELETE FROM ledger_segment",
    ):
        with pytest.raises(DatabaseUnavailable), database.write() as session:
            session.execute(text(statement))
    assert ledger.verify().archived == 8
