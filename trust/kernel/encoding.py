"""Encodings that must be the same bytes every time."""

import base64
import json
from collections.abc import Sequence
from typing import Any

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: object) -> bytes:
    """Return `value` as JSON with sorted keys, no spaces and UTF-8: the same value gives the same bytes."""
    return _CANONICAL.encode(value).encode()


def members_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object, as `object_pairs_hook`. Raises `ValueError` when a name stands twice.

    RFC 8259 section 4 leaves open which of two counts: another reader may take the other one.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
