"""The processes that a test has started, and theirs."""

import os
import subprocess


def descendants():
    """Return the command line of each process below this one, by process id."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listing.splitlines()]
    level, found = {os.getpid()}, {}
    while level:
        children = {int(pid): args for pid, parent, args in rows if int(parent) in level}
        level = set(children) - set(found)
        found |= children
    return found
