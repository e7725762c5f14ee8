import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pkcs11 import exceptions

from hsm_adapter.errors import DeviceAccessRefused, DeviceCannot, DeviceFailed, DeviceUnresponsive, KeyUnknown
from hsm_adapter.pkcs11.binding import _error_of, ckr_name
from hsm_adapter.pkcs11.errors import Pkcs11Failed, TimedOut
from hsm_adapter.pkcs11.return_values import NUMBERS, ROWS, failure
from tests.hsm_adapter.pkcs11.building import FakeToken, fake_device, privates, refused
from trust.kernel.algorithms import Algorithm
from trust.signatures import verify

NEVER_ASKED = {"Encrypted", "Wrap", "Unwrap", "Wrapped", "Wrapping", "Signature", "Indigestible", "Needed", "NotNeeded"}
OF_THE_LIBRARY = {"PKCS11Error", "NoSuchKey", "NoSuchToken", "MultipleObjectsReturned", "MultipleTokensReturned"}
UNUSED = {"ExceededMaxIterations", "KeyUnextractable", "NoEvent"}


def hanging(tmp_path: Path, sessions: int = 2) -> tuple[FakeToken, Callable[..., object]]:
    token = FakeToken()
    device = fake_device(token, tmp_path, timeout_seconds=1, sessions=sessions)
    made = device.generate(Algorithm.SM2_SM3, label="x")
    token.hang = threading.Event()
    return token, lambda count=1: device.sign(made, [b"x"] * count)


def test_a_call_that_hangs_ends_with_the_time_out_and_its_session_is_given_up(tmp_path: Path) -> None:
    token, sign = hanging(tmp_path)
    began = time.monotonic()
    with pytest.raises(TimedOut):
        sign()
    assert time.monotonic() - began < 5
    token.hang.set()
    assert sign()
    for _ in range(100):  # the thread that hung closes its own session when the library lets go
        if token.closed >= 2:
            break
        time.sleep(0.05)
    assert token.closed >= 2


def test_no_more_threads_than_sessions_are_left_hanging(tmp_path: Path) -> None:
    token, sign = hanging(tmp_path)
    before = threading.active_count()
    for _ in range(6):
        with pytest.raises(DeviceUnresponsive):
            sign()
    assert threading.active_count() <= before + 2
    began = time.monotonic()
    with pytest.raises(TimedOut):
        sign()
    assert time.monotonic() - began < 0.9  # at once, not after the time-out of 1 s
    token.hang.set()


def test_making_a_key_has_a_time_out_of_its_own(tmp_path: Path) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path, timeout_seconds=0.05, generation_seconds=30)
    token.fault = lambda call: time.sleep(0.2) if call == "C_GenerateKeyPair" else None
    assert device.generate(Algorithm.SM2_SM3, label="x")
    quick = fake_device(token, tmp_path, timeout_seconds=30, generation_seconds=0.05)
    with pytest.raises(TimedOut):
        quick.generate(Algorithm.SM2_SM3, label="x")


def test_of_a_batch_that_fails_once_nothing_is_released_and_the_rest_is_not_begun(tmp_path: Path) -> None:
    calls: list[str] = []

    def third_sign(call: str) -> None:
        calls.append(call)
        if call == "C_Sign" and calls.count("C_Sign") == 3:
            raise refused("CKR_DEVICE_REMOVED")

    token = FakeToken()
    device = fake_device(token, tmp_path, sessions=1)
    made = device.generate(Algorithm.SM2_SM3, label="x")
    token.fault = third_sign
    with pytest.raises(DeviceFailed) as caught:
        device.sign(made, [b"x"] * 50)
    assert caught.value.code == "pkcs11-device-removed"
    assert calls.count("C_Sign") == 3
    opened = token.opened
    (value,) = device.sign(made, [b"y"])
    verify(made.algorithm, made.public_key, b"y", value)
    assert token.opened == opened + 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CKR_DEVICE_REMOVED", "pkcs11-device-removed"),
        ("CKR_TOKEN_NOT_PRESENT", "pkcs11-device-removed"),
        ("CKR_SESSION_HANDLE_INVALID", "pkcs11-session-lost"),
        ("CKR_USER_NOT_LOGGED_IN", "pkcs11-session-lost"),
        ("CKR_DEVICE_MEMORY", "pkcs11-memory"),
        ("CKR_FUNCTION_FAILED", "pkcs11-function-failed"),
        ("CKR_MECHANISM_INVALID", "pkcs11-mechanism-refused"),
        ("CKR_DEVICE_ERROR", "pkcs11-device-error"),
        ("CKR_SESSION_COUNT", "pkcs11-sessions-exhausted"),
        ("CKR_KEY_FUNCTION_NOT_PERMITTED", "pkcs11-key-not-permitted"),
        ("CKR_DATA_LEN_RANGE", "pkcs11-data-refused"),
    ],
)
def test_each_answer_of_the_device_has_its_code(tmp_path: Path, name: str, code: str) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path)
    made = device.generate(Algorithm.SM2_SM3, label="x")

    def fault(call: str) -> None:
        if call == "C_Sign":
            raise refused(name)

    token.fault = fault
    with pytest.raises(DeviceFailed, match=name) as caught:
        device.sign(made, [b"x"])
    assert caught.value.code == code


def test_every_error_is_of_a_kind_that_the_port_names() -> None:
    for number, name, _ in ROWS:
        error = failure(number)
        assert isinstance(error, DeviceFailed | DeviceAccessRefused | DeviceCannot | KeyUnknown), name
        assert name in error.detail


def test_numbers_and_names_stand_once() -> None:
    assert len({number for number, _, _ in ROWS}) == len({name for _, name, _ in ROWS}) == len(ROWS)


def test_a_vendors_own_number_is_shown() -> None:
    assert isinstance(failure(0x80000F01), Pkcs11Failed)
    assert "0x80000f01" in _error_of(exceptions.PKCS11Error("Unmapped error code 0x80000f01")).detail
    assert _error_of(exceptions.PKCS11Error("Unmapped error code 0x68")).code == "pkcs11-key-not-permitted"
    assert _error_of(exceptions.PKCS11Error("Initialisation error (not initialized).")).code == "pkcs11-session-lost"


def test_every_error_of_python_pkcs11_that_our_calls_may_meet_has_its_row() -> None:
    kinds = [it for it in vars(exceptions).values() if isinstance(it, type) and issubclass(it, exceptions.PKCS11Error)]
    met = [it for it in kinds if it.__name__ not in OF_THE_LIBRARY | UNUSED]
    met = [it for it in met if not any(word in it.__name__ for word in NEVER_ASKED)]
    assert len(met) > 50
    assert {ckr_name(it) for it in met} - set(NUMBERS) == set()


def test_what_the_token_says_in_check_is_heeded(tmp_path: Path) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path)
    device.check()

    def fault(call: str) -> None:
        if call == "C_GenerateRandom":
            raise refused("CKR_RANDOM_NO_RNG")

    token.fault = fault
    with pytest.raises(DeviceFailed):
        device.check()
    token.quirks = {"random": False}
    fake_device(token, tmp_path).check()
    token.fault = lambda _: None
    token.flags |= 0x1000000  # CKF_ERROR_STATE
    with pytest.raises(DeviceFailed):
        device.check()


def test_a_token_that_suddenly_shows_nothing_has_failed_and_has_not_lost_a_key(tmp_path: Path) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path)
    made = device.generate(Algorithm.SM2_SM3, label="x")
    assert device.sign(made, [b"x"])
    objects, token.objects = token.objects, []
    for _ in range(2):
        with pytest.raises(DeviceFailed):
            device.sign(made, [b"x"] * 9)
    token.objects = objects
    assert device.sign(made, [b"x"] * 9)
    token.objects = [it for it in objects if it not in privates(token)]
    with pytest.raises(KeyUnknown):
        device.sign(made, [b"x"])
