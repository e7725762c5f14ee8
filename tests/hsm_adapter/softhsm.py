"""Tokens of SoftHSM2 for tests: as many as wanted in one process, although the library reads its folder only once.

`softhsm2-util` makes a token from outside; the library sees it after C_Finalize and C_Initialize, which end the
sessions of every other device in this process. Those come back by themselves at their second call.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

_PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
_FFI = FFI()
_FFI.cdef(
    "typedef struct { void *a, *b, *c, *d; unsigned long flags; void *e; } ARGS;"
    "unsigned long C_Initialize(ARGS *); unsigned long C_Finalize(void *);"
)
_numbers = count(1)
_home: list[Path] = []
PIN = "4711-印"


@dataclass(frozen=True)
class SoftToken:
    """A token, and the files that belong to it."""

    label: str
    library: Path
    pin_file: Path
    folder: Path

    def table(self, **changes: Any) -> dict[str, Any]:
        """Return the TOML table of a profile that opens it."""
        return {
            "library": str(self.library),
            "token_label": self.label,
            "pin_file": str(self.pin_file),
            "model": "softhsm2",
        } | changes


def library() -> Path:
    """Return SoftHSM2's library; skip the test where softhsm2 is not installed."""
    found = [Path(place) for place in _PLACES if Path(place).is_file()]
    if not found or shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not installed (Debian packages softhsm2 and libsofthsm2)")
    return found[0]


def make_token(folder: Path) -> SoftToken:
    """Make a token with its PIN file in `folder`."""
    path = library()
    home = _prepare()
    label = f"test-{next(_numbers)}"
    before = set(home.iterdir())
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"],
        check=True,
        capture_output=True,
    )
    refresh()
    pin_file = folder / f"{label}.pin"
    pin_file.write_text(PIN + "\n")
    pin_file.chmod(0o600)
    (own,) = set(home.iterdir()) - before
    return SoftToken(label=label, library=path, pin_file=pin_file, folder=own)


def refresh() -> None:
    """Have the library read its folder again."""
    native: Any = _FFI.dlopen(str(library()))
    native.C_Finalize(_FFI.NULL)
    answer = native.C_Initialize(_FFI.new("ARGS *", {"flags": 2}))
    assert answer == 0, hex(answer)


def _prepare() -> Path:
    """The folder of all tokens of this process, named to the library before it first starts."""
    if not _home:
        base = Path(tempfile.mkdtemp(prefix="softhsm-"))
        (base / "tokens").mkdir()
        (base / "softhsm2.conf").write_text(
            f"directories.tokendir = {base / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(base / "softhsm2.conf")
        _home.append(base / "tokens")
    return _home[0]
