"""Whatever is changed in the stored ledger is found, and named."""

# ruff: noqa: S608  the statements hold nothing but what the tests put there

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import MOMENT
from tests.trust.ledger.building import (
    KEY,
    ORIGIN,
    RecordingSigner,
    Setting,
    hexed,
    rebuilt,
    setting,
    use,
    uses,
)
from trust.kernel.errors import NotFound
from trust.kernel.merkle import Frontier
from trust.keys import KeyInfo, KeyPurpose, KeyRef
from trust.ledger import audit
from trust.ledger.domain import TREE, Checkpoint, SignedCheckpoint, encode_use
from trust.ledger.errors import LedgerBroken
from trust.ledger.service import Ledger


def broken(tampered: Setting) -> LedgerBroken:
    with pytest.raises(LedgerBroken) as caught:
        tampered.ledger.verify()
    assert caught.value.code == "ledger-broken"
    assert caught.value.place in caught.value.detail
    return caught.value


def test_a_whole_ledger_is_reported(grown: Setting) -> None:
    report = grown.ledger.verify()
    assert report.size == 21
    assert report.root == grown.ledger.head().root
    assert report.nodes == 10 + 5 + 2 + 1
    assert report.checkpoints == 2
    assert report.checkpointed_size == 20
    assert report.verified_at == MOMENT


def test_a_checkpoint_of_the_empty_ledger_is_verified_too(empty: Setting) -> None:
    empty.checkpointer.checkpoint()
    assert empty.ledger.verify().checkpointed_size == 0
    empty.tamper("UPDATE ledger_checkpoint SET signature = X'00'")
    assert broken(empty).place == "checkpoint 0"


@pytest.mark.parametrize("page", [1, 2, 4, 8, 32])
def test_the_size_of_a_page_does_not_matter(grown: Setting, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = grown.ledger.verify()
    monkeypatch.setattr(audit, "PAGE_LEAVES", page)
    assert grown.ledger.verify() == whole


def test_progress_ends_at_the_size(grown: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE_LEAVES", 8)
    seen: list[tuple[int, int]] = []
    grown.ledger.verify(lambda done, total: seen.append((done, total)))
    assert seen == [(8, 21), (16, 21), (21, 21)]


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (f"UPDATE ledger_leaf SET data = {hexed(encode_use(use(99)))} WHERE idx = 4", "leaf 4"),
        (f"UPDATE ledger_leaf SET hash = {hexed(bytes(32))} WHERE idx = 5", "leaf 5"),
        ("DELETE FROM ledger_leaf WHERE idx = 6", "leaf 6"),
        ("DELETE FROM ledger_leaf WHERE idx = 20", "leaf 20"),
        ("DELETE FROM ledger_leaf WHERE idx >= 12", "leaf 12"),
        (f"UPDATE ledger_node SET hash = {hexed(bytes(32))} WHERE level = 2 AND idx = 1", "node 2/1"),
        ("DELETE FROM ledger_node WHERE level = 1 AND idx = 3", "node 1/3"),
        ("DELETE FROM ledger_node", "node 1/0"),
        (f"INSERT INTO ledger_node VALUES (1, 10, {hexed(bytes(32))})", "node 1/10"),
        (f"INSERT INTO ledger_node VALUES (6, 0, {hexed(bytes(32))})", "node 6/0"),
        (f"INSERT INTO ledger_leaf VALUES (21, {hexed(b'x')}, {hexed(TREE.leaf(b'x'))})", "leaf 21"),
        (f"UPDATE ledger_head SET root = {hexed(bytes(32))}", "head"),
        ("UPDATE ledger_head SET size = 20", "head"),
        ("UPDATE ledger_head SET size = 22", "leaf 21"),
        ("UPDATE ledger_head SET size = 0", "head"),
        ("DELETE FROM ledger_head", "head"),
        ("UPDATE ledger_checkpoint SET signature = X'3006020101020101' WHERE size = 13", "checkpoint 13"),
        ("UPDATE ledger_checkpoint SET signature = X'' WHERE size = 13", "checkpoint 13"),
        ("UPDATE ledger_checkpoint SET body = X'00' WHERE size = 13", "checkpoint 13"),
        ("UPDATE ledger_checkpoint SET size = 14 WHERE size = 13", "checkpoint 14"),
        ("UPDATE ledger_checkpoint SET key = 'another' WHERE size = 20", "checkpoint 20"),
        ("UPDATE ledger_checkpoint SET entry = 13 WHERE size = 20", "checkpoint 20"),
        ("UPDATE ledger_checkpoint SET entry = 14 WHERE size = 13", "checkpoint 13"),
        ("UPDATE ledger_checkpoint SET entry = 99 WHERE size = 20", "checkpoint 20"),
    ],
)
def test_each_change_is_named(grown: Setting, statement: str, place: str) -> None:
    grown.tamper(statement)
    assert broken(grown).place == place


def stored_leaves(made: Setting) -> list[bytes]:
    return [entry.data for entry in made.ledger.entries(0, 256)]


def test_a_rewritten_entry_with_all_hashes_right_breaks_the_checkpoint(grown: Setting) -> None:
    leaves = stored_leaves(grown)
    leaves[3] = encode_use(use(1000))
    grown.tamper(*rebuilt(leaves))
    assert broken(grown).place == "checkpoint 13"


def test_a_tail_cut_with_all_hashes_right_lies_before_the_checkpoint(grown: Setting) -> None:
    grown.tamper(*rebuilt(stored_leaves(grown)[:18]))
    assert broken(grown).place == "checkpoint 20"


def test_cutting_only_the_entry_of_the_last_checkpoint_is_found(grown: Setting) -> None:
    grown.tamper(*rebuilt(stored_leaves(grown)[:20]))
    assert broken(grown).place == "checkpoint 20"


def test_a_forged_checkpoint_does_not_pass(grown: Setting) -> None:
    leaves = stored_leaves(grown)
    leaves[3] = encode_use(use(1000))
    frontier, _ = Frontier().extend(TREE, [TREE.leaf(item) for item in leaves[:13]])
    body = Checkpoint(origin=ORIGIN, size=13, root=frontier.root(TREE), at=MOMENT).body
    grown.tamper(*rebuilt(leaves), f"UPDATE ledger_checkpoint SET body = {hexed(body)} WHERE size = 13")
    assert broken(grown).detail == "checkpoint 13: its signature does not hold."


def test_a_checkpoint_signed_with_a_key_of_another_purpose_does_not_pass(empty: Setting) -> None:
    signer = RecordingSigner(empty.ledger, KeyPurpose.SEALING)
    empty.ledger.record(uses(2))
    empty.checkpointer._signer = signer
    empty.checkpointer.checkpoint()
    other = Ledger(empty.store, empty.checkpointer._clock, signer.describe)
    with pytest.raises(LedgerBroken, match="another purpose"):
        other.verify()


def test_a_checkpoint_signed_without_a_key_use_does_not_pass(empty: Setting) -> None:
    empty.ledger.record(uses(4))
    head = empty.ledger.head()
    checkpoint = Checkpoint(origin=ORIGIN, size=head.size, root=head.root, at=MOMENT)
    value = empty.signer._private.sign(checkpoint.body)
    empty.ledger.record(uses(1))
    signed = SignedCheckpoint(checkpoint=checkpoint, body=checkpoint.body, key=KEY, signature=value, entry=4)
    empty.store.add_checkpoint(signed)
    assert broken(empty).detail == "checkpoint 4: its own key use is not recorded."


def test_a_leaf_that_is_no_key_use_cannot_stand_for_a_checkpoint(empty: Setting) -> None:
    empty.store.append([b"not a use"])
    head = empty.ledger.head()
    checkpoint = Checkpoint(origin=ORIGIN, size=1, root=head.root, at=MOMENT)
    value = empty.signer._private.sign(checkpoint.body)
    empty.store.append([b"not a use either"])
    empty.store.add_checkpoint(
        SignedCheckpoint(checkpoint=checkpoint, body=checkpoint.body, key=KEY, signature=value, entry=1)
    )
    assert broken(empty).place == "checkpoint 1"


def test_the_key_is_asked_of_the_device_and_not_of_the_database(grown: Setting) -> None:
    stranger = RecordingSigner(grown.ledger)
    ledger = Ledger(grown.store, grown.checkpointer._clock, stranger.describe)
    with pytest.raises(LedgerBroken, match="checkpoint 13: its signature"):
        ledger.verify()

    def unknown(key: KeyRef) -> KeyInfo:
        raise NotFound

    with pytest.raises(LedgerBroken, match="checkpoint 13: its key is not known"):
        Ledger(grown.store, grown.checkpointer._clock, unknown).verify()


def test_entries_appended_meanwhile_do_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE_LEAVES", 4)
    made = setting(tmp_path)
    made.ledger.record(uses(10))

    def append(done: int, total: int) -> None:
        made.ledger.record(uses(3))
        made.checkpointer.checkpoint()

    assert made.ledger.verify(append).size == 10
    report = made.ledger.verify()
    assert report.size == 22
    assert report.checkpoints == 3
    made.database.close()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (f"UPDATE ledger_head SET root = {hexed(bytes(32))}", "head"),
        ("UPDATE ledger_head SET size = 20", "head"),
        ("DELETE FROM ledger_head", "head"),
        ("DELETE FROM ledger_leaf WHERE idx = 20", "leaf 20"),
        ("DELETE FROM ledger_node WHERE level = 4", "node 4/0"),
        (f"INSERT INTO ledger_leaf VALUES (21, {hexed(b'x')}, {hexed(TREE.leaf(b'x'))})", "head"),
    ],
)
def test_nothing_is_appended_to_a_tree_whose_edge_was_changed(grown: Setting, statement: str, place: str) -> None:
    grown.tamper(statement)
    fresh = type(grown.store)(grown.database)
    with pytest.raises(LedgerBroken) as caught:
        fresh.append([encode_use(use())])
    assert caught.value.place == place


def test_the_body_that_was_signed_is_kept_byte_for_byte(grown: Setting) -> None:
    latest = grown.checkpointer.latest()
    assert latest is not None
    assert latest.body == latest.checkpoint.body
    assert replace(latest.checkpoint).body == latest.body
    assert base64.b64encode(latest.checkpoint.root) in latest.body
