"""Other people's programs: found on the path or the test is skipped, naming what is missing."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PACKAGES = {
    "qpdf": "qpdf",
    "pdfsig": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "pdffonts": "poppler-utils",
    "pdfdetach": "poppler-utils",
    "java": "default-jre-headless",
    "go": "golang-go",
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


def unprivileged(*names: str) -> pwd.struct_passwd:
    """Return who is to run a server that refuses to be root: this user, or the first known of `names` for root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip(f"missing part: an account that a server can run as ({' or '.join(names)})")


def identity(account: pwd.struct_passwd) -> dict[str, Any]:
    """Return the arguments of `subprocess` that start a process as `account`."""
    if os.geteuid() != 0:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
