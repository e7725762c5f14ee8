"""Figures of the ledger: appending against bare SQLite, proofs and a whole verification at a million entries."""

import itertools
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from portal.bench.measure import Figure, Target, figure
from portal.bench.world import BenchWorld
from trust.db import Database
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import SystemClock
from trust.keys import KeyPurpose, KeyRef, KeyUse, UseContext, UseOutcome
from trust.ledger.domain import TREE, encode_use
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore
from trust.migrations.runner import migrate

LEAVES = 1_000_000  # what a county's keys do in a year
_BATCH = 256  # what a province's bulk issue asks for at once
_THREADS = 8
_SINGLES = 250  # of each thread in one round
_FILL = 4096  # entries a transaction while the million is made; nobody measures that
_PROOFS = 200
_MEBIBYTE = 1024  # ru_maxrss counts KiB
_STRIDE = 7919  # proofs of places far apart, the same in every run


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """A ledger of its own for the figures."""

    name: str
    store: SqlLedgerStore
    ledger: Ledger


def ledger_figures(world: BenchWorld) -> Iterator[Figure]:
    """Appends, proofs and a verification on SQLite, and on PostgreSQL where an empty database was named."""
    folder = world.folder / "ledger-bench"
    folder.mkdir()
    addresses = {"SQLite": f"sqlite:///{folder / 'ledger.sqlite3'}"}
    if world.postgresql is not None:
        addresses["PostgreSQL"] = world.postgresql
    for name, address in addresses.items():
        with closing(Database(address)) as database:
            migrate(database)
            store = SqlLedgerStore(database)
            book = _Book(
                name=name,
                store=store,
                ledger=Ledger(store, SystemClock(), world.installation.foundation.keys.token.info),
            )
            yield from _appending(book, folder)
            _fill(book)
            yield from _proving(book)
            yield from _verifying(book)


def _use(number: int) -> KeyUse:
    return KeyUse(
        at=SystemClock().now(),
        key=KeyRef("01KBENCHBENCHBENCHBENCHBEN"),
        algorithm=Algorithm.SM2_SM3,
        purpose=KeyPurpose.SEALING,
        digest=f"{number:064x}",
        context=UseContext(
            principal="client:01KBENCHBENCHBENCHBENCHBEN", why="issue certificate", document=f"1.2.156.{number}"
        ),
        outcome=UseOutcome.SIGNED,
    )


def _appending(book: _Book, folder: Path) -> Iterator[Figure]:
    uses = [_use(number) for number in range(_BATCH)]
    note = "elapsed; encoding, hashing, tree and a durable commit"
    on_sqlite = book.name == "SQLite"
    with closing(_Bare(folder / f"bare-{book.name}.sqlite3")) as bare:
        yield figure(
            f"ledger on {book.name}, append {_BATCH} at once",
            "entries/s",
            lambda: _BATCH * _rate(lambda: book.ledger.record(uses)),
            reference=(f"bare SQLite, {_BATCH} rows and a commit", lambda: _BATCH * _rate(lambda: bare.add(_BATCH))),
            target=Target(rate=10_000) if on_sqlite else None,
            note=note,
        )
        yield figure(
            f"ledger on {book.name}, append one at a time in {_THREADS} threads",
            "entries/s",
            lambda: _together(lambda: book.ledger.record(uses[:1])),
            reference=(
                f"bare SQLite, {_THREADS} rows and a commit",
                lambda: _THREADS * _rate(lambda: bare.add(_THREADS)),
            ),
            target=Target(rate=10_000) if on_sqlite else None,
            note=note,
        )


class _Bare:
    """The same bytes into one table of SQLite, with the same durability and nothing else."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE leaf (idx INTEGER PRIMARY KEY, data BLOB NOT NULL, hash BLOB NOT NULL)")
        data = encode_use(_use(0))
        self._row = (data, TREE.leaf(data))
        self._next = itertools.count()

    def add(self, count: int) -> None:
        rows = [(next(self._next), *self._row) for _ in range(count)]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO leaf VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def _fill(book: _Book) -> None:
    """Grow the ledger to its million."""
    for start in range(book.ledger.size(), LEAVES, _FILL):
        book.store.append([encode_use(_use(number)) for number in range(start, min(start + _FILL, LEAVES))])


def _proving(book: _Book) -> Iterator[Figure]:
    size = book.ledger.size()
    places = (number * _STRIDE % size for number in itertools.count(1))
    proofs: dict[str, Callable[[], object]] = {
        "inclusion": lambda: book.ledger.inclusion_proof(next(places), size),
        "consistency": lambda: book.ledger.consistency_proof(next(places), size),
    }
    for name, prove in proofs.items():
        yield figure(
            f"ledger on {book.name}, {name} proof at {size:,} entries",
            "ms",
            lambda prove=prove: 1000 / _rate(prove, count=_PROOFS),  # type: ignore[misc]
            target=Target(most=2),
            note="elapsed; one query for all nodes",
        )


def _verifying(book: _Book) -> Iterator[Figure]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = book.ledger.size()

    def verify() -> float:
        start = time.perf_counter()
        book.ledger.verify()
        return time.perf_counter() - start

    yield figure(f"ledger on {book.name}, verify {size:,} entries", "s", verify, target=Target(most=60), rounds=1)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / _MEBIBYTE
    yield figure(
        f"ledger on {book.name}, verify: growth of the peak memory",
        "MiB",
        lambda: grown,
        target=Target(most=64),
        rounds=1,
        note="beyond what the process had used before",
    )


def _rate(operation: Callable[[], object], *, count: int = 40) -> float:
    """Return operations per second of elapsed time; a fixed count, so that every round does the same to the disk."""
    operation()
    start = time.perf_counter()
    for _ in range(count):
        operation()
    return count / (time.perf_counter() - start)


def _together(operation: Callable[[], object]) -> float:
    """Return operations per second of all threads."""

    def work() -> None:
        for _ in range(_SINGLES):
            operation()

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _THREADS * _SINGLES / (time.perf_counter() - start)
