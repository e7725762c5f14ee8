"""When a checkpoint is signed, over what, and when not."""

# ruff: noqa: S608  the statements hold nothing but what the tests put there

from dataclasses import replace

import pytest

from tests.fakes import MOMENT
from tests.trust.ledger.building import KEY, ORIGIN, Setting, rebuilt, uses
from trust.gm.sm3 import sm3
from trust.kernel import merkle
from trust.keys import KeyPurpose, KeyUse, Signature, SigningRequest, UseOutcome
from trust.ledger.checkpoints import Checkpointer
from trust.ledger.domain import TREE
from trust.ledger.errors import LedgerBroken, LedgerUnavailable
from trust.signatures import verify


def test_a_checkpoint_states_size_root_and_time_and_is_signed(empty: Setting) -> None:
    assert empty.checkpointer.latest() is None
    empty.ledger.record(uses(5))
    root = empty.ledger.head().root
    signed = empty.checkpointer.checkpoint()
    assert (signed.checkpoint.size, signed.checkpoint.root, signed.checkpoint.at) == (5, root, MOMENT)
    assert (signed.checkpoint.origin, signed.key) == (ORIGIN, KEY)
    info = empty.signer.info
    verify(info.algorithm, info.public_key, signed.body, signed.signature)
    assert empty.checkpointer.latest() == signed


def test_signing_a_checkpoint_appends_its_own_key_use(empty: Setting) -> None:
    empty.ledger.record(uses(5))
    signed = empty.checkpointer.checkpoint()
    assert empty.ledger.size() == 6
    assert signed.entry == 5
    entry = empty.ledger.entry(5).use
    assert entry.purpose is KeyPurpose.LEDGER_CHECKPOINT
    assert entry.digest == sm3(signed.body).hex()


def test_no_new_checkpoint_when_only_its_own_entry_is_new(empty: Setting) -> None:
    first = empty.checkpointer.checkpoint()
    assert first.checkpoint.size == 0
    assert empty.checkpointer.checkpoint() == first
    empty.ledger.record(uses(1))
    second = empty.checkpointer.checkpoint()
    assert second.checkpoint.size == 2
    assert empty.checkpointer.checkpoint() == second
    assert empty.ledger.size() == 3


def test_two_checkpointers_at_once_come_to_rest(empty: Setting) -> None:
    """Two processes that checkpoint the same size: one row, two key uses, and neither sees the other's as news."""
    empty.ledger.record(uses(3))
    outer = empty.signer

    class Interrupted:
        def __init__(self) -> None:
            self.busy = False

        def sign(self, key: str, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
            if not self.busy:
                self.busy = True
                rival.checkpoint()
            return outer.sign(KEY, request, purpose=purpose)

    rival = Checkpointer(empty.store, outer, KEY, empty.checkpointer._clock, origin=ORIGIN)
    mine = Checkpointer(empty.store, Interrupted(), KEY, empty.checkpointer._clock, origin=ORIGIN)  # type: ignore[arg-type]
    signed = mine.checkpoint()
    assert (signed.checkpoint.size, signed.entry) == (3, 3)
    assert empty.ledger.size() == 5
    assert rival.checkpoint() == mine.checkpoint() == signed
    assert empty.ledger.verify().checkpoints == 1


def test_a_refused_checkpoint_is_news(empty: Setting) -> None:
    first = empty.checkpointer.checkpoint()
    use = empty.ledger.entry(first.entry).use
    empty.ledger.record([refused(use)])
    assert empty.checkpointer.checkpoint().checkpoint.size == 2


def refused(use: KeyUse) -> KeyUse:
    return replace(use, outcome=UseOutcome.REFUSED, reason="key-retired")


def test_a_leaf_that_is_no_key_use_is_news(empty: Setting) -> None:
    empty.checkpointer.checkpoint()
    empty.store.append([b"?"])
    assert empty.checkpointer.checkpoint().checkpoint.size == 2


def test_many_new_entries_are_news_without_looking_at_each(empty: Setting) -> None:
    empty.checkpointer.checkpoint()
    empty.ledger.record(uses(40))
    assert empty.checkpointer.checkpoint().checkpoint.size == 41


def test_a_checkpoint_is_consistent_with_the_one_before(grown: Setting) -> None:
    old, new = grown.store.checkpoints(0, 100)
    proof = grown.ledger.consistency_proof(old.checkpoint.size, new.checkpoint.size)
    merkle.verify_consistency(
        TREE,
        old_size=13,
        old_root=old.checkpoint.root,
        new_size=20,
        new_root=new.checkpoint.root,
        path=proof.path,
    )


def test_a_head_that_contradicts_the_last_checkpoint_is_never_signed(grown: Setting) -> None:
    grown.ledger.record(uses(3))
    grown.tamper(f"UPDATE ledger_head SET root = X'{bytes(32).hex()}'")
    with pytest.raises(LedgerBroken) as caught:
        grown.checkpointer.checkpoint()
    assert caught.value.place == "head"
    grown.tamper("UPDATE ledger_head SET size = 19")
    with pytest.raises(LedgerBroken):
        grown.checkpointer.checkpoint()
    assert len(grown.store.checkpoints(0, 100)) == 2


def test_a_database_from_which_a_checkpoint_was_taken_is_never_signed_again(grown: Setting) -> None:
    """Cutting the tail together with the checkpoint over it leaves a ledger that agrees with itself."""
    last = grown.checkpointer.checkpoint()
    kept = [leaf.data for leaf in grown.store.leaves(0, 14)]
    grown.tamper(*rebuilt(kept), "DELETE FROM ledger_checkpoint WHERE size > 13")
    assert grown.ledger.verify().checkpointed_size == 13
    with pytest.raises(LedgerBroken) as caught:
        grown.checkpointer.checkpoint()
    assert caught.value.place == f"checkpoint {last.checkpoint.size}"


def test_no_checkpoint_is_stored_when_signing_fails(empty: Setting) -> None:
    class Failing:
        def sign(self, key: str, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
            raise LedgerUnavailable

    failing = Checkpointer(empty.store, Failing(), KEY, empty.checkpointer._clock, origin=ORIGIN)  # type: ignore[arg-type]
    with pytest.raises(LedgerUnavailable):
        failing.checkpoint()
    assert empty.checkpointer.latest() is None
