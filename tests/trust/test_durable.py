import os
import stat
import threading
from pathlib import Path

import pytest

from tests.fakes import CountingRandomness
from trust.durable import SharedSync, write_new, write_whole
from trust.kernel.randomness import SystemRandomness


def test_a_file_is_replaced_whole_and_belongs_to_its_owner(tmp_path):
    path = tmp_path / "a"
    for content in (b"first", b"second"):
        write_whole(path, content, CountingRandomness())
        assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_a_file_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "a"
    assert write_new(path, b"first", CountingRandomness())
    assert not write_new(path, b"second", CountingRandomness())
    assert path.read_bytes() == b"first"
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_of_many_at_once_one_writes(tmp_path):
    wrote = []

    def work(number):
        if write_new(tmp_path / "a", str(number).encode(), SystemRandomness()):
            wrote.append(str(number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrote == [(tmp_path / "a").read_text()]


@pytest.mark.parametrize("write", [write_whole, write_new])
def test_file_and_folder_are_synced_and_a_failure_leaves_nothing(tmp_path, monkeypatch, write):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), real(fd)))
    write(tmp_path / "a", b"content", CountingRandomness())
    assert [path.name.startswith(".a.") or path for path in synced] == [True, tmp_path.resolve()]

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "b", b"content", CountingRandomness())
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_writers_that_come_during_a_sync_share_the_next_one(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"")
    running, goes_on, synced = threading.Event(), threading.Event(), []

    def slow(_descriptor):
        synced.append(path.read_bytes())
        running.set()
        assert goes_on.wait(20)

    monkeypatch.setattr(os, "fdatasync", slow)
    shared = SharedSync(path)
    first = threading.Thread(target=shared.wait)
    first.start()
    assert running.wait(20)
    path.write_bytes(b"later")
    later = [threading.Thread(target=shared.wait) for _ in range(5)]
    for thread in later:
        thread.start()
    while len(shared._change._waiters) < len(later):  # none waits before it is counted
        threading.Event().wait(0.001)
    goes_on.set()
    for thread in (first, *later):
        thread.join(20)
    assert synced == [b"", b"later"]  # the first may have missed what they wrote


def test_a_sync_that_failed_is_never_forgotten(tmp_path):
    shared = SharedSync(tmp_path / "log")
    with pytest.raises(FileNotFoundError):
        shared.wait()
    (tmp_path / "log").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        shared.wait()
