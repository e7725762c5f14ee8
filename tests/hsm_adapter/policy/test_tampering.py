"""Somebody with the database password forges, drops, reorders or alters: each is named, and the key does not sign."""

# ruff: noqa: S608  the statements hold nothing but what the tests put there

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from hsm_adapter.policy.book import SETTLING
from hsm_adapter.policy.changes import Change, ChangeKind
from hsm_adapter.policy.domain import LifeState
from hsm_adapter.policy.errors import KeyPolicyBroken, KeySuspended
from tests.hsm_adapter.policy.building import AGREES, ASKS, Begin, Process, dying
from trust.keys import KeyInfo, KeyPurpose, KeyState, UseOutcome

Attack = Callable[[Process, KeyInfo], None]


def run(process: Process, statement: str, **values: object) -> None:
    with process.database.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0


def suspended_key(process: Process) -> KeyInfo:
    """A key with a limit on callers, suspended: three changes."""
    key = process.new_key()
    process.limit(key, callers=frozenset({"client:food-office"}))
    process.limit(key, callers=frozenset({"client:food-office"}), note="第二次")
    process.desk.suspend(key.ref, by=ASKS, reason="疑似泄露")
    process.clock.moment += SETTLING
    return key


def drop_newest(process: Process, key: KeyInfo) -> None:
    run(process, "DELETE FROM key_change WHERE key = :key AND number = 3", key=key.ref)


def drop_all(process: Process, key: KeyInfo) -> None:
    run(process, "DELETE FROM key_change WHERE key = :key", key=key.ref)


def drop_middle(process: Process, key: KeyInfo) -> None:
    run(process, "DELETE FROM key_change WHERE key = :key AND number = 2", key=key.ref)


def renumber(process: Process, key: KeyInfo) -> None:
    drop_middle(process, key)
    run(process, "UPDATE key_change SET number = 2 WHERE key = :key AND number = 3", key=key.ref)


def swap(process: Process, key: KeyInfo) -> None:
    for old, new in ((3, 9), (2, 3), (9, 2)):
        statement = "UPDATE key_change SET number = :new WHERE key = :key AND number = :old"
        run(process, statement, new=new, old=old, key=key.ref)


def put(process: Process, key: KeyInfo, document: bytes) -> None:
    run(process, "UPDATE key_change SET document = :it WHERE key = :key AND number = 1", it=document, key=key.ref)


def alter(process: Process, key: KeyInfo) -> None:
    row = next(row for row in process.store.changes() if row.key == key.ref)
    forged = row.signed.document.replace(b"client:food-office", b"client:evil-office")
    put(process, key, forged)


def respell(process: Process, key: KeyInfo) -> None:
    row = next(row for row in process.store.changes() if row.key == key.ref)
    put(process, key, row.signed.document + b" ")


def take_from_another_key(process: Process, key: KeyInfo) -> None:
    other = process.new_key()
    process.limit(other)
    drop_all(process, key)
    run(process, "UPDATE key_change SET key = :key WHERE key = :other", key=key.ref, other=other.ref)


def point_elsewhere(process: Process, key: KeyInfo) -> None:
    run(process, "UPDATE key_change SET entry = entry + 100000 WHERE key = :key AND number = 2", key=key.ref)


def forge(process: Process, key: KeyInfo) -> None:
    """A well-formed next change, under the signature of the one before."""
    rows = [row for row in process.store.changes() if row.key == key.ref]
    life = process.book.life(key)
    change = Change(
        key=key.ref,
        number=4,
        previous=life.last,
        kind=ChangeKind.RESUME,
        proposal="00" * 32,
        policy=None,
        predecessor=None,
        used_before=None,
        reason="误报",
        proposed_by=ASKS,
        approved_by=AGREES,
        at=process.clock.now(),
    )
    run(
        process,
        "INSERT INTO key_change VALUES (:key, 4, :document, :signature, :signer, 7, NULL)",
        key=key.ref,
        document=change.document,
        signature=rows[-1].signed.signature,
        signer=rows[-1].signed.signer,
    )


ATTACKS: list[Attack] = [
    drop_newest, drop_all, drop_middle, renumber, swap, alter, respell, take_from_another_key, point_elsewhere, forge,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_is_named_and_the_key_does_not_sign(process: Process, another: Begin, attack: Attack) -> None:
    key = suspended_key(process)
    with pytest.raises(KeySuspended):
        process.sign(key)
    attack(process, key)
    with pytest.raises((KeySuspended, KeyPolicyBroken)):  # what was verified holds until the rows are read again
        process.sign(key)
    assert process.watch.check() == (2 if attack is take_from_another_key else 1)  # the row is gone from there
    for each in (another(), process):
        with pytest.raises(KeyPolicyBroken):
            each.sign(key)
        use = each.ledger.entry(each.ledger.size() - 1).use
        assert (use.outcome, use.reason) == (UseOutcome.REFUSED, "key-policy-broken")
    assert any(key.ref in named.detail for named in process.watch.broken())


def test_a_newest_change_that_was_dropped_is_found_by_the_ledger_alone(process: Process, another: Begin) -> None:
    key = suspended_key(process)
    drop_newest(process, key)
    for path in process.folder.iterdir():
        path.unlink()
    fresh = another()
    assert fresh.watch.check() == 1
    (named,) = fresh.watch.broken()
    assert named.facts["place"] == f"key-policy:{key.ref}:3"
    with pytest.raises(KeyPolicyBroken):
        fresh.sign(key)


def test_other_keys_go_on(process: Process, another: Begin) -> None:
    key, other = suspended_key(process), process.new_key()
    drop_newest(process, key)
    another().sign(other)


def test_without_tampering_nothing_is_reported(process: Process, another: Begin) -> None:
    key = suspended_key(process)
    process.agree(ChangeKind.RESUME, key)
    process.clock.moment += SETTLING
    assert (another().watch.check(), process.watch.check(), process.watch.broken()) == (0, 0, [])


def test_a_process_that_ended_between_leaf_and_row_is_finished_by_approving_again(
    process: Process, another: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = process.new_key()
    proposal = process.desk.propose(ChangeKind.RETIRE, key=key.ref, by=ASKS, reason="年度计划")
    monkeypatch.setattr(process.store, "add_change", dying)
    with pytest.raises(MemoryError):
        process.desk.approve(proposal.id, by=AGREES)
    after = another()
    assert after.watch.check() == 0  # the row may still come
    process.clock.moment += SETTLING
    assert after.watch.check() == 1
    assert after.desk.approve(proposal.id, by=AGREES).state is LifeState.RETIRED
    assert after.watch.check() == 0


@pytest.mark.parametrize("column", ["document", "signature", "signer", "entry"])
def test_a_forged_proposal_is_not_approved(process: Process, column: str) -> None:
    key, other = process.new_key(), process.new_key(KeyPurpose.TOKEN_SIGNING)
    proposal = process.desk.propose(ChangeKind.RETIRE, key=key.ref, by=ASKS, reason="年度计划")
    forged = {
        "document": proposal.document.replace(ASKS.encode(), "赵经办".encode()),
        "signature": b"0" * 70,
        "signer": other.ref,
        "entry": 1,
    }[column]
    process.sign(other)
    run(process, f"UPDATE key_proposal SET {column} = :forged WHERE id = :id", forged=forged, id=proposal.id)
    with pytest.raises(KeyPolicyBroken):
        process.desk.approve(proposal.id, by=AGREES)
    process.sign(key)


def test_a_suspension_whose_row_was_deleted_gives_the_key_back_for_no_moment(process: Process) -> None:
    key = process.new_key()
    process.limit(key)
    process.limit(key, note="第二次")
    process.desk.suspend(key.ref, by=ASKS, reason="疑似泄露")
    with pytest.raises(KeySuspended):
        process.sign(key)
    drop_newest(process, key)
    process.clock.moment += timedelta(seconds=2)  # well within the time that a row may be on its way
    with pytest.raises(KeyPolicyBroken):
        process.sign(key)


def test_a_row_that_counts_as_approved_destroys_nothing_without_a_signed_change(process: Process) -> None:
    key = process.new_key()
    process.agree(ChangeKind.RETIRE, key)
    proposal = process.desk.propose(ChangeKind.DESTROY, key=key.ref, by=ASKS, reason="期满销毁")
    run(process, "UPDATE key_proposal SET state = 'approved' WHERE id = :id", id=proposal.id)
    with pytest.raises(KeyPolicyBroken):
        process.desk.approve(proposal.id, by=AGREES)
    assert process.token.info(key.ref).state is KeyState.ACTIVE
