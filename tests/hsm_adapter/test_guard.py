"""Laws 1, 2 and 10 at the one place that enforces them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from hsm_adapter import guard as guard_module
from hsm_adapter.errors import (
    BatchTooLarge,
    DeviceFailed,
    KeyAlgorithmRefused,
    KeyRetired,
    KeyUnknown,
    MessageTooLong,
    PurposeMismatch,
    SelfVerificationFailed,
)
from hsm_adapter.guard import MAX_BATCH, GuardedSigner
from tests.fakes import MOMENT, CountingRandomness, FixedClock, MemoryRecorder
from tests.hsm_adapter.building import FaultyDevice, GoneDevice, TokenFolder, request
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import NotAllowed, TrustError, Unavailable
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyUse, UseOutcome
from trust.ledger.errors import LedgerUnavailable
from trust.signatures import verify


class FailingRecorder:
    """A ledger that is down."""

    def __init__(self, device: FaultyDevice) -> None:
        self.device = device
        self.device_calls_seen: list[int] = []

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        self.device_calls_seen = list(self.device.calls)
        raise LedgerUnavailable


@pytest.fixture
def device(folder: TokenFolder) -> FaultyDevice:
    return FaultyDevice(folder.open())


@pytest.fixture
def key(device: FaultyDevice) -> KeyInfo:
    return device.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="seal")


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def guard(device: FaultyDevice, recorder: MemoryRecorder) -> GuardedSigner:
    return GuardedSigner(device, recorder, FixedClock())


def refusal(recorder: MemoryRecorder, error: TrustError, count: int = 1) -> None:
    """Exactly so many uses were recorded, all refused for this reason."""
    assert [(use.outcome, use.reason) for use in recorder.uses] == [(UseOutcome.REFUSED, error.code)] * count


def test_each_use_is_recorded_with_who_which_key_what_and_why(
    guard: GuardedSigner, key: KeyInfo, recorder: MemoryRecorder
) -> None:
    requests = [request(b"one"), request(b"two", document=None)]
    signatures = guard.sign_many(key.ref, requests, purpose=KeyPurpose.SEALING)
    assert [signature.ledger_index for signature in signatures] == [0, 1]
    for item, signature, use in zip(requests, signatures, recorder.uses, strict=True):
        verify(key.algorithm, key.public_key, item.message, signature.value)
        assert use == KeyUse(
            at=MOMENT,
            key=key.ref,
            algorithm=Algorithm.SM2_SM3,
            purpose=KeyPurpose.SEALING,
            digest=sm3(item.message).hex(),
            context=item.context,
            outcome=UseOutcome.SIGNED,
        )


def test_a_batch_is_one_call_of_the_device_and_one_of_the_ledger(
    device: FaultyDevice, key: KeyInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = MemoryRecorder()
    calls: list[int] = []
    record = recorder.record
    monkeypatch.setattr(recorder, "record", lambda uses: (calls.append(len(uses)), record(uses))[1])
    GuardedSigner(device, recorder, FixedClock()).sign_many(
        key.ref, [request(bytes([n])) for n in range(7)], purpose=KeyPurpose.SEALING
    )
    assert (device.calls, calls) == ([7], [7])


def test_an_empty_batch_uses_no_key(guard: GuardedSigner, key: KeyInfo, recorder: MemoryRecorder) -> None:
    assert guard.sign_many(key.ref, [], purpose=KeyPurpose.SEALING) == ()
    assert recorder.uses == []


def test_law_2_no_signature_when_the_ledger_is_down(device: FaultyDevice, key: KeyInfo) -> None:
    recorder = FailingRecorder(device)
    guard = GuardedSigner(device, recorder, FixedClock())
    with pytest.raises(LedgerUnavailable):
        guard.sign(key.ref, request(), purpose=KeyPurpose.SEALING)
    assert recorder.device_calls_seen == [1]  # it had signed; the signature was not released
    with pytest.raises(LedgerUnavailable):
        guard.sign_many(key.ref, [request()] * 3, purpose=KeyPurpose.SEALING)


def test_law_2_holds_for_any_error_of_the_recorder(device: FaultyDevice, key: KeyInfo) -> None:
    class Crashing:
        def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
            raise MemoryError

    class Short:
        def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
            return range(len(uses) - 1)

    with pytest.raises(MemoryError):
        GuardedSigner(device, Crashing(), FixedClock()).sign(key.ref, request(), purpose=KeyPurpose.SEALING)
    with pytest.raises(ValueError, match="shorter"):
        GuardedSigner(device, Short(), FixedClock()).sign(key.ref, request(), purpose=KeyPurpose.SEALING)


def test_a_refusal_that_cannot_be_recorded_is_the_ledger_error(device: FaultyDevice, key: KeyInfo) -> None:
    guard = GuardedSigner(device, FailingRecorder(device), FixedClock())
    with pytest.raises(LedgerUnavailable):
        guard.sign(key.ref, request(), purpose=KeyPurpose.TOKEN_SIGNING)
    assert device.calls == []


def test_the_error_of_a_failed_record_carries_no_signature(device: FaultyDevice, key: KeyInfo) -> None:
    guard = GuardedSigner(device, FailingRecorder(device), FixedClock())
    (value,) = device.device.sign_batch(key.ref, [b"tbs"])
    device.answer = [value]
    with pytest.raises(LedgerUnavailable) as caught:
        guard.sign(key.ref, request(b"tbs"), purpose=KeyPurpose.SEALING)
    shown = f"{caught.value!r} {caught.value.facts} {caught.value.__context__!r}"
    assert value.hex() not in shown
    assert repr(value) not in shown


def test_a_key_is_used_for_its_own_purpose_only(guard: GuardedSigner, key: KeyInfo, recorder: MemoryRecorder) -> None:
    with pytest.raises(PurposeMismatch) as caught:
        guard.sign(key.ref, request(), purpose=KeyPurpose.X509_ISSUING)
    assert isinstance(caught.value, NotAllowed)
    assert caught.value.code == "key-purpose-mismatch"
    refusal(recorder, caught.value)
    assert recorder.uses[0].purpose is KeyPurpose.X509_ISSUING


def test_a_retired_key_is_refused(
    guard: GuardedSigner, device: FaultyDevice, key: KeyInfo, recorder: MemoryRecorder
) -> None:
    device.retire(key.ref)
    with pytest.raises(KeyRetired) as caught:
        guard.sign(key.ref, request(), purpose=KeyPurpose.SEALING)
    refusal(recorder, caught.value)
    assert device.calls == []


def test_an_unknown_key_is_refused(guard: GuardedSigner, recorder: MemoryRecorder) -> None:
    with pytest.raises(KeyUnknown) as caught:
        guard.sign(KeyRef("01NOBODY"), request(), purpose=KeyPurpose.SEALING)
    refusal(recorder, caught.value)
    assert recorder.uses[0].algorithm is None


def test_an_algorithm_outside_the_table_is_refused(
    guard: GuardedSigner, device: FaultyDevice, key: KeyInfo, recorder: MemoryRecorder
) -> None:
    device.facts = replace(key, algorithm=cast("Algorithm", "RSA-SHA1"))
    with pytest.raises(KeyAlgorithmRefused) as caught:
        guard.sign(key.ref, request(), purpose=KeyPurpose.SEALING)
    assert caught.value.code == "key-algorithm-refused"
    refusal(recorder, caught.value)
    assert device.calls == []


def test_a_message_at_the_limit_is_signed_and_one_above_refused(
    guard: GuardedSigner, key: KeyInfo, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "MAX_MESSAGE_BYTES", 1000)
    guard.sign(key.ref, request(bytes(1000)), purpose=KeyPurpose.SEALING)
    recorder.uses.clear()
    with pytest.raises(MessageTooLong) as caught:
        guard.sign_many(key.ref, [request(b""), request(bytes(1001))], purpose=KeyPurpose.SEALING)
    assert caught.value.code == "message-too-long"
    refusal(recorder, caught.value, count=2)


def test_a_batch_at_the_limit_is_signed_and_one_above_refused(
    guard: GuardedSigner, key: KeyInfo, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_BATCH == 1000
    monkeypatch.setattr(guard_module, "MAX_BATCH", 5)
    assert len(guard.sign_many(key.ref, [request()] * 5, purpose=KeyPurpose.SEALING)) == 5
    recorder.uses.clear()
    with pytest.raises(BatchTooLarge) as caught:
        guard.sign_many(key.ref, [request()] * 6, purpose=KeyPurpose.SEALING)
    assert caught.value.code == "signing-batch-too-large"
    refusal(recorder, caught.value, count=5)


@pytest.mark.parametrize("wrong", ["other key", "other message", "garbage", "none", "too many"])
def test_a_wrong_answer_of_the_device_is_refused_and_recorded(
    wrong: str, guard: GuardedSigner, device: FaultyDevice, key: KeyInfo, recorder: MemoryRecorder
) -> None:
    other = device.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="other")
    good = device.device.sign_batch(key.ref, [b"a"])[0]
    device.answer = {
        "other key": [good, *device.device.sign_batch(other.ref, [b"b"])],
        "other message": [good, good],
        "garbage": [good, b"\x30\x00"],
        "none": [],
        "too many": [good, good, good],
    }[wrong]
    with pytest.raises(SelfVerificationFailed) as caught:
        guard.sign_many(key.ref, [request(b"a"), request(b"b")], purpose=KeyPurpose.SEALING)
    assert caught.value.code == "self-verification-failed"
    refusal(recorder, caught.value, count=2)


def test_an_error_of_the_device_is_recorded(
    guard: GuardedSigner, device: FaultyDevice, key: KeyInfo, recorder: MemoryRecorder
) -> None:
    device.fault = RuntimeError("CKR_SESSION_CLOSED")
    with pytest.raises(DeviceFailed) as caught:
        guard.sign(key.ref, request(), purpose=KeyPurpose.SEALING)
    assert caught.value.code == "key-device-failed"
    refusal(recorder, caught.value)


def test_a_device_that_is_gone_is_recorded_too(device: FaultyDevice, key: KeyInfo, recorder: MemoryRecorder) -> None:
    guard = GuardedSigner(GoneDevice(device.device), recorder, FixedClock())
    with pytest.raises(DeviceFailed) as caught:
        guard.sign(key.ref, request(), purpose=KeyPurpose.SEALING)
    refusal(recorder, caught.value)


def test_readiness_is_that_of_the_device(guard: GuardedSigner, device: FaultyDevice) -> None:
    guard.check()
    device.fault = DeviceFailed()
    with pytest.raises(Unavailable):
        guard.check()


def test_the_start_up_proof_is_a_key_use(guard: GuardedSigner, key: KeyInfo, recorder: MemoryRecorder) -> None:
    randomness = CountingRandomness()
    guard.prove(key.ref, randomness=randomness)
    guard.prove(key.ref, randomness=randomness)
    assert [use.context.why for use in recorder.uses] == ["start-up proof"] * 2
    assert recorder.uses[0].digest != recorder.uses[1].digest
    assert recorder.uses[0].digest == sm3(b"yinxin start-up proof\x00" + (1).to_bytes(32, "big")).hex()


def test_the_start_up_proof_fails_with_a_wrong_key(guard: GuardedSigner, device: FaultyDevice, key: KeyInfo) -> None:
    device.answer = [b"\x30\x00"]
    with pytest.raises(SelfVerificationFailed):
        guard.prove(key.ref, randomness=CountingRandomness())
