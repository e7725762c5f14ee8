"""Builders for the tests of the ledger."""

# ruff: noqa: S608  the statements hold nothing but what the tests put there

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes import MOMENT, FixedClock
from trust.db import Base, Database
from trust.gm import sm2
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import NotFound
from trust.kernel.merkle import Frontier
from trust.keys import (
    KeyInfo,
    KeyPurpose,
    KeyRef,
    KeyState,
    KeyUse,
    KeyUseRecorder,
    Signature,
    SigningRequest,
    UseContext,
    UseOutcome,
)
from trust.ledger.append_only import TABLES
from trust.ledger.checkpoints import Checkpointer
from trust.ledger.domain import TREE
from trust.ledger.segments import store as _segments  # noqa: F401  its table is one of the ledger
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore

KEY = KeyRef("01KCHECKPOINTKEY")
ORIGIN = "ledger.example/yinxin"


def use(number: int = 0, *, why: str = "issue certificate", document: str | None = "1.2.156.3005.2") -> KeyUse:
    return KeyUse(
        at=MOMENT,
        key=KeyRef("01KSEALINGKEY"),
        algorithm=Algorithm.SM2_SM3,
        purpose=KeyPurpose.SEALING,
        digest=f"{number:064x}",
        context=UseContext(principal="client:food-office", why=why, document=document),
        outcome=UseOutcome.SIGNED,
    )


def uses(count: int, start: int = 0) -> list[KeyUse]:
    return [use(number) for number in range(start, start + count)]


class RecordingSigner:
    """Signs with one SM2 key and records each use, as the guard does."""

    def __init__(self, recorder: KeyUseRecorder, purpose: KeyPurpose = KeyPurpose.LEDGER_CHECKPOINT) -> None:
        self._recorder = recorder
        self._private = sm2.PrivateKey.generate()
        self.info = KeyInfo(
            ref=KEY,
            algorithm=Algorithm.SM2_SM3,
            purpose=purpose,
            label="checkpoints",
            public_key=self._private.public_key.spki,
            created_at=MOMENT,
            state=KeyState.ACTIVE,
        )

    def describe(self, key: KeyRef) -> KeyInfo:
        if key != KEY:
            raise NotFound
        return self.info

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
        return self.sign_many(key, [request], purpose=purpose)[0]

    def sign_many(
        self, key: KeyRef, requests: Sequence[SigningRequest], *, purpose: KeyPurpose
    ) -> tuple[Signature, ...]:
        values = [self._private.sign(request.message) for request in requests]
        indexes = self._recorder.record(
            [
                KeyUse(
                    at=MOMENT,
                    key=key,
                    algorithm=Algorithm.SM2_SM3,
                    purpose=purpose,
                    digest=sm3(request.message).hex(),
                    context=request.context,
                    outcome=UseOutcome.SIGNED,
                )
                for request in requests
            ]
        )
        return tuple(
            Signature(key=key, algorithm=Algorithm.SM2_SM3, value=value, ledger_index=index)
            for value, index in zip(values, indexes, strict=True)
        )

    def check(self) -> None:
        pass


@dataclass
class Setting:
    """A ledger in an SQLite file with its checkpointer."""

    path: Path
    database: Database
    store: SqlLedgerStore
    ledger: Ledger
    signer: RecordingSigner
    checkpointer: Checkpointer

    def tamper(self, *statements: str) -> None:
        """Change the file as an attacker with the database prompt: triggers dropped first, ours not asked."""
        connection = sqlite3.connect(self.path)
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()


def setting(folder: Path) -> Setting:
    path = folder / "ledger.sqlite3"
    database = Database(f"sqlite:///{path}")
    tables = [Base.metadata.tables[name] for name in TABLES]
    Base.metadata.create_all(database.engine, tables=tables)
    store, clock = SqlLedgerStore(database), FixedClock()
    ledger = Ledger(store, clock, lambda key: signer.describe(key))  # noqa: PLW0108  the signer comes next
    signer = RecordingSigner(ledger)
    checkpointer = Checkpointer(store, signer, KEY, clock, origin=ORIGIN)
    return Setting(path, database, store, ledger, signer, checkpointer)


def hexed(data: bytes) -> str:
    return f"X'{data.hex()}'"


def rebuilt(leaves: Iterable[bytes]) -> list[str]:
    """The statements that replace the whole tree, every hash of it right."""
    data = list(leaves)
    hashes = [TREE.leaf(item) for item in data]
    frontier, nodes = Frontier().extend(TREE, hashes)
    return [
        "DELETE FROM ledger_leaf",
        "DELETE FROM ledger_node",
        *(
            f"INSERT INTO ledger_leaf VALUES ({index}, {hexed(item)}, {hexed(hashes[index])})"
            for index, item in enumerate(data)
        ),
        *(f"INSERT INTO ledger_node VALUES ({node.level}, {node.offset}, {hexed(value)})" for node, value in nodes),
        f"UPDATE ledger_head SET size = {frontier.size}, root = {hexed(frontier.root(TREE))}",
    ]
