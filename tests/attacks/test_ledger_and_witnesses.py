"""Against the ledger: a hostile witness, a hand in the database, an operator who is two persons."""

import socket
import threading
import time

import pytest
from sqlalchemy import event

from hsm_adapter.policy.memory import PolicyMemory
from hsm_adapter.policy.scanning import LedgerScan
from tests.fakes import CountingRandomness
from tests.trust.ledger.building import KEY, hexed, setting, use, uses
from tests.trust.ledger.witnessed import witnessed
from trust.db import Base
from trust.keys import KeyPurpose, SigningRequest, UseContext
from trust.ledger.errors import LedgerBroken
from trust.ledger.halting import Halt, HaltingRecorder
from trust.ledger.note_errors import LedgerHalted, WitnessUnreachable
from trust.ledger.note_keys import VerifierKey
from trust.ledger.notes import SignatureLine
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


@pytest.mark.parametrize(
    ("principal", "why"),
    [
        ("operator:zhang", "ledger checkpoint; loss of the checkpoint of size 9 accepted: fire"),
        ("client:audit-office", "ledger export"),
        ("operator:Wang", "release of archived entries"),
        ("system:start", "start-up proof"),
    ],
)
def test_what_the_checkpoint_key_signs_besides_is_checkpointed_too(made, principal, why):
    """Otherwise who has the database cuts it off an idle ledger, and no checkpoint misses it."""
    before = made.checkpointer.checkpoint()
    request = SigningRequest(message=b"{}", context=UseContext(principal=principal, why=why))
    entry = made.signer.sign(KEY, request, purpose=KeyPurpose.LEDGER_CHECKPOINT).ledger_index
    after = made.checkpointer.checkpoint()
    assert before.checkpoint.size <= entry < after.checkpoint.size
    assert made.checkpointer.checkpoint() == after


def test_signing_stays_stopped_until_it_is_recorded_who_let_it_go_on(tmp_path, monkeypatch):
    house = witnessed(tmp_path, witnesses=0, quorum=0)
    house.base.ledger.record(uses(5))
    house.checkpointer.checkpoint()
    house.watch.halt.halt(code="ledger-forked", detail="found once")
    process = HaltingRecorder(house.base.ledger, Halt(house.outside, house.clock, CountingRandomness()))
    seen = []

    def ended(*_: object, **__: object) -> None:
        with pytest.raises(LedgerHalted):
            process.record([use()])
        seen.append(True)
        raise MemoryError

    monkeypatch.setattr(house.signer, "sign", ended)
    with pytest.raises(MemoryError):
        house.restarted().resume(principal="operator:zhang", reason="found out why")
    assert seen
    with pytest.raises(LedgerHalted):
        process.record([use()])
    monkeypatch.undo()
    house.restarted().resume(principal="operator:zhang", reason="found out why")
    process.record([use()])
    house.base.database.close()


def test_the_witnessed_checkpoint_is_found_without_reading_all_lines(tmp_path):
    """Anyone may ask for it, as often as they like, in the tenth year too."""
    house = witnessed(tmp_path)
    lines, (one, two) = house.notebook.lines, house.witness_keys
    asked = []
    event.listen(house.base.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def add(size: int, *keys: VerifierKey) -> None:
        for key in keys:
            lines.add(size, SignatureLine(name=key.name, key_id=key.key_id, signature=b"x"))

    for size in range(1, 601):
        add(size, one, two)
    for size in range(601, 1201):
        add(size, one)  # the other one is down
    asked.clear()
    assert lines.size_signed_by([one, two], quorum=2) == 600
    assert len(asked) == 3
    assert lines.size_signed_by([one, two], quorum=1) == 1200
    add(1300, two)
    assert lines.size_signed_by([one, two], quorum=2) == 600  # found beyond several pages
    house.base.database.close()
