"""What every device promises, and what a guard over it promises; new devices join the lists below."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hsm_adapter.api import Custodian, KeyDevice
from hsm_adapter.errors import KeyRetired, KeyUnknown, LabelInvalid
from hsm_adapter.guard import GuardedSigner
from tests.fakes import FixedClock, MemoryRecorder
from tests.hsm_adapter.building import request, token_folder
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyCustodian, KeyInfo, KeyPurpose, KeyRef, KeyState, Signer
from trust.signatures import verify


def software(base: Path) -> KeyDevice:
    return token_folder(base).open()


DEVICES: list[Callable[[Path], KeyDevice]] = [software]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest, tmp_path: Path) -> KeyDevice:
    made: KeyDevice = request.param(tmp_path)
    return made


@pytest.fixture(params=list(Algorithm))
def key(request: pytest.FixtureRequest, device: KeyDevice) -> KeyInfo:
    return device.generate(algorithm=request.param, purpose=KeyPurpose.SEALING, label="食品 seal")


def test_a_made_key_is_described(device: KeyDevice, key: KeyInfo) -> None:
    assert (key.purpose, key.label, key.state) == (KeyPurpose.SEALING, "食品 seal", KeyState.ACTIVE)
    assert device.info(key.ref) == key
    assert list(device.keys()) == [key]


def test_keys_are_listed_oldest_first(device: KeyDevice) -> None:
    made = [
        device.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label=str(number))
        for number in range(5)
    ]
    listed = list(device.keys())
    assert {info.ref for info in listed} == {info.ref for info in made}
    assert listed == sorted(listed, key=lambda info: (info.created_at, info.ref))
    assert len({info.public_key for info in made}) == 5


def test_a_batch_is_signed_in_order(device: KeyDevice, key: KeyInfo) -> None:
    messages = [b"", b"one", b"two" * 1000]
    values = device.sign_batch(key.ref, messages)
    assert len(values) == 3
    for message, value in zip(messages, values, strict=True):
        verify(key.algorithm, key.public_key, message, value)
    assert list(device.sign_batch(key.ref, [])) == []


@pytest.mark.parametrize("ref", ["01" * 13, "01UNKNOWN", "", "../token", "token", "TOKEN", "x" * 65, "a/b", "键"])
def test_an_unknown_key_is_refused(device: KeyDevice, ref: str) -> None:
    for call in (
        lambda: device.info(KeyRef(ref)),
        lambda: device.sign_batch(KeyRef(ref), [b"x"]),
        lambda: device.retire(KeyRef(ref)),
    ):
        with pytest.raises(KeyUnknown) as caught:
            call()
        assert caught.value.code == "key-unknown"


def test_a_retired_key_stays_known_and_signs_no_more(device: KeyDevice, key: KeyInfo) -> None:
    retired = device.retire(key.ref)
    assert (retired.state, retired.public_key) == (KeyState.RETIRED, key.public_key)
    assert device.info(key.ref) == retired == device.retire(key.ref)
    with pytest.raises(KeyRetired) as caught:
        device.sign_batch(key.ref, [b"x"])
    assert caught.value.code == "key-retired"


@pytest.mark.parametrize("label", ["", "x" * 101, "two\nlines"])
def test_a_label_is_one_printable_line(device: KeyDevice, label: str) -> None:
    with pytest.raises(LabelInvalid) as caught:
        device.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label=label)
    assert caught.value.code == "key-label-invalid"
    assert list(device.keys()) == []


def test_a_label_at_the_limit_is_taken(device: KeyDevice) -> None:
    device.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="x" * 100)


def test_a_working_device_is_ready(device: KeyDevice) -> None:
    device.check()


def test_the_custodian_makes_and_retires_but_cannot_sign(device: KeyDevice) -> None:
    custodian: KeyCustodian = Custodian(device)
    made = custodian.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.X509_ISSUING, label="root")
    assert list(custodian.keys()) == [made]
    assert custodian.retire(made.ref).state is KeyState.RETIRED
    assert not any("sign" in name for name in dir(custodian))


def test_no_method_of_a_device_returns_private_bytes(device: KeyDevice, key: KeyInfo) -> None:
    names = {name for name in dir(device) if not name.startswith("_")}
    assert names == {"keys", "info", "generate", "retire", "sign_batch", "check"}


def test_the_guard_signs_as_the_device_does(device: KeyDevice, key: KeyInfo) -> None:
    guard: Signer = GuardedSigner(device, MemoryRecorder(), FixedClock())
    signature = guard.sign(key.ref, request(b"message"), purpose=KeyPurpose.SEALING)
    verify(key.algorithm, key.public_key, b"message", signature.value)
    assert (signature.key, signature.algorithm, signature.ledger_index) == (key.ref, key.algorithm, 0)
    assert guard.describe(key.ref) == key
    guard.check()


def test_a_p256_signature_verifies_with_openssl(device: KeyDevice, tmp_path: Path) -> None:
    key = device.generate(algorithm=Algorithm.ECDSA_P256_SHA256, purpose=KeyPurpose.TOKEN_SIGNING, label="tokens")
    (tmp_path / "key.der").write_bytes(key.public_key)
    (tmp_path / "message").write_bytes(b"header.payload")
    (tmp_path / "signature").write_bytes(device.sign_batch(key.ref, [b"header.payload"])[0])
    command = [
        "openssl",
        "dgst",
        "-sha256",
        "-verify",
        "key.der",
        "-keyform",
        "DER",
        "-signature",
        "signature",
        "message",
    ]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout == b"Verified OK\n"
