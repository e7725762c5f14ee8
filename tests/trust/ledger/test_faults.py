"""Disks without room and clocks that go back: nothing is signed that is not recorded, and what is odd is said."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import MOMENT, CountingRandomness, FixedClock
from tests.trust.ledger.building import KEY, Setting, use, uses
from trust.gm.sm3 import sm3
from trust.keys import KeyPurpose, KeyUse, SigningRequest, UseContext
from trust.ledger import odd
from trust.ledger.domain import Finding, Oddity
from trust.ledger.errors import LedgerUnavailable
from trust.ledger.segments.errors import SegmentFolderUnusable
from trust.ledger.segments.files import SegmentFolder
from trust.ledger.segments.service import Retention
from trust.ledger.segments.store import SqlSegmentStore

STEP = 700  # bytes: less than any page or frame, so that each write of a commit is the one that fails once
REQUEST = SigningRequest(message=b"message", context=UseContext(principal="client:test", why="full disk"))


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes; writes fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_at_any_write_releases_nothing_and_recovers(grown: Setting) -> None:
    log = grown.path.with_name(grown.path.name + "-wal")
    before, base, failures = grown.ledger.size(), log.stat().st_size, 0
    signature = None
    while signature is None:
        try:
            with room_for(base + failures * STEP):
                signature = grown.signer.sign(KEY, REQUEST, purpose=KeyPurpose.LEDGER_CHECKPOINT)
        except LedgerUnavailable as error:
            assert error.retryable  # noqa: PT017  until there is room
            failures += 1
            assert grown.ledger.size() == before
    assert failures > 4096 // STEP  # beyond the first page
    assert signature.ledger_index == before
    assert grown.ledger.entry(before).use.digest == sm3(REQUEST.message).hex()
    assert grown.ledger.verify().size == before + 1


def test_room_that_comes_back_is_enough(grown: Setting) -> None:
    with room_for(0):
        for _ in range(3):
            with pytest.raises(LedgerUnavailable):
                grown.ledger.record(uses(300))
        assert [leaf.index for leaf in grown.ledger.entries(0, 30)] == list(range(21))
    assert list(grown.ledger.record([use()])) == [21]
    assert grown.ledger.verify().size == 22


def test_a_checkpoint_without_room_is_signed_again_and_the_lost_one_is_said(grown: Setting) -> None:
    grown.ledger.record(uses(3))
    signed = grown.store.add_checkpoint
    grown.store.add_checkpoint = lambda _signed: (_ for _ in ()).throw(LedgerUnavailable())  # type: ignore[method-assign]
    with pytest.raises(LedgerUnavailable):
        grown.checkpointer.checkpoint()
    grown.store.add_checkpoint = signed  # type: ignore[method-assign]
    grown.ledger.record(uses(1))
    grown.checkpointer.checkpoint()
    (finding,) = grown.ledger.verify().findings
    assert (finding.place, finding.kind) == ("checkpoint 24", Oddity.CHECKPOINT_NOT_KEPT)


def test_a_segment_without_room_is_not_sealed(grown: Setting, tmp_path: Path) -> None:
    clock = FixedClock()
    clock.advance(days=730)
    folder = SegmentFolder(tmp_path / "segments", CountingRandomness())
    retention = Retention(SqlSegmentStore(grown.database), grown.store, folder, grown.signer, clock, leaves=8)
    with room_for(1000), pytest.raises(SegmentFolderUnusable) as caught:
        retention.seal(timedelta(days=365), by="operator:li")
    assert caught.value.code == "ledger-segment-folder-unusable"
    assert retention.segments() == []
    assert list((tmp_path / "segments").iterdir()) == []
    assert len(retention.seal(timedelta(days=365), by="operator:li")) == 2


def at(**after: float) -> KeyUse:
    return replace(use(), at=MOMENT + timedelta(**after))


def test_a_clock_that_jumps_back_stops_nothing_and_is_reported_once(empty: Setting) -> None:
    empty.ledger.record([at(), at(hours=2), at(hours=1), at(hours=1, seconds=1), at(hours=1, seconds=-59)])
    empty.ledger.record([at(minutes=10), at(hours=3)])
    report = empty.ledger.verify()
    assert [(finding.place, finding.kind) for finding in report.findings] == [
        ("leaf 2", Oddity.CLOCK_BACK),
        ("leaf 5", Oddity.CLOCK_BACK),
    ]
    assert report.findings_in_all == 2
    assert empty.ledger.entry(2).use.at == MOMENT + timedelta(hours=1)


@pytest.mark.parametrize(("back", "found"), [(60, 0), (60.000001, 1)])
def test_signers_that_finish_in_another_order_are_no_jump(empty: Setting, back: float, found: int) -> None:
    empty.ledger.record([at(minutes=5), at(seconds=300 - back)])
    assert empty.ledger.verify().findings_in_all == found
    assert timedelta(seconds=60) == odd.MAX_STEP_BACK


def test_findings_are_kept_up_to_a_limit_and_counted_beyond() -> None:
    findings = odd.Findings()
    for number in range(odd.MAX_FINDINGS + 1):
        findings.add(f"leaf {number}", Oddity.CLOCK_BACK, "")
    assert len(findings.kept) == odd.MAX_FINDINGS == 100
    assert findings.count == 101
    assert findings.kept[0] == Finding(place="leaf 0", kind=Oddity.CLOCK_BACK, detail="")


def test_a_leaf_that_is_no_key_use_has_no_clock(empty: Setting) -> None:
    empty.ledger.record([at(hours=1)])
    empty.store.append([b"not a use", b',"at":"0', b',"at":"0000000000000000000000000000'])
    assert empty.ledger.verify().findings == ()
