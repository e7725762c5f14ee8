"""Law 9 as a property: whatever random people propose, approve, refuse and suspend, in whatever order, the state of a
key is one that two of them agreed on, step by step; a suspension alone is one person's."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_adapter.policy.changes import Change, ChangeKind, KeyLife
from hsm_adapter.policy.domain import KeyPolicy, LifeState
from hsm_adapter.policy.errors import KeyPolicyBroken
from tests.hsm_adapter.building import token_folder
from tests.hsm_adapter.policy.building import Process, begin
from trust.authority.errors import SamePerson
from trust.db import Base, Database
from trust.gm.sm3 import sm3
from trust.kernel.errors import TrustError
from trust.keys import KeyInfo, KeyPurpose

PEOPLE = ("王经办", "王 经办", "王·经办", "李审核", "Li Ming", "LI MING", "Ｌｉ Ｍｉｎｇ", "赵管理")
WHO = {name: index for index, same in enumerate((PEOPLE[:3], PEOPLE[3:4], PEOPLE[4:7], PEOPLE[7:])) for name in same}
KINDS = [kind for kind in ChangeKind if kind not in {ChangeKind.ENROL, ChangeKind.GENERATE, ChangeKind.ROTATE}]
AFTER = {
    ChangeKind.RESUME: ({LifeState.SUSPENDED}, LifeState.ACTIVE),
    ChangeKind.RETIRE: ({LifeState.ACTIVE, LifeState.SUSPENDED}, LifeState.RETIRED),
    ChangeKind.DESTROY: ({LifeState.RETIRED}, LifeState.DESTROYED),
}

steps = st.lists(
    st.tuples(
        st.sampled_from(["propose", "propose", "approve", "approve", "approve", "refuse", "suspend"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(KINDS),
        st.integers(0, 5),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Model:
    """What the rules allow, kept apart from the code: the state, and who asked for what still waits."""

    state: LifeState = LifeState.ACTIVE
    waiting: dict[str, tuple[str, ChangeKind]] = field(default_factory=dict)
    agreed: list[tuple[ChangeKind, str, str | None]] = field(default_factory=list)


@contextmanager
def installation() -> Iterator[tuple[Process, KeyInfo]]:
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{Path(name) / 'keys.sqlite3'}")
        Base.metadata.create_all(database.writer)
        process = begin(token_folder(Path(name)), Path(name), database)
        process.new_key(KeyPurpose.KEY_POLICY)
        try:
            yield process, process.new_key()
        finally:
            database.close()


def propose(process: Process, key: KeyInfo, model: Model, by: str, kind: ChangeKind) -> None:
    policy = KeyPolicy(purpose=key.purpose) if kind is ChangeKind.POLICY else None
    proposal = process.desk.propose(kind, key=key.ref, policy=policy, by=by, reason="年度计划")
    model.waiting[proposal.id] = (by, kind)


def approve(process: Process, model: Model, by: str, which: int) -> None:
    if not model.waiting:
        return
    proposal = sorted(model.waiting)[which % len(model.waiting)]
    asked_by, kind = model.waiting[proposal]
    try:
        process.desk.approve(proposal, by=by)
    except SamePerson:
        assert WHO[by] == WHO[asked_by]
        raise
    assert WHO[by] != WHO[asked_by]
    del model.waiting[proposal]
    model.agreed.append((kind, asked_by, by))
    if kind is not ChangeKind.POLICY:
        before, after = AFTER[kind]
        assert model.state in before
        model.state = after


def one_step(process: Process, key: KeyInfo, model: Model, step: tuple[str, str, ChangeKind, int]) -> None:
    act, by, kind, which = step
    if act == "propose":
        propose(process, key, model, by, kind)
    elif act == "approve":
        approve(process, model, by, which)
    elif act == "refuse" and model.waiting:
        proposal = sorted(model.waiting)[which % len(model.waiting)]
        process.desk.refuse(proposal, by=by)
        del model.waiting[proposal]
    elif act == "suspend":
        process.desk.suspend(key.ref, by=by, reason="疑似泄露")
        assert model.state is LifeState.ACTIVE
        model.state = LifeState.SUSPENDED
        model.agreed.append((ChangeKind.SUSPEND, by, None))


@settings(max_examples=25, deadline=None)
@given(steps=steps)
def test_no_state_is_reached_that_two_people_did_not_agree_on(
    steps: list[tuple[str, str, ChangeKind, int]],
) -> None:
    model = Model()
    with installation() as (process, key):
        for step in steps:
            try:
                one_step(process, key, model, step)
            except KeyPolicyBroken:
                raise
            except TrustError:
                pass
            assert process.book.life(key).state is model.state
        done = [(change.kind, change.proposed_by, change.approved_by) for change in process.book.history(key.ref)]
        assert done == model.agreed


changes = st.builds(
    Change,
    key=st.just("01K"),
    number=st.integers(0, 3),
    previous=st.sampled_from([None, "00" * 32]),
    kind=st.sampled_from(ChangeKind),
    proposal=st.sampled_from([None, "11" * 32]),
    policy=st.sampled_from([None, KeyPolicy(purpose=KeyPurpose.SEALING), KeyPolicy(purpose=KeyPurpose.TOKEN_SIGNING)]),
    predecessor=st.none(),
    used_before=st.none(),
    reason=st.just("年度计划"),
    proposed_by=st.sampled_from(PEOPLE),
    approved_by=st.sampled_from([None, *PEOPLE]),
    at=st.datetimes(timezones=st.none()),
)


@given(documents=st.lists(changes, max_size=6))
def test_no_replay_accepts_a_step_of_one_person_or_out_of_order(documents: list[Change]) -> None:
    life = KeyLife.unrecorded("01K", KeyPurpose.SEALING)  # type: ignore[arg-type]
    for change in documents:
        try:
            after = life.after(change)
        except TrustError:
            continue
        assert change.number == life.number + 1
        assert change.previous == life.last
        assert change.kind is ChangeKind.SUSPEND or WHO[change.proposed_by] != WHO[change.approved_by or ""]
        assert change.policy is None or change.policy.purpose is KeyPurpose.SEALING
        assert after.last == sm3(change.document).hex()
        life = after


@given(change=changes)
def test_a_change_is_read_back_as_it_is_written(change: Change) -> None:
    assert Change.parse(change.document) == change
