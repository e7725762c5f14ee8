"""The form of a key file: what is in clear, what is sealed, and that the two agree.

A file is one JSON object: `format`, `public` (the facts of the key, readable without the passphrase) and `sealed`.
The sealed plaintext repeats `public` beside the private half (PKCS#8, null once retired), so that nobody can give
a key another reference, purpose or algorithm, bring it back from retirement by editing, or swap two files. The file of
a key in hardware has a format of its own, and `places` where the other has the private half: which devices hold it,
and under which handle; once it is retired, those that still do.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hsm_adapter.errors import KeyFileBroken
from trust.kernel.algorithms import Algorithm
from trust.kernel.encoding import canonical_json
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

FORMAT = "yinxin-software-key/1"
HARDWARE_FORMAT = "yinxin-hardware-key/1"

MAX_PLACES = 8
"""Most devices that hold one key. More spare devices than this protect nothing further."""

DEVICE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""What a device may be called: it is part of file names, of metrics and of what operators type."""

MAX_HANDLE_CHARACTERS = 128
"""Longest handle. A CKA_ID in hex has at most twice the 64 bytes that devices allow."""

_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it lies in the token: its public facts, and the private half unless it is retired."""

    info: KeyInfo
    private: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a key lies: the device's name in the settings, and the device's own handle for it."""

    device: str
    handle: str

    def __post_init__(self) -> None:
        if not DEVICE_NAME.fullmatch(self.device):
            raise ValueError("not the name of a device")
        if not 0 < len(self.handle) <= MAX_HANDLE_CHARACTERS or not self.handle.isprintable():
            raise ValueError("not a handle")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedKey:
    """A key that lies in hardware: its public facts and its places, the first to be asked first."""

    info: KeyInfo
    places: tuple[Place, ...]

    def __post_init__(self) -> None:
        if len(self.places) > MAX_PLACES or len({place.device for place in self.places}) != len(self.places):
            raise ValueError("too many places, or two on one device")
        if self.info.state is KeyState.ACTIVE and not self.places:
            raise ValueError("an active key lies somewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A key file before it is opened: facts in clear, not to be trusted yet, and the sealed bytes."""

    in_hardware: bool
    claimed: KeyInfo
    sealed: bytes


def encode_envelope(key: StoredKey | PlacedKey, sealed: bytes) -> bytes:
    """Return the file's bytes."""
    form = HARDWARE_FORMAT if isinstance(key, PlacedKey) else FORMAT
    value = {"format": form, "public": _public(key.info), "sealed": base64.b64encode(sealed).decode("ascii")}
    return canonical_json(value) + b"\n"


def parse_envelope(content: bytes, *, name: str) -> Envelope:
    """Return the facts in clear and the sealed bytes. Raises `KeyFileBroken`."""
    try:
        members = _members(content, {"format", "public", "sealed"})
        if members["format"] not in {FORMAT, HARDWARE_FORMAT}:
            raise KeyFileBroken(f"The file {name} has another format.", field=name)
        return Envelope(
            in_hardware=members["format"] == HARDWARE_FORMAT,
            claimed=_info(members["public"]),
            sealed=base64.b64decode(members["sealed"], validate=True),
        )
    except _UNREADABLE:
        raise KeyFileBroken(f"The file {name} is not a key file.", field=name) from None


def encode_plaintext(key: StoredKey | PlacedKey) -> bytes:
    """Return the bytes to seal."""
    if isinstance(key, PlacedKey):
        places = [{"device": place.device, "handle": place.handle} for place in key.places]
        return canonical_json({"public": _public(key.info), "places": places})
    private = None if key.private is None else base64.b64encode(key.private).decode("ascii")
    return canonical_json({"public": _public(key.info), "private": private})


def parse_plaintext(plaintext: bytes, *, envelope: Envelope, name: str) -> StoredKey | PlacedKey:
    """Return the key, whose facts must be those in clear. Raises `KeyFileBroken`, showing nothing of the content."""
    try:
        key = _parse_placed(plaintext) if envelope.in_hardware else _parse_stored(plaintext)
    except _UNREADABLE:
        raise KeyFileBroken(f"The file {name} does not hold a key.", field=name) from None
    if key.info != envelope.claimed:
        raise KeyFileBroken(f"The file {name} was edited: its facts are not those that were sealed.", field=name)
    return key


def _parse_stored(plaintext: bytes) -> StoredKey:
    members = _members(plaintext, {"public", "private"})
    private = None if members["private"] is None else base64.b64decode(members["private"], validate=True)
    info = _info(members["public"])
    if (info.state is KeyState.ACTIVE) != (private is not None):
        raise ValueError("an active key has its private half, a retired one has none")
    return StoredKey(info=info, private=private)


def _parse_placed(plaintext: bytes) -> PlacedKey:
    members = _members(plaintext, {"public", "places"})
    places = tuple(Place(**place) for place in members["places"])
    return PlacedKey(info=_info(members["public"]), places=places)


def _public(info: KeyInfo) -> Mapping[str, str]:
    return {
        "ref": info.ref,
        "algorithm": info.algorithm,
        "purpose": info.purpose,
        "label": info.label,
        "public_key": info.public_key.hex(),
        "created_at": info.created_at.astimezone(UTC).isoformat(),
        "state": info.state,
    }


def _info(value: Any) -> KeyInfo:
    """Raises `ValueError` or `TypeError` on anything but `_public`'s result."""
    members = dict(value)
    info = KeyInfo(
        ref=KeyRef(members.pop("ref", "")),
        algorithm=Algorithm(members.pop("algorithm", "")),
        purpose=KeyPurpose(members.pop("purpose", "")),
        label=members.pop("label", ""),
        public_key=bytes.fromhex(members.pop("public_key", "")),
        created_at=datetime.fromisoformat(members.pop("created_at", "")),
        state=KeyState(members.pop("state", "")),
    )
    if members or _public(info) != value:
        raise ValueError("not the facts of a key")
    return info


def _members(content: bytes, names: set[str]) -> dict[str, Any]:
    value = json.loads(content)
    if not isinstance(value, dict) or set(value) != names:
        raise ValueError("other members")
    return value
