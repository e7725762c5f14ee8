"""Appending, reading and proving."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trust.ledger.building import Setting, setting, use, uses
from trust.kernel import merkle
from trust.kernel.merkle import Frontier, OutsideTree
from trust.ledger.domain import TREE, encode_use
from trust.ledger.errors import EntryNotFound, EntryRefused, LedgerUnavailable, TooManyEntries
from trust.ledger.service import MAX_ENTRIES
from trust.ledger.store import SqlLedgerStore


def test_an_empty_ledger_has_the_empty_root(empty: Setting) -> None:
    assert empty.ledger.head().size == 0
    assert empty.ledger.head().root == TREE.empty()
    report = empty.ledger.verify()
    assert (report.size, report.nodes, report.checkpoints, report.checkpointed_size) == (0, 0, 0, None)


def test_entries_come_back_in_order_with_their_bytes(empty: Setting) -> None:
    assert list(empty.ledger.record(uses(3))) == [0, 1, 2]
    assert list(empty.ledger.record([use(3)])) == [3]
    assert list(empty.ledger.record([])) == []
    assert [entry.use for entry in empty.ledger.entries(0, 10)] == uses(4)
    assert empty.ledger.entry(2).data == encode_use(use(2))
    assert [entry.index for entry in empty.ledger.entries(2, 1)] == [2]
    assert empty.ledger.entries(4, 5) == []


def test_the_root_is_that_of_the_leaves_whatever_the_batches(empty: Setting) -> None:
    for size in (1, 5, 2, 16, 1, 7):
        empty.ledger.record(uses(size, start=empty.ledger.size()))
    frontier, _ = Frontier().extend(TREE, [TREE.leaf(encode_use(entry)) for entry in uses(32)])
    assert empty.ledger.head().root == frontier.root(TREE)


def test_another_process_finds_the_edge_of_the_tree(empty: Setting) -> None:
    empty.ledger.record(uses(5))
    again = SqlLedgerStore(empty.database)
    assert again.append([b"x"]) == 5
    assert list(empty.ledger.record([use()])) == [6]  # the first store notices that its own edge is old
    assert empty.ledger.verify().size == 7


@pytest.mark.parametrize("index", [-1, 21])
def test_there_is_no_entry_outside(grown: Setting, index: int) -> None:
    with pytest.raises(EntryNotFound) as caught:
        grown.ledger.entry(index)
    assert caught.value.code == "ledger-entry-not-found"


def test_one_answer_is_limited(grown: Setting) -> None:
    assert len(grown.ledger.entries(0, MAX_ENTRIES)) == 21
    with pytest.raises(TooManyEntries) as caught:
        grown.ledger.entries(0, MAX_ENTRIES + 1)
    assert caught.value.code == "ledger-too-many-entries"
    with pytest.raises(EntryNotFound):
        grown.ledger.entries(22, 1)
    with pytest.raises(EntryNotFound):
        grown.ledger.entries(0, -1)


def test_one_bad_use_refuses_the_call_and_leaves_nothing(empty: Setting) -> None:
    with pytest.raises(EntryRefused):
        empty.ledger.record([use(), use(why="\ud800")])
    assert empty.ledger.size() == 0


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = setting(tmp_path_factory.mktemp("long"))
    made.ledger.record(uses(200))
    yield made
    made.database.close()


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_proofs_from_the_store_hold(long: Setting, data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 200))
    old = data.draw(st.integers(0, new))
    index = data.draw(st.integers(0, new - 1))
    roots = [TREE.empty()]
    frontier = Frontier()
    for entry in uses(200):
        frontier, _ = frontier.extend(TREE, [TREE.leaf(encode_use(entry))])
        roots.append(frontier.root(TREE))
    inclusion = long.ledger.inclusion_proof(index, new)
    merkle.verify_inclusion(
        TREE, index=index, size=new, leaf_hash=inclusion.leaf_hash, path=inclusion.path, root=roots[new]
    )
    consistency = long.ledger.consistency_proof(old, new)
    merkle.verify_consistency(
        TREE, old_size=old, old_root=roots[old], new_size=new, new_root=roots[new], path=consistency.path
    )


def test_no_proofs_beyond_the_ledger(grown: Setting) -> None:
    for proof in (
        lambda: grown.ledger.inclusion_proof(0, 22),
        lambda: grown.ledger.inclusion_proof(21, 21),
        lambda: grown.ledger.consistency_proof(3, 22),
        lambda: grown.ledger.consistency_proof(5, 4),
    ):
        with pytest.raises(OutsideTree):
            proof()


def test_a_ledger_without_database_refuses(tmp_path: Path) -> None:
    made = setting(tmp_path)
    made.database.close()
    made.path.unlink()
    with pytest.raises(LedgerUnavailable) as caught:  # the file comes back empty: no tables
        made.ledger.record([use()])
    assert caught.value.code == "ledger-unavailable"
    assert caught.value.retryable
    with pytest.raises(LedgerUnavailable):
        made.ledger.size()
    made.database.close()


def test_threads_at_once_lose_and_repeat_nothing(empty: Setting) -> None:
    start = threading.Barrier(8)

    def write(worker: int) -> list[int]:
        start.wait()
        return [index for step in range(12) for index in empty.ledger.record([use(worker * 100 + step)] * 2)]

    with ThreadPoolExecutor(8) as pool:
        indexes = [index for result in pool.map(write, range(8)) for index in result]
    assert sorted(indexes) == list(range(192))
    assert empty.ledger.verify().size == 192
    for worker in range(8):
        mine = [int(e.use.digest, 16) for e in empty.ledger.entries(0, 192) if int(e.use.digest, 16) // 100 == worker]
        assert mine == sorted(mine)
