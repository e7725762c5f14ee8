"""The guard that stands before every device: it implements `trust.keys.Signer`, and is all that services ever see.

Order of one use, which laws 1 and 2 rest on: 1 admit (key known and active, purpose its own, algorithm of the table,
sizes, and what the key's policy says) · 2 the device signs the whole batch · 3 each signature is verified with the
public key · 4 the uses are recorded, durably · 5 the signatures are released. A failure in 1 to 3 is recorded as
refused; whatever fails, nothing is released. The guard holds no lock of its own, least of all the ledger's while the
device signs.

Step 3 is the guard's own check, made once for each signature: hardware behind a pool has it made as soon as one comes
(`_Check` is handed down), so that a wrong one can be replaced by another device's; whatever the check has not seen when
the batch returns, it sees then.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hsm_adapter.api import KeyDevice
from hsm_adapter.errors import (
    BatchTooLarge,
    DeviceFailed,
    KeyAlgorithmRefused,
    KeyRetired,
    MessageTooLong,
    PurposeMismatch,
    SelfVerificationFailed,
)
from hsm_adapter.policy.ports import KeyUseRule
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import TABLE, Algorithm
from trust.kernel.clock import Clock
from trust.kernel.errors import InvalidInput, TrustError
from trust.kernel.randomness import Randomness
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
from trust.signatures import verify

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Longest message, bytes. Room for a CRL of 300,000 entries; documents are signed by their digest."""

MAX_BATCH = 1000
"""Most messages in one call. They wait for each other, and share one transaction of the ledger."""

_PROOF_PREFIX = b"yinxin start-up proof\x00"  # random bytes alone could be anything; these can be nothing else
_PROOF_BYTES = 32


class GuardedSigner:
    """Signs with a device under the rules above. Safe to share between threads as far as the device is."""

    def __init__(
        self, device: KeyDevice, recorder: KeyUseRecorder, clock: Clock, rule: KeyUseRule | None = None
    ) -> None:
        """`rule` decides by the policies of keys; without one a key's purpose is its only policy."""
        self._device = device
        self._recorder = recorder
        self._clock = clock
        self._rule = rule

    def describe(self, key: KeyRef) -> KeyInfo:
        """Return the public facts of `key`. Raises `KeyUnknown`."""
        return self._device.info(key)

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
        """Sign one message. Raises as `sign_many`."""
        return self.sign_many(key, (request,), purpose=purpose)[0]

    def sign_many(
        self, key: KeyRef, requests: Sequence[SigningRequest], *, purpose: KeyPurpose
    ) -> tuple[Signature, ...]:
        """Sign all messages with one call of the device and one of the recorder, or none.

        Raises `KeyUnknown`, `PurposeMismatch`, `KeyRetired`, `KeyAlgorithmRefused`, `MessageTooLong`, `BatchTooLarge`,
        `DeviceFailed`, `SelfVerificationFailed`, or what the rule raises, each recorded; or whatever the recorder
        raises.
        """
        if not requests:
            return ()
        uses = _Uses(self._recorder, self._clock, key, requests, purpose)
        try:
            info = self._admit(key, requests, purpose)
            uses.algorithm = info.algorithm
            values = self._sign_and_verify(info, requests)
        except TrustError as error:
            uses.record(UseOutcome.REFUSED, reason=error.code)
            raise
        indexes = uses.record(UseOutcome.SIGNED)
        return tuple(
            Signature(key=key, algorithm=info.algorithm, value=value, ledger_index=index)
            for value, index in zip(values, indexes, strict=True)
        )

    def check(self) -> None:
        """Raise `Unavailable` or `NotReady` when the device could not sign."""
        self._device.check()

    def prove(self, key: KeyRef, *, randomness: Randomness) -> None:
        """Show at start-up that the key signs and its public half agrees; it is a key use and is recorded as one.

        Raises as `sign_many`.
        """
        message = _PROOF_PREFIX + randomness.token(_PROOF_BYTES)
        context = UseContext(principal="system:start", why="start-up proof")
        self.sign(key, SigningRequest(message=message, context=context), purpose=self.describe(key).purpose)

    def _admit(self, key: KeyRef, requests: Sequence[SigningRequest], purpose: KeyPurpose) -> KeyInfo:
        with _translated():
            info = self._device.info(key)
        if info.purpose != purpose:
            raise PurposeMismatch(f"The key is for {info.purpose}, not for {purpose}.", field="purpose")
        if info.state is not KeyState.ACTIVE:
            raise KeyRetired(f"The key {key} was retired.", field="key")
        if info.algorithm not in TABLE:
            raise KeyAlgorithmRefused(field="key")
        if len(requests) > MAX_BATCH:
            raise BatchTooLarge(f"One call signs at most {MAX_BATCH} messages.", field="requests")
        if max(len(request.message) for request in requests) > MAX_MESSAGE_BYTES:
            raise MessageTooLong(f"A message may have at most {MAX_MESSAGE_BYTES} bytes.", field="message")
        if self._rule is not None:
            self._rule.admit(info, requests)  # last: what it counts is spent
        return info

    def _sign_and_verify(self, info: KeyInfo, requests: Sequence[SigningRequest]) -> Sequence[bytes]:
        messages, context = [request.message for request in requests], requests[0].context
        check, lane = _Check(info, messages), context.authority or context.principal
        with _translated():
            values = self._device.sign_batch(info.ref, messages, lane=lane, verify=check)
        if len(values) != len(messages):
            raise SelfVerificationFailed("The device returned another number of signatures.", key=info.ref)
        check.rest(values)
        return values


class _Check:
    """Verifies the signatures of one batch, each once, from whatever thread has it first."""

    def __init__(self, info: KeyInfo, messages: Sequence[bytes]) -> None:
        self._info = info
        self._messages = messages
        self._verified: dict[int, bytes] = {}

    def __call__(self, index: int, value: bytes) -> None:
        """Verify the signature of one message. Raises `SelfVerificationFailed`."""
        try:
            verify(self._info.algorithm, self._info.public_key, self._messages[index], value)
        except InvalidInput:
            raise SelfVerificationFailed(key=self._info.ref) from None
        self._verified[index] = value

    def rest(self, values: Sequence[bytes]) -> None:
        """Verify what was not, or is not what was. Raises `SelfVerificationFailed`."""
        for index, value in enumerate(values):
            if self._verified.get(index) != value:
                self(index, value)


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever else a device's driver raises is a failure of the device, so that it is recorded like one."""
    try:
        yield
    except TrustError:
        raise
    except Exception as error:
        raise DeviceFailed(kind=type(error).__name__) from error


class _Uses:
    """The ledger entries of one call."""

    def __init__(
        self,
        recorder: KeyUseRecorder,
        clock: Clock,
        key: KeyRef,
        requests: Sequence[SigningRequest],
        purpose: KeyPurpose,
    ) -> None:
        self._recorder = recorder
        self._at = clock.now()
        self._key = key
        self._requests = requests[:MAX_BATCH]  # a call that is refused for its length is recorded up to the limit
        self._purpose = purpose
        self.algorithm: Algorithm | None = None

    def record(self, outcome: UseOutcome, *, reason: str | None = None) -> Sequence[int]:
        return self._recorder.record(
            [
                KeyUse(
                    at=self._at,
                    key=self._key,
                    algorithm=self.algorithm,
                    purpose=self._purpose,
                    digest=sm3(request.message).hex(),
                    context=request.context,
                    outcome=outcome,
                    reason=reason,
                )
                for request in self._requests
            ]
        )
