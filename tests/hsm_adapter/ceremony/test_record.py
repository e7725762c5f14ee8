import json
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_adapter.ceremony.errors import (
    CeremonyExists,
    CeremonyFolderUnusable,
    CeremonyMissing,
    CeremonyRunning,
    RecordBroken,
)
from hsm_adapter.ceremony.record import RECORD, Kind, created, opened, parse_record, read_record
from tests.fakes import FixedClock
from trust.gm.sm3 import sm3


@pytest.fixture
def written(medium):
    with created(medium, FixedClock()) as record:
        for number in range(6):
            record.append(Kind.DONE, {"step": f"s{number}"})
    return medium


def lines_of(folder):
    return (folder / RECORD).read_bytes().splitlines(keepends=True)


def test_each_line_carries_the_sm3_of_the_line_before(written):
    raw = lines_of(written)
    for before, line in pairwise(raw):
        assert json.loads(line)["previous"] == sm3(before.rstrip(b"\n")).hex()


def test_the_record_is_for_its_owner_alone(written):
    assert (written / RECORD).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", range(5))
def test_a_changed_line_is_named_by_the_next(written, place):
    raw = lines_of(written)
    raw[place] = raw[place].replace(f"s{place}".encode(), b"sX")
    with pytest.raises(RecordBroken) as broken:
        parse_record(b"".join(raw))
    assert (broken.value.code, broken.value.field) == ("ceremony-record-broken", f"line {place + 2}")


def test_a_changed_last_line_has_another_head(written):
    before = read_record(written)[-1].digest
    raw = lines_of(written)
    raw[-1] = raw[-1].replace(b"s5", b"sX")
    assert parse_record(b"".join(raw))[-1].digest != before


@pytest.mark.parametrize("place", range(5))
def test_a_deleted_line_is_named(written, place):
    raw = lines_of(written)
    del raw[place]
    with pytest.raises(RecordBroken) as broken:
        parse_record(b"".join(raw))
    assert broken.value.field == f"line {place + 1}"


@pytest.mark.parametrize("place", range(6))
def test_an_inserted_line_is_named(written, place):
    raw = lines_of(written)
    raw.insert(place, raw[place])
    with pytest.raises(RecordBroken) as broken:
        parse_record(b"".join(raw))
    assert broken.value.field == f"line {place + 2}"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    with pytest.raises(RecordBroken):
        parse_record(content)


@given(place=st.integers(0, 10_000), value=st.integers(1, 255))
def test_no_changed_byte_keeps_the_head(place, value):
    content = _RECORD
    place %= len(content)
    changed = bytearray(content)
    changed[place] ^= value
    try:
        head = parse_record(bytes(changed))[-1].digest
    except RecordBroken:
        return
    assert head != parse_record(content)[-1].digest


def test_half_a_line_is_cut_off_and_its_bytes_counted(written):
    path = written / RECORD
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at":"2026')
    with pytest.raises(RecordBroken):
        read_record(written)
    with opened(written, FixedClock()) as (record, torn):
        assert torn == 11
        record.append(Kind.RESUMED, {"torn_bytes": torn})
    assert path.read_bytes().startswith(whole)
    assert len(read_record(written)) == 7


def test_two_processes_do_not_hold_one_record(written):
    with opened(written, FixedClock()), pytest.raises(CeremonyRunning), opened(written, FixedClock()):
        pass


def test_a_medium_holds_one_record(written):
    with pytest.raises(CeremonyExists), created(written, FixedClock()):
        pass


def test_a_medium_without_a_record_is_named(tmp_path):
    with pytest.raises(CeremonyMissing):
        read_record(tmp_path)
    with pytest.raises(CeremonyMissing), opened(tmp_path, FixedClock()):
        pass


def test_a_full_disk_leaves_no_half_line(written, monkeypatch):
    whole = (written / RECORD).read_bytes()
    real = os.write
    with opened(written, FixedClock()) as (record, _):

        def full(descriptor, content):
            if len(content) > 50:
                return real(descriptor, content[:50])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", lambda d, c: full(d, c) if len(c) > 100 else full(d, c[:10]))
        with pytest.raises(CeremonyFolderUnusable):
            record.append(Kind.DONE, {"step": "lost" * 50})
        monkeypatch.undo()
        assert (written / RECORD).read_bytes() == whole
        record.append(Kind.DONE, {"step": "kept"})
    assert len(read_record(written)) == 7


def _built():
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, created(Path(folder), FixedClock()) as record:
        for number in range(3):
            record.append(Kind.DONE, {"step": f"s{number}"})
        return (Path(folder) / RECORD).read_bytes()


_RECORD = _built()
