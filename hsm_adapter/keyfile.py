"""The form of a software token's key file: what is in clear, what is sealed, and that the two agree.

A file is one JSON object: `format`, `public` (the facts of the key, readable without the passphrase) and `sealed`.
The sealed plaintext repeats `public` beside the private half (PKCS#8, null once retired), so that nobody can give
a key another reference, purpose or algorithm, bring it back from retirement by editing, or swap two files.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hsm_adapter.errors import KeyFileBroken
from trust.kernel.algorithms import Algorithm
from trust.kernel.encoding import canonical_json
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

FORMAT = "yinxin-software-key/1"

_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it lies in the token: its public facts, and the private half unless it is retired."""

    info: KeyInfo
    private: bytes | None = field(repr=False)


def encode_envelope(info: KeyInfo, sealed: bytes) -> bytes:
    """Return the file's bytes."""
    value = {"format": FORMAT, "public": _public(info), "sealed": base64.b64encode(sealed).decode("ascii")}
    return canonical_json(value) + b"\n"


def parse_envelope(content: bytes, *, name: str) -> tuple[KeyInfo, bytes]:
    """Return the facts in clear, not to be trusted yet, and the sealed bytes. Raises `KeyFileBroken`."""
    try:
        members = _members(content, {"format", "public", "sealed"})
        if members["format"] != FORMAT:
            raise KeyFileBroken(f"The file {name} has another format.", field=name)
        return _info(members["public"]), base64.b64decode(members["sealed"], validate=True)
    except _UNREADABLE:
        raise KeyFileBroken(f"The file {name} is not a key file.", field=name) from None


def encode_plaintext(key: StoredKey) -> bytes:
    """Return the bytes to seal."""
    private = None if key.private is None else base64.b64encode(key.private).decode("ascii")
    return canonical_json({"public": _public(key.info), "private": private})


def parse_plaintext(plaintext: bytes, *, claimed: KeyInfo, name: str) -> StoredKey:
    """Return the key, whose facts must be those in clear. Raises `KeyFileBroken`, showing nothing of the content."""
    try:
        members = _members(plaintext, {"public", "private"})
        private = None if members["private"] is None else base64.b64decode(members["private"], validate=True)
        info = _info(members["public"])
    except _UNREADABLE:
        raise KeyFileBroken(f"The file {name} does not hold a key.", field=name) from None
    if info != claimed or (info.state is KeyState.ACTIVE) != (private is not None):
        raise KeyFileBroken(f"The file {name} was edited: its facts are not those that were sealed.", field=name)
    return StoredKey(info=info, private=private)


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
