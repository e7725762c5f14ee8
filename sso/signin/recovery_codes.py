"""Recovery codes as people keep and type them: 25 letters and digits in five groups, like a product key."""

from datetime import timedelta
from typing import Final

from trust.kernel.bearer_secrets import secret_digest
from trust.kernel.ids import encode_crockford
from trust.kernel.randomness import Randomness

CODES: Final = 10
"""Codes in a set: enough for years of lost phones on one printed page."""

COUNTER_CODE_LIFE: Final = timedelta(hours=24)
"""How long a code from a counter is good: to the same evening at home and the next morning."""

_CHARACTERS = 25  # 125 bits: beyond guessing, also offline against a digest; a longer code is mistyped
_GROUP = 5
_RANDOM_BYTES = 16
_READ_AS = str.maketrans("OIL", "011")  # Crockford: what people write for a digit


def new_code(randomness: Randomness) -> str:
    """Return a fresh code with its groups."""
    value = int.from_bytes(randomness.token(_RANDOM_BYTES), "big") % (1 << (5 * _CHARACTERS))
    text = encode_crockford(value, _CHARACTERS)
    return "-".join(text[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))


def digest_of(code: str) -> bytes:
    """Return the SHA-256 under which a code is kept; groups, case and look-alike letters make no difference."""
    typed = "".join(found for found in code.upper() if found.isalnum()).translate(_READ_AS)
    return secret_digest(typed)
