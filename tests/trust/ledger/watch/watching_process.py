"""A process that indexes and watches a ledger without end, in small steps, until it is killed."""

import sys

from tests.fakes import FixedClock
from tests.trust.ledger.watch.watching import Library, rule
from trust.db import Database
from trust.ledger.search import service as searching
from trust.ledger.search.service import LedgerSearch
from trust.ledger.search.store import SqlIndexStore
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore
from trust.ledger.watch import comparing
from trust.ledger.watch import service as watching
from trust.ledger.watch.service import Surroundings, Watch
from trust.ledger.watch.store import SqlWatchStore

STEP = 7


def watch(database: Database) -> Watch:
    clock = FixedClock()
    clock.advance(days=1)
    ledger = Ledger(SqlLedgerStore(database), clock, lambda _: None)  # type: ignore[arg-type, return-value]
    search = LedgerSearch(SqlIndexStore(database), ledger)
    rules = (rule("burst", uses=3, seconds=60),)
    around = Surroundings(libraries=[Library()])
    return Watch(SqlWatchStore(database), ledger, search, clock, rules=rules, around=around)


if __name__ == "__main__":
    for module in (searching, watching, comparing):
        module.MAX_ENTRIES = STEP  # type: ignore[attr-defined]
    endless = watch(Database(sys.argv[1]))
    print("begun", flush=True)
    while True:
        endless.turn()
