"""Group commit: who comes at the same time shares a transaction; a failure reaches everyone it concerns."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from trust.ledger.batching import MAX_ENTRIES_PER_COMMIT, GroupCommit
from trust.ledger.errors import LedgerUnavailable


class GatedCommit:
    """Counts entries; its first commit waits at a gate, so that others gather behind it."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.error: BaseException | None = None
        self.size = 0

    def __call__(self, entries: Sequence[bytes]) -> int:
        self.batches.append(list(entries))
        if len(self.batches) == 1:
            self.entered.set()
            assert self.gate.wait(10)
        elif self.error is not None:
            raise self.error
        first, self.size = self.size, self.size + len(entries)
        return first


def gathered(commit: GatedCommit, waiting: Sequence[Sequence[bytes]]) -> tuple[Future[int], list[Future[int]]]:
    """One caller inside its commit and the others behind it, in order; the gate is then opened."""
    group = GroupCommit(commit)
    with ThreadPoolExecutor(1 + len(waiting)) as pool:
        leader = pool.submit(group.submit, [b"first"])
        assert commit.entered.wait(10)
        others = []
        for count, entries in enumerate(waiting, start=1):
            others.append(pool.submit(group.submit, entries))
            while len(group._waiting) < count:
                threading.Event().wait(0.001)
        commit.gate.set()
    return leader, others


def test_one_alone_commits_at_once() -> None:
    commit = GatedCommit()
    commit.gate.set()
    group = GroupCommit(commit)
    assert [group.submit([b"a"]), group.submit([b"b", b"c"]), group.submit([b"d"])] == [0, 1, 3]
    assert len(commit.batches) == 3


def test_those_who_wait_share_one_commit() -> None:
    commit = GatedCommit()
    leader, others = gathered(commit, [[b"1"], [b"2", b"2"], [b"3"]])
    assert leader.result() == 0
    assert [other.result() for other in others] == [1, 2, 4]
    assert commit.batches == [[b"first"], [b"1", b"2", b"2", b"3"]]


def test_a_commit_is_bounded_but_no_call_is_split() -> None:
    commit = GatedCommit()
    full = [b"x"] * MAX_ENTRIES_PER_COMMIT
    over = [b"y"] * (MAX_ENTRIES_PER_COMMIT + 1)
    _, others = gathered(commit, [full, [b"z"], over])
    assert [other.result() for other in others] == [1, 1 + len(full), 2 + len(full)]
    assert [len(batch) for batch in commit.batches] == [1, len(full), 1, len(over)]


def test_a_failure_reaches_all_who_shared_the_commit_and_nobody_else() -> None:
    commit = GatedCommit()
    commit.error = LedgerUnavailable()
    leader, others = gathered(commit, [[b"1"], [b"2"]])
    assert leader.result() == 0
    for other in others:
        with pytest.raises(LedgerUnavailable):
            other.result()
    commit.error = None
    assert GroupCommit(commit).submit([b"next"]) == 1


def test_after_a_failure_the_next_call_leads_again() -> None:
    commit = GatedCommit()
    commit.gate.set()
    group = GroupCommit(commit)
    group.submit([b"a"])
    commit.error = LedgerUnavailable()
    with pytest.raises(LedgerUnavailable):
        group.submit([b"b"])
    commit.error = None
    assert group.submit([b"c"]) == 1


def test_an_interrupted_leader_leaves_nobody_believing() -> None:
    commit = GatedCommit()
    commit.error = KeyboardInterrupt()
    _, others = gathered(commit, [[b"1"], [b"2"]])
    assert isinstance(others[0].exception(), KeyboardInterrupt)
    assert isinstance(others[1].exception(), LedgerUnavailable)
