"""Holds the database against the ledger: are all changes there, and do the counters say at least what was signed?"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from hsm_adapter.policy.book import PolicyBook
from hsm_adapter.policy.errors import KeyPolicyBroken
from hsm_adapter.policy.ports import PolicyStore
from hsm_adapter.policy.scanning import LedgerScan
from trust.keys import KeyCustodian, KeyInfo

_log = structlog.get_logger("hsm_adapter.policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWatch:
    """Runs at start and from time to time; safe at any moment and any number of times."""

    book: PolicyBook
    store: PolicyStore
    scan: LedgerScan
    custodian: KeyCustodian

    def check(self) -> int:
        """Read the ledger forwards, name each key whose record is broken, and mend counters; return how many of both.

        A broken key refuses to sign in every process of this home from now on. A counter that says less than the
        ledger is raised: it was put back, or signatures were made while the limit was being introduced. One that says
        more is right: what was taken and not signed is spent.
        Raises `SegmentFileMissing`, `LedgerUnavailable`, `DatabaseUnavailable`, `PolicyMemoryUnusable`.
        """
        signed = self.scan.forward().signed
        self.book.read_again()
        known = self.custodian.keys()
        return sum(self._check(info, signed.get(info.ref, 0)) for info in known)

    def broken(self) -> Sequence[KeyPolicyBroken]:
        """Return what is wrong with the record of each key, nothing when all is well."""
        found, known = [], self.custodian.keys()
        for info in known:
            try:
                self.book.life(info)
            except KeyPolicyBroken as error:
                found.append(error)
        return found

    def _check(self, info: KeyInfo, signed: int) -> int:
        try:
            life = self.book.life(info)
        except KeyPolicyBroken as error:
            _log.critical("key-policy-broken", key=info.ref, detail=error.detail)
            return 1
        limited = life.policy.max_signatures is not None
        if not limited or not self.store.raise_taken(info.ref, signed - life.used_before):
            return 0
        _log.error("key-count-corrected", key=info.ref, signed=signed)
        return 1
