"""Builders for the tests of PKCS#11: devices over SoftHSM2, and a token in memory with faults to switch on."""

import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hsm_adapter.pkcs11.cryptoki import (
    CKA_CLASS,
    CKA_EC_POINT,
    CKA_EXTRACTABLE,
    CKA_ID,
    CKO_PRIVATE_KEY,
    TokenFlags,
    TokenInfo,
)
from hsm_adapter.pkcs11.device import Pkcs11Device
from hsm_adapter.pkcs11.profile import Pkcs11Profile
from hsm_adapter.pkcs11.return_values import NUMBERS, failure
from tests.hsm_adapter.softhsm import SoftToken
from trust.gm import sm2
from trust.gm.encoding import decode_signature
from trust.kernel.randomness import SystemRandomness

SM2_GENERATE, SM2_SIGN, SM2_KEY = 0x80000101, 0x80000102, 0x80000003
SM2_QUIRKS: dict[str, Any] = {
    "sm2_generate": "0x80000101",
    "sm2_sign": "0x80000102",
    "sm2_key_type": "0x80000003",
}


def soft_profile(token: SoftToken, folder: Path, **changes: Any) -> Pkcs11Profile:
    return Pkcs11Profile.parse("soft", token.table(**changes), folder=folder, state_folder=folder / "state")


def soft_device(token: SoftToken, folder: Path, **changes: Any) -> Pkcs11Device:
    return Pkcs11Device(soft_profile(token, folder, **changes), SystemRandomness())


@dataclass
class FakeToken:
    """A token with one kind of key, SM2, made in memory. Implements `Cryptoki`; counts and fails as it is told."""

    pin: bytes = b"1234"
    flags: TokenFlags = TokenFlags.USER_PIN_INITIALIZED
    quirks: Mapping[str, Any] = field(default_factory=dict)
    objects: list[dict[int, Any]] = field(default_factory=list)
    logins: int = 0
    opened: int = 0
    closed: int = 0
    hang: threading.Event | None = None
    fault: Callable[[str], None] = lambda _: None
    extractable: bool = False

    def token(self) -> TokenInfo:
        self.fault("C_GetTokenInfo")
        return TokenInfo(label="fake", serial="1", flags=self.flags)

    def open(self, *, writing: bool) -> "FakeSession":
        self.fault("C_OpenSession")
        self.opened += 1
        return FakeSession(self)


@dataclass
class FakeSession:
    """One session with the token in memory."""

    owner: FakeToken

    def login(self, pin: bytes) -> None:
        self.owner.logins += 1
        self.owner.fault("C_Login")
        if pin != self.owner.pin:
            raise refused("CKR_PIN_INCORRECT")

    def find(self, template: Mapping[int, bytes]) -> Sequence[dict[int, Any]]:
        self.owner.fault("C_FindObjects")
        return [it for it in self.owner.objects if all(it.get(key) == value for key, value in template.items())]

    def read(self, key: dict[int, Any], attribute: int) -> bytes | None:
        value = key.get(attribute)
        return value if isinstance(value, bytes) else None

    def generate(self, mechanism: int, public: Mapping[int, bytes], private: Mapping[int, bytes]) -> Any:
        self.owner.fault("C_GenerateKeyPair")
        if mechanism != SM2_GENERATE:
            raise refused("CKR_MECHANISM_INVALID")
        key = sm2.PrivateKey.generate()
        point = key.public_key.spki[-65:]
        raw = self.owner.quirks.get("ec_point") == "raw"
        halves = {**public, CKA_EC_POINT: point if raw else b"\x04\x41" + point}, {**private, "key": key}
        for half in halves:
            half.setdefault(CKA_ID, b"\xee\x01")  # a token that gives identifiers of its own
        if self.owner.extractable:
            halves[1][CKA_EXTRACTABLE] = b"\x01"
        self.owner.objects += halves  # type: ignore[arg-type]
        return halves

    def sign(self, key: dict[Any, Any], mechanism: int, data: bytes) -> bytes:
        if self.owner.hang is not None:
            self.owner.hang.wait()
        self.owner.fault("C_Sign")
        if not any(key is it for it in self.owner.objects):
            raise refused("CKR_KEY_HANDLE_INVALID")
        assert mechanism == SM2_SIGN
        whole = self.owner.quirks.get("sm2_takes") == "message"
        made = key["key"].sign(data) if whole else key["key"].sign_digest(data)
        if self.owner.quirks.get("sm2_signature") == "der":
            return made
        return b"".join(number.to_bytes(32, "big") for number in decode_signature(made))

    def destroy(self, key: dict[int, Any]) -> None:
        self.owner.objects = [it for it in self.owner.objects if it is not key]

    def random(self, size: int) -> bytes:
        self.owner.fault("C_GenerateRandom")
        return bytes(size)

    def close(self) -> None:
        self.owner.closed += 1


def refused(name: str) -> Exception:
    return failure(NUMBERS[name])


def fake_profile(folder: Path, *, pin: bytes = b"1234", **changes: Any) -> Pkcs11Profile:
    pin_file = folder / "fake.pin"
    pin_file.write_bytes(pin)
    pin_file.chmod(0o600)
    table = {"library": "none.so", "token_label": "fake", "pin_file": "fake.pin", "quirks": SM2_QUIRKS} | changes
    return Pkcs11Profile.parse("fake", table, folder=folder, state_folder=folder / "state")


def fake_device(token: FakeToken, folder: Path, **changes: Any) -> Pkcs11Device:
    quirks = SM2_QUIRKS | dict(token.quirks)
    return Pkcs11Device(fake_profile(folder, quirks=quirks, **changes), SystemRandomness(), cryptoki=token)


def privates(token: FakeToken) -> list[dict[int, Any]]:
    return [it for it in token.objects if it[CKA_CLASS] == struct.pack("L", CKO_PRIVATE_KEY)]
