"""A device that is unplugged, hangs, lies or is full: each is named, and nothing half-done is released."""

import contextlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from hsm_adapter.api import Holding, VerifyAnswer
from hsm_adapter.errors import DeviceFailed, SelfVerificationFailed
from hsm_adapter.guard import GuardedSigner
from hsm_adapter.sdf.device import SdfDevice
from hsm_adapter.sdf.faults import SdfAnswerMalformed, SdfBusy, SdfTimedOut
from hsm_adapter.sdf.workers import Occupancy
from tests.fakes import FixedClock, MemoryRecorder
from tests.hsm_adapter.building import FaultyDevice, request
from tests.hsm_adapter.sdf.building import SoftDevice, settled
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState, UseOutcome
from trust.signatures import verify

SOON = 0.5  # a time-out, seconds: long enough for what answers, short enough to wait for what does not
REF = KeyRef("01KAJ3W8Q0H1F6W0M3V9B5T2ZC")


class Behind(FaultyDevice):
    """One key of an SDF device, as the guard sees it."""

    def __init__(self, device: SdfDevice, holding: Holding) -> None:
        self.sdf = device
        self.holding = holding

    def info(self, ref: KeyRef) -> KeyInfo:
        return KeyInfo(
            ref=ref,
            algorithm=self.holding.algorithm,
            purpose=KeyPurpose.SEALING,
            label="seal",
            public_key=self.holding.public_key,
            created_at=FixedClock().now(),
            state=KeyState.ACTIVE,
        )

    def sign_batch(
        self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "", verify: VerifyAnswer | None = None
    ) -> Sequence[bytes]:
        return self.sdf.sign(self.holding, messages)


@pytest.fixture
def behind(device: SdfDevice) -> Behind:
    return Behind(device, device.holdings()[0])


def works(device: SdfDevice, holding: Holding, count: int = 4) -> None:
    for value in device.sign(holding, [b"after"] * count):
        verify(holding.algorithm, holding.public_key, b"after", value)


@pytest.mark.parametrize("plugged_until", [0, 1, 7, 19])
def test_a_device_unplugged_in_the_middle_of_a_batch_releases_none_of_it(
    hardware: SoftDevice, behind: Behind, plugged_until: int
) -> None:
    recorder = MemoryRecorder()
    guard = GuardedSigner(behind, recorder, FixedClock())
    hardware.put("unplug-after", plugged_until)
    with pytest.raises(DeviceFailed) as caught:
        guard.sign_many(REF, [request(b"%d" % number) for number in range(20)], purpose=KeyPurpose.SEALING)
    assert caught.value.code == "sdf-communication-failed"
    assert [(use.outcome, use.reason) for use in recorder.uses] == [
        (UseOutcome.REFUSED, "sdf-communication-failed")
    ] * 20


def test_the_next_call_after_it_is_plugged_in_again_works(hardware: SoftDevice, behind: Behind) -> None:
    works(behind.sdf, behind.holding)
    hardware.put("unplug-after", 5)
    with pytest.raises(DeviceFailed):
        behind.sdf.sign(behind.holding, [b"message"] * 40)
    with pytest.raises(DeviceFailed) as caught:
        behind.sdf.check()
    assert caught.value.code == "sdf-open-device-failed"
    hardware.replug()
    works(behind.sdf, behind.holding)
    behind.sdf.check()


def test_a_restart_that_nobody_noticed_costs_one_call(hardware: SoftDevice, behind: Behind) -> None:
    works(behind.sdf, behind.holding)
    hardware.replug()
    with pytest.raises(DeviceFailed) as caught:
        works(behind.sdf, behind.holding, 1)
    assert caught.value.code == "sdf-communication-failed"
    works(behind.sdf, behind.holding)  # the other sessions of before are not tried any more


def test_sessions_of_before_a_loss_are_given_back(hardware: SoftDevice) -> None:
    """The library has as many sessions as the profile uses: one that is not closed is missing later."""
    hardware.put("max-sessions", 3)
    device = hardware.open(sessions=3)
    holding = device.holdings()[0]
    for number in range(8):
        works(device, holding, 12)
        hardware.put("unplug-after", number)
        with pytest.raises(DeviceFailed):
            device.sign(holding, [b"message"] * 12)
        hardware.replug()
    works(device, holding, 12)
    assert device.occupancy().live <= 3
    device.close()
    assert device.occupancy() == Occupancy(live=0, idle=0, abandoned=0, abandoned_ever=0)


def test_whoever_signs_while_the_device_comes_and_goes_gets_right_signatures_or_an_error(hardware: SoftDevice) -> None:
    device = hardware.open(sessions=4)
    holding = device.holdings()[0]

    def sign(number: int) -> bool:
        if number % 10 == 9:
            hardware.put("unplug-after", number % 7)
        if number % 10 == 4:
            hardware.replug()
        try:
            works(device, holding, 3)
        except DeviceFailed:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert True in set(threads.map(sign, range(120)))
    hardware.take("unplug-after")
    hardware.replug()
    with contextlib.suppress(DeviceFailed):
        works(device, holding)
    works(device, holding)
    assert device.occupancy().live <= 4
    device.close()
    assert settled(device) == 0


def test_a_slow_answer_is_not_waited_for_and_its_session_is_counted(hardware: SoftDevice) -> None:
    device = hardware.open(sessions=2, timeout_seconds=SOON)
    holding = device.holdings()[0]
    with hardware.hanging("SDF_InternalSign_ECC"):
        with pytest.raises(SdfTimedOut) as caught:
            device.sign(holding, [b"message"])
        assert caught.value.code == "sdf-timed-out"
        assert (device.occupancy().abandoned, device.occupancy().abandoned_ever) == (1, 1)
        assert len(device.holdings()) == 2  # another session answers meanwhile
    works(device, holding)
    assert (settled(device), device.occupancy().abandoned_ever) == (0, 1)
    device.close()


def test_a_device_that_hangs_for_good_takes_a_bounded_number_of_threads(hardware: SoftDevice) -> None:
    device = hardware.open(sessions=2, timeout_seconds=SOON)
    holding = device.holdings()[0]
    before = threading.active_count()
    with hardware.hanging("SDF_InternalSign_ECC"):
        for _ in range(2):
            with pytest.raises(SdfTimedOut):
                device.sign(holding, [b"a", b"b"])
            if device.occupancy().abandoned == 2:
                break
        for _ in range(2):
            with pytest.raises(SdfBusy) as caught:
                device.sign(holding, [b"a", b"b"])
            assert caught.value.code == "sdf-busy"
        assert device.occupancy().abandoned == 2
        assert threading.active_count() <= before + 2
    assert settled(device) == 0
    works(device, holding)
    device.close()


@pytest.mark.parametrize("function", ["SDF_OpenDevice", "SDF_OpenSession", "SDF_GetPrivateKeyAccessRight"])
def test_a_device_that_hangs_while_it_is_opened_holds_nobody_up(hardware: SoftDevice, function: str) -> None:
    device = hardware.open(sessions=2, timeout_seconds=SOON)
    with hardware.hanging(function), pytest.raises(SdfTimedOut):
        device.check()
    assert settled(device) == 0
    device.check()
    device.close()


def test_closing_does_not_wait_for_what_hangs(hardware: SoftDevice) -> None:
    device = hardware.open(sessions=1, timeout_seconds=SOON)
    holding = device.holdings()[0]
    with hardware.hanging("SDF_InternalSign_ECC"):
        with pytest.raises(SdfTimedOut):
            device.sign(holding, [b"message"])
        device.close()
        assert device.occupancy().abandoned == 1
    assert settled(device) == 0
    works(device, holding, 1)
    device.close()


def test_a_wrong_signature_reaches_the_guard_which_releases_nothing(hardware: SoftDevice, behind: Behind) -> None:
    hardware.put("wrong-signature")
    recorder = MemoryRecorder()
    with pytest.raises(SelfVerificationFailed) as caught:
        GuardedSigner(behind, recorder, FixedClock()).sign(REF, request(), purpose=KeyPurpose.SEALING)
    assert caught.value.code == "self-verification-failed"
    assert [use.outcome for use in recorder.uses] == [UseOutcome.REFUSED]


def test_a_key_exchanged_behind_its_index_is_noticed_by_the_guard(hardware: SoftDevice, behind: Behind) -> None:
    hardware.add_key(1)
    with pytest.raises(SelfVerificationFailed):
        GuardedSigner(behind, MemoryRecorder(), FixedClock()).sign(REF, request(), purpose=KeyPurpose.SEALING)


def test_a_number_longer_than_the_curve_is_refused_by_the_adapter(hardware: SoftDevice, behind: Behind) -> None:
    hardware.put("malformed")
    with pytest.raises(SdfAnswerMalformed) as caught:
        works(behind.sdf, behind.holding)
    assert caught.value.code == "sdf-answer-malformed"


def test_random_bytes_that_repeat_make_the_device_unfit(hardware: SoftDevice, device: SdfDevice) -> None:
    device.check()
    hardware.put("stuck-random")
    with pytest.raises(SdfAnswerMalformed):
        device.check()


def test_a_device_with_fewer_sessions_than_the_profile_serves_everybody_with_those(hardware: SoftDevice) -> None:
    hardware.put("max-sessions", 2)
    device = hardware.open(sessions=8)
    holding = device.holdings()[0]
    works(device, holding, 100)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: works(device, holding), range(32)))
    assert device.occupancy().live == 2
    device.close()


def test_a_device_without_any_session_left_says_so(hardware: SoftDevice) -> None:
    hardware.put("max-sessions", 0)
    device = hardware.open()
    with pytest.raises(DeviceFailed) as caught:
        device.check()
    assert caught.value.code == "sdf-sessions-exhausted"
    hardware.take("max-sessions")
    device.check()
    device.close()


def test_a_device_that_is_off_when_the_service_starts_is_used_when_it_is_on(hardware: SoftDevice) -> None:
    hardware.unplug()
    device = hardware.open()
    with pytest.raises(DeviceFailed) as caught:
        device.holdings()
    assert caught.value.code == "sdf-open-device-failed"
    hardware.replug()
    works(device, device.holdings()[0])
    device.close()


def test_an_access_right_that_the_device_forgot_is_obtained_anew(hardware: SoftDevice, behind: Behind) -> None:
    works(behind.sdf, behind.holding, 1)
    hardware.replug()
    with pytest.raises(DeviceFailed):
        works(behind.sdf, behind.holding, 1)
    works(behind.sdf, behind.holding, 1)
    assert hardware.read("attempts") == "0"
