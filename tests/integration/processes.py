"""The processes that a test has started, and theirs. A plain Linux has no `ps`, other systems have no `/proc`."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
KIB = 1024


class Process(NamedTuple):
    """One process: whose child it is, its resident memory in KiB, and its command line."""

    parent: int
    memory: int
    arguments: str


def descendants():
    """Return each process below this one, by process id."""
    every = _from_proc() if (PROC / "self" / "stat").exists() else _from_ps()
    level, found = {os.getpid()}, {}
    while level:
        children = {pid: process for pid, process in every.items() if process.parent in level}
        level = set(children) - set(found)
        found |= children
    return found


def _from_proc():
    page = os.sysconf("SC_PAGE_SIZE") // KIB
    found = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            # The second field is the program's name in brackets, which may hold anything, brackets too.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            arguments = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            found[int(folder.name)] = Process(int(fields[1]), int(fields[21]) * page, arguments)
    return found


def _from_ps():
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,rss=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=3) for line in listing.splitlines()]
    return {int(pid): Process(int(parent), int(memory), arguments) for pid, parent, memory, arguments in rows}
