"""The passphrase of the software token: from a file that only the service's account reads, never from elsewhere."""

import os
import stat
from pathlib import Path

from hsm_adapter.errors import PassphraseExposed, PassphraseMissing

MAX_PASSPHRASE_BYTES = 1024
"""Longest passphrase file, bytes. A longer file is some other file named by mistake."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_passphrase(path: Path) -> bytes:
    """Return the passphrase without its line end; neither it nor the folder is ever shown.

    Raises `PassphraseMissing` (absent, unreadable, empty, too long) or `PassphraseExposed` (others may read it).
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_PASSPHRASE_BYTES + 1)
    except OSError as error:
        raise PassphraseMissing(f"The passphrase file {path.name}: {error.strerror}.", field=path.name) from None
    if mode & _OTHERS:
        raise PassphraseExposed(
            f"The passphrase file {path.name} has mode {stat.S_IMODE(mode):04o}; it must be 0600.", field=path.name
        )
    passphrase = content.rstrip(b"\r\n")
    if not passphrase.strip():
        raise PassphraseMissing(f"The passphrase file {path.name} is empty.", field=path.name)
    if len(content) > MAX_PASSPHRASE_BYTES:
        raise PassphraseMissing(
            f"The passphrase file {path.name} exceeds {MAX_PASSPHRASE_BYTES} bytes.", field=path.name
        )
    return passphrase
