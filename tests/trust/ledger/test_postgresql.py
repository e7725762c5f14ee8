"""The same ledger on PostgreSQL: schema, triggers, proofs, and appends that wait for each other."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.fakes import FixedClock
from tests.trust.ledger.building import KEY, ORIGIN, RecordingSigner, use, uses
from trust.db import Base, Database, DatabaseUnavailable
from trust.kernel import merkle
from trust.ledger import append_only
from trust.ledger.append_only import TABLES
from trust.ledger.checkpoints import Checkpointer
from trust.ledger.domain import TREE
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
        *(f"DELETE FROM {table}" for table in TABLES),  # noqa: S608  our own names
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
