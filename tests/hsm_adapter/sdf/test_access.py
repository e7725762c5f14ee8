"""A wrong password reaches the device once, whoever asks and however often, until an operator has acted."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm_adapter.errors import DeviceAccessRefused, DeviceFailed
from hsm_adapter.sdf.access import MAX_PASSWORD_BYTES, MIN_PASSWORD_BYTES, AccessGate
from hsm_adapter.sdf.device import SdfDevice
from hsm_adapter.sdf.errors import SdfAccessRightRefused, SdfCommunicationFailed
from hsm_adapter.sdf.faults import SdfLockedOut, SdfPasswordUnusable
from tests.hsm_adapter.sdf.building import PASSWORD, SoftDevice, settled
from trust.kernel.errors import TrustError
from trust.signatures import verify

ASKED = "SDF_GetPrivateKeyAccessRight"
OTHER_PROCESS = """
import sys
from pathlib import Path
from hsm_adapter.errors import DeviceAccessRefused
from tests.hsm_adapter.sdf.building import SoftDevice
device = SoftDevice(folder=Path(sys.argv[1])).open()
try:
    device.sign(device.holdings()[0], [b"message"])
except DeviceAccessRefused as error:
    print(error.code)
"""


@pytest.fixture
def wrong(hardware: SoftDevice) -> SoftDevice:
    hardware.put("profile-password", "not-the-password")
    hardware.put("trace", b"")
    return hardware


def failure(call: Callable[[], object]) -> TrustError:
    with pytest.raises((DeviceFailed, DeviceAccessRefused)) as caught:
        call()
    return caught.value


def test_a_session_obtains_the_access_right_to_a_key_once(hardware: SoftDevice) -> None:
    hardware.put("trace", b"")
    device = hardware.open(sessions=1)
    for holding in (*device.holdings(), *device.holdings()):
        device.sign(holding, [b"one", b"two"])
    device.check()
    assert hardware.trace().count(ASKED) == 2
    device.close()
    assert hardware.trace()[-4:] == [*["SDF_ReleasePrivateKeyAccessRight"] * 2, "SDF_CloseSession", "SDF_CloseDevice"]


def test_a_wrong_password_is_shown_to_the_device_once_and_never_again(wrong: SoftDevice) -> None:
    device = wrong.open()
    holding = device.holdings()[0]
    first = failure(lambda: device.sign(holding, [b"message"] * 4))
    assert type(first) is SdfLockedOut
    assert (first.code, first.retryable) == ("sdf-locked-out", False)
    assert "SDR_PRKRERR" in first.detail
    for call in (lambda: device.sign(holding, [b"message"]), device.check, wrong.open().check):
        assert (type(failure(call)), failure(call).detail) == (SdfLockedOut, first.detail)
    assert wrong.trace().count(ASKED) == 1
    assert wrong.read("attempts") == "1"
    device.close()


def test_many_threads_with_a_wrong_password_make_one_attempt(wrong: SoftDevice) -> None:
    device = wrong.open(sessions=8)
    holding = device.holdings()[0]
    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(lambda _: failure(lambda: device.sign(holding, [b"a", b"b", b"c"])).code, range(16)))
    assert set(codes) == {"sdf-locked-out"}
    assert wrong.read("attempts") == "1"
    device.close()


def test_a_refusal_that_comes_after_its_caller_gave_up_is_heeded_all_the_same(wrong: SoftDevice) -> None:
    device = wrong.open(timeout_seconds=0.5, sessions=1)
    holding = device.holdings()[0]
    with wrong.hanging(ASKED):
        assert failure(lambda: device.sign(holding, [b"message"])).code == "sdf-timed-out"
    assert settled(device) == 0
    assert failure(device.check).code == "sdf-locked-out"
    assert wrong.read("attempts") == "1"
    device.close()


@pytest.mark.integration
def test_many_processes_with_a_wrong_password_make_one_attempt(wrong: SoftDevice) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", OTHER_PROCESS, str(wrong.folder)]
    started = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[0].splitlines()[-1] for process in started] == ["sdf-locked-out"] * 3
    assert wrong.read("attempts") == "1"


def test_after_an_operator_has_acted_it_works_again(wrong: SoftDevice) -> None:
    device = wrong.open()
    holding = device.holdings()[0]
    named = failure(lambda: device.sign(holding, [b"message"])).detail
    wrong.put("profile-password", PASSWORD)
    assert failure(device.check).code == "sdf-locked-out"  # a new password alone is not enough: somebody looks first
    marker = wrong.profile().state_folder / "hsm-1.locked-out"
    assert marker.name in named
    marker.unlink()
    device.check()
    verify(holding.algorithm, holding.public_key, b"message", device.sign(holding, [b"message"])[0])
    device.close()


def test_the_marker_tells_no_secret(wrong: SoftDevice) -> None:
    failure(wrong.open().check)
    marker = wrong.profile().state_folder / "hsm-1.locked-out"
    assert "not-the-password" not in marker.read_text()
    assert "SDR_PRKRERR" in marker.read_text()


def test_one_device_locked_out_leaves_another_alone(wrong: SoftDevice) -> None:
    failure(wrong.open("hsm-1").check)
    wrong.put("profile-password", PASSWORD)
    other = wrong.open("hsm-2")
    other.check()
    other.close()


@pytest.mark.parametrize("number", [0x01020004, 0x01000007, 0x0100001D, 0x01000001])
def test_whatever_the_device_calls_it_a_refusal_is_taken_for_a_wrong_password(wrong: SoftDevice, number: int) -> None:
    wrong.put("vendor-code", number)
    assert failure(wrong.open().check).code == "sdf-locked-out"
    assert failure(wrong.open().check).code == "sdf-locked-out"
    assert wrong.read("attempts") == "1"


def test_where_no_marker_can_be_written_this_process_remembers(wrong: SoftDevice) -> None:
    profile = wrong.profile()
    profile.state_folder.mkdir()
    (profile.state_folder / "hsm-1.locked-out").symlink_to("nowhere/at-all")
    device = SdfDevice(profile)
    assert [failure(device.check).code for _ in range(3)] == ["sdf-locked-out"] * 3
    assert wrong.read("attempts") == "1"


def test_a_device_that_is_gone_while_it_is_asked_has_not_judged_the_password(hardware: SoftDevice) -> None:
    gate = AccessGate(hardware.profile())
    with pytest.raises(SdfCommunicationFailed), gate.attempt(1):
        raise SdfCommunicationFailed
    gate.check()
    with pytest.raises(SdfLockedOut), gate.attempt(1):
        raise SdfAccessRightRefused
    with pytest.raises(SdfLockedOut):
        gate.check()


def test_the_password_is_overwritten_after_the_attempt(hardware: SoftDevice) -> None:
    gate = AccessGate(hardware.profile())
    with gate.attempt(1) as password:
        assert bytes(password) == PASSWORD
    assert bytes(password) == bytes(len(PASSWORD))
    with pytest.raises(SdfLockedOut), gate.attempt(1) as password:
        raise SdfAccessRightRefused
    assert bytes(password) == bytes(len(PASSWORD))


@pytest.mark.parametrize("length", [MIN_PASSWORD_BYTES, MAX_PASSWORD_BYTES])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_password_at_either_limit_is_taken_without_its_line_end(
    hardware: SoftDevice, length: int, end: bytes
) -> None:
    hardware.put("password", b"p" * length)
    hardware.put("profile-password", b"p" * length + end)
    device = hardware.open()
    device.check()
    device.close()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"p" * (MIN_PASSWORD_BYTES - 1), b"p" * (MAX_PASSWORD_BYTES + 1), b"p" * 5000]
)
def test_a_password_that_sdf_does_not_allow_is_not_shown_to_the_device(hardware: SoftDevice, content: bytes) -> None:
    hardware.put("trace", b"")
    hardware.put("profile-password", content)
    assert failure(hardware.open().check).code == "sdf-password-unusable"
    assert ASKED not in hardware.trace()


def test_a_password_that_others_can_read_is_not_used(hardware: SoftDevice) -> None:
    (hardware.folder / "profile-password").chmod(0o640)
    error = failure(hardware.open().check)
    assert (error.code, error.field) == ("sdf-password-unusable", "profile-password")
    assert "0640" in error.detail


def test_a_missing_password_file_is_named_without_its_folder(hardware: SoftDevice) -> None:
    error = failure(hardware.open(password_file="secrets/gone").check)
    assert (error.code, error.detail) == (
        "sdf-password-unusable",
        "The password file gone: No such file or directory.",
    )


def test_without_a_place_for_the_marker_no_attempt_is_made(hardware: SoftDevice) -> None:
    hardware.put("trace", b"")
    hardware.profile().state_folder.write_text("in the way")
    assert type(failure(hardware.open().check)) is SdfPasswordUnusable
    assert ASKED not in hardware.trace()


def test_without_a_password_file_the_right_is_not_asked_for(hardware: SoftDevice) -> None:
    hardware.put("trace", b"")
    table = hardware.table()
    del table["password_file"]
    profile = type(hardware.profile()).parse("hsm-1", table, folder=hardware.folder, state_folder=hardware.folder)
    device = SdfDevice(profile)
    error = failure(lambda: device.sign(device.holdings()[0], [b"message"]))
    assert error.code == "sdf-access-right-refused"
    assert ASKED not in hardware.trace()
    device.close()
