"""What the watch compares the ledger with: the libraries of certificates and seals, and the devices' counters."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

import structlog

from certs.domain import IntentState
from certs.store.intents import SqlIntents
from certs.store.issues import SqlIssues
from certs.store.library import SqlLibrary
from seals.errors import SealUnknown
from seals.store import SqlSealStore
from trust.db import Database
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError
from trust.keys import KeyInfo, KeyPurpose, KeyRef
from trust.ledger.watch.ports import DeviceCount, ListedDocument

SETTLING: Final = timedelta(seconds=60)
"""Age of what is listed: transactions that began before it have ended by then."""

_log = structlog.get_logger("portal.ledger_sources")

_SEAL: Final = "seal:"


class CertificateDocuments:
    """Certificates by their identifiers, which the leaves of sealing keys name as documents."""

    name = "certs"
    purpose = KeyPurpose.SEALING

    def __init__(self, database: Database, clock: Clock) -> None:
        self._library = SqlLibrary(database)
        self._intents = SqlIntents(database)
        self._issues = SqlIssues(database)
        self._clock = clock

    def knows(self, document: str) -> bool:
        """Whether the certificate is in the library, or is being issued."""
        return self._library.find(document) is not None or self._intents.state(document) is IntentState.INTENDED

    def documents_since(self, mark: int, limit: int) -> Sequence[ListedDocument]:
        """Return the certificates that were issued after a mark."""
        issued = self._issues.issued_after(mark, until=self._clock.now() - SETTLING, limit=limit)
        return [ListedDocument(mark=number, document=identifier) for number, identifier in issued]


class SealDocuments:
    """Seals as `seal:<id>`, which the leaves of the maker's key name as documents."""

    name = "seals"
    purpose = KeyPurpose.SEAL_MAKING

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = SqlSealStore(database)
        self._clock = clock

    def knows(self, document: str) -> bool:
        """Whether the seal was ever applied for."""
        try:
            self._store.state(document.removeprefix(_SEAL))
        except SealUnknown:
            return False
        return document.startswith(_SEAL)

    def documents_since(self, mark: int, limit: int) -> Sequence[ListedDocument]:
        """Return the seals that came into use after a mark; one that was suspended meanwhile comes twice."""
        made = self._store.made_after(mark, until=self._clock.now() - SETTLING, limit=limit)
        return [ListedDocument(mark=number, document=f"{_SEAL}{seal_id}") for number, seal_id in made]


class CountingCustodian(Protocol):
    """What knows the keys and what the devices have counted (`hsm_adapter.hardware`)."""

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key."""
        ...

    def uses(self, ref: KeyRef) -> Mapping[str, int | None]:
        """Return by device how often a key was used; None where the device does not count."""
        ...


class CustodianCounters:
    """The devices' counters, of those keys that every device of theirs counts."""

    def __init__(self, custodian: CountingCustodian) -> None:
        self._custodian = custodian

    def counts(self) -> Sequence[DeviceCount]:
        """Return the sum over the devices of each key; one whose device does not answer is left out and logged."""
        found = []
        known = self._custodian.keys()
        for info in known:
            try:
                uses = list(self._custodian.uses(info.ref).values())
            except TrustError as error:  # one device that is down does not keep the others from being compared
                _log.warning("device-counter-unread", key=info.ref, code=error.code)
                continue
            if uses and None not in uses:
                found.append(DeviceCount(key=info.ref, count=sum(each or 0 for each in uses)))
        return found
