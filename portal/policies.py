"""The policies of keys, opened: what the guard asks, and what operators decide with."""

from dataclasses import dataclass
from pathlib import Path

from hsm_adapter.opening import OpenedKeys
from hsm_adapter.policy.book import PolicyBook
from hsm_adapter.policy.memory import PolicyMemory
from hsm_adapter.policy.rule import PolicyRule
from hsm_adapter.policy.scanning import LedgerScan
from hsm_adapter.policy.service import Devices, PolicyDesk
from hsm_adapter.policy.service_keys import in_service, seen_by_services
from hsm_adapter.policy.store import SqlPolicyStore
from hsm_adapter.policy.watching import PolicyWatch
from trust.db import Database
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness
from trust.keys import KeyInfo, Signer
from trust.ledger.service import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of one installation. `rule` is for the guard; services ask `in_service` and `seen_by_services`."""

    keys: OpenedKeys
    store: SqlPolicyStore
    scan: LedgerScan
    book: PolicyBook
    rule: PolicyRule
    clock: Clock
    randomness: Randomness

    def in_service(self) -> list[KeyInfo]:
        """Return the keys that may sign, the one to sign with last; see `hsm_adapter.policy.service_keys`."""
        return in_service(self.keys.custodian.keys(), self.book)

    def seen_by_services(self) -> list[KeyInfo]:
        """Return every key that was ever activated, as services see it; see `hsm_adapter.policy.service_keys`."""
        return seen_by_services(self.keys.custodian.keys(), self.book)

    def desk(self, signer: Signer) -> PolicyDesk:
        """Return where people propose and approve; `signer` is the guard."""
        devices = Devices(custodian=self.keys.custodian)
        return PolicyDesk(self.book, self.store, self.scan, signer, devices, self.clock, self.randomness)

    def watch(self) -> PolicyWatch:
        """Return what holds the database against the ledger."""
        return PolicyWatch(book=self.book, store=self.store, scan=self.scan, custodian=self.keys.custodian)


def open_policies(
    database: Database, ledger: Ledger, keys: OpenedKeys, *, folder: Path, clock: Clock, randomness: Randomness
) -> Policies:
    """Open the policies; nothing is read yet. `folder` is for what must be known outside the database."""
    store, memory = SqlPolicyStore(database), PolicyMemory(folder, randomness)
    book = PolicyBook(store, keys.token.info, ledger, memory, clock)
    return Policies(
        keys=keys,
        store=store,
        scan=LedgerScan(ledger, memory),
        book=book,
        rule=PolicyRule(book, store, clock),
        clock=clock,
        randomness=randomness,
    )
