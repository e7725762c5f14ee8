"""The stored ledger as plain rows, which tests change at will, and what an auditor should say of them.

The judgement is written down once more, from RFC 6962 and the order that `trust.ledger.audit` promises, as simply as
it can be said and without a line of the code that it judges but the hash function.
"""

# ruff: noqa: S608  the statements hold nothing but what the tests put there

import base64
import copy
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trust.gm.sm3 import sm3

TABLES = {
    "ledger_leaf": ("idx", "data", "hash"),
    "ledger_node": ("level", "idx", "hash"),
    "ledger_checkpoint": ("size", "body", "key", "signature", "entry"),
    "ledger_head": ("id", "size", "root"),
}


def leaf_hash(data: bytes) -> bytes:
    return sm3(b"\x00" + data)


def tree_hash(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return sm3(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sm3(b"\x01" + tree_hash(hashes[:split]) + tree_hash(hashes[split:]))


@dataclass
class Rows:
    """All rows of a ledger by their keys."""

    leaves: dict[int, list[Any]] = field(default_factory=dict)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoints: dict[int, list[Any]] = field(default_factory=dict)
    head: list[Any] | None = None

    @classmethod
    def read(cls, path: Path) -> "Rows":
        connection = sqlite3.connect(path)
        made = cls(
            leaves={idx: [data, value] for idx, data, value in connection.execute("SELECT * FROM ledger_leaf")},
            nodes={(level, idx): value for level, idx, value in connection.execute("SELECT * FROM ledger_node")},
            checkpoints={row[0]: list(row[1:]) for row in connection.execute("SELECT * FROM ledger_checkpoint")},
            head=list(connection.execute("SELECT size, root FROM ledger_head").fetchone()),
        )
        connection.close()
        return made

    def copy(self) -> "Rows":
        return copy.deepcopy(self)

    def write(self, path: Path) -> None:
        """Put these rows in the place of all others, as someone with the database password does: triggers first."""
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA synchronous=OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        rows = {
            "ledger_leaf": [(idx, *row) for idx, row in self.leaves.items()],
            "ledger_node": [(*place, value) for place, value in self.nodes.items()],
            "ledger_checkpoint": [(size, *row) for size, row in self.checkpoints.items()],
            "ledger_head": [] if self.head is None else [(1, *self.head)],
        }
        for table, names in TABLES.items():
            connection.execute(f"DELETE FROM {table}")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", rows[table])
        connection.commit()
        connection.close()

    def repair(self, *, hashes: bool = True, nodes: bool = True, head: bool = True) -> None:
        """Make the tree fit the leaves again, as far as they have no gap."""
        count = next(number for number in range(len(self.leaves) + 1) if number not in self.leaves)
        if hashes:
            for row in self.leaves.values():
                row[1] = leaf_hash(row[0])
        values = [self.leaves[number][1] for number in range(count)]
        if nodes:
            self.nodes = {
                (level, place): tree_hash(values[place << level : (place + 1) << level])
                for level in range(1, count.bit_length())
                for place in range(count >> level)
            }
        if head:
            self.head = [count, tree_hash(values)]


def first_bad_place(rows: Rows, signed: dict[int, list[Any]]) -> str | None:
    """Return what an auditor should name; `signed` are the checkpoints that the key holder really signed."""
    if rows.head is None:
        return "head"
    size, root = rows.head
    hashes: list[bytes] = []
    bad = _bad_checkpoint(rows, hashes, signed)
    if bad:
        return bad
    for index in range(size):
        bad = _bad_leaf(rows, index) or _bad_uses(rows, index)
        if bad:
            return bad
        hashes.append(rows.leaves[index][1])
        bad = _bad_nodes(rows, hashes) or _bad_checkpoint(rows, hashes, signed)
        if bad:
            return bad
    if tree_hash(hashes) != root:
        return "head"
    return _beyond(rows, size)


def _bad_leaf(rows: Rows, index: int) -> str | None:
    row = rows.leaves.get(index)
    sound = row is not None and all(isinstance(value, bytes) and value for value in row)  # empty: moved to a segment
    good = sound and leaf_hash(row[0]) == row[1]
    return None if good else f"leaf {index}"


def _records(rows: Rows, index: int, checkpoint: list[Any]) -> bool:
    body, key = checkpoint[:2]
    try:
        entry = json.loads(rows.leaves[index][0])
        return (entry["key"], entry["digest"], entry["outcome"]) == (key, sm3(body).hex(), "signed")
    except (ValueError, TypeError, LookupError):
        return False


def _bad_uses(rows: Rows, index: int) -> str | None:
    for size, checkpoint in sorted(rows.checkpoints.items()):
        if checkpoint[3] == index >= size and not _records(rows, index, checkpoint):
            return f"checkpoint {size}"
    return None


def _bad_nodes(rows: Rows, hashes: list[bytes]) -> str | None:
    size, level = len(hashes), 1
    while size % (1 << level) == 0:
        place = (level, (size >> level) - 1)
        if rows.nodes.get(place) != tree_hash(hashes[-(1 << level) :]):
            return f"node {place[0]}/{place[1]}"
        level += 1
    return None


def _bad_checkpoint(rows: Rows, hashes: list[bytes], signed: dict[int, list[Any]]) -> str | None:
    size = len(hashes)
    row = rows.checkpoints.get(size)
    if row is None:
        return None
    entry = row[3]
    good = (
        row[:3] == signed.get(size, [])[:3]
        and tree_hash(hashes) == tree_hash_said(row[0])
        and entry >= size
        and (entry < (rows.head or [0])[0] or (entry in rows.leaves and _records(rows, entry, row)))
    )
    return None if good else f"checkpoint {size}"


def tree_hash_said(body: bytes) -> bytes:
    return base64.b64decode(body.split(b"\n")[2])


def _beyond(rows: Rows, size: int) -> str | None:
    leaves = [index for index in rows.leaves if index >= size]
    nodes = [place for place in rows.nodes if (place[1] + 1) << place[0] > size]
    checkpoints = [number for number in rows.checkpoints if number > size]
    if leaves:
        return f"leaf {min(leaves)}"
    if nodes:
        level, index = min(nodes)
        return f"node {level}/{index}"
    return f"checkpoint {min(checkpoints)}" if checkpoints else None
