"""Builders for the tests of search, watch and export."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import text

from tests.fakes import MOMENT
from tests.trust.ledger.building import use
from trust.db import Base, Database
from trust.keys import KeyPurpose, KeyRef, KeyUse, UseContext, UseOutcome
from trust.ledger import append_only
from trust.ledger.append_only import TABLES as LEDGER_TABLES
from trust.ledger.search.service import LedgerSearch
from trust.ledger.search.store import TABLES, SqlIndexStore
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore
from trust.ledger.watch.store import TABLES as WATCH_TABLES


@dataclass
class Found:
    """A ledger with its index."""

    database: Database
    ledger: Ledger
    ledger_store: SqlLedgerStore
    store: SqlIndexStore
    search: LedgerSearch


def finding(database: Database, ledger: Ledger, ledger_store: SqlLedgerStore) -> Found:
    tables = [Base.metadata.tables[name] for name in (*TABLES, *WATCH_TABLES)]
    Base.metadata.create_all(database.engine, tables=tables)
    store = SqlIndexStore(database)
    return Found(database, ledger, ledger_store, store, LedgerSearch(store, ledger))


def made(
    *,
    key: str = "01KSEALINGKEY",
    by: str = "client:food-office",
    at: datetime = MOMENT,
    seconds: float = 0,
    document: str | None = "1.2.156.3005.2",
    purpose: KeyPurpose = KeyPurpose.SEALING,
    refused: str | None = None,
    **context: object,
) -> KeyUse:
    """One key use; `seconds` after `at`."""
    base = use()
    return replace(
        base,
        at=at + timedelta(seconds=seconds),
        key=KeyRef(key),
        purpose=purpose,
        context=UseContext(principal=by, why=base.context.why, document=document, **context),  # type: ignore[arg-type]
        outcome=UseOutcome.REFUSED if refused else UseOutcome.SIGNED,
        reason=refused,
    )


@contextmanager
def tables_in(address: str) -> Iterator[None]:
    database = Database(address)
    tables = [Base.metadata.tables[name] for name in (*LEDGER_TABLES, *TABLES, *WATCH_TABLES)]
    Base.metadata.create_all(database.engine, tables=tables)
    try:
        yield
    finally:
        Base.metadata.drop_all(database.engine, tables=tables)
        with database.write() as session:
            for statement in append_only.removal_statements(database.engine.dialect.name):
                session.execute(text(statement))
        database.close()
