"""What the policies of keys stand on, and the one thing that the guard asks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hsm_adapter.policy.changes import Change
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef, SigningRequest
from trust.ledger.domain import Leaf


class KeyUseRule(Protocol):
    """Decides whether a key may make these signatures now; the guard asks before the device is."""

    def admit(self, info: KeyInfo, requests: Sequence[SigningRequest]) -> None:
        """Return when all of `requests` may be signed, having counted what is counted. Raises what forbids it."""
        ...


class ProposalState(StrEnum):
    """What became of a proposal."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A document with its signature, the policy key that made it, and the ledger's leaf of that use."""

    document: bytes
    signature: bytes
    signer: KeyRef
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A row that says it is change `number` of `key`; nothing in it is believed before it is verified."""

    key: KeyRef
    number: int
    signed: SignedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProposal:
    """A row that says it is a proposal, and what became of it."""

    id: str
    signed: SignedDocument
    state: ProposalState
    decided_by: str | None = None
    decided_at: datetime | None = None


class PolicyStore(Protocol):
    """Where proposals, changes and counters are kept. Every method raises `DatabaseUnavailable`."""

    def version(self) -> tuple[int, int]:
        """Return how many changes there are and the greatest leaf of one; another answer means: read again."""
        ...

    def changes(self) -> Sequence[StoredChange]:
        """Return every change, by key and number."""
        ...

    def add_change(self, change: Change, signed: SignedDocument, *, proposal: str | None, by: str) -> None:
        """Store a change, decide its proposal, and begin the key's counter when the change limits its number.

        Raises `KeyChangedMeanwhile` when there is a change of this number, `ProposalDecided`.
        """
        ...

    def add_proposal(self, proposal_id: str, signed: SignedDocument) -> None:
        """Store a proposal."""
        ...

    def proposal(self, proposal_id: str) -> StoredProposal:
        """Return a proposal. Raises `ProposalUnknown`."""
        ...

    def proposals(self) -> Sequence[StoredProposal]:
        """Return every proposal, oldest first."""
        ...

    def refuse(self, proposal_id: str, *, by: str, at: datetime) -> None:
        """Refuse a waiting proposal. Raises `ProposalDecided`."""
        ...

    def take(self, key: KeyRef, count: int, *, most: int) -> bool:
        """Count `count` signatures, durably, unless there would be more than `most`; whether they were counted."""
        ...

    def taken(self, key: KeyRef) -> int | None:
        """Return how many were counted, None without a counter."""
        ...

    def raise_taken(self, key: KeyRef, count: int) -> bool:
        """Bring a counter up to `count` if it stands below; whether it stood below."""
        ...


class LeafReader(Protocol):
    """The ledger as it is read here; `trust.ledger.service.Ledger` is one."""

    def size(self) -> int:
        """Return the number of entries."""
        ...

    def entry(self, index: int) -> Leaf:
        """Return one entry. Raises `EntryNotFound`, `SegmentFileMissing`."""
        ...

    def entries(self, start: int, count: int) -> Sequence[Leaf]:
        """Return up to `count` entries from `start`, at most 256. Raises `EntryNotFound`, `SegmentFileMissing`."""
        ...


class KeyMaker(Protocol):
    """Makes, enrols and ends keys, and cannot sign; `hsm_adapter.hardware.HardwareCustodian` is one."""

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first."""
        ...

    def retire(self, key: KeyRef) -> KeyInfo:
        """Destroy a private half for good."""
        ...

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str, device: str | None = None) -> KeyInfo:
        """Make a key, inside `device` when one is named."""
        ...

    def enrol(self, device: str, handle: str, *, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key that a device holds one of this installation."""
        ...
