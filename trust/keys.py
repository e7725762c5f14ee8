"""The ports through which everything else uses keys: `Signer` for services, `KeyCustodian` for operators.

The implementations live in `hsm_adapter`. No method of any port returns private bytes (law 1); no `sign` exists
without purpose and context, and none returns before the key-use entry is durable (law 2). The *message* goes in,
not a digest; the algorithm comes from the key, never from the caller (law 10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from trust.kernel.algorithms import Algorithm

KeyRef = NewType("KeyRef", str)


class KeyPurpose(StrEnum):
    """What a key may be used for; a key has exactly one purpose for its whole life."""

    X509_ISSUING = "x509-issuing"
    SEAL_MAKING = "seal-making"
    SEALING = "sealing"
    TOKEN_SIGNING = "token-signing"  # noqa: S105  a purpose, not a secret
    LEDGER_CHECKPOINT = "ledger-checkpoint"
    KEY_POLICY = "key-policy"


class KeyState(StrEnum):
    """Where a key is in its life."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """Everything public about a key. `public_key` is the DER SubjectPublicKeyInfo."""

    ref: KeyRef
    algorithm: Algorithm
    purpose: KeyPurpose
    label: str
    public_key: bytes
    created_at: datetime
    state: KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class UseContext:
    """Why a key is used: who asked, in which operation, for which document. It becomes the ledger entry.

    `principal` is the authenticated caller (`client:…`, `operator:…`, `system:…`); `act` those who act through it,
    nearest first, as in a token's `act`; `authority` the department in whose name it happens (USCC); `document` the
    identifier of the artefact that is signed; `address` where the request came from, as far as it is not a citizen's.
    None of them ever holds a personal number (law 7).
    """

    principal: str
    why: str
    document: str | None = None
    authority: str | None = None
    act: tuple[str, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """One message to sign and the reason."""

    message: bytes
    context: UseContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A released signature: DER SEQ{r, s}, or for RSA the number as long as the modulus.

    `ledger_index` is the leaf of the key-use entry that was durable before this value was released.
    """

    key: KeyRef
    algorithm: Algorithm
    value: bytes
    ledger_index: int


class UseOutcome(StrEnum):
    """What became of a request to use a key."""

    SIGNED = "signed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """One use of a key, refused ones too: one leaf of the ledger.

    `digest` is the hex SM3 of the message, computed by the guard. `reason` is the error code of a refusal.
    """

    at: datetime
    key: KeyRef
    algorithm: Algorithm | None
    purpose: KeyPurpose
    digest: str
    context: UseContext
    outcome: UseOutcome
    reason: str | None = None


class KeyUseRecorder(Protocol):
    """Where the guard records key uses: the ledger."""

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        """Append the entries in order and return their leaf indexes. Durable when it returns; raises otherwise."""
        ...


class Signer(Protocol):
    """What a service receives to sign with. Verifying needs no signer: see `trust.gm` and `trust.signatures`."""

    def describe(self, key: KeyRef) -> KeyInfo:
        """Return the public facts of `key`. Raises `NotFound`."""
        ...

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
        """Sign one message."""
        ...

    def sign_many(
        self, key: KeyRef, requests: Sequence[SigningRequest], *, purpose: KeyPurpose
    ) -> tuple[Signature, ...]:
        """Sign all messages with one durable ledger append, or none."""
        ...

    def check(self) -> None:
        """Raise `Unavailable` or `NotReady` when signing would fail; used by the readiness probe."""
        ...


class KeyCustodian(Protocol):
    """What only operator commands receive."""

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key inside the device and return its public facts."""
        ...

    def retire(self, key: KeyRef) -> KeyInfo:
        """End the use of a key for good; its public half stays known."""
        ...

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first."""
        ...
