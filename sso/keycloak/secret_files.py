"""Secrets that other platforms gave us: in files that only their owner reads, never in a setting or an argument."""

import stat
from pathlib import Path
from typing import Final

from trust.sealing import SecretExposed, SecretMissing

MAX_SECRET_BYTES: Final = 4096
"""Longest client secret, bytes. Keycloak's have 32 to 86 characters; a longer file is another file."""

_OF_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_secret(path: Path) -> str:
    """Return the one line of a file. Raises `SecretMissing`, `SecretExposed`, never showing the content."""
    try:
        if path.stat().st_mode & _OF_OTHERS:
            raise SecretExposed(f"The secret file {path.name} may be read by others.", field=path.name)
        secret = path.read_bytes()[: MAX_SECRET_BYTES + 1].decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SecretMissing(f"The secret file {path.name} cannot be read.", field=path.name) from None
    if not secret or len(secret) > MAX_SECRET_BYTES or not secret.isprintable():
        raise SecretMissing(f"The secret file {path.name} does not hold one line of ASCII.", field=path.name)
    return secret
