"""Small secret files that are there whole or not at all: written aside, synced, then moved into place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm_adapter.errors import TokenFolderUnusable
from trust.kernel.randomness import Randomness

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_SUFFIX_BYTES = 8


def make_folder(folder: Path) -> None:
    """Make the folder for our account alone. Raises `TokenFolderUnusable`."""
    with usable(folder):
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(_FOLDER_MODE)


def write_whole(path: Path, content: bytes, randomness: Randomness) -> None:
    """Write or replace a file, mode 0600; file and folder are synced on return. Raises `TokenFolderUnusable`."""
    aside = path.with_name(f".{path.name}.{randomness.token(_SUFFIX_BYTES).hex()}")
    with usable(path.parent):
        try:
            _write_synced(aside, content)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        _sync_folder(path.parent)


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Translate errors of the file system; the name of the folder is shown, its path is not."""
    try:
        yield
    except OSError as error:
        raise TokenFolderUnusable(f"The folder {folder.name}: {error.strerror}.", field=folder.name) from None


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
