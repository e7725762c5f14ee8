"""The folder of key files: each read once and again when it changed, opened with the box, never trusted before.

Software and hardware keys lie in it side by side; several processes may share it, and each sees what another made or
retired at its next use. Restoring an old copy of a file, as from a backup, is not noticed.
"""

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from hsm_adapter import keyfile, private_keys
from hsm_adapter.errors import KeyFileBroken, KeyStoreMissing, KeyUnknown
from hsm_adapter.folder import usable
from hsm_adapter.keyfile import PlacedKey, StoredKey
from hsm_adapter.private_keys import SoftwareKey
from trust.durable import write_whole
from trust.gm.errors import KeyUnusable
from trust.kernel.randomness import Randomness
from trust.keys import KeyInfo, KeyRef

MAX_FILE_BYTES = 16 * 1024
"""Longest file of the folder, bytes. A key file has about one KiB."""

HEADER = "token.json"

_REF = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")  # what new_id makes; no other name of a file, "token" least of all


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedKey:
    """An opened key file, and the state of the file when it was opened: `key` of software, or `placed`."""

    seen: tuple[int, int, int]
    info: KeyInfo
    key: SoftwareKey | None = None
    placed: PlacedKey | None = None

    @property
    def in_hardware(self) -> bool:
        """Whether the file says where the key lies, instead of holding it."""
        return self.placed is not None


class KeyFolder:
    """The key files of one installation; open it with `hsm_adapter.software.open_key_folder`."""

    def __init__(self, path: Path, box: SecretBox, randomness: Randomness) -> None:
        self.path = path
        self._box = box
        self._randomness = randomness
        self._lock = threading.Lock()
        self._loaded: dict[str, LoadedKey] = {}

    def all(self) -> Iterator[LoadedKey]:
        """Yield every key of the folder. Raises `KeyFileBroken` when a file was altered, `TokenFolderUnusable`."""
        with usable(self.path):
            names = [path.stem for path in self.path.glob("*.json") if path.name != HEADER]
        return (self.load(KeyRef(name)) for name in names)

    def check(self) -> None:
        """Raise `KeyStoreMissing` or `TokenFolderUnusable` when the folder is gone."""
        with usable(self.path):
            if not (self.path / HEADER).is_file():
                raise KeyStoreMissing(field=self.path.name)

    def write(self, stored: StoredKey | PlacedKey) -> None:
        """Have the key on the disk, sealed. Raises `TokenFolderUnusable`."""
        sealed = bytes(self._box.encrypt(keyfile.encode_plaintext(stored)))
        path = self.path / f"{stored.info.ref}.json"
        with usable(self.path):
            write_whole(path, keyfile.encode_envelope(stored, sealed), self._randomness)

    def load(self, ref: KeyRef) -> LoadedKey:
        """Return the key of a file, opened again whenever the file is another than the one last seen.

        Raises `KeyUnknown`, `KeyFileBroken`, `TokenFolderUnusable`.
        """
        if not _REF.fullmatch(ref):
            raise KeyUnknown(field="key")
        path = self.path / f"{ref}.json"
        with usable(self.path):
            try:
                seen = _state(path.stat())
                known = self._loaded.get(ref)
                if known is not None and known.seen == seen:
                    return known
                content = read_bounded(path)
            except FileNotFoundError:
                raise KeyUnknown(f"There is no key {ref}.", field="key") from None
        loaded = self._open(ref, content, seen)
        with self._lock:
            self._loaded[ref] = loaded
        return loaded

    def _open(self, ref: KeyRef, content: bytes, seen: tuple[int, int, int]) -> LoadedKey:
        name = f"{ref}.json"
        envelope = keyfile.parse_envelope(content, name=name)
        try:
            plaintext = self._box.decrypt(envelope.sealed)
        except (CryptoError, ValueError):
            raise KeyFileBroken(f"The file {name} does not open.", field=name) from None
        stored = keyfile.parse_plaintext(plaintext, envelope=envelope, name=name)
        if stored.info.ref != ref:
            raise KeyFileBroken(f"The file {name} holds the key of another file.", field=name)
        if isinstance(stored, PlacedKey):
            return LoadedKey(seen=seen, info=stored.info, placed=stored)
        return LoadedKey(seen=seen, info=stored.info, key=_private(stored, name))


def read_bounded(path: Path) -> bytes:
    """Return a file of the folder. Raises `OSError`, or `KeyFileBroken` when it exceeds `MAX_FILE_BYTES`."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise KeyFileBroken(f"The file {path.name} exceeds {MAX_FILE_BYTES} bytes.", field=path.name)
    return content


def _private(stored: StoredKey, name: str) -> SoftwareKey | None:
    if stored.private is None:
        return None
    try:
        key = private_keys.load(stored.info.algorithm, stored.private)
    except KeyUnusable:
        raise KeyFileBroken(f"The file {name} does not hold a key.", field=name) from None
    if key.public_key != stored.info.public_key:
        raise KeyFileBroken(f"The halves of the key in {name} do not belong together.", field=name)
    return key


def _state(status: os.stat_result) -> tuple[int, int, int]:
    """Tells one version of a file from another; every write makes a new inode (`trust.durable`)."""
    return status.st_ino, status.st_mtime_ns, status.st_size
