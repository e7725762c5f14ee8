"""The Ed25519 key that signs checkpoints beside SM2, so that stock tools of transparency logs can check them.

It lives here because a private key never leaves this package (law 1). Nothing signs with it alone: the one way to a
signature is `RecordedNoteSigner.sign`, which first has the guard sign the very same bytes. That use is durable in the
ledger, with the digest of the bytes, before Ed25519 sees them (law 2). One leaf therefore stands for both signatures:
they are one act, of one statement, under one context, and neither exists without the other's entry.

The file `ledger-note.key` in the key folder holds the public half in clear and the seed sealed (XSalsa20-Poly1305)
under what Argon2id makes of the installation's passphrase. It is opened at the first signature, not before: processes
that never sign a checkpoint never have it in memory.
"""

import base64
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from hsm_adapter.errors import DeviceFailed, KeyFileBroken, KeyStoreMissing, PassphraseWrong, PurposeMismatch
from hsm_adapter.folder import make_folder, usable
from hsm_adapter.passphrase import read_passphrase
from hsm_adapter.software import MODERATE, Argon2Cost
from trust.durable import write_new
from trust.kernel.encoding import canonical_json
from trust.kernel.randomness import Randomness
from trust.keys import KeyPurpose, KeyRef, Signature, Signer, SigningRequest

FILE = "ledger-note.key"
"""Name of the file in the key folder; not `.json`, which the software token takes for a key of its own."""

MAX_FILE_BYTES = 4096
"""Longest file, bytes. It has about 400."""

_FORMAT = "yinxin-note-key/1"
_SEED_BYTES = 32
_MEMBERS = {"format", "public_key", "salt", "operations", "memory", "sealed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    """The file, read and not opened yet."""

    public_key: bytes
    salt: bytes
    cost: Argon2Cost
    sealed: bytes = field(repr=False)


class RecordedNoteSigner:
    """Signs one checkpoint with the guard's key and with Ed25519, as one recorded use. Safe to share between threads.

    It implements `trust.ledger.checkpoints.NoteSigner`.
    """

    def __init__(self, signer: Signer, folder: Path, passphrase_file: Path) -> None:
        """Raises `KeyStoreMissing`, `KeyFileBroken`."""
        self._signer = signer
        self._envelope = _read(folder)
        self._passphrase_file = passphrase_file
        self._lock = threading.Lock()
        self._key: SigningKey | None = None

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        return self._envelope.public_key

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> tuple[Signature, bytes]:
        """Return the guard's signature, recorded and durable, and then Ed25519 over the same bytes.

        Raises what the guard raises, `PurposeMismatch` for anything but checkpoints, `PassphraseMissing`,
        `PassphraseExposed`, `PassphraseWrong`, `KeyFileBroken`.
        """
        if purpose is not KeyPurpose.LEDGER_CHECKPOINT:
            raise PurposeMismatch("The note key signs checkpoints and nothing else.", field="purpose")
        private = self._opened()  # before the use is recorded: a wrong passphrase is no use
        signature = self._signer.sign(key, request, purpose=purpose)
        return signature, bytes(private.sign(request.message).signature)

    def _opened(self) -> SigningKey:
        with self._lock:
            if self._key is None:
                self._key = _open(self._envelope, read_passphrase(self._passphrase_file))
            return self._key


def create_note_key(
    folder: Path, passphrase_file: Path, *, randomness: Randomness, cost: Argon2Cost = MODERATE
) -> bool:
    """Make the key unless there is one; False when there was one.

    Raises `TokenFolderUnusable`, `PassphraseMissing`, `PassphraseExposed`, `DeviceFailed`.
    """
    passphrase = read_passphrase(passphrase_file)
    make_folder(folder)
    with usable(folder):
        if (folder / FILE).exists():
            return False
    private, salt = SigningKey(randomness.token(_SEED_BYTES)), randomness.token(argon2id.SALTBYTES)
    sealed = bytes(_box(passphrase, salt, cost).encrypt(bytes(private)))
    content = {
        "format": _FORMAT,
        "public_key": bytes(private.verify_key).hex(),
        "salt": salt.hex(),
        "operations": cost.operations,
        "memory": cost.memory,
        "sealed": base64.b64encode(sealed).decode("ascii"),
    }
    with usable(folder):
        return write_new(folder / FILE, canonical_json(content) + b"\n", randomness)


def _read(folder: Path) -> _Envelope:
    path = folder / FILE
    with usable(folder):
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            raise KeyStoreMissing(f"There is no file {FILE} in the key folder.", field=FILE) from None
    try:
        members = json.loads(content)
        if len(content) > MAX_FILE_BYTES or set(members) != _MEMBERS or members["format"] != _FORMAT:
            raise KeyFileBroken(f"The file {FILE} has another format.", field=FILE)
        return _Envelope(
            public_key=bytes.fromhex(members["public_key"]),
            salt=bytes.fromhex(members["salt"]),
            cost=Argon2Cost(operations=members["operations"], memory=members["memory"]),
            sealed=base64.b64decode(members["sealed"], validate=True),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeyFileBroken(f"The file {FILE} cannot be read.", field=FILE) from None


def _open(envelope: _Envelope, passphrase: bytes) -> SigningKey:
    try:
        seed = _box(passphrase, envelope.salt, envelope.cost).decrypt(envelope.sealed)
    except (CryptoError, ValueError):
        raise PassphraseWrong(f"The file {FILE} does not open with this passphrase.", field=FILE) from None
    try:
        private = SigningKey(seed)
    except (ValueError, CryptoError):
        raise KeyFileBroken(f"The file {FILE} does not hold a key.", field=FILE) from None
    if bytes(private.verify_key) != envelope.public_key:
        raise KeyFileBroken(f"The halves of the key in {FILE} do not belong together.", field=FILE)
    return private


def _box(passphrase: bytes, salt: bytes, cost: Argon2Cost) -> SecretBox:
    if len(salt) != argon2id.SALTBYTES:
        raise KeyFileBroken(f"The salt in {FILE} has another length.", field=FILE)
    try:
        return SecretBox(argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, cost.operations, cost.memory))
    except (CryptoError, MemoryError):
        raise DeviceFailed("There is not enough memory to open the note key.", memory=cost.memory) from None
