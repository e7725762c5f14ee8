"""What an SDF device does when nothing is wrong: keys, signatures, and what it cannot do."""

import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from hsm_adapter.api import Holding, SigningDevice
from hsm_adapter.errors import DeviceCannot, KeyUnknown
from hsm_adapter.sdf.device import MAX_RANDOM_BYTES, SdfDevice
from tests.hsm_adapter.sdf.building import SoftDevice
from tests.seals.independent import sm2_verifies as gmssl_verifies
from trust.gm import sm2
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import InvalidInput
from trust.signatures import verify

# The steps of docs/sdf.md, for one signature on a device that was not open.
STEPS = [
    "SDF_OpenDevice",
    "SDF_OpenSession",
    "SDF_GetPrivateKeyAccessRight",
    "SDF_InternalSign_ECC",
    "SDF_ReleasePrivateKeyAccessRight",
    "SDF_CloseSession",
    "SDF_CloseDevice",
]


def first(device: SdfDevice) -> Holding:
    return device.holdings()[0]


def test_it_is_a_signing_device(device: SdfDevice) -> None:
    port: SigningDevice = device
    assert (port.name, port.sessions) == ("hsm-1", 4)


def test_it_holds_the_keys_at_the_indexes_of_the_profile(hardware: SoftDevice) -> None:
    keys = {index: hardware.add_key(index) for index in (1, 7, 9)}
    device = hardware.open(keys=[9, 1])
    assert list(device.holdings()) == [
        Holding(handle=str(index), algorithm=Algorithm.SM2_SM3, public_key=keys[index]) for index in (9, 1)
    ]
    device.close()


def test_an_index_without_a_key_is_left_out_and_cannot_sign(hardware: SoftDevice) -> None:
    device = hardware.open(keys=[1, 5])
    device.check()
    [holding] = device.holdings()
    with pytest.raises(KeyUnknown) as caught:
        device.sign(replace(holding, handle="5"), [b"message"])
    assert caught.value.code == "sdf-key-not-exist"
    verify(holding.algorithm, holding.public_key, b"message", device.sign(holding, [b"message"])[0])
    device.close()


def test_a_batch_is_signed_in_order_on_all_sessions(hardware: SoftDevice, device: SdfDevice) -> None:
    holding = first(device)
    hardware.put("trace", b"")
    messages = [b"", *(b"message %d" % number for number in range(255))]
    values = device.sign(holding, messages)
    assert len(values) == 256
    for message, value in zip(messages, values, strict=True):
        verify(holding.algorithm, holding.public_key, message, value)
    calls = Counter(hardware.trace())
    assert calls["SDF_OpenSession"] == 3  # beside the one that read the keys
    assert calls["SDF_InternalSign_ECC"] == 256
    assert device.occupancy().idle == 4


def test_an_empty_batch_asks_nothing(hardware: SoftDevice, device: SdfDevice) -> None:
    holding = first(device)
    hardware.put("trace", b"")
    assert list(device.sign(holding, [])) == []
    assert hardware.trace() == []


def test_no_session_is_opened_that_is_not_needed(device: SdfDevice) -> None:
    for _ in range(5):
        device.sign(first(device), [b"message"])
    assert device.occupancy().live == 1


def test_a_session_is_used_by_one_thread_at_a_time(device: SdfDevice) -> None:
    """The device answers SDR_STEPERR to a second call on a session that is at work."""
    holding = first(device)
    with ThreadPoolExecutor(12) as threads:
        batches = list(threads.map(lambda number: device.sign(holding, [b"%d" % number] * 5), range(60)))
    for number, values in enumerate(batches):
        for value in values:
            verify(holding.algorithm, holding.public_key, b"%d" % number, value)
    assert device.occupancy().live <= 4


def test_the_calls_come_in_the_order_that_vendors_read_in_the_handbook(hardware: SoftDevice) -> None:
    device = hardware.open(sessions=1)
    holding = first(device)
    device.close()
    hardware.put("trace", b"")
    device.sign(holding, [b"message"])
    device.close()
    assert hardware.trace() == STEPS
    page = (Path(__file__).parents[3] / "docs" / "sdf.md").read_text("utf-8")
    places = [page.index(f"`{step}`") for step in STEPS]
    assert places == sorted(places)


@pytest.mark.integration
def test_openssl_verifies_the_signature(device: SdfDevice, tmp_path: Path) -> None:
    holding = first(device)
    (tmp_path / "key.der").write_bytes(holding.public_key)
    (tmp_path / "message").write_bytes("食品经营许可证".encode())
    (tmp_path / "signature").write_bytes(device.sign(holding, ["食品经营许可证".encode()])[0])
    command = ["openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-keyform", "DER", "-verify", "key.der"]
    done = subprocess.run(
        [*command, "-signature", "signature", "message"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout == b"Verified OK\n"


def test_gmssl_verifies_the_signature(device: SdfDevice) -> None:
    holding = first(device)
    value = device.sign(holding, [b"message"])[0]
    assert gmssl_verifies(holding.public_key[-65:], b"message", value)
    assert not gmssl_verifies(holding.public_key[-65:], b"massage", value)


def test_the_same_key_in_two_devices_makes_signatures_of_one_public_key(
    hardware: SoftDevice, device: SdfDevice
) -> None:
    key = sm2.PrivateKey.generate()
    hardware.add_key(1, key.to_pkcs8())
    assert first(device).public_key == key.public_key.spki


@pytest.mark.parametrize("handle", ["3", "0", "01", " 1", "-1", "", "１", "one"])
@pytest.mark.parametrize(
    "call",
    [
        lambda device, handle: device.sign(
            Holding(handle=handle, algorithm=Algorithm.SM2_SM3, public_key=b""), [b"message"]
        ),
        lambda device, handle: device.destroy(handle),
        lambda device, handle: device.uses(handle),
    ],
)
def test_a_key_that_the_profile_does_not_name_is_unknown(
    device: SdfDevice, handle: str, call: Callable[[SdfDevice, str], object]
) -> None:
    with pytest.raises(KeyUnknown) as caught:
        call(device, handle)
    assert caught.value.code == "key-unknown"


def test_a_key_signs_with_its_own_algorithm_only(device: SdfDevice) -> None:
    with pytest.raises(KeyUnknown):
        device.sign(replace(first(device), algorithm=Algorithm.ECDSA_P256_SHA256), [b"message"])


def test_keys_are_made_and_destroyed_by_the_vendors_tool_only(device: SdfDevice) -> None:
    for call in (lambda: device.generate(Algorithm.SM2_SM3, label="root"), lambda: device.destroy("1")):
        with pytest.raises(DeviceCannot) as caught:
            call()
        assert caught.value.code == "key-device-cannot"
    assert len(device.holdings()) == 2


def test_the_interface_counts_no_uses(device: SdfDevice) -> None:
    device.sign(first(device), [b"message"])
    assert device.uses("1") is None


def test_random_bytes_come_from_the_device(device: SdfDevice) -> None:
    assert [len(device.random(size)) for size in (1, 32, MAX_RANDOM_BYTES)] == [1, 32, MAX_RANDOM_BYTES]
    assert device.random(32) != device.random(32)
    for size in (0, MAX_RANDOM_BYTES + 1):
        with pytest.raises(InvalidInput):
            device.random(size)


def test_a_device_introduces_itself(device: SdfDevice) -> None:
    info = device.info()
    assert (info.issuer, info.name, info.standard_version) == ("yinxin tests", "software SDF", 2)


def test_a_closed_device_opens_again_at_its_next_use(hardware: SoftDevice, device: SdfDevice) -> None:
    holding = first(device)
    device.close()
    assert device.occupancy().live == 0
    hardware.put("trace", b"")
    device.sign(holding, [b"message"])
    assert hardware.trace()[:2] == ["SDF_OpenDevice", "SDF_OpenSession"]


def test_nothing_is_opened_before_the_first_use(hardware: SoftDevice) -> None:
    hardware.put("trace", b"")
    hardware.open()
    assert hardware.trace() == []
