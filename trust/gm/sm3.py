"""SM3 (GB/T 32905): the interpreter's own libcrypto where it has it, else `cryptography`."""

import hashlib
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives import hashes
from typing_extensions import Buffer, override

DIGEST_BYTES: Final = 32
BLOCK_BYTES: Final = 64


class Hash(Protocol):
    """A hash in progress, as in `hashlib`."""

    @property
    def name(self) -> str:
        """The name of the hash function."""
        ...

    @property
    def digest_size(self) -> int:
        """Length of the digest, bytes."""
        ...

    @property
    def block_size(self) -> int:
        """Length of the blocks the function works on, bytes."""
        ...

    def update(self, data: Buffer, /) -> None:
        """Absorb `data`."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all that was absorbed; more may follow."""
        ...

    def hexdigest(self) -> str:
        """Return the digest in lower-case hex."""
        ...

    def copy(self) -> Self:
        """Return an independent hash in the same state."""
        ...


class CryptographySm3(Hash):
    """SM3 of `cryptography` in the shape of `hashlib`, for interpreters whose OpenSSL was built without it."""

    name = "sm3"
    digest_size = DIGEST_BYTES
    block_size = BLOCK_BYTES

    def __init__(self, data: Buffer = b"") -> None:
        self._hash: hashes.Hash = hashes.Hash(hashes.SM3())
        self.update(data)

    @override
    def update(self, data: Buffer, /) -> None:
        # `cryptography` types its argument more narrowly than what it takes.
        self._hash.update(memoryview(data))

    @override
    def digest(self) -> bytes:
        return self._hash.copy().finalize()

    @override
    def hexdigest(self) -> str:
        return self.digest().hex()

    @override
    def copy(self) -> "CryptographySm3":
        twin = CryptographySm3.__new__(CryptographySm3)
        twin._hash = self._hash.copy()  # noqa: SLF001  the twin is one of us
        return twin


def _hashlib_has_sm3() -> bool:
    try:
        hashlib.new("sm3")
    except ValueError:
        return False
    return True


HASHLIB_HAS_SM3: Final = _hashlib_has_sm3()


def _new_from_hashlib(data: Buffer = b"") -> Hash:
    return hashlib.new("sm3", data)


new = _new_from_hashlib if HASHLIB_HAS_SM3 else CryptographySm3
"""Start a hash; `data` is absorbed at once. Both implementations release the GIL over large data."""


def sm3(data: Buffer) -> bytes:
    """Return the 32-byte digest of `data`."""
    return new(data).digest()
