"""Small files that are there whole or not at all, and on the disk when a call returns (laws 5 and 6).

Written aside, synced, moved into place, the folder synced. What fails is an `OSError`; callers give it their own name.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trust.kernel.randomness import Randomness

_OWNER_ONLY = 0o600
_SUFFIX_BYTES = 8


def write_whole(path: Path, content: bytes, randomness: Randomness) -> None:
    """Write or replace a file, mode 0600."""
    with _aside(path, content, randomness) as draft:
        draft.replace(path)
    sync(path.parent)


def write_new(path: Path, content: bytes, randomness: Randomness) -> bool:
    """Write a file, mode 0600, unless there is one: of two processes that try, one writes. False when there was one."""
    try:
        with _aside(path, content, randomness) as draft:
            os.link(draft, path)
    except FileExistsError:
        return False
    sync(path.parent)
    return True


def sync(path: Path) -> None:
    """Have a file or folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _aside(path: Path, content: bytes, randomness: Randomness) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{randomness.token(_SUFFIX_BYTES).hex()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
