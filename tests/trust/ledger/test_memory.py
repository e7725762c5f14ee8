"""The checkpoint outside the database: a database put back is found, and nothing is signed for it."""

from dataclasses import replace

import pytest

from tests.trust.ledger.building import KEY, ORIGIN, rebuilt, use, uses
from tests.trust.ledger.witnessed import witnessed
from trust.ledger.checkpoints import Checkpointer, Outside
from trust.ledger.errors import LedgerBroken
from trust.ledger.halting import HaltingRecorder
from trust.ledger.note_errors import LedgerHalted, LedgerRolledBack, LossNotSeparated, MemoryUnreadable
from trust.ledger.note_keys import ed25519_key
from trust.ledger.notes import Note
from trust.ledger.tree_heads import TreeHead


@pytest.fixture
def house(tmp_path):
    made = witnessed(tmp_path, witnesses=0, quorum=0)
    made.base.ledger.record(uses(5))
    made.checkpointer.checkpoint()
    yield made
    made.base.database.close()


def kept(house) -> TreeHead:
    return TreeHead.parse(house.watch.memory.last().opened(house.log_keys).text)


def cut(house, count: int) -> None:
    """Tail and checkpoints cut together, the tree built anew, every hash of it right."""
    leaves = [leaf.data for leaf in house.base.ledger.entries(0, count)]
    house.base.tamper(*rebuilt(leaves), "DELETE FROM ledger_checkpoint", "DELETE FROM ledger_note_line")


def test_each_checkpoint_lies_outside_the_database_when_it_returns(house):
    assert kept(house).size == 5
    house.base.ledger.record(uses(1))
    assert house.checkpointer.checkpoint().checkpoint.size == kept(house).size == 7


def test_the_note_holds_sm2_and_ed25519_under_the_origin(house):
    opened = house.watch.memory.last().opened(house.log_keys)
    assert [key.name for key, _ in opened.by] == [ORIGIN, ORIGIN]
    assert {key.type for key, _ in opened.by} == {0x01, 0xFF}
    assert opened.text == house.checkpointer.latest().body


def test_a_tail_cut_together_with_its_checkpoints_is_found_after_a_restart(house):
    cut(house, 4)
    assert house.base.ledger.verify().size == 4
    with pytest.raises(LedgerRolledBack) as caught:
        house.restarted().checkpoint()
    assert caught.value.facts == {"signed": 5, "found": 4}
    assert "has size 5, the database 4" in caught.value.detail


def test_a_rebuilt_history_of_the_same_size_is_found(house):
    leaves = [leaf.data for leaf in house.base.ledger.entries(0, 6)]
    leaves[1] = leaves[2]
    house.base.tamper(*rebuilt(leaves), "DELETE FROM ledger_checkpoint")
    with pytest.raises(LedgerRolledBack, match="another root at size 5"):
        house.watch.check()


def test_no_key_signs_after_a_roll_back_not_even_after_the_database_came_back(house):
    recorder = HaltingRecorder(house.base.ledger, house.watch.halt)
    recorder.record([use()])
    cut(house, 4)
    with pytest.raises(LedgerRolledBack):
        house.watch.check()
    with pytest.raises(LedgerHalted) as caught:
        recorder.record([use()])
    assert caught.value.facts == {"reason": "ledger-rolled-back"}
    house.base.ledger.record(uses(9))  # grown beyond the kept size, as another history
    with pytest.raises(LedgerHalted):
        house.restarted().checkpoint()


def test_an_operator_goes_on_by_naming_what_is_given_up_and_that_is_an_entry(house):
    cut(house, 4)
    with pytest.raises(LedgerRolledBack):
        house.watch.check()
    with pytest.raises(LedgerRolledBack):  # not the checkpoint that is kept
        house.restarted().accept_loss(4, by="zhang", approved_by="li", reason="restored")
    with pytest.raises(LossNotSeparated):
        house.restarted().accept_loss(5, by="zhang", approved_by="ＺＨＡＮＧ", reason="restored after fire")
    signed = house.restarted().accept_loss(5, by="zhang", approved_by="li", reason="restored after fire")
    assert signed.checkpoint.size == kept(house).size == 4
    entry = house.base.ledger.entry(signed.entry).use.context
    assert entry.principal == "operator:zhang"
    assert entry.why.endswith("loss of the checkpoint of size 5 accepted, approved by li: restored after fire")
    (aside,) = house.outside.glob("lost-5-*.note")
    assert TreeHead.parse(Note.parse(aside.read_bytes()).text).size == 5
    HaltingRecorder(house.base.ledger, house.watch.halt).record([use()])
    assert house.restarted().checkpoint().checkpoint.size > 4


def test_signing_resumes_only_when_the_right_database_is_back(house):
    whole = [leaf.data for leaf in house.base.ledger.entries(0, 6)]
    checkpoint = house.base.store.checkpoints(0, 9)
    cut(house, 4)
    with pytest.raises(LedgerRolledBack):
        house.watch.check()
    with pytest.raises(LedgerRolledBack):
        house.restarted().resume(principal="operator:zhang", reason="hoped for the best")
    with pytest.raises(LedgerHalted):
        house.watch.check()
    house.base.tamper(*rebuilt(whole))
    for signed in checkpoint:
        house.base.store.add_checkpoint(signed)
    resumed = house.restarted().resume(principal="operator:zhang", reason="the right backup")
    assert house.base.ledger.entry(resumed.entry).use.context.why.endswith("signing resumed: the right backup")
    house.watch.check()


def test_a_smaller_checkpoint_never_replaces_a_greater_one(house):
    first = house.watch.memory.last()
    house.base.ledger.record(uses(3))
    house.checkpointer.checkpoint()
    house.watch.memory.keep(first)
    assert kept(house).size == 9


def test_killed_before_the_file_was_written_is_no_false_alarm(house):
    before = house.watch.memory.last()
    house.base.ledger.record(uses(3))
    house.checkpointer.checkpoint()
    (house.outside / "last-checkpoint.note").write_bytes(before.content)
    house.watch.check()
    assert house.restarted().checkpoint().checkpoint.size == kept(house).size


@pytest.mark.parametrize("content", [b"", b"text", b"a\n1\nb\n\n\xe2\x80\x94 a AAAAAAAA\n"])
def test_a_file_that_is_no_checkpoint_of_ours_is_refused_not_ignored(house, content):
    (house.outside / "last-checkpoint.note").write_bytes(content)
    with pytest.raises(MemoryUnreadable):
        house.restarted().checkpoint()


def test_a_folder_that_cannot_be_written_refuses_the_checkpoint(house, tmp_path):
    house.watch.memory._folder = tmp_path / "gone"
    house.base.ledger.record(uses(3))
    with pytest.raises(MemoryUnreadable):
        house.restarted().checkpoint()


def test_a_checkpoint_of_an_older_release_is_followed_by_one_with_both_signatures(house):
    house.base.tamper("DELETE FROM ledger_note_line")
    assert not house.notebook.countersigned(house.checkpointer.latest())
    signed = house.checkpointer.checkpoint()
    assert signed.checkpoint.size == 6
    assert house.notebook.countersigned(signed)
    assert house.checkpointer.checkpoint() == signed


def test_a_checkpoint_is_due_by_time_or_number_and_only_with_news(house, monkeypatch):
    assert not house.checkpointer.checkpoint_due()
    house.clock.advance(minutes=5)
    assert not house.checkpointer.checkpoint_due()
    house.base.ledger.record(uses(3))
    assert house.checkpointer.checkpoint_due()
    house.checkpointer.checkpoint()
    house.base.ledger.record(uses(3))
    assert not house.checkpointer.checkpoint_due()
    house.clock.advance(seconds=59)
    assert not house.checkpointer.checkpoint_due()
    house.clock.advance(seconds=1)
    assert house.checkpointer.checkpoint_due()
    house.clock.advance(seconds=-61)
    assert house.checkpointer.checkpoint_due(), "a clock that was put back delays nothing"
    house.clock.advance(seconds=2)
    monkeypatch.setattr("trust.ledger.checkpoints.MAX_UNCHECKPOINTED_ENTRIES", 5)
    assert not house.checkpointer.checkpoint_due()
    house.base.ledger.record(uses(1))
    assert house.checkpointer.checkpoint_due()


def test_the_first_checkpoint_is_due_at_once(tmp_path):
    made = witnessed(tmp_path, witnesses=0, quorum=0)
    assert made.checkpointer.checkpoint_due()
    made.base.database.close()


def test_a_process_that_saw_the_checkpoint_names_the_lost_one_too(house):
    house.base.tamper("DELETE FROM ledger_checkpoint")
    with pytest.raises(LedgerBroken, match="checkpoint 5"):
        house.checkpointer.checkpoint()


def test_a_service_that_moved_to_another_name_goes_on_from_the_checkpoint_of_before(house):
    """The history is the same one: what is kept under the old origin is held against it all the same."""
    origin, key = "new.example/ledger", house.notebook.log_key
    house.notebook.log_key = ed25519_key(origin, house.signer.public_key)
    watch = replace(house.watch, origin=origin)
    outside = Outside(signer=house.signer, notebook=house.notebook, watch=watch)
    moved = Checkpointer(house.base.store, house.base.signer, KEY, house.clock, origin=origin, outside=outside)
    signed = moved.checkpoint()
    assert (signed.checkpoint.origin, signed.checkpoint.size) == (origin, 6)
    assert len(house.notebook.note(signed).lines) == 2
    (before,) = house.base.store.checkpoints(5, 6)
    assert [line.name for line in house.notebook.note(before).lines] == [key.name, key.name]
    cut(house, 4)
    with pytest.raises(LedgerRolledBack):
        watch.check()
