"""Reading a JWS compact serialization so that it has one spelling and one meaning (RFC 7515, RFC 8725).

It decides nothing about keys. Both our own tokens and what others signed (client assertions, DPoP proofs) come
through here, since lenient JSON and base64 are where two readers of one token begin to disagree.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trust.kernel.encoding import base64url, members_once

MAX_HEADER_CHARACTERS = 2048
"""Longest encoded header. A DPoP header with an RSA key of 4096 bits has about 1,100; ours have about 120."""

MAX_NUMBER_CHARACTERS = 18
"""Longest whole number: it fits 64 bits, and becomes a float or a moment without overflow."""

_SEGMENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactJws:
    """A JWS that was taken apart; nothing of it is verified."""

    header: Mapping[str, Any]
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)

    def claims(self) -> Mapping[str, Any]:
        """Return the payload as a JSON object. Raises `ValueError`."""
        return json_object(self.payload)


def parse(token: str, *, most: int) -> CompactJws:
    """Take a token of at most `most` characters apart. Raises `ValueError` when it is not exactly a compact JWS."""
    if len(token) > most or not token.isascii():
        raise ValueError("too long, or not ASCII")
    segments = token.split(".")
    if len(segments) != _SEGMENTS or len(segments[0]) > MAX_HEADER_CHARACTERS:
        raise ValueError("not three segments, or a header beyond its limit")
    header = json_object(decode(segments[0]))
    if not isinstance(header.get("alg"), str):
        raise ValueError("no algorithm")  # noqa: TRY004  one kind of error: the bytes are not what they should be
    return CompactJws(
        header=header,
        payload=decode(segments[1]),
        signature=decode(segments[2]),
        signing_input=f"{segments[0]}.{segments[1]}".encode(),
    )


def decode(segment: str) -> bytes:
    """Return the bytes of base64url without padding; one value has one spelling. Raises `ValueError`."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if base64url(data) != segment:
        raise ValueError("a second spelling of the same bytes")
    return data


def json_object(data: bytes) -> Mapping[str, Any]:
    """Return a JSON object in which no member stands twice, at any depth. Raises `ValueError`."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=members_once,
            parse_constant=_no_constant,
            parse_int=_int,
            parse_float=_float,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  one kind of error: the bytes are not what they should be
    return value


def _int(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError("a number beyond its limit")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond its limit")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
