"""Reads the ledger forwards for what it says of keys: their changes, and how many signatures each made."""

import json
from collections import Counter
from datetime import datetime
from typing import Any, Final

from hsm_adapter.policy.memory import PolicyMemory, Record, Seen
from hsm_adapter.policy.ports import LeafReader
from trust.keys import KeyPurpose, KeyRef, UseOutcome
from trust.ledger.domain import TREE
from trust.ledger.errors import LedgerBroken

PAGE: Final = 256
"""Leaves read at once: what the ledger gives in one answer."""

KEPT_EVERY: Final = 100 * PAGE
"""Leaves after which the place is kept, so that an interrupted reading goes on from there."""

_PREFIX = "key-policy:"


class LedgerScan:
    """The ledger up to where it was read, by this process or another one of the home."""

    def __init__(self, leaves: LeafReader, memory: PolicyMemory) -> None:
        self._leaves = leaves
        self._memory = memory

    def forward(self) -> Record:
        """Read what is new and return what the whole ledger says; milliseconds when little is new.

        A leaf whose data are in a segment file that is missing ends it as an error: counts would be wrong without it.
        Raises `SegmentFileMissing`, `LedgerUnavailable`, `LedgerBroken`, `PolicyMemoryUnusable`.
        """
        size = self._leaves.size()
        record = self._memory.record()
        if record.scanned > size:  # an older database was put back: its leaves are counted anew
            record = self._memory.keep(Record(changes=record.changes), instead=True)
        while record.scanned < size:
            record = self._memory.keep(self._read(record, min(size, record.scanned + KEPT_EVERY)))
        return record

    def _read(self, record: Record, end: int) -> Record:
        signed = Counter(record.signed)
        start = record.scanned
        while start < end:
            page = self._leaves.entries(start, min(PAGE, end - start))
            for leaf in page:
                if TREE.leaf(leaf.data) != leaf.hash:  # what a hand put there is counted for nobody
                    raise LedgerBroken("its hash is not that of its data.", place=f"leaf {leaf.index}")
                members = json.loads(leaf.data)
                if members["outcome"] == UseOutcome.SIGNED:
                    signed[KeyRef(members["key"])] += 1
                    record = _with_change(record, members)
            start += len(page)
        return Record(scanned=start, changes=record.changes, signed=dict(signed))


def _with_change(record: Record, members: dict[str, Any]) -> Record:
    name = members["document"] or ""
    if members["purpose"] != KeyPurpose.KEY_POLICY or not name.startswith(_PREFIX):
        return record
    key, _, number = name.removeprefix(_PREFIX).rpartition(":")
    return record.with_change(KeyRef(key), Seen(number=int(number), at=datetime.fromisoformat(members["at"])))
