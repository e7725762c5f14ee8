"""The software token: keys in files, each sealed (XSalsa20-Poly1305) under what Argon2id makes of a passphrase.

For development, and for production only when the settings say so plainly: the keys are in this process's memory. The
folder holds `token.json` (salt, Argon2id cost, and a sealed proof that tells a wrong passphrase from a damaged key)
and one `<ref>.json` per key (`hsm_adapter.keyfile`, `hsm_adapter.keyfolder`).
"""

import base64
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from hsm_adapter import private_keys
from hsm_adapter.api import VerifyAnswer
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
from hsm_adapter.keyfolder import HEADER, KeyFolder, LoadedKey, read_bounded
from hsm_adapter.passphrase import read_passphrase
from trust.durable import write_whole
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.encoding import canonical_json
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

MAX_LABEL_CHARACTERS = 100
"""Longest label of a key. It is a line in a list for people."""

_HEADER_FORMAT = "yinxin-software-token/1"
_PROOF = b"yinxin software token"


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
            raise KeyFileBroken("The Argon2id cost is outside its limits.", field=HEADER)


MODERATE = Argon2Cost(operations=argon2id.OPSLIMIT_MODERATE, memory=argon2id.MEMLIMIT_MODERATE)
"""3 passes over 256 MiB, about 0.7 s: libsodium's choice between interactive log-in and sensitive."""


class SoftwareToken:
    """A `KeyDevice` over the software keys of a folder; open one with `open_software_token`.

    What lies in hardware is not its business: it neither lists such keys nor answers for them.
    """

    def __init__(self, folder: KeyFolder, clock: Clock, randomness: Randomness) -> None:
        self._folder = folder
        self._clock = clock
        self._randomness = randomness

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first. Raises `KeyFileBroken` when a file was altered."""
        infos = [loaded.info for loaded in self._folder.all() if not loaded.in_hardware]
        return sorted(infos, key=lambda info: (info.created_at, info.ref))

    def info(self, ref: KeyRef) -> KeyInfo:
        """Return the public facts of one key. Raises `KeyUnknown`, `KeyFileBroken`."""
        return self._load(ref).info

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key and store it sealed; durable when it returns. Raises `LabelInvalid`, `TokenFolderUnusable`."""
        check_label(label)
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
        self._folder.write(StoredKey(info=info, private=private))
        return self.info(info.ref)  # read back: what was stored is what opens

    def retire(self, ref: KeyRef) -> KeyInfo:
        """End the use of a key and remove its private half from the file. Raises `KeyUnknown`, `KeyFileBroken`."""
        info = self.info(ref)
        if info.state is KeyState.ACTIVE:
            self._folder.write(StoredKey(info=replace(info, state=KeyState.RETIRED), private=None))
        return self.info(ref)

    def sign_batch(
        self,
        ref: KeyRef,
        messages: Sequence[bytes],
        *,
        lane: str = "",  # noqa: ARG002  nobody waits here
        verify: VerifyAnswer | None = None,  # noqa: ARG002  there is no other device to turn to: left to the guard
    ) -> Sequence[bytes]:
        """Return one DER signature per message. Raises `KeyUnknown`, `KeyRetired`, `KeyFileBroken`."""
        key = self._load(ref).key
        if key is None:
            raise KeyRetired(f"The key {ref} was retired.", field="key")
        return [key.sign(message) for message in messages]

    def check(self) -> None:
        """Raise `KeyStoreMissing` or `TokenFolderUnusable` when the folder is gone."""
        self._folder.check()

    def _load(self, ref: KeyRef) -> LoadedKey:
        loaded = self._folder.load(ref)
        if loaded.in_hardware:
            raise KeyUnknown(f"The key {ref} lies in hardware.", field="key")
        return loaded


def check_label(label: str) -> None:
    """Raise `LabelInvalid` unless the label is one printable line of 1 to `MAX_LABEL_CHARACTERS`."""
    if not 0 < len(label) <= MAX_LABEL_CHARACTERS or not label.isprintable():
        raise LabelInvalid(field="label")


def create_software_token(
    folder: Path, passphrase_file: Path, *, randomness: Randomness, cost: Argon2Cost = MODERATE
) -> None:
    """Make an empty token in `folder`; `open_software_token` opens it.

    Raises `TokenExists`, `TokenFolderUnusable`, `PassphraseMissing`, `PassphraseExposed`.
    """
    passphrase = read_passphrase(passphrase_file)
    make_folder(folder)
    if (folder / HEADER).exists():
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
        write_whole(folder / HEADER, canonical_json(header) + b"\n", randomness)


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

    Raises `SoftwareKeysRefused`, and as `open_key_folder`.
    """
    check_software_keys(production=production, allowed=allowed)
    keys = open_key_folder(folder, passphrase_file, randomness=randomness)
    return software_token(keys, clock, randomness)


def software_token(keys: KeyFolder, clock: Clock, randomness: Randomness) -> SoftwareToken:
    """Return the token over an opened folder and warn `InsecureSignerWarning`."""
    warnings.warn("Keys are held in the memory of this process.", InsecureSignerWarning, stacklevel=2)
    return SoftwareToken(keys, clock, randomness)


def check_software_keys(*, production: bool, allowed: bool) -> None:
    """Raise `SoftwareKeysRefused` in production unless it is allowed."""
    if production and not allowed:
        raise SoftwareKeysRefused


def open_key_folder(folder: Path, passphrase_file: Path, *, randomness: Randomness) -> KeyFolder:
    """Open the key files in `folder`: the one way for an installation whose keys all lie in hardware.

    Raises `KeyStoreMissing`, `KeyFileBroken`, `PassphraseMissing`, `PassphraseExposed`, `PassphraseWrong`.
    """
    with usable(folder):
        try:
            salt, cost, proof = _parse_header(read_bounded(folder / HEADER))
        except FileNotFoundError:
            raise KeyStoreMissing(field=folder.name) from None
    box = _box(read_passphrase(passphrase_file), salt, cost)
    try:
        box.decrypt(proof)
    except (CryptoError, ValueError):
        raise PassphraseWrong(field=passphrase_file.name) from None
    return KeyFolder(folder, box, randomness)


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
            raise KeyFileBroken(f"The file {HEADER} has another format.", field=HEADER)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeyFileBroken(f"The file {HEADER} cannot be read.", field=HEADER) from None
    return salt, cost, proof
