"""The life of one key, on SQLite and on PostgreSQL."""

import pytest

from hsm_adapter.errors import KeyRetired
from hsm_adapter.policy.changes import PROPOSAL_LIFE, ChangeKind
from hsm_adapter.policy.domain import KeyPolicy, LifeState
from hsm_adapter.policy.errors import (
    CallerNotAllowed,
    KeyChangeForbidden,
    KeyNotActive,
    KeyOverlapRunning,
    KeyPolicyInvalid,
    KeySuspended,
    PolicyKeyMissing,
    ProposalDecided,
    ProposalLapsed,
)
from hsm_adapter.policy.service_keys import in_service, seen_by_services
from tests.hsm_adapter.policy.building import AGREES, ASKS, SM2, Begin, Process, dying
from trust.authority.errors import SamePerson
from trust.gm.sm3 import sm3
from trust.kernel.errors import TrustError
from trust.keys import KeyPurpose, KeyState, UseOutcome


def refused(process: Process, key, error: type[TrustError], **details) -> None:
    """The key does not sign, and the ledger says why."""
    with pytest.raises(error):
        process.sign(key, **details)
    use = process.ledger.entry(process.ledger.size() - 1).use
    assert (use.outcome, use.reason) == (UseOutcome.REFUSED, error.code)


def test_a_key_without_a_record_is_active_for_its_purpose(process: Process) -> None:
    key = process.new_key()
    life = process.book.life(key)
    assert (life.number, life.state, life.policy) == (0, LifeState.ACTIVE, KeyPolicy(purpose=KeyPurpose.SEALING))
    assert len(process.sign(key, count=3)) == 3


def test_a_key_goes_through_its_life_and_each_step_is_a_leaf_of_the_ledger(process: Process) -> None:
    policy = KeyPolicy(purpose=KeyPurpose.SEALING, owner="某市大数据局", note="电子证照专用")
    made = process.agree(ChangeKind.GENERATE, policy=policy, making=SM2)
    assert made.state is LifeState.GENERATED
    refused(process, made.key, KeyNotActive)
    assert process.agree(ChangeKind.ACTIVATE, made.key).state is LifeState.ACTIVE
    process.sign(made.key)
    assert process.desk.suspend(made.key, by=ASKS, reason="疑似泄露").state is LifeState.SUSPENDED
    refused(process, made.key, KeySuspended)
    assert process.agree(ChangeKind.RESUME, made.key).state is LifeState.ACTIVE
    process.sign(made.key)
    assert process.agree(ChangeKind.RETIRE, made.key).state is LifeState.RETIRED
    refused(process, made.key, KeyRetired)
    assert process.token.info(made.key).state is KeyState.ACTIVE
    assert process.agree(ChangeKind.DESTROY, made.key).state is LifeState.DESTROYED
    assert process.token.info(made.key).state is KeyState.RETIRED
    refused(process, made.key, KeyRetired)
    rows = [row for row in process.store.changes() if row.key == made.key]
    for number, row in enumerate(rows, start=1):
        use = process.ledger.entry(row.signed.entry).use
        assert use.digest == sm3(row.signed.document).hex()
        assert use.context.document == f"key-policy:{made.key}:{number}"
        assert use.purpose is KeyPurpose.KEY_POLICY
    kinds = [change.kind.value for change in process.book.history(made.key)]
    assert kinds == ["generate", "activate", "suspend", "resume", "retire", "destroy"]


@pytest.mark.parametrize("variant", ["王经办", "  王 经办", "王·经办", "王经办\u3000", "ＷＡＮＧ"])
def test_law_9_no_variant_of_a_name_approves(process: Process, variant: str) -> None:
    key = process.new_key()
    asks = "wang" if variant == "ＷＡＮＧ" else ASKS
    proposal = process.desk.propose(ChangeKind.RETIRE, key=key.ref, by=asks, reason="年度计划")
    with pytest.raises(SamePerson):
        process.desk.approve(proposal.id, by=variant)
    process.sign(key)


def test_suspending_takes_one_person_and_resuming_two(process: Process, another: Begin) -> None:
    key, other = process.new_key(), another()
    other.sign(key)
    process.desk.suspend(key.ref, by=ASKS, reason="疑似泄露")
    refused(other, key, KeySuspended)
    proposal = process.desk.propose(ChangeKind.RESUME, key=key.ref, by=ASKS, reason="误报")
    with pytest.raises(SamePerson):
        process.desk.approve(proposal.id, by=ASKS)
    refused(other, key, KeySuspended)
    process.desk.approve(proposal.id, by=AGREES)
    other.sign(key)


def test_a_proposal_changes_nothing_and_is_decided_once(process: Process) -> None:
    key = process.new_key()
    proposal = process.desk.propose(ChangeKind.RETIRE, key=key.ref, by=ASKS, reason="年度计划")
    process.sign(key)
    process.desk.refuse(proposal.id, by=ASKS)
    with pytest.raises(ProposalDecided):
        process.desk.approve(proposal.id, by=AGREES)
    with pytest.raises(ProposalDecided):
        process.desk.refuse(proposal.id, by=AGREES)
    process.sign(key)


def test_a_proposal_lapses_after_a_week(process: Process) -> None:
    key = process.new_key()
    first, second = (
        process.desk.propose(ChangeKind.POLICY, key=key.ref, policy=KeyPolicy(purpose=key.purpose), by=ASKS, reason=why)
        for why in ("理由一", "理由二")
    )
    process.clock.moment += PROPOSAL_LIFE  # one clock for all
    with pytest.raises(ProposalLapsed):
        process.desk.approve(first.id, by=AGREES)
    process.clock.advance(microseconds=-1)
    process.desk.approve(second.id, by=AGREES)


def test_only_callers_that_the_policy_names_use_the_key(process: Process) -> None:
    key = process.new_key()
    process.limit(key, callers=frozenset({"client:food-office", "system:start"}))
    process.sign(key)
    refused(process, key, CallerNotAllowed, principal="client:food-office2")


def test_the_purpose_of_a_key_never_changes(process: Process) -> None:
    key = process.new_key()
    with pytest.raises(KeyPolicyInvalid) as caught:
        process.agree(ChangeKind.POLICY, key, policy=KeyPolicy(purpose=KeyPurpose.TOKEN_SIGNING))
    assert caught.value.field == "purpose"


@pytest.mark.parametrize("kind", [ChangeKind.ACTIVATE, ChangeKind.RESUME, ChangeKind.DESTROY, ChangeKind.SUSPEND])
def test_a_change_that_the_state_does_not_permit_is_not_even_proposed(process: Process, kind: ChangeKind) -> None:
    with pytest.raises(KeyChangeForbidden):
        process.desk.propose(kind, key=process.new_key().ref, by=ASKS, reason="年度计划")


def test_a_rotation_hands_over_with_an_overlap(process: Process) -> None:
    old = process.new_key()
    process.limit(old, owner="某市大数据局", overlap_days=2)
    born = process.agree(ChangeKind.ROTATE, old)
    assert (born.state, born.predecessor, born.policy.owner) == (LifeState.GENERATED, old.ref, "某市大数据局")

    def sealing() -> list:
        keys = in_service(process.token.keys(), process.book)
        return [key.ref for key in keys if key.purpose is KeyPurpose.SEALING]

    assert sealing() == [old.ref]
    process.clock.advance(days=1)
    process.agree(ChangeKind.ACTIVATE, born.key)
    assert sealing() == [old.ref, born.key]
    process.sign(born.key)
    process.sign(old)
    process.clock.advance(days=2, microseconds=-1)
    with pytest.raises(KeyOverlapRunning):
        process.agree(ChangeKind.RETIRE, old)
    process.clock.advance(microseconds=1)
    process.agree(ChangeKind.RETIRE, old)
    assert sealing() == [born.key]


def test_services_see_suspended_keys_as_ended_and_generated_ones_not_at_all(process: Process) -> None:
    key = process.new_key()
    born = process.agree(ChangeKind.ROTATE, key)
    process.desk.suspend(key.ref, by=ASKS, reason="疑似泄露")
    seen = {info.ref: info.state for info in seen_by_services(process.token.keys(), process.book)}
    assert born.key not in seen
    assert seen[key.ref] is KeyState.RETIRED


def test_the_only_policy_key_cannot_be_ended_and_a_second_one_can_end_it(process: Process) -> None:
    (only,) = process.token.keys()
    with pytest.raises(PolicyKeyMissing):
        process.desk.suspend(only.ref, by=ASKS, reason="疑似泄露")
    born = process.agree(ChangeKind.ROTATE, only)
    process.agree(ChangeKind.ACTIVATE, born.key)
    process.desk.suspend(only.ref, by=ASKS, reason="疑似泄露")
    process.clock.advance(days=1)
    assert process.agree(ChangeKind.RETIRE, only).state is LifeState.RETIRED
    key = process.new_key()
    assert process.agree(ChangeKind.RETIRE, key).state is LifeState.RETIRED


def test_a_key_made_for_a_proposal_that_was_interrupted_signs_nothing_and_is_finished(
    process: Process, another: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = KeyPolicy(purpose=KeyPurpose.SEALING)
    proposal = process.desk.propose(ChangeKind.GENERATE, policy=policy, making=SM2, by=ASKS, reason="新部门")
    monkeypatch.setattr(process.desk, "_decided", dying)
    with pytest.raises(MemoryError):
        process.desk.approve(proposal.id, by=AGREES)
    after = another()
    known = after.token.keys()
    (orphan,) = [key for key in known if key.purpose is KeyPurpose.SEALING]
    refused(after, orphan, KeyNotActive)
    assert after.desk.approve(proposal.id, by=AGREES).key == orphan.ref
    assert len(after.token.keys()) == 2


def test_a_destruction_that_was_interrupted_is_finished(
    process: Process, another: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = process.new_key()
    process.agree(ChangeKind.RETIRE, key)
    proposal = process.desk.propose(ChangeKind.DESTROY, key=key.ref, by=ASKS, reason="期满销毁")
    monkeypatch.setattr(process.desk, "_ended", dying)
    with pytest.raises(MemoryError):
        process.desk.approve(proposal.id, by=AGREES)
    assert process.token.info(key.ref).state is KeyState.ACTIVE
    assert another().desk.approve(proposal.id, by=AGREES).state is LifeState.DESTROYED
    assert process.token.info(key.ref).state is KeyState.RETIRED
