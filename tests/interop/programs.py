"""Other people's programs: found on the path or the test is skipped, naming what is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = {
    "qpdf": "qpdf",
    "pdfsig": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "pdffonts": "poppler-utils",
    "pdfdetach": "poppler-utils",
    "java": "default-jre-headless",
}
_SECONDS = 120


def need(program: str) -> str:
    """Return the path of a program, or skip the test."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"missing part: {program} (Debian package {PACKAGES[program]})")
    return path


def run(program: str, *arguments: str | Path, status: int | None = 0) -> str:
    """Run a program and return what it printed; `status` None accepts any end."""
    done = subprocess.run([need(program), *map(str, arguments)], capture_output=True, check=False, timeout=_SECONDS)
    printed = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert status is None or done.returncode == status, printed
    return printed
