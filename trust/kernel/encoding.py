"""Encodings that must be the same bytes every time."""

import base64
import json

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: object) -> bytes:
    """Return `value` as JSON with sorted keys, no spaces and UTF-8: the same value gives the same bytes."""
    return _CANONICAL.encode(value).encode()


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
