import os
from pathlib import Path

import pytest

from trust.files import BlobExists, BlobMissing, SealedFolder
from trust.sealing import FieldCipher, SealBroken


@pytest.fixture
def folder(tmp_path):
    return SealedFolder(tmp_path / "files", FieldCipher(bytes(32)))


def test_a_file_is_kept_and_given_back(folder):
    folder.put("2026/11/one.pdf", b"content")
    assert folder.get("2026/11/one.pdf") == b"content"


def test_a_file_is_written_once(folder):
    folder.put("one", b"first")
    with pytest.raises(BlobExists) as caught:
        folder.put("one", b"second")
    assert caught.value.code == "blob-exists"
    assert folder.get("one") == b"first"


def test_a_missing_file_is_named(folder):
    with pytest.raises(BlobMissing) as caught:
        folder.get("none")
    assert (caught.value.code, caught.value.field) == ("blob-missing", "none")


def test_the_content_is_not_readable_on_disk(folder, tmp_path):
    folder.put("one", b"11010519491231002X")
    assert b"11010519491231002X" not in (tmp_path / "files" / "one").read_bytes()


def test_a_file_moved_to_another_name_does_not_open(folder, tmp_path):
    folder.put("one", b"content")
    (tmp_path / "files" / "two").write_bytes((tmp_path / "files" / "one").read_bytes())
    with pytest.raises(SealBroken):
        folder.get("two")


def test_file_and_folders_are_synced_before_put_returns(folder, monkeypatch, tmp_path):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd)))
    folder.put("2026/one", b"content")
    root = str((tmp_path / "files").resolve())
    assert synced == [f"{root}/2026/one", f"{root}/2026", root]
