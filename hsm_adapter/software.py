"""The software token: keys in files, each sealed (XSalsa20-Poly1305) under what Argon2id makes of a passphrase.

For development, and for production only when the settings say so plainly: the keys are in this process's memory. The
folder holds `token.json` (salt, Argon2id cost, and a sealed proof that tells a wrong passphrase from a damaged key)
and one `<ref>.json` per key (`hsm_adapter.keyfile`). Several processes may share it; each sees what another made or
retired at its next use. Restoring an old copy of a file, as from a backup, is not noticed.
"""

import base64
import json
import os
import re
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from hsm_adapter import keyfile, private_keys
from hsm_adapter.errors import (
    DeviceFailed,
    InsecureSignerWarning,
    KeyFileBroken,
    KeyRetired,
    KeyStoreMissing,
    KeyUnknown,
    LabelInvalid,
    PassphraseWrong,
    SoftwareKeysRefused,
    TokenExists,
)
from hsm_adapter.folder import make_folder, usable
from hsm_adapter.keyfile import StoredKey
from hsm_adapter.passphrase import read_passphrase
from hsm_adapter.private_keys import SoftwareKey
from trust.durable import write_whole
from trust.gm.errors import KeyUnusable
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.encoding import canonical_json
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

MAX_LABEL_CHARACTERS = 100
"""Longest label of a key. It is a line in a list for people."""

MAX_FILE_BYTES = 16 * 1024
"""Longest file of the folder, bytes. A key file has about one KiB."""

_HEADER = "token.json"
_HEADER_FORMAT = "yinxin-software-token/1"
_PROOF = b"yinxin software token"
_REF = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")  # what new_id makes; no other name of a file, "token" least of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Cost:
    """What one guess of the passphrase costs: passes over memory, and bytes of it."""

    operations: int
    memory: int

    def __post_init__(self) -> None:
        # Above libsodium's own "sensitive" (4 passes, 1 GiB) an edited header could only exhaust the machine.
        operations = range(argon2id.OPSLIMIT_MIN, argon2id.OPSLIMIT_SENSITIVE + 1)
        memory = range(argon2id.MEMLIMIT_MIN, argon2id.MEMLIMIT_SENSITIVE + 1)
        if self.operations not in operations or self.memory not in memory:
            raise KeyFileBroken("The Argon2id cost is outside its limits.", field=_HEADER)


MODERATE = Argon2Cost(operations=argon2id.OPSLIMIT_MODERATE, memory=argon2id.MEMLIMIT_MODERATE)
"""3 passes over 256 MiB, about 0.7 s: libsodium's choice between interactive log-in and sensitive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """An opened key file, and the state of the file when it was opened."""

    seen: tuple[int, int, int]
    info: KeyInfo
    key: SoftwareKey | None


class SoftwareToken:
    """A `KeyDevice` over a folder of sealed files; open one with `open_software_token`."""

    def __init__(self, folder: Path, box: SecretBox, clock: Clock, randomness: Randomness) -> None:
        self._folder = folder
        self._box = box
        self._clock = clock
        self._randomness = randomness
        self._lock = threading.Lock()
        self._loaded: dict[str, _Loaded] = {}

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first. Raises `KeyFileBroken` when a file was altered."""
        with usable(self._folder):
            names = [path.stem for path in self._folder.glob("*.json") if path.name != _HEADER]
        infos = [self.info(KeyRef(name)) for name in names]
        return sorted(infos, key=lambda info: (info.created_at, info.ref))

    def info(self, ref: KeyRef) -> KeyInfo:
        """Return the public facts of one key. Raises `KeyUnknown`, `KeyFileBroken`."""
        return self._load(ref).info

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key and store it sealed; durable when it returns. Raises `LabelInvalid`, `TokenFolderUnusable`."""
        if not 0 < len(label) <= MAX_LABEL_CHARACTERS or not label.isprintable():
            raise LabelInvalid(field="label")
        private = private_keys.generate(algorithm)
        info = KeyInfo(
            ref=KeyRef(new_id(self._clock, self._randomness)),
            algorithm=algorithm,
            purpose=purpose,
            label=label,
            public_key=private_keys.load(algorithm, private).public_key,
            created_at=self._clock.now(),
            state=KeyState.ACTIVE,
        )
        self._write(StoredKey(info=info, private=private))
        return self.info(info.ref)  # read back: what was stored is what opens

    def retire(self, ref: KeyRef) -> KeyInfo:
        """End the use of a key and remove its private half from the file. Raises `KeyUnknown`, `KeyFileBroken`."""
        info = self.info(ref)
        if info.state is KeyState.ACTIVE:
            self._write(StoredKey(info=replace(info, state=KeyState.RETIRED), private=None))
        return self.info(ref)

    def sign_batch(self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "") -> Sequence[bytes]:  # noqa: ARG002  nobody waits here
        """Return one DER signature per message. Raises `KeyUnknown`, `KeyRetired`, `KeyFileBroken`."""
        key = self._load(ref).key
        if key is None:
            raise KeyRetired(f"The key {ref} was retired.", field="key")
        return [key.sign(message) for message in messages]

    def check(self) -> None:
        """Raise `KeyStoreMissing` or `TokenFolderUnusable` when the folder is gone."""
        with usable(self._folder):
            if not (self._folder / _HEADER).is_file():
                raise KeyStoreMissing(field=self._folder.name)

    def _write(self, stored: StoredKey) -> None:
        sealed = bytes(self._box.encrypt(keyfile.encode_plaintext(stored)))
        path = self._folder / f"{stored.info.ref}.json"
        with usable(self._folder):
            write_whole(path, keyfile.encode_envelope(stored.info, sealed), self._randomness)

    def _load(self, ref: KeyRef) -> _Loaded:
        """Return the key of a file, opened again whenever the file is another than the one last seen."""
        if not _REF.fullmatch(ref):
            raise KeyUnknown(field="key")
        path = self._folder / f"{ref}.json"
        with usable(self._folder):
            try:
                seen = _state(path.stat())
                known = self._loaded.get(ref)
                if known is not None and known.seen == seen:
                    return known
                content = _read(path)
            except FileNotFoundError:
                raise KeyUnknown(f"There is no key {ref}.", field="key") from None
        loaded = self._open(ref, content, seen)
        with self._lock:
            self._loaded[ref] = loaded
        return loaded

    def _open(self, ref: KeyRef, content: bytes, seen: tuple[int, int, int]) -> _Loaded:
        name = f"{ref}.json"
        claimed, sealed = keyfile.parse_envelope(content, name=name)
        try:
            plaintext = self._box.decrypt(sealed)
        except (CryptoError, ValueError):
            raise KeyFileBroken(f"The file {name} does not open.", field=name) from None
        stored = keyfile.parse_plaintext(plaintext, claimed=claimed, name=name)
        if stored.info.ref != ref:
            raise KeyFileBroken(f"The file {name} holds the key of another file.", field=name)
        if stored.private is None:
            return _Loaded(seen=seen, info=stored.info, key=None)
        try:
            key = private_keys.load(stored.info.algorithm, stored.private)
        except KeyUnusable:
            raise KeyFileBroken(f"The file {name} does not hold a key.", field=name) from None
        if key.public_key != stored.info.public_key:
            raise KeyFileBroken(f"The halves of the key in {name} do not belong together.", field=name)
        return _Loaded(seen=seen, info=stored.info, key=key)


def create_software_token(
    folder: Path, passphrase_file: Path, *, randomness: Randomness, cost: Argon2Cost = MODERATE
) -> None:
    """Make an empty token in `folder`; `open_software_token` opens it.

    Raises `TokenExists`, `TokenFolderUnusable`, `PassphraseMissing`, `PassphraseExposed`.
    """
    passphrase = read_passphrase(passphrase_file)
    make_folder(folder)
    if (folder / _HEADER).exists():
        raise TokenExists(field=folder.name)
    salt = randomness.token(argon2id.SALTBYTES)
    proof = bytes(_box(passphrase, salt, cost).encrypt(_PROOF))
    header = {
        "format": _HEADER_FORMAT,
        "salt": salt.hex(),
        "operations": cost.operations,
        "memory": cost.memory,
        "proof": base64.b64encode(proof).decode("ascii"),
    }
    with usable(folder):
        write_whole(folder / _HEADER, canonical_json(header) + b"\n", randomness)


def open_software_token(
    folder: Path,
    passphrase_file: Path,
    *,
    clock: Clock,
    randomness: Randomness,
    production: bool,
    allowed: bool,
) -> SoftwareToken:
    """Open the token in `folder` and warn `InsecureSignerWarning`; in production only when it is allowed.

    Raises `SoftwareKeysRefused`, `KeyStoreMissing`, `KeyFileBroken`, `PassphraseMissing`, `PassphraseExposed`,
    `PassphraseWrong`.
    """
    if production and not allowed:
        raise SoftwareKeysRefused
    with usable(folder):
        try:
            salt, cost, proof = _parse_header(_read(folder / _HEADER))
        except FileNotFoundError:
            raise KeyStoreMissing(field=folder.name) from None
    box = _box(read_passphrase(passphrase_file), salt, cost)
    try:
        box.decrypt(proof)
    except (CryptoError, ValueError):
        raise PassphraseWrong(field=passphrase_file.name) from None
    warnings.warn("Keys are held in the memory of this process.", InsecureSignerWarning, stacklevel=2)
    return SoftwareToken(folder, box, clock, randomness)


def _box(passphrase: bytes, salt: bytes, cost: Argon2Cost) -> SecretBox:
    """Derive the sealing key; the cost is in the header, so that it can be raised for new tokens."""
    try:
        return SecretBox(argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, cost.operations, cost.memory))
    except (CryptoError, MemoryError):
        raise DeviceFailed("There is not enough memory to open the key store.", memory=cost.memory) from None


def _parse_header(content: bytes) -> tuple[bytes, Argon2Cost, bytes]:
    try:
        members = json.loads(content)
        salt = bytes.fromhex(members["salt"])
        cost = Argon2Cost(operations=members["operations"], memory=members["memory"])
        proof = base64.b64decode(members["proof"], validate=True)
        if members["format"] != _HEADER_FORMAT or len(salt) != argon2id.SALTBYTES:
            raise KeyFileBroken(f"The file {_HEADER} has another format.", field=_HEADER)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeyFileBroken(f"The file {_HEADER} cannot be read.", field=_HEADER) from None
    return salt, cost, proof


def _state(status: os.stat_result) -> tuple[int, int, int]:
    """Tells one version of a file from another; every write makes a new inode (`trust.durable`)."""
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise KeyFileBroken(f"The file {path.name} exceeds {MAX_FILE_BYTES} bytes.", field=path.name)
    return content
