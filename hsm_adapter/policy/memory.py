"""What is known of the changes and uses of keys outside the database: a small file of the home, fed from the ledger.

Whoever has the database password can delete the newest change of a key, and the rest looks whole. The ledger has a leaf
of each change; reading a long ledger takes minutes, so what it said so far lies in this file, with the place up to
which it was read. The file is not secret. It is on no volume that is restored together with the database.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from hsm_adapter.policy.errors import PolicyMemoryUnusable
from trust.durable import alone, write_whole
from trust.kernel.encoding import canonical_json
from trust.kernel.randomness import Randomness
from trust.keys import KeyRef

FILE: Final = "key-changes.json"
"""Name of the file."""

_LOCK = "key-changes.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The newest change of a key that the ledger has, and the moment of its leaf."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the first `scanned` leaves of the ledger say: changes of keys, and how many signatures each key made."""

    scanned: int = 0
    changes: Mapping[KeyRef, Seen] = field(default_factory=dict)
    signed: Mapping[KeyRef, int] = field(default_factory=dict)

    def with_change(self, key: KeyRef, seen: Seen) -> "Record":
        """Return the record with a change in it, unless a later one is."""
        known = self.changes.get(key)
        if known is not None and known.number >= seen.number:
            return self
        return replace(self, changes={**self.changes, key: seen})

    def merged(self, other: "Record") -> "Record":
        """Return what both say together."""
        further = max(self, other, key=lambda record: record.scanned)
        for key, seen in (*self.changes.items(), *other.changes.items()):
            further = further.with_change(key, seen)
        return further


class PolicyMemory:
    """The file. Safe to share between threads and processes of one machine."""

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        """`folder` exists and is for our account alone."""
        self._folder = folder
        self._randomness = randomness
        self._read: tuple[object, Record] = (None, Record())

    def record(self) -> Record:
        """Return what is kept, read again only when the file was written. Raises `PolicyMemoryUnusable`."""
        path = self._folder / FILE
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_ino, status.st_size)
            if self._read[0] != mark:
                self._read = (mark, _parsed(path.read_bytes()))
        except FileNotFoundError:
            return Record()
        except OSError as error:
            raise PolicyMemoryUnusable(f"{FILE}: {error.strerror}.", field=FILE) from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise PolicyMemoryUnusable(f"{FILE} is damaged.", field=FILE) from None
        return self._read[1]

    def keep(self, record: Record, *, instead: bool = False) -> Record:
        """Keep a record together with what is kept already, or instead of its counts, and return both.

        `instead` is for a ledger that is shorter than it was: the counts begin anew, the changes stay known.
        """
        with self._alone():
            kept = self.record()
            if instead:
                kept = replace(kept, scanned=0, signed={})
            merged = record.merged(kept)
            if merged != kept or instead:
                write_whole(self._folder / FILE, _encoded(merged), self._randomness)
        return merged

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with alone(self._folder / _LOCK):
                yield
        except OSError as error:
            raise PolicyMemoryUnusable(f"{FILE}: {error.strerror}.", field=FILE) from None


def _encoded(record: Record) -> bytes:
    changes = {key: [seen.number, seen.at.isoformat()] for key, seen in record.changes.items()}
    return canonical_json({"v": 1, "scanned": record.scanned, "changes": changes, "signed": dict(record.signed)})


def _parsed(content: bytes) -> Record:
    members = json.loads(content)
    changes = {
        KeyRef(key): Seen(number=int(number), at=datetime.fromisoformat(at))
        for key, (number, at) in members["changes"].items()
    }
    signed = {KeyRef(key): int(count) for key, count in members["signed"].items()}
    return Record(scanned=int(members["scanned"]), changes=changes, signed=signed)
