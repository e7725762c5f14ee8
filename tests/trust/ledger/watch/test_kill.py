"""Kill -9 of the follower and the watch: nothing is indexed twice, no alert is lost and none is raised twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import FixedClock
from tests.trust.ledger.search.test_search import rows_of
from tests.trust.ledger.searching import Found, made, tables_in
from tests.trust.ledger.watch.watching_process import watch
from trust.config import child_environment
from trust.db import Database
from trust.ledger.search.service import LedgerSearch
from trust.ledger.search.store import SqlIndexStore
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore
from trust.ledger.watch.service import AlertDesk
from trust.ledger.watch.store import SqlWatchStore

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[4]
LIVES = 6
ENTRIES = 300


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        given = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    else:
        given = request.getfixturevalue("cluster")
    with tables_in(given):
        yield given


@contextmanager
def life(address: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.trust.ledger.watch.watching_process", address],
        cwd=ROOT,
        env=child_environment({}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        yield process
        process.kill()
        process.wait()


def test_a_watch_that_is_killed_again_and_again_finds_what_one_that_lives_finds(address: str) -> None:
    database = Database(address)
    ledger = Ledger(SqlLedgerStore(database), FixedClock(), lambda _: None)  # type: ignore[arg-type, return-value]
    search = LedgerSearch(SqlIndexStore(database), ledger)
    found = Found(database, ledger, SqlLedgerStore(database), search.store, search)  # type: ignore[arg-type]
    places = []
    for number in range(LIVES):
        first = ledger.record([made(seconds=20 * step, key=f"01K{number}") for step in range(ENTRIES)])[0]
        places += [f"leaf {first + step}" for step in range(2, ENTRIES, 3)]  # three of them lie 40 s apart
        with life(address):
            ledger.record([made(document=f"d{number}", key="01KOTHER")])
            while search.store.reached() < first + 20:
                pass  # killed somewhere on its way
    watch(database).turn()
    desk = AlertDesk(SqlWatchStore(database), FixedClock())
    alerts = []
    while page := desk.alerts(after=alerts[-1].number if alerts else 0):
        alerts += page
    assert [alert.place for alert in alerts] == places
    followed = rows_of(found)
    search.rebuild()
    assert rows_of(found) == followed
    assert search.confirm().size == ledger.size()
    database.close()
