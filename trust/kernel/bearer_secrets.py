"""Secrets that open something for whoever brings them: codes, cookies, refresh tokens, tickets. One form for all.

They are random, so a plain digest is kept of them: there is nothing to guess, and a slow hash on an open endpoint would
only help whoever wants to exhaust the server.
"""

import hashlib
from typing import Final

from trust.kernel.encoding import base64url
from trust.kernel.randomness import Randomness

SECRET_BYTES: Final = 32
"""Random bytes of a secret: 256 bits."""

SECRET_CHARACTERS: Final = 43
"""The same in base64url."""


def new_secret(randomness: Randomness) -> str:
    """Return a fresh secret."""
    return base64url(randomness.token(SECRET_BYTES))


def may_be_secret(text: str) -> bool:
    """Whether a text has the form of a secret; of any other nothing need be looked up."""
    return len(text) == SECRET_CHARACTERS and text.isascii()


def secret_digest(secret: str) -> bytes:
    """Return the SHA-256 under which a secret is kept; any text has one, so a malformed secret just finds nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
