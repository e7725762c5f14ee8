"""What is remembered outside the database: the file, the reading of the ledger that feeds it, and older homes."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_adapter.policy import scanning
from hsm_adapter.policy.book import FRESH_FOR
from hsm_adapter.policy.changes import ChangeKind
from hsm_adapter.policy.errors import KeySuspended, PolicyKeyMissing, PolicyMemoryUnusable
from hsm_adapter.policy.memory import FILE, PolicyMemory, Record, Seen
from tests.fakes import MOMENT
from tests.hsm_adapter.building import TokenFolder
from tests.hsm_adapter.policy.building import ASKS, Begin, Process, begin
from trust.db import Database
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyRef

refs = st.sampled_from([KeyRef("A"), KeyRef("B"), KeyRef("C")])
records = st.builds(
    Record,
    scanned=st.integers(0, 9),
    changes=st.dictionaries(refs, st.builds(Seen, number=st.integers(1, 9), at=st.just(MOMENT))),
    signed=st.dictionaries(refs, st.integers(0, 9)),
)


@given(one=records, other=records)
def test_two_records_together_know_the_newest_change_of_both(one: Record, other: Record) -> None:
    both = one.merged(other)
    assert both.scanned == max(one.scanned, other.scanned)
    for key in {*one.changes, *other.changes}:
        known = [record.changes[key].number for record in (one, other) if key in record.changes]
        assert both.changes[key].number == max(known)
    assert both.merged(one).changes == both.changes


def test_a_record_is_read_back_and_seen_by_another_process(tmp_path: Path) -> None:
    one, other = (PolicyMemory(tmp_path, SystemRandomness()) for _ in range(2))
    assert other.record() == Record()
    record = Record(scanned=3, changes={KeyRef("A"): Seen(number=2, at=MOMENT)}, signed={KeyRef("A"): 1})
    one.keep(record)
    assert other.record() == record
    one.keep(Record(scanned=9))
    assert (other.record().scanned, other.record().changes) == (9, record.changes)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"changes":{"A":[1]},"scanned":0,"signed":{}}', b"\xff"])
def test_a_damaged_file_stops_signing_and_says_so(process: Process, another: Begin, content: bytes) -> None:
    key = process.new_key()
    (process.folder / FILE).write_bytes(content)
    with pytest.raises(PolicyMemoryUnusable):
        another().sign(key)


def test_the_ledger_is_read_in_pages_and_from_where_it_was_left(
    process: Process, another: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "PAGE", 3)
    monkeypatch.setattr(scanning, "KEPT_EVERY", 6)
    key = process.new_key()
    process.sign(key, count=10)
    process.limit(key)
    process.watch.check()
    process.sign(key, count=4)
    fresh = another()
    read: list[int] = []
    entries = fresh.ledger.entries
    monkeypatch.setattr(fresh.ledger, "entries", lambda start, count: (read.append(start), entries(start, count))[1])
    assert fresh.watch.check() == 0
    assert min(read) >= 12  # ten uses, a proposal and a change were read before
    record = PolicyMemory(process.folder, SystemRandomness()).record()
    assert (record.signed[key.ref], record.changes[key.ref].number, record.scanned) == (14, 1, 16)


def test_counts_begin_anew_when_an_older_database_was_put_back(process: Process) -> None:
    key = process.new_key()
    process.sign(key, count=2)
    PolicyMemory(process.folder, SystemRandomness()).keep(Record(scanned=99, signed={key.ref: 50}))
    process.watch.check()
    record = PolicyMemory(process.folder, SystemRandomness()).record()
    assert (record.scanned, record.signed[key.ref]) == (2, 2)


def test_another_process_feels_a_change_within_the_stated_time(
    process: Process, folder: TokenFolder, tmp_path: Path, database: Database
) -> None:
    key = process.new_key()
    other = begin(folder, tmp_path, database, fresh_for=FRESH_FOR)
    other.sign(key)
    process.desk.suspend(key.ref, by=ASKS, reason="疑似泄露")
    other.clock.moment += FRESH_FOR - timedelta(microseconds=1)
    other.sign(key)
    other.clock.moment += timedelta(microseconds=1)
    with pytest.raises(KeySuspended):
        other.sign(key)


def test_a_clock_that_goes_back_makes_a_process_read_again(
    process: Process, folder: TokenFolder, tmp_path: Path, database: Database
) -> None:
    key = process.new_key()
    other = begin(folder, tmp_path, database, fresh_for=FRESH_FOR)
    other.sign(key)
    process.desk.suspend(key.ref, by=ASKS, reason="疑似泄露")
    other.clock.moment -= timedelta(hours=1)
    with pytest.raises(KeySuspended):
        other.sign(key)


def test_an_older_home_signs_as_before_and_asks_for_a_policy_key_at_the_first_proposal(another: Begin) -> None:
    older = another()
    key = older.new_key()
    older.sign(key, count=5)
    assert older.watch.check() == 0
    with pytest.raises(PolicyKeyMissing):
        older.desk.propose(ChangeKind.RETIRE, key=key.ref, by=ASKS, reason="年度计划")
    assert older.desk.proposals() == []
    older.sign(key)
