import fcntl
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm_adapter.pkcs11.cryptoki import TokenFlags
from hsm_adapter.pkcs11.errors import TimedOut
from hsm_adapter.pkcs11.pin import marker_of
from tests.hsm_adapter.pkcs11.building import FakeToken, fake_device, fake_profile, refused, soft_device
from tests.hsm_adapter.softhsm import PIN, SoftToken
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError

TRY = """
import sys
from pathlib import Path
from tests.hsm_adapter.pkcs11.building import FakeToken
from hsm_adapter.pkcs11.device import Pkcs11Device
from trust.kernel.errors import TrustError
from trust.kernel.randomness import SystemRandomness
from hsm_adapter.pkcs11.profile import Pkcs11Profile, TokenName
folder, token = Path(sys.argv[1]), FakeToken()
files = {"library": folder, "pin_file": folder / "fake.pin", "state_folder": folder / "state"}
profile = Pkcs11Profile(name="fake", token=TokenName(label="fake"), **files)
try:
    Pkcs11Device(profile, SystemRandomness(), cryptoki=token).check()
except TrustError as error:
    print(error.code, token.logins)
"""


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(TrustError) as caught:
        call()
    return caught.value.code


def write_pin(path: Path, pin: str | bytes) -> None:
    path.write_bytes(pin if isinstance(pin, bytes) else pin.encode())
    path.chmod(0o600)


def test_a_wrong_pin_is_tried_once_and_never_again(tmp_path: Path) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path, pin=b"0000")
    for call in (device.check, device.holdings, device.check, lambda: device.destroy("ab")):
        assert code_of(call) == "pkcs11-pin-incorrect"
    device.close()
    assert code_of(fake_device(token, tmp_path, pin=b"0000").check) == "pkcs11-pin-incorrect"
    assert token.logins == 1
    assert token.opened == token.closed


def test_threads_that_begin_together_try_a_wrong_pin_once(tmp_path: Path) -> None:
    token = FakeToken()
    devices = [fake_device(token, tmp_path, pin=b"0000") for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda device: code_of(device.check), devices)) == {"pkcs11-pin-incorrect"}
    assert token.logins == 1


def test_another_process_does_not_try_the_pin_either(tmp_path: Path) -> None:
    token = FakeToken()
    assert code_of(fake_device(token, tmp_path, pin=b"0000").check) == "pkcs11-pin-incorrect"
    root = Path(__file__).parents[3]
    said = subprocess.run([sys.executable, "-c", TRY, tmp_path], cwd=root, capture_output=True, text=True, check=True)
    assert said.stdout.split()[-2:] == ["pkcs11-pin-incorrect", "0"]


def test_another_pin_in_the_file_clears_the_marker_and_the_same_pin_does_not(tmp_path: Path) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path, pin=b"0000")
    assert code_of(device.check) == "pkcs11-pin-incorrect"
    write_pin(tmp_path / "fake.pin", b"0000\n")
    assert (code_of(device.check), token.logins) == ("pkcs11-pin-incorrect", 1)
    write_pin(tmp_path / "fake.pin", b"1234\n")
    device.check()
    assert not marker_of(fake_profile(tmp_path)).exists()
    assert token.logins == 2


def test_a_token_of_softhsm_loses_one_try_and_is_well_with_the_right_pin(token: SoftToken, tmp_path: Path) -> None:
    write_pin(token.pin_file, "999999")
    device = soft_device(token, tmp_path)
    for _ in range(3):
        assert code_of(device.check) == "pkcs11-pin-incorrect"
    assert device._cryptoki.token().flags & TokenFlags.USER_PIN_COUNT_LOW
    write_pin(token.pin_file, PIN)
    device.check()
    assert not device._cryptoki.token().flags & TokenFlags.USER_PIN_COUNT_LOW
    device.close()


def test_the_marker_is_ours_alone_and_holds_no_pin(tmp_path: Path) -> None:
    device = fake_device(FakeToken(), tmp_path, pin=b"87654321")
    assert code_of(device.check) == "pkcs11-pin-incorrect"
    marker = marker_of(fake_profile(tmp_path))
    assert stat.S_IMODE(marker.stat().st_mode) == 0o600
    assert b"87654321" not in marker.read_bytes()
    assert set(json.loads(marker.read_bytes())) == {"format", "code", "salt", "pin"}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "other", "pin": "", "salt": ""}', b"[1]", b"\xff"])
def test_a_marker_that_cannot_be_read_bars_every_pin_until_it_is_removed(tmp_path: Path, content: bytes) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path)
    (tmp_path / "state").mkdir()
    marker = marker_of(fake_profile(tmp_path))
    marker.write_bytes(content)
    assert (code_of(device.check), token.logins) == ("pkcs11-pin-incorrect", 0)
    marker.unlink()
    device.check()


def test_a_locked_token_is_not_tried(tmp_path: Path) -> None:
    token = FakeToken(flags=TokenFlags.USER_PIN_LOCKED)
    device = fake_device(token, tmp_path)
    for call in (device.check, device.holdings):
        assert code_of(call) == "pkcs11-pin-locked"
    assert token.logins == 0


def test_a_token_that_says_locked_only_when_tried_is_not_tried_again(tmp_path: Path) -> None:
    def locked(call: str) -> None:
        if call == "C_Login":
            raise refused("CKR_PIN_LOCKED")

    token = FakeToken(fault=locked)
    device = fake_device(token, tmp_path)
    assert [code_of(device.check) for _ in range(2)] == ["pkcs11-pin-locked", "pkcs11-pin-incorrect"]
    assert token.logins == 1


def test_the_last_try_is_left_to_the_operator(tmp_path: Path) -> None:
    token = FakeToken(flags=TokenFlags.USER_PIN_FINAL_TRY)
    assert (code_of(fake_device(token, tmp_path).check), token.logins) == ("pkcs11-pin-last-try", 0)
    fake_device(token, tmp_path, allow_final_try=True).check()
    assert token.logins == 1


def test_a_low_count_is_no_reason_to_stop(tmp_path: Path) -> None:
    fake_device(FakeToken(flags=TokenFlags.USER_PIN_COUNT_LOW), tmp_path).check()


@pytest.mark.parametrize("spoil", ["missing", "empty", "exposed", "long"])
def test_a_pin_file_that_cannot_be_used_costs_no_try(tmp_path: Path, spoil: str) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path)
    path = tmp_path / "fake.pin"
    if spoil == "missing":
        path.unlink()
    elif spoil == "exposed":
        path.chmod(0o640)
    else:
        write_pin(path, b"" if spoil == "empty" else b"1" * 1025)
    assert (code_of(device.check), token.logins) == ("pkcs11-pin-file-unusable", 0)


@pytest.mark.parametrize("in_each", [False, True])
def test_a_login_is_made_once_for_all_sessions_unless_the_profile_wants_it_in_each(
    tmp_path: Path, in_each: bool
) -> None:
    token = FakeToken(quirks={"login_per_session": in_each})
    device = fake_device(token, tmp_path)
    device.check()
    made = device.generate(Algorithm.SM2_SM3, label="x")
    assert len(device.sign(made, [b"x"] * 40)) == 40
    assert token.opened >= 2
    assert token.logins == (token.opened if in_each else 1)


def test_waiting_for_another_login_ends_with_the_time_out(tmp_path: Path) -> None:
    device = fake_device(FakeToken(), tmp_path, timeout_seconds=0.2)
    (tmp_path / "state").mkdir()
    with (tmp_path / "state" / "pkcs11-fake.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TimedOut):
            device.check()
