"""Old entries leave the database by an act of two persons, into files that prove themselves; nothing else leaves."""

# ruff: noqa: S608  the statements hold nothing but what the tests put there

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.fakes import CountingRandomness, FixedClock
from tests.trust.ledger.building import KEY, Setting, hexed, setting, uses
from trust.kernel import merkle
from trust.ledger import audit
from trust.ledger.domain import TREE, Oddity, encode_use
from trust.ledger.errors import LedgerBroken
from trust.ledger.segments.archive import Archive
from trust.ledger.segments.domain import SEGMENT_LEAVES, Extent, Segment, parse_release
from trust.ledger.segments.errors import (
    ReleaseNotSeparated,
    SegmentFileMissing,
    SegmentInvalid,
    SegmentMalformed,
    SegmentNotFound,
    SegmentReleased,
    SegmentUnproven,
)
from trust.ledger.segments.files import SegmentFile, SegmentFolder
from trust.ledger.segments.service import Retention
from trust.ledger.segments.store import SqlSegmentStore
from trust.ledger.service import Ledger

ASKS, APPROVES = "Li", "Wang"
YEAR = timedelta(days=365)


@dataclass
class Kept:
    made: Setting
    folder: Path
    clock: FixedClock
    retention: Retention
    ledger: Ledger

    def file(self, segment: Segment) -> Path:
        return self.folder / segment.file_name

    def broken(self) -> str:
        with pytest.raises(LedgerBroken) as caught:
            self.ledger.verify()
        return caught.value.place


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Twenty entries and a checkpoint over them (leaf 20), two years ago; segments of eight."""
    made = setting(tmp_path)
    made.ledger.record(uses(20))
    made.checkpointer.checkpoint()
    clock = FixedClock()
    clock.advance(days=730)
    store, folder = SqlSegmentStore(made.database), SegmentFolder(tmp_path / "segments", CountingRandomness())
    retention = Retention(store, made.store, folder, made.signer, clock, leaves=8)
    ledger = Ledger(made.store, clock, made.signer.describe, Archive(store, folder))
    yield Kept(made, tmp_path / "segments", clock, retention, ledger)
    made.database.close()


@pytest.fixture
def released(kept: Kept) -> Segment:
    kept.retention.seal(YEAR, by=ASKS)
    return kept.retention.release(8, KEY, by=APPROVES)


def test_whole_old_segments_below_a_checkpoint_are_sealed_once(kept: Kept) -> None:
    sealed = kept.retention.seal(YEAR, by=ASKS)
    assert [(each.extent.start, each.extent.end, each.proposed_by) for each in sealed] == [(0, 8, ASKS), (8, 16, ASKS)]
    assert kept.retention.segments() == sealed
    assert kept.retention.seal(YEAR, by=APPROVES) == []
    assert kept.ledger.verify().findings == ()
    assert kept.ledger.verify().archived == 0
    assert [kept.file(each).stat().st_mode & 0o777 for each in sealed] == [0o600, 0o600]
    assert SEGMENT_LEAVES == 65_536


@pytest.mark.parametrize(("keep", "count"), [(timedelta(days=730), 0), (timedelta(days=730, seconds=-1), 2)])
def test_an_entry_as_young_as_the_retention_stays(kept: Kept, keep: timedelta, count: int) -> None:
    assert len(kept.retention.seal(keep, by=ASKS)) == count


def test_what_no_checkpoint_covers_is_not_sealed(tmp_path: Path) -> None:
    made = setting(tmp_path)
    made.ledger.record(uses(20))
    clock = FixedClock()
    clock.advance(days=730)
    folder = SegmentFolder(tmp_path / "segments", CountingRandomness())
    retention = Retention(SqlSegmentStore(made.database), made.store, folder, made.signer, clock, leaves=8)
    assert retention.seal(YEAR, by=ASKS) == []
    made.database.close()


def test_a_file_proves_itself_with_nothing_but_its_checkpoint(kept: Kept) -> None:
    _, second = kept.retention.seal(YEAR, by=ASKS)
    path = kept.file(second)
    file = SegmentFile(path)
    file.check()
    assert file.leaves(8, 100) == [encode_use(each) for each in uses(8, start=8)]
    assert file.leaves(7, 1) == file.leaves(16, 1) == []
    assert file.header.checkpoint == kept.made.checkpointer.latest()
    lines = path.read_bytes().split(b"\n")
    assert lines[1:] == [*(encode_use(each) for each in uses(8, start=8)), b""]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], SegmentUnproven),
        (lambda lines: [*lines[:5], *lines[6:]], SegmentUnproven),
        (lambda lines: [*lines[:-1], lines[1], lines[-1]], SegmentUnproven),
        (lambda lines: [lines[0].replace(b'"size":8', b'"size":4'), *lines[1:]], SegmentUnproven),
        (lambda lines: [_with(lines[0], path=[]), *lines[1:]], SegmentUnproven),
        (lambda lines: [_with(lines[0], start=0), *lines[1:]], SegmentUnproven),
        (lambda lines: [_with(lines[0], start=32), *lines[1:]], SegmentUnproven),
        (lambda lines: [_with(lines[0], v=2), *lines[1:]], SegmentMalformed),
        (lambda lines: [_with(lines[0], start=3), *lines[1:]], SegmentMalformed),
        (lambda lines: [_with(lines[0], root="AAAA"), *lines[1:]], SegmentMalformed),
        (lambda lines: [b" " + lines[0], *lines[1:]], SegmentMalformed),
        (lambda lines: lines[1:], SegmentMalformed),
        (lambda _lines: [b""], SegmentMalformed),
    ],
)
def test_an_altered_file_does_not_prove_itself(kept: Kept, change, refused: type[Exception]) -> None:
    _, second = kept.retention.seal(YEAR, by=ASKS)
    path = kept.file(second)
    path.write_bytes(b"\n".join(change(path.read_bytes().split(b"\n"))))
    with pytest.raises(refused):
        SegmentFile(path).check()
    with pytest.raises((SegmentUnproven, SegmentMalformed)):
        kept.retention.release(8, KEY, by=APPROVES)
    assert kept.ledger.verify().archived == 0


def _with(line: bytes, **members: object) -> bytes:
    return json.dumps(json.loads(line) | members, sort_keys=True, separators=(",", ":")).encode()


def test_a_release_is_two_persons_act_and_an_entry(kept: Kept, released: Segment) -> None:
    assert released.release is not None
    use = kept.ledger.entry(released.release.entry).use
    assert (use.context.principal, use.context.act) == (f"operator:{APPROVES}", (f"operator:{ASKS}",))
    assert (use.context.why, use.context.document) == ("release ledger segment", "ledger-segment:8-16")
    statement = parse_release(released.release.body)
    assert (statement.proposed_by, statement.approved_by, statement.root) == (ASKS, APPROVES, released.root)
    assert kept.retention.segments()[1] == released
    with pytest.raises(SegmentReleased):
        kept.retention.release(8, KEY, by=APPROVES)


def test_who_proposed_does_not_approve(kept: Kept) -> None:
    kept.retention.seal(YEAR, by=ASKS)
    with pytest.raises(ReleaseNotSeparated) as caught:
        kept.retention.release(0, KEY, by=ASKS)
    for name in ("LI", " ｌｉ ", "L-i", "Li\u3000"):  # one person, written otherwise (law 9)
        with pytest.raises(ReleaseNotSeparated):
            kept.retention.release(0, KEY, by=name)
    assert caught.value.code == "ledger-release-not-separated"
    with pytest.raises(SegmentNotFound):
        kept.retention.release(16, KEY, by=APPROVES)


def test_emptied_entries_are_read_and_proven_from_the_file(kept: Kept, released: Segment) -> None:
    with kept.made.database.read() as session:
        empty = session.scalars(text("SELECT idx FROM ledger_leaf WHERE length(data) = 0 ORDER BY idx")).all()
    assert empty == list(range(8, 16))
    assert [leaf.use for leaf in kept.ledger.entries(0, 20)] == uses(20)
    checkpoint = kept.made.checkpointer.checkpoint().checkpoint
    for index in (0, 8, 15, 17):
        proof = kept.ledger.inclusion_proof(index, checkpoint.size)
        assert TREE.leaf(kept.ledger.entry(index).data) == proof.leaf_hash
        merkle.verify_inclusion(
            TREE, index=index, size=checkpoint.size, leaf_hash=proof.leaf_hash, path=proof.path, root=checkpoint.root
        )
    report = kept.ledger.verify()
    assert (report.archived, report.findings) == (8, ())


@pytest.mark.parametrize("page", [1, 2, 4, 16])
def test_pages_of_an_audit_and_segments_need_not_agree(
    kept: Kept, released: Segment, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.retention.release(0, KEY, by=APPROVES)
    monkeypatch.setattr(audit, "PAGE_LEAVES", page)
    assert (kept.ledger.verify().archived, kept.ledger.verify().findings) == (16, ())
    path = kept.file(released)
    path.write_bytes(path.read_bytes().replace(encode_use(uses(1, start=13)[0]), encode_use(uses(1, start=99)[0])))
    assert kept.broken() == "leaf 13"


def test_a_segment_that_is_released_while_a_run_goes_on_disturbs_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.retention.seal(YEAR, by=ASKS)
    monkeypatch.setattr(audit, "PAGE_LEAVES", 4)

    def release(done: int, total: int) -> None:
        if done == 4:
            kept.retention.release(8, KEY, by=APPROVES)
            assert total == 21

    assert kept.ledger.verify(release).archived == 8
    assert kept.ledger.verify().archived == 8


def test_a_missing_file_is_said_and_does_not_hide_what_follows(kept: Kept, released: Segment) -> None:
    kept.file(released).rename(kept.folder / "elsewhere")
    report = kept.ledger.verify()
    assert [(each.place, each.kind) for each in report.findings] == [("segment 8", Oddity.SEGMENT_MISSING)]
    assert report.archived == 0
    with pytest.raises(SegmentFileMissing) as caught:
        kept.ledger.entry(9)
    assert caught.value.code == "ledger-segment-missing"
    with pytest.raises(SegmentFileMissing):
        kept.made.ledger.entry(9)
    assert kept.made.ledger.entry(7).use == uses(1, start=7)[0]
    kept.made.tamper(f"UPDATE ledger_leaf SET hash = {hexed(bytes(32))} WHERE idx = 12")
    assert kept.broken() == "node 1/6"
    (kept.folder / "elsewhere").rename(kept.file(released))
    assert kept.broken() == "leaf 12"


@pytest.mark.parametrize(
    ("line", "change", "place"),
    [
        (3, lambda line: line.replace(b"food", b"good"), "leaf 10"),
        (8, lambda line: line.replace(b"food", b"good"), "leaf 15"),
        (1, lambda _line: b"", "leaf 8"),
        (0, lambda line: _with(line, path=[]), "segment 8"),
        (0, lambda _line: b"{}", "segment 8"),
    ],
)
def test_an_altered_file_is_named(kept: Kept, released: Segment, line: int, change, place: str) -> None:
    path = kept.file(released)
    lines = path.read_bytes().split(b"\n")
    lines[line] = change(lines[line])
    path.write_bytes(b"\n".join(lines))
    assert kept.broken() == place


def test_a_file_cut_short_is_named(kept: Kept, released: Segment) -> None:
    path = kept.file(released)
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:6]) + b"\n")
    assert kept.broken() == "leaf 13"
    with pytest.raises(LedgerBroken):
        kept.ledger.entry(14)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE ledger_leaf SET data = X'' WHERE idx = 3", "leaf 3"),
        ("UPDATE ledger_leaf SET data = X'' WHERE idx = 17", "leaf 17"),
        ("DELETE FROM ledger_segment", "leaf 8"),
        ("UPDATE ledger_segment SET entry = NULL, body = NULL, key = NULL, signature = NULL", "leaf 8"),
        ("UPDATE ledger_segment SET entry = NULL WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET size = 7 WHERE start = 8", "segment 8"),
        (f"UPDATE ledger_segment SET root = {hexed(bytes(32))} WHERE start = 8", "segment 8"),
        (f"UPDATE ledger_segment SET root = {hexed(bytes(32))} WHERE start = 0", "segment 0"),
        ("UPDATE ledger_segment SET file = 'x' WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET proposed_by = 'another' WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET body = X'00' WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET signature = X'00' WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET entry = 3 WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET entry = 20 WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET entry = 99 WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET key = 'another' WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET proposed_at = 'x' WHERE start = 8", "segment 8"),
        ("UPDATE ledger_segment SET start = 32 WHERE start = 0", "segment 32"),
    ],
)
def test_a_release_made_up_by_hand_is_named(kept: Kept, released: Segment, statement: str, place: str) -> None:
    kept.made.tamper(statement)
    assert kept.broken() == place


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_leaf SET data = X'' WHERE idx = 3",
        "UPDATE ledger_leaf SET data = X'00' WHERE idx = 8",
        "UPDATE ledger_leaf SET data = X'', hash = X'00' WHERE idx = 8",
        "UPDATE ledger_leaf SET data = X'', idx = 99 WHERE idx = 8",
        "DELETE FROM ledger_leaf WHERE idx = 8",
        "DELETE FROM ledger_segment",
        "UPDATE ledger_segment SET entry = 20 WHERE start = 8",
        "UPDATE ledger_segment SET body = X'', key = 'k', signature = X'' WHERE start = 0",
        "UPDATE ledger_segment SET body = X'', key = 'k', signature = X'', entry = 1, size = 16 WHERE start = 0",
        "INSERT OR REPLACE INTO ledger_segment SELECT * FROM ledger_segment WHERE start = 8",
        "INSERT INTO ledger_segment VALUES (16, 4, X'00', 'f', 20, 'a', 't', X'00', 'k', X'00', 21)",
    ],
)
def test_the_database_refuses_all_but_a_release(kept: Kept, released: Segment, statement: str) -> None:
    with pytest.raises(IntegrityError), kept.made.database.write() as session:
        session.execute(text(statement))
    assert kept.ledger.verify().archived == 8


def test_a_release_that_fails_half_way_leaves_the_entries(kept: Kept) -> None:
    kept.retention.seal(YEAR, by=ASKS)
    with kept.made.database.write() as session:
        session.execute(
            text(
                "CREATE TRIGGER fault BEFORE UPDATE ON ledger_leaf WHEN OLD.idx = 13 "
                "BEGIN SELECT RAISE(ABORT, 'fault'); END"
            )
        )
    with pytest.raises(LedgerBroken):
        kept.retention.release(8, KEY, by=APPROVES)
    assert kept.retention.segments()[1].release is None
    assert kept.ledger.verify().archived == 0
    with kept.made.database.write() as session:
        session.execute(text("DROP TRIGGER fault"))
    kept.retention.release(8, KEY, by=APPROVES)
    assert kept.ledger.verify().archived == 8


def test_a_release_needs_its_file(kept: Kept) -> None:
    first, _ = kept.retention.seal(YEAR, by=ASKS)
    kept.file(first).unlink()
    with pytest.raises(SegmentFileMissing):
        kept.retention.release(0, KEY, by=APPROVES)


def test_the_entries_of_a_release_may_be_released_in_their_turn(kept: Kept, released: Segment) -> None:
    kept.made.ledger.record(uses(10))
    kept.made.checkpointer.checkpoint()
    kept.clock.advance(days=730)
    third = kept.retention.seal(YEAR, by=ASKS)[0]
    assert released.release is not None
    assert third.extent.start <= released.release.entry < third.extent.end
    kept.retention.release(third.extent.start, KEY, by=APPROVES)
    assert (kept.ledger.verify().archived, kept.ledger.verify().findings) == (16, ())


@pytest.mark.parametrize(("start", "size"), [(0, 1), (0, 3), (4, 8), (-8, 8), (0, 0)])
def test_a_segment_is_a_full_subtree(start: int, size: int) -> None:
    with pytest.raises(SegmentInvalid):
        Extent(start=start, size=size)
    assert Extent(start=8, size=8).node == merkle.Node(3, 1)


def test_a_release_has_one_spelling(kept: Kept, released: Segment) -> None:
    assert released.release is not None
    body = released.release.body
    for other in (body + b" ", body.replace(b'"v":1', b'"v":2'), b"[]", b"[" * 100_000, body.replace(b"8", b"9")):
        with pytest.raises(SegmentMalformed):
            parse_release(other)
    assert replace(parse_release(body)).body == body
