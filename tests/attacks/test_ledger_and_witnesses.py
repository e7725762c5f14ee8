"""Against the ledger: a hostile witness, a hand in the database, an operator who is two persons."""

import socket
import threading
import time

import pytest

from hsm_adapter.policy.memory import PolicyMemory
from hsm_adapter.policy.scanning import LedgerScan
from tests.fakes import CountingRandomness
from tests.trust.ledger.building import hexed, setting, uses
from trust.db import Base
from trust.ledger.errors import LedgerBroken
from trust.ledger.note_errors import WitnessUnreachable
from trust.ledger.search import store as search_store
from trust.ledger.search.service import LedgerSearch
from trust.ledger.witness.transport import HttpTransport


@pytest.fixture
def made(tmp_path):
    found = setting(tmp_path)
    names = ("ledger_index", "ledger_use", "ledger_use_name", "ledger_caller", "ledger_tally")
    Base.metadata.create_all(found.database.engine, tables=[Base.metadata.tables[name] for name in names])
    found.ledger.record(uses(20))
    yield found
    found.database.close()


@pytest.fixture
def dripping():
    """A witness that answers a byte at a time and never ends."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.05):
                connection.sendall(b"x")

    def accept() -> None:
        connection, _ = server.accept()
        drip(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    over.set()
    thread.join()
    server.close()


def test_a_witness_that_never_ends_its_answer_holds_nobody_up(dripping):
    transport, begun = HttpTransport(seconds=0.3), time.monotonic()
    with pytest.raises(WitnessUnreachable):
        transport.get(dripping)
    assert time.monotonic() - begun < 5
    with pytest.raises(WitnessUnreachable, match="not ended"):
        transport.post(dripping, b"")  # one thread at most waits for each address


def test_a_leaf_that_was_deleted_ends_every_reader_with_its_place(made, tmp_path):
    made.tamper("DELETE FROM ledger_leaf WHERE idx = 7")
    for read in (
        lambda: made.ledger.entry(7),
        lambda: made.ledger.entries(5, 4),
        LedgerSearch(search_store.SqlIndexStore(made.database), made.ledger).catch_up,
        LedgerScan(made.ledger, PolicyMemory(tmp_path, CountingRandomness())).forward,
    ):
        with pytest.raises(LedgerBroken) as caught:
            read()
        assert caught.value.place == "leaf 7"


def test_a_tail_that_was_deleted_ends_every_reader_with_its_place(made, tmp_path):
    made.tamper("DELETE FROM ledger_leaf WHERE idx >= 15")
    for read in (
        LedgerSearch(search_store.SqlIndexStore(made.database), made.ledger).catch_up,
        LedgerScan(made.ledger, PolicyMemory(tmp_path, CountingRandomness())).forward,
    ):
        with pytest.raises(LedgerBroken) as caught:
            read()
        assert caught.value.place == "leaf 15"


def test_uses_are_not_counted_from_an_altered_leaf(made, tmp_path):
    made.tamper(f"UPDATE ledger_leaf SET data = {hexed(b'{}')} WHERE idx = 3")  # noqa: S608
    with pytest.raises(LedgerBroken) as caught:
        LedgerScan(made.ledger, PolicyMemory(tmp_path, CountingRandomness())).forward()
    assert caught.value.place == "leaf 3"
