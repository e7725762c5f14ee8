"""Keys in hardware become keys of the installation by two people, and end by two."""

from pathlib import Path

import pytest

from hsm_adapter.catalogue import Catalogue
from hsm_adapter.hardware import HardwareCustodian, HardwareToken
from hsm_adapter.opening import OpenedKeys
from hsm_adapter.policy.changes import ChangeKind, Making
from hsm_adapter.policy.domain import KeyPolicy, LifeState
from hsm_adapter.policy.errors import KeyChangeForbidden, KeyNotActive
from hsm_adapter.pool.outages import Outages
from hsm_adapter.pool.pool import DevicePool
from hsm_adapter.software import SoftwareToken, open_key_folder
from tests.hsm_adapter.building import TokenFolder
from tests.hsm_adapter.policy.building import Process
from tests.hsm_adapter.pool.devices import HANDLE, MemoryDevice, new_key
from trust.db import Database
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose, KeyState

POLICY = KeyPolicy(purpose=KeyPurpose.SEALING)


@pytest.fixture
def device() -> MemoryDevice:
    return MemoryDevice("hsm", new_key())


@pytest.fixture
def process(folder: TokenFolder, tmp_path: Path, database: Database, device: MemoryDevice) -> Process:
    randomness = SystemRandomness()
    opened = open_key_folder(folder.path, folder.passphrase, randomness=randomness)
    software, catalogue = SoftwareToken(opened, folder.clock, randomness), Catalogue(opened, folder.clock, randomness)
    pool = DevicePool([device], outages=Outages(tmp_path / "outages", randomness), clock=folder.clock)
    token = HardwareToken(software, catalogue, pool)
    keys = OpenedKeys(token=token, custodian=HardwareCustodian(token, catalogue, pool), pool=pool)
    made = Process(keys, database, tmp_path, folder.clock)
    made.new_key(KeyPurpose.KEY_POLICY)
    return made


def sealing_keys(process: Process) -> list[KeyInfo]:
    known = process.token.keys()
    return [info for info in known if info.purpose is KeyPurpose.SEALING]


def test_a_key_of_a_device_is_enrolled_activated_and_destroyed_by_two(process: Process, device: MemoryDevice) -> None:
    making = Making(algorithm=Algorithm.SM2_SM3, label="seal", device="hsm", handle=HANDLE)
    life = process.agree(ChangeKind.ENROL, policy=POLICY, making=making)
    assert life.state is LifeState.GENERATED
    with pytest.raises(KeyNotActive):
        process.sign(life.key)
    process.agree(ChangeKind.ACTIVATE, life.key)
    process.sign(life.key, count=4)
    process.agree(ChangeKind.RETIRE, life.key)
    assert len(device.holdings()) == 1
    process.agree(ChangeKind.DESTROY, life.key)
    assert device.holdings() == []


def test_a_key_is_made_in_the_device_that_was_agreed_on(process: Process, device: MemoryDevice) -> None:
    making = Making(algorithm=Algorithm.ECDSA_P256_SHA256, label="seal", device="hsm")
    life = process.agree(ChangeKind.GENERATE, policy=POLICY, making=making)
    (info,) = sealing_keys(process)
    assert (info.ref, info.algorithm) == (life.key, Algorithm.ECDSA_P256_SHA256)
    assert info.public_key in {held.public_key for held in device.holdings()}


def test_a_key_of_another_algorithm_than_agreed_never_signs(process: Process) -> None:
    making = Making(algorithm=Algorithm.ECDSA_P256_SHA256, label="seal", device="hsm", handle=HANDLE)
    with pytest.raises(KeyChangeForbidden) as caught:
        process.agree(ChangeKind.ENROL, policy=POLICY, making=making)
    assert caught.value.field == "algorithm"
    (info,) = sealing_keys(process)
    assert info.state is KeyState.ACTIVE
    with pytest.raises(KeyNotActive):
        process.sign(info)
