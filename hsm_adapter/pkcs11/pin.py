"""Logging in with the PIN of a file, so that a wrong PIN costs one try of the token and never a second.

A refused PIN leaves a marker in the state folder, which every process heeds before it tries. It holds no PIN, but what
Argon2id makes of one: an old PIN in a file written anew is still refused, another PIN clears the marker. Attempts are
one at a time across processes, so that two workers that start together do not both try.
"""

import base64
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from nacl.pwhash import argon2id

from hsm_adapter.errors import PassphraseExposed, PassphraseMissing
from hsm_adapter.folder import make_folder, usable
from hsm_adapter.passphrase import read_passphrase
from hsm_adapter.pkcs11.cryptoki import Cryptoki, Session, TokenFlags
from hsm_adapter.pkcs11.errors import PinFileUnusable, PinIncorrect, PinLastTry, PinLocked, TimedOut
from hsm_adapter.pkcs11.profile import Pkcs11Profile
from trust.durable import write_whole
from trust.kernel.encoding import canonical_json
from trust.kernel.randomness import Randomness

_FORMAT: Final = "yinxin-pkcs11-refusal/1"
_HASH_BYTES: Final = 32
_WAIT_SECONDS: Final = 0.02
_log = structlog.get_logger("hsm_adapter.pkcs11")


class Login:
    """Logs sessions of one device in."""

    def __init__(self, profile: Pkcs11Profile, cryptoki: Cryptoki, randomness: Randomness) -> None:
        self._profile = profile
        self._cryptoki = cryptoki
        self._randomness = randomness
        self._marker = marker_of(profile)
        self._lock = profile.state_folder / f"pkcs11-{profile.name}.lock"

    def login(self, session: Session, *, deadline: float) -> None:
        """Log in, trying the PIN at most once. `deadline` is on the monotonic clock, seconds.

        Raises `PinIncorrect`, `PinLocked`, `PinLastTry`, `PinUnusable`, `PinFileUnusable`, `TimedOut`.
        """
        make_folder(self._profile.state_folder)
        with self._alone(deadline):
            pin = self._read()
            self._heed_marker(pin)
            self._heed_flags(self._cryptoki.token().flags)
            try:
                session.login(pin)
            except (PinIncorrect, PinLocked) as error:
                self._mark(pin, error.code)
                _log.error("pkcs11_pin_refused", device=self._profile.name, code=error.code)
                raise type(error)(self._refusal()) from None

    def _refusal(self) -> str:
        return f"{self._profile.name}: the marker {self._marker.name} in the state folder bars this PIN."

    @contextmanager
    def _alone(self, deadline: float) -> Iterator[None]:
        with usable(self._profile.state_folder):
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _taken(descriptor):
                if time.monotonic() > deadline:
                    raise TimedOut("Another log-in to the device does not end.")
                time.sleep(_WAIT_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> bytes:
        try:
            return read_passphrase(self._profile.pin_file)
        except PassphraseExposed:
            raise PinFileUnusable(f"{self._profile.pin_file.name} can be read by other accounts.") from None
        except PassphraseMissing:
            raise PinFileUnusable(f"{self._profile.pin_file.name} is missing, empty, unreadable or too long.") from None

    def _heed_flags(self, flags: TokenFlags) -> None:
        if flags & TokenFlags.USER_PIN_LOCKED:
            raise PinLocked(f"{self._profile.name}: the token says that its PIN is locked.")
        if flags & TokenFlags.USER_PIN_FINAL_TRY and not self._profile.allow_final_try:
            raise PinLastTry
        if flags & (TokenFlags.USER_PIN_COUNT_LOW | TokenFlags.USER_PIN_FINAL_TRY):
            _log.warning("pkcs11_pin_count_low", device=self._profile.name)

    def _heed_marker(self, pin: bytes) -> None:
        try:
            content = self._marker.read_bytes()
        except FileNotFoundError:
            return
        except OSError:
            raise PinIncorrect(self._refusal()) from None
        if _is_same(content, pin):
            raise PinIncorrect(self._refusal())
        self._marker.unlink(missing_ok=True)
        _log.info("pkcs11_pin_replaced", device=self._profile.name)

    def _mark(self, pin: bytes, code: str) -> None:
        salt = self._randomness.token(argon2id.SALTBYTES)
        content = {"format": _FORMAT, "code": code, "salt": salt.hex(), "pin": _stretched(pin, salt)}
        with usable(self._profile.state_folder):
            write_whole(self._marker, canonical_json(content) + b"\n", self._randomness)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stretched(pin: bytes, salt: bytes) -> str:
    """What Argon2id makes of a PIN at libsodium's cost for a log-in: PINs are short, and the marker is a plain file."""
    key = argon2id.kdf(_HASH_BYTES, pin, salt, argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE)
    return base64.b64encode(key).decode("ascii")


def _is_same(content: bytes, pin: bytes) -> bool:
    """A marker that cannot be read bars every PIN: an operator removes it."""
    try:
        members = json.loads(content)
        return bool(members["format"] != _FORMAT or members["pin"] == _stretched(pin, bytes.fromhex(members["salt"])))
    except (ValueError, TypeError, KeyError, RecursionError):
        return True


def marker_of(profile: Pkcs11Profile) -> Path:
    """Return the file that bars a refused PIN; an operator who had the token unlocked removes it."""
    return profile.state_folder / f"pkcs11-{profile.name}.refused.json"
