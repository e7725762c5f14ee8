"""Randomness as an argument (law 10)."""

import secrets
from typing import Protocol


class Randomness(Protocol):
    """A source of unpredictable bytes."""

    def token(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""
        ...


class SystemRandomness:
    """The operating system's generator."""

    def token(self, size: int) -> bytes:
        """Return `size` bytes of the operating system's generator."""
        return secrets.token_bytes(size)
