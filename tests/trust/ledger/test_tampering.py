"""Whoever has the database password can write any row: the first bad place is named each time, and only then."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.fakes import FixedClock
from tests.trust.ledger.building import Setting, setting, use, uses
from tests.trust.ledger.rows import Rows, first_bad_place, leaf_hash
from trust.db import Database
from trust.ledger import audit
from trust.ledger.domain import Checkpoint, Oddity, encode_use
from trust.ledger.errors import LedgerBroken
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore

Change = Callable[[Rows, st.DataObject], None]


@dataclass
class Stage:
    """A whole ledger of four checkpoints, the last entry being the last checkpoint's own."""

    made: Setting
    whole: Rows
    known: list[Checkpoint]
    plain: Path

    def opened(self, rows: Rows) -> tuple[Database, Ledger]:
        path = self.plain.with_name("changed.sqlite3")
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(self.plain, path)
        rows.write(path)
        database = Database(f"sqlite:///{path}")
        return database, Ledger(SqlLedgerStore(database), FixedClock(), self.made.signer.describe)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = setting(tmp_path_factory.mktemp("tampering"))
    for count in (7, 5, 9, 8):
        made.ledger.record(uses(count, start=made.ledger.size()))
        made.checkpointer.checkpoint()
    known = [signed.checkpoint for signed in made.store.checkpoints(0, 100)]
    plain = made.path.with_name("plain.sqlite3")
    connection = sqlite3.connect(made.path)
    connection.execute("VACUUM INTO ?", (str(plain),))
    connection.close()
    yield Stage(made, Rows.read(plain), known, plain)
    made.database.close()


def some(keys: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(sorted(keys))


def other_data(data: st.DataObject) -> Any:
    entry = st.integers(1000, 2000).map(lambda number: encode_use(use(number)))
    return data.draw(entry | st.binary(min_size=1, max_size=8) | st.just(b"") | st.just("text"), label="data")


def other_hash(data: st.DataObject) -> Any:
    return data.draw(st.binary(min_size=32, max_size=32) | st.just(b"") | st.just("text"), label="hash")


def change_leaf(rows: Rows, data: st.DataObject) -> None:
    row = rows.leaves[data.draw(some(rows.leaves), label="leaf")]
    what = data.draw(st.sampled_from(["data", "hash", "both"]))
    if what != "hash":
        row[0] = other_data(data)
    if what == "hash":
        row[1] = other_hash(data)
    if what == "both" and isinstance(row[0], bytes):
        row[1] = leaf_hash(row[0])


def delete_leaf(rows: Rows, data: st.DataObject) -> None:
    del rows.leaves[data.draw(some(rows.leaves), label="leaf")]


def insert_leaf(rows: Rows, data: st.DataObject) -> None:
    """Between two others, which moves those behind it, or anywhere beyond the end."""
    place, new = data.draw(st.integers(0, max(rows.leaves) + 3), label="at"), encode_use(use(999))
    moved = {index + 1: row for index, row in rows.leaves.items() if index >= place}
    rows.leaves = {index: row for index, row in rows.leaves.items() if index < place} | moved
    rows.leaves[place] = [new, leaf_hash(new)]


def swap_leaves(rows: Rows, data: st.DataObject) -> None:
    one, two = data.draw(some(rows.leaves), label="one"), data.draw(some(rows.leaves), label="two")
    if data.draw(st.booleans(), label="whole rows"):
        rows.leaves[one], rows.leaves[two] = rows.leaves[two], rows.leaves[one]
    else:
        rows.leaves[one][0], rows.leaves[two][0] = rows.leaves[two][0], rows.leaves[one][0]


def cut_tail(rows: Rows, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, max(rows.leaves)), label="new size")
    rows.leaves = {index: row for index, row in rows.leaves.items() if index < size}
    if data.draw(st.booleans(), label="with its checkpoints"):
        rows.checkpoints = {n: row for n, row in rows.checkpoints.items() if n < size and row[3] < size}


def change_node(rows: Rows, data: st.DataObject) -> None:
    place = data.draw(some(rows.nodes) | st.tuples(st.integers(1, 7), st.integers(0, 40)), label="node")
    rows.nodes[place] = other_hash(data)


def delete_node(rows: Rows, data: st.DataObject) -> None:
    del rows.nodes[data.draw(some(rows.nodes), label="node")]


def swap_nodes(rows: Rows, data: st.DataObject) -> None:
    one, two = data.draw(some(rows.nodes), label="one"), data.draw(some(rows.nodes), label="two")
    rows.nodes[one], rows.nodes[two] = rows.nodes[two], rows.nodes[one]


def change_head(rows: Rows, data: st.DataObject) -> None:
    assert rows.head is not None
    what = data.draw(st.sampled_from(["size", "root", "row"]))
    if what == "size":
        rows.head[0] = data.draw(st.integers(0, 45), label="size")
    elif what == "root":
        rows.head[1] = data.draw(st.binary(min_size=32, max_size=32), label="root")
    else:
        rows.head = None


def change_checkpoint(rows: Rows, data: st.DataObject) -> None:
    row = rows.checkpoints[data.draw(some(rows.checkpoints), label="checkpoint")]
    column = data.draw(st.integers(0, 3), label="column")
    if column == 3:
        row[3] = data.draw(st.integers(0, 45), label="entry")
    elif column == 1:
        row[1] = data.draw(st.sampled_from(["another", "01KSEALINGKEY"]), label="key")
    else:
        place = data.draw(st.integers(0, len(row[column]) - 1), label="byte")
        row[column] = row[column][:place] + bytes([row[column][place] ^ 1]) + row[column][place + 1 :]


def delete_checkpoint(rows: Rows, data: st.DataObject) -> None:
    del rows.checkpoints[data.draw(some(rows.checkpoints), label="checkpoint")]


def insert_checkpoint(rows: Rows, data: st.DataObject) -> None:
    copied = list(rows.checkpoints[data.draw(some(rows.checkpoints), label="copied")])
    rows.checkpoints[data.draw(st.integers(0, 45), label="size")] = copied


def swap_checkpoints(rows: Rows, data: st.DataObject) -> None:
    one, two = data.draw(some(rows.checkpoints), label="one"), data.draw(some(rows.checkpoints), label="two")
    rows.checkpoints[one], rows.checkpoints[two] = rows.checkpoints[two], rows.checkpoints[one]


CHANGES: list[Change] = [
    change_leaf,
    delete_leaf,
    insert_leaf,
    swap_leaves,
    cut_tail,
    change_node,
    delete_node,
    swap_nodes,
    change_head,
    change_checkpoint,
    delete_checkpoint,
    insert_checkpoint,
    swap_checkpoints,
]


def tampered(whole: Rows, data: st.DataObject) -> Rows:
    """One or two changes, and as much of the tree repaired afterwards as the hand at the prompt cares to."""
    rows = whole.copy()
    for _ in range(data.draw(st.integers(1, 2), label="changes")):
        change = data.draw(st.sampled_from(CHANGES), label="change")
        if rows.leaves and rows.nodes and rows.checkpoints and rows.head is not None:
            change(rows, data)
    sound = all(isinstance(row[0], bytes) and isinstance(row[1], bytes) for row in rows.leaves.values())
    if sound and data.draw(st.booleans(), label="repaired"):
        rows.repair(
            hashes=data.draw(st.booleans(), label="hashes"),
            nodes=data.draw(st.booleans(), label="nodes"),
            head=data.draw(st.booleans(), label="head"),
        )
    return rows


@given(data=st.data(), page=st.sampled_from([4, 8, 1024]))
@settings(
    max_examples=300,
    deadline=None,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_first_bad_place_is_named(stage: Stage, data: st.DataObject, page: int) -> None:
    rows = tampered(stage.whole, data)
    expected = first_bad_place(rows, stage.whole.checkpoints)
    event((expected or "nothing").split()[0])
    database, ledger = stage.opened(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "PAGE_LEAVES", page)
        try:
            if expected is not None:
                with pytest.raises(LedgerBroken) as caught:
                    ledger.verify()
                assert caught.value.place == expected
            elif rows == stage.whole:
                assert ledger.verify(against=stage.known).findings == ()
            else:
                assert_seen_from_outside(stage, ledger, rows)
        finally:
            database.close()


def assert_seen_from_outside(stage: Stage, ledger: Ledger, rows: Rows) -> None:
    """Rows that agree among themselves and are not the ledger.

    A tail was cut with its checkpoints, checkpoints are gone, or entries were made up that no checkpoint covers yet.
    """
    true = [rows.leaves.get(index) == row for index, row in sorted(stage.whole.leaves.items())]
    assert all(true[: max(rows.checkpoints, default=0)])
    gone = sorted(size for size in stage.whole.checkpoints if size not in rows.checkpoints)
    assert gone or len(rows.leaves) > len(true)
    found = [(finding.place, finding.kind) for finding in ledger.verify().findings]
    recorded = [size for size in gone if true[stage.whole.checkpoints[size][3]]]
    assert found == [(f"checkpoint {size}", Oddity.CHECKPOINT_NOT_KEPT) for size in recorded]
    lost = [known.size for known in stage.known if not all(true[: known.size])]
    if lost:
        with pytest.raises(LedgerBroken) as caught:
            ledger.verify(against=stage.known)
        assert caught.value.place == f"known checkpoint {lost[0]}"


def test_a_rewrite_after_a_checkpoint_contradicts_the_next_one(stage: Stage) -> None:
    rows = stage.whole.copy()
    rows.leaves[15][0] = encode_use(use(1000))
    rows.repair()
    database, ledger = stage.opened(rows)
    with pytest.raises(LedgerBroken) as caught:
        ledger.verify()
    assert caught.value.place == "checkpoint 23"
    database.close()


def test_a_rewrite_with_all_checkpoints_gone_contradicts_one_that_was_kept(stage: Stage) -> None:
    rows = stage.whole.copy()
    rows.leaves[15][0] = encode_use(use(1000))
    rows.checkpoints.clear()
    rows.repair()
    database, ledger = stage.opened(rows)
    with pytest.raises(LedgerBroken) as caught:
        ledger.verify(against=stage.known)
    assert caught.value.place == "known checkpoint 23"
    database.close()
