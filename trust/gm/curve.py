"""The SM2 recommended curve (GB/T 32918.5) and the hash ZA of signer and curve (GB/T 32918.2 section 5.5)."""

from collections.abc import Callable
from typing import Final

from trust.gm.errors import SignerIdUnusable

P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX: Final = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY: Final = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

DEFAULT_ID: Final = b"1234567812345678"
"""The signer's identifier that GM/T 0009 prescribes where no other is agreed. OpenSSL's own default is empty."""

FIELD_BYTES: Final = 32
POINT_BYTES: Final = 1 + 2 * FIELD_BYTES
UNCOMPRESSED: Final = 4
MAX_ID_BYTES: Final = 0xFFFF // 8
"""ENTL, the length of the identifier, is a 16-bit count of *bits* (GB/T 32918.2 section 5.5)."""

_PARAMETERS: Final = b"".join(value.to_bytes(FIELD_BYTES, "big") for value in (A, B, GX, GY))


def is_on_curve(x: int, y: int) -> bool:
    """Tell whether (x, y) is a finite point of the curve. Its order is prime, so no further check is needed."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x + A) * x - B) % P == 0


def is_point(encoded: bytes) -> bool:
    """Tell whether `encoded` is 04 || X || Y of a point of the curve."""
    if len(encoded) != POINT_BYTES or encoded[0] != UNCOMPRESSED:
        return False
    middle = 1 + FIELD_BYTES
    return is_on_curve(int.from_bytes(encoded[1:middle], "big"), int.from_bytes(encoded[middle:], "big"))


def za(point: bytes, ident: bytes, hash_function: Callable[[bytes], bytes]) -> bytes:
    """Return ZA = H(ENTL || ID || a || b || xG || yG || xA || yA).

    Raises:
        SignerIdUnusable: `ident` is longer than `MAX_ID_BYTES`.
    """
    if len(ident) > MAX_ID_BYTES:
        raise SignerIdUnusable(f"The identifier has {len(ident)} bytes; at most {MAX_ID_BYTES} are possible.")
    return hash_function((8 * len(ident)).to_bytes(2, "big") + ident + _PARAMETERS + point[1:])
