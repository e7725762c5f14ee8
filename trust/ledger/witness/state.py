"""The files of a witness: its key, its name, and one file per log that it watches.

A log's file holds the keys it is trusted by *and* the last checkpoint that was cosigned, replaced as one. A log whose
file is lost is therefore unknown: it is never taken for one that was not cosigned yet, and no second history is signed.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trust.durable import write_new, write_whole
from trust.gm.sm3 import sm3
from trust.kernel.encoding import canonical_json
from trust.kernel.errors import Conflict, NotReady
from trust.kernel.merkle import TreeHash
from trust.kernel.randomness import Randomness
from trust.ledger.note_errors import NoteMalformed
from trust.ledger.note_keys import VerifierKey, check_name, cosigner_key
from trust.ledger.notes import Note
from trust.ledger.tree_heads import TreeHead
from trust.ledger.witness.protocol import origin_hash
from trust.sealing import KEY_BYTES, read_secret_key

_FORMAT = "yinxin-witness-log/1"
_MEMBERS = {"format", "origin", "hash", "keys", "checkpoint"}
_FOLDER_MODE = 0o700
_MAX_FILE_BYTES = 1024 * 1024  # a note of the longest kind in JSON, with room


class WitnessNotReady(NotReady):
    """The folder of the witness is missing, unreadable, unwritable, or holds something else."""

    code = "witness-not-ready"
    title = "The folder of the witness cannot be used."
    title_zh = "见证方目录不可用。"
    remedy = "Run `yinxin witness init` for a new witness; restore nothing older than the newest cosignature."
    remedy_zh = "新见证方请运行 `yinxin witness init`；切勿恢复早于最新联署的备份。"


class LogKnown(Conflict):
    """The witness watches a log of this origin already."""

    code = "witness-log-known"
    title = "The witness watches this log already."
    title_zh = "见证方已在关注该日志。"


class LogHash(StrEnum):
    """The hash function of a log's tree."""

    SM3 = "sm3"
    SHA256 = "sha256"

    @property
    def tree(self) -> TreeHash:
        """The tree over it."""
        return TreeHash(function=sm3 if self is LogHash.SM3 else _sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedLog:
    """One log: who it is, whom it is trusted by, and the last checkpoint that was cosigned (None before the first)."""

    origin: str
    hash: LogHash
    keys: tuple[VerifierKey, ...]
    cosigned: Note | None = None

    @property
    def size(self) -> int:
        """The size of the last checkpoint that was cosigned, 0 before the first."""
        return 0 if self.cosigned is None else TreeHead.parse(self.cosigned.text).size

    @property
    def root(self) -> bytes:
        """Its root; that of the empty tree before the first."""
        return self.hash.tree.empty() if self.cosigned is None else TreeHead.parse(self.cosigned.text).root

    def with_cosigned(self, note: Note) -> "WatchedLog":
        """Return the log after `note` was cosigned."""
        return replace(self, cosigned=note)


class WitnessFolder:
    """The state of one witness. Safe to share between threads and processes of one machine."""

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        self._folder = folder
        self._randomness = randomness

    def establish(self, name: str) -> VerifierKey:
        """Make key and name unless they are there. Raises `WitnessNotReady`, `NoteMalformed`."""
        check_name(name)
        with _usable(self._folder):
            (self._folder / "logs").mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._folder.chmod(_FOLDER_MODE)
            secret = self._randomness.token(KEY_BYTES).hex().encode() + b"\n"
            write_new(self._folder / "witness.key", secret, self._randomness)
            write_new(self._folder / "name", name.encode() + b"\n", self._randomness)
        return self.key()

    def key(self) -> VerifierKey:
        """Return the public half. Raises `WitnessNotReady`, `SecretMissing`, `SecretExposed`."""
        with _usable(self._folder):
            name = (self._folder / "name").read_text("utf-8").removesuffix("\n")
        return cosigner_key(name, self.private().public_key().public_bytes_raw())

    def private(self) -> Ed25519PrivateKey:
        """Return the key. A witness is a program and a machine of its own; no key of the service is ever here."""
        return Ed25519PrivateKey.from_private_bytes(read_secret_key(self._folder / "witness.key"))

    def watch(self, log: WatchedLog) -> None:
        """Begin to watch a log. Raises `LogKnown`, `WitnessNotReady`."""
        with _usable(self._folder):
            if not write_new(self._path(log.origin), _encode(log), self._randomness):
                raise LogKnown(field="origin")

    def log(self, origin: str) -> WatchedLog | None:
        """Return a log, None when it is not watched. Raises `WitnessNotReady`."""
        with _usable(self._folder):
            path = self._path(origin)
            if not path.exists():
                return None
            with path.open("rb") as file:
                return _parse(file.read(_MAX_FILE_BYTES + 1), origin)

    def by_hash(self, name: str) -> WatchedLog | None:
        """Return the log of an origin's hash, None when it is not watched. Raises `WitnessNotReady`."""
        with _usable(self._folder):
            path = self._folder / "logs" / f"{name}.json"
            if not path.exists():
                return None
            return _parse(path.read_bytes(), None)

    def advance(self, log: WatchedLog) -> None:
        """Replace a log's file; on the disk when it returns. Call under `alone`. Raises `WitnessNotReady`."""
        with _usable(self._folder):
            write_whole(self._path(log.origin), _encode(log), self._randomness)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other thread and process out: reading the last size and replacing it are one step."""
        with _usable(self._folder):
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _path(self, origin: str) -> Path:
        return self._folder / "logs" / f"{origin_hash(origin)}.json"


def _encode(log: WatchedLog) -> bytes:
    content = {
        "format": _FORMAT,
        "origin": log.origin,
        "hash": log.hash,
        "keys": [key.text for key in log.keys],
        "checkpoint": None if log.cosigned is None else log.cosigned.content.decode(),
    }
    return canonical_json(content) + b"\n"


def _parse(content: bytes, origin: str | None) -> WatchedLog:
    try:
        members = json.loads(content)
        if set(members) != _MEMBERS or members["format"] != _FORMAT or origin not in {None, members["origin"]}:
            raise WitnessNotReady("The file of a log has another format.", field="logs")
        cosigned = members["checkpoint"]
        return WatchedLog(
            origin=members["origin"],
            hash=LogHash(members["hash"]),
            keys=tuple(VerifierKey.parse(key) for key in members["keys"]),
            cosigned=None if cosigned is None else Note.parse(cosigned.encode()),
        )
    except (ValueError, TypeError, AttributeError, RecursionError, NoteMalformed):
        raise WitnessNotReady("The file of a log cannot be read.", field="logs") from None


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WitnessNotReady(f"The folder {folder.name}: {error.strerror}.", field=folder.name) from None


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
