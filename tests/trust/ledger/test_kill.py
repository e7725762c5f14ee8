"""Kill -9 under concurrent signing, 40 times: each signature that a caller received is in the ledger and proven."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_adapter.software import Argon2Cost, SoftwareToken, create_software_token, open_software_token
from tests.interop.postgresql import private_cluster
from trust.config import child_environment
from trust.db import Base, Database
from trust.gm.sm3 import sm3
from trust.kernel import merkle
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import SystemClock
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose, UseOutcome
from trust.ledger.append_only import TABLES
from trust.ledger.domain import TREE
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore
from trust.signatures import verify

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
SEED = 2818
ROUNDS = 40
SECONDS = 0.2  # from the first signature of a life
CHEAP = Argon2Cost(operations=3, memory=8192)


class Lives:
    """Starts one life after the other, kills each, and keeps what its callers received."""

    def __init__(self, address: str, folder: Path) -> None:
        passphrase = folder / "passphrase"
        passphrase.write_text("a passphrase of the tests")
        passphrase.chmod(0o600)
        create_software_token(folder / "keys", passphrase, randomness=SystemRandomness(), cost=CHEAP)
        self.token = opened_token(folder)
        self.sealing = self._generate(KeyPurpose.SEALING)
        self.checkpoint = self._generate(KeyPurpose.LEDGER_CHECKPOINT)
        self.received: dict[int, tuple[bytes, bytes]] = {}
        self._order = {
            "address": address,
            "keys": str(folder / "keys"),
            "passphrase": str(passphrase),
            "sealing_key": self.sealing.ref,
            "checkpoint_key": self.checkpoint.ref,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.ledger.signing_process"],
            cwd=ROOT,
            env=child_environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def live(self, name: str, since: str, seconds: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._order | {"life": name}) + "\n")
        self._process.stdin.flush()
        pid = int(self._until("forked")[-1].split()[1])
        said = self._until(since)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        said += self._until("ended")
        assert said[-1] == f"ended {signal.SIGKILL}", said[-3:]
        assert not any(line.startswith("failed") for line in said), said
        for line in said:
            if line.startswith("got "):
                index, message, value = line.split()[1:]
                assert int(index) not in self.received
                self.received[int(index)] = (message.encode(), bytes.fromhex(value))

    def _generate(self, purpose: KeyPurpose) -> KeyInfo:
        return self.token.generate(algorithm=Algorithm.SM2_SM3, purpose=purpose, label=purpose.value)

    def _until(self, word: str) -> list[str]:
        assert self._process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1].split()[0] != word:
            line = self._process.stdout.readline()
            assert line, "the signing process ended"
            lines.append(line.rstrip("\n"))
            assert not lines[-1].startswith("failed"), lines[-1]
        return lines


def opened_token(folder: Path) -> SoftwareToken:
    with warnings.catch_warnings(action="ignore"):
        return open_software_token(
            folder / "keys",
            folder / "passphrase",
            clock=SystemClock(),
            randomness=SystemRandomness(),
            production=False,
            allowed=True,
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    else:
        with private_cluster() as cluster:
            yield cluster


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    made = Database(address)
    Base.metadata.create_all(made.engine, tables=[Base.metadata.tables[name] for name in TABLES])
    yield made
    made.close()


@pytest.fixture
def lives(address: str, database: Database, tmp_path: Path) -> Iterator[Lives]:
    made = Lives(address, tmp_path)
    yield made
    made.close()


def test_40_random_moments(lives: Lives, database: Database) -> None:
    choice = random.Random(SEED)  # noqa: S311  a reproducible choice, not a secret
    for number in range(ROUNDS):
        since = "got" if number % 4 else "ready"
        lives.live(f"life{number:02d}", since, choice.uniform(0, SECONDS))
    assert len(lives.received) >= ROUNDS
    store = SqlLedgerStore(database)
    ledger = Ledger(store, SystemClock(), lives.token.info)
    report = ledger.verify()
    check_received(lives, ledger)
    count = check_consistency(store, ledger)
    print(f"seed {SEED}: {report.size} entries, {len(lives.received)} received, {count} checkpoints")


def check_received(lives: Lives, ledger: Ledger) -> None:
    head = ledger.head()
    for index, (message, value) in lives.received.items():
        verify(Algorithm.SM2_SM3, lives.sealing.public_key, message, value)
        leaf = ledger.entry(index)
        assert (leaf.use.digest, leaf.use.outcome) == (sm3(message).hex(), UseOutcome.SIGNED)
        proof = ledger.inclusion_proof(index, head.size)
        assert proof.leaf_hash == TREE.leaf(leaf.data)
        merkle.verify_inclusion(
            TREE, index=index, size=head.size, leaf_hash=proof.leaf_hash, path=proof.path, root=head.root
        )


def check_consistency(store: SqlLedgerStore, ledger: Ledger) -> int:
    checkpoints = [signed.checkpoint for signed in store.checkpoints(0, ledger.size() + 1)]
    assert len(checkpoints) >= ROUNDS / 2
    for old, new in itertools.combinations(checkpoints, 2):
        merkle.verify_consistency(
            TREE,
            old_size=old.size,
            old_root=old.root,
            new_size=new.size,
            new_root=new.root,
            path=ledger.consistency_proof(old.size, new.size).path,
        )
    return len(checkpoints)
