from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import FixedClock
from tests.trust.ledger.building import RecordingSigner
from tests.trust.ledger.searching import Found, finding, tables_in
from trust.db import Database
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Found]:
    sqlite = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    address = sqlite if request.param == "sqlite" else request.getfixturevalue("cluster")
    with tables_in(address):
        database = Database(address)
        store = SqlLedgerStore(database)
        ledger = Ledger(store, FixedClock(), RecordingSigner(None).describe)  # type: ignore[arg-type]
        yield finding(database, ledger, store)
        database.close()
