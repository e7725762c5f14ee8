"""The whole of an installation's keys from its files, as the service and its commands open it."""

import warnings
from pathlib import Path

import pytest

from hsm_adapter.errors import DevicesFileInvalid, InsecureSignerWarning, SoftwareKeysRefused
from hsm_adapter.opening import KeyFiles, OpenedKeys, open_keys
from tests.hsm_adapter.building import TokenFolder
from tests.hsm_adapter.softhsm import make_token
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyPurpose
from trust.signatures import verify


def opened(folder: TokenFolder, devices: Path | None, *, production: bool = False) -> OpenedKeys:
    files = KeyFiles(
        folder=folder.path,
        passphrase_file=folder.passphrase,
        devices_file=devices,
        state_folder=folder.path.parent / "devices",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureSignerWarning)
        return open_keys(files, clock=folder.clock, randomness=SystemRandomness(), production=production, allowed=False)


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    entries = make_token(tmp_path).table(name="hsm-a", kind="pkcs11")
    lines = [f"{name} = {value!r}" for name, value in entries.items()]
    path = tmp_path / "devices.toml"
    path.write_text("[[device]]\n" + "\n".join(lines) + "\n")
    return path


def test_an_installation_moves_to_hardware_key_by_key(folder: TokenFolder, devices: Path) -> None:
    before = opened(folder, None)
    soft = before.token.generate(algorithm=Algorithm.ECDSA_P256_SHA256, purpose=KeyPurpose.SEALING, label="soft")
    keys = opened(folder, devices)
    assert list(keys.token.keys()) == [soft]
    hard = keys.custodian.generate(
        algorithm=Algorithm.ECDSA_P256_SHA256, purpose=KeyPurpose.SEALING, label="hard", device="hsm-a"
    )
    for info in (soft, hard):
        verify(info.algorithm, info.public_key, b"x", keys.token.sign_batch(info.ref, [b"x"])[0])
    keys.custodian.retire(soft.ref)
    keys.pool.close()
    later = opened(folder, devices, production=True)
    verify(hard.algorithm, hard.public_key, b"y", later.token.sign_batch(hard.ref, [b"y"])[0])
    assert later.token.keys() == [hard]
    later.token.check()
    later.pool.close()


def test_production_without_hardware_refuses_software_keys(folder: TokenFolder) -> None:
    with pytest.raises(SoftwareKeysRefused):
        opened(folder, None, production=True)


def test_a_missing_devices_file_stops_the_start(folder: TokenFolder, tmp_path: Path) -> None:
    with pytest.raises(DevicesFileInvalid):
        opened(folder, tmp_path / "none.toml")


def test_software_keys_are_warned_of(folder: TokenFolder) -> None:
    files = KeyFiles(
        folder=folder.path, passphrase_file=folder.passphrase, devices_file=None, state_folder=folder.path / "s"
    )
    with pytest.warns(InsecureSignerWarning):
        open_keys(files, clock=folder.clock, randomness=SystemRandomness(), production=False, allowed=False)
