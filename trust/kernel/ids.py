"""Names that we make ourselves: sortable by time of creation, safe in a URL and to read aloud."""

from datetime import datetime

from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness

# Crockford's alphabet: no I, L, O, U, so that a clerk on the telephone cannot confuse them.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BYTES = 10  # 80 bits: as in ULID, far beyond any chance of a collision within one millisecond


def encode_crockford(value: int, length: int) -> str:
    """Return `value` in Crockford base 32, `length` characters, most significant first."""
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))


def sortable_id(moment: datetime, random_bytes: bytes) -> str:
    """Return a 26-character ULID: 48 bits of milliseconds, then 80 random bits."""
    milliseconds = int(moment.timestamp() * 1000)
    return encode_crockford((milliseconds << 80) | int.from_bytes(random_bytes, "big"), 26)


def new_id(clock: Clock, randomness: Randomness) -> str:
    """Return a fresh sortable id."""
    return sortable_id(clock.now(), randomness.token(_RANDOM_BYTES))
