"""Small files that are there whole or not at all, and on the disk when a call returns (laws 5 and 6).

Written aside, synced, moved into place, the folder synced. What fails is an `OSError`; callers give it their own name.
"""

import fcntl
import os
import threading
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


class SharedSync:
    """Has one growing file on the disk for many threads: all that come while a sync runs share the next one.

    Waiting for the disk is what a small write takes longest for, and one wait does for whatever was written before it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._change = threading.Condition()
        self._begun = self._done = 0  # syncs, counted
        self._running = False
        self._failure: OSError | None = None

    def wait(self) -> None:
        """Return when all that was written to the file before this call is on the disk.

        Raises `OSError` when a sync failed, and from then on always: the system may have dropped what it could not
        write, and the next sync would not say so.
        """
        with self._change:
            mine = self._begun + 1  # one that runs already may have begun before our last byte
            while self._done < mine and self._failure is None:
                if self._running:
                    self._change.wait()
                else:
                    self._run()
            if self._failure is not None:
                raise self._failure

    def _run(self) -> None:
        """Sync once while others may write and queue up; called, and left, with the lock held."""
        self._begun += 1
        self._running = True
        self._change.release()
        failure: OSError | None = None
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            failure = error
        finally:
            self._change.acquire()
            self._running = False
            self._failure = failure
            self._done = self._begun
            self._change.notify_all()


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Keep every other process, and thread, that asks for the same file waiting while the block runs."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
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
