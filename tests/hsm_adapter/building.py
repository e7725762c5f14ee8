"""Builders for the tests of devices and the guard."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nacl.pwhash import argon2id

from hsm_adapter.api import VerifyAnswer
from hsm_adapter.errors import InsecureSignerWarning
from hsm_adapter.software import Argon2Cost, SoftwareToken, create_software_token, open_software_token
from tests.fakes import FixedClock
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose, KeyRef, SigningRequest, UseContext

CHEAP = Argon2Cost(operations=argon2id.OPSLIMIT_MIN, memory=argon2id.MEMLIMIT_MIN)
PASSPHRASE = "correct horse battery staple 印信"


@dataclass
class TokenFolder:
    """The files of a software token."""

    path: Path
    passphrase: Path
    clock: FixedClock

    def open(self, *, production: bool = False, allowed: bool = False) -> SoftwareToken:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureSignerWarning)
            return open_software_token(
                self.path,
                self.passphrase,
                clock=self.clock,
                randomness=SystemRandomness(),
                production=production,
                allowed=allowed,
            )

    def file(self, ref: KeyRef) -> Path:
        return self.path / f"{ref}.json"


def write_passphrase(path: Path, content: bytes = PASSPHRASE.encode() + b"\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def token_folder(base: Path) -> TokenFolder:
    passphrase = write_passphrase(base / "token.passphrase")
    create_software_token(base / "token", passphrase, randomness=SystemRandomness(), cost=CHEAP)
    return TokenFolder(base / "token", passphrase, FixedClock())


def request(message: bytes = b"tbs", document: str | None = "1.2.156.3005.2") -> SigningRequest:
    return SigningRequest(
        message=message, context=UseContext(principal="client:food-office", why="issue certificate", document=document)
    )


class FaultyDevice:
    """A device around another one, with a fault to switch on."""

    def __init__(self, device: SoftwareToken) -> None:
        self.device = device
        self.answer: Sequence[bytes] | None = None
        self.fault: Exception | None = None
        self.facts: KeyInfo | None = None
        self.calls: list[int] = []

    def keys(self) -> Sequence[KeyInfo]:
        return self.device.keys()

    def info(self, ref: KeyRef) -> KeyInfo:
        return self.facts or self.device.info(ref)

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        return self.device.generate(algorithm=algorithm, purpose=purpose, label=label)

    def retire(self, ref: KeyRef) -> KeyInfo:
        return self.device.retire(ref)

    def sign_batch(
        self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "", verify: VerifyAnswer | None = None
    ) -> Sequence[bytes]:
        self.calls.append(len(messages))
        if self.fault is not None:
            raise self.fault
        return self.device.sign_batch(ref, messages, lane=lane) if self.answer is None else self.answer

    def check(self) -> None:
        if self.fault is not None:
            raise self.fault


class GoneDevice(FaultyDevice):
    """A device whose driver breaks in every call, with an error that is not ours."""

    def info(self, ref: KeyRef) -> KeyInfo:
        raise OSError("CKR_DEVICE_REMOVED")
