"""An installation's keys with policies, as small as it can be: a software token, a ledger, and one database."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hsm_adapter.errors import InsecureSignerWarning
from hsm_adapter.guard import GuardedSigner
from hsm_adapter.hardware import HardwareToken
from hsm_adapter.opening import KeyFiles, OpenedKeys, open_keys
from hsm_adapter.policy.book import PolicyBook
from hsm_adapter.policy.changes import ChangeKind, KeyLife, Making
from hsm_adapter.policy.domain import KeyPolicy
from hsm_adapter.policy.memory import PolicyMemory
from hsm_adapter.policy.rule import PolicyRule
from hsm_adapter.policy.scanning import LedgerScan
from hsm_adapter.policy.service import Devices, PolicyDesk
from hsm_adapter.policy.store import SqlPolicyStore
from hsm_adapter.policy.watching import PolicyWatch
from tests.fakes import FixedClock
from tests.hsm_adapter.building import TokenFolder
from trust.db import Database
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose, KeyRef, Signature, SigningRequest, UseContext
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore

ASKS, AGREES = "王经办", "李审核"
SM2 = Making(algorithm=Algorithm.SM2_SM3, label="seal")


@dataclass
class Process:
    """One process of the installation: what it has read and remembers is its own."""

    keys: OpenedKeys
    database: Database
    folder: Path
    clock: FixedClock
    fresh_for: timedelta = timedelta()
    token: HardwareToken = field(init=False)
    book: PolicyBook = field(init=False)
    guard: GuardedSigner = field(init=False)
    desk: PolicyDesk = field(init=False)
    watch: PolicyWatch = field(init=False)
    store: SqlPolicyStore = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.token = self.keys.token
        self.store = SqlPolicyStore(self.database)
        self.ledger = Ledger(SqlLedgerStore(self.database), self.clock, self.token.info)
        memory = PolicyMemory(self.folder, SystemRandomness())
        scan = LedgerScan(self.ledger, memory)
        self.book = PolicyBook(self.store, self.token.info, self.ledger, memory, self.clock, fresh_for=self.fresh_for)
        rule = PolicyRule(self.book, self.store, self.clock)
        self.guard = GuardedSigner(self.token, self.ledger, self.clock, rule)
        custodian = self.keys.custodian
        self.desk = PolicyDesk(
            self.book, self.store, scan, self.guard, Devices(custodian=custodian), self.clock, SystemRandomness()
        )
        self.watch = PolicyWatch(book=self.book, store=self.store, scan=scan, custodian=custodian)

    def sign(self, key: KeyInfo | KeyRef, *, principal: str = "client:food-office", count: int = 1) -> list[Signature]:
        ref = key if isinstance(key, str) else key.ref
        context = UseContext(principal=principal, why="issue certificate", document="1.2.156.3005.2")
        requests = [SigningRequest(message=b"tbs %d" % number, context=context) for number in range(count)]
        return list(self.guard.sign_many(ref, requests, purpose=self.token.info(ref).purpose))

    def agree(self, kind: ChangeKind, key: KeyInfo | KeyRef | None = None, **details: object) -> KeyLife:
        """Two people agree on a change."""
        ref = None if key is None else KeyRef(key) if isinstance(key, str) else key.ref
        proposal = self.desk.propose(kind, key=ref, by=ASKS, reason="年度计划", **details)  # type: ignore[arg-type]
        return self.desk.approve(proposal.id, by=AGREES)

    def limit(self, key: KeyInfo, **limits: object) -> KeyLife:
        """Two people agree on limits for a key."""
        return self.agree(ChangeKind.POLICY, key, policy=KeyPolicy(purpose=key.purpose, **limits))  # type: ignore[arg-type]

    def new_key(self, purpose: KeyPurpose = KeyPurpose.SEALING) -> KeyInfo:
        """A key as older releases make them: without a record."""
        return self.token.generate(algorithm=Algorithm.SM2_SM3, purpose=purpose, label="seal")


Begin = Callable[[], Process]


def begin(folder: TokenFolder, base: Path, database: Database, **details: object) -> Process:
    home = base / "home"
    home.mkdir(exist_ok=True)
    files = KeyFiles(folder=folder.path, passphrase_file=folder.passphrase, devices_file=None, state_folder=home)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureSignerWarning)
        keys = open_keys(files, clock=folder.clock, randomness=SystemRandomness(), production=False, allowed=False)
    return Process(keys, database, home, folder.clock, **details)  # type: ignore[arg-type]


def dying(*_: object, **__: object) -> None:
    """What a part does in a process that ends there."""
    raise MemoryError
