"""Hardware keys as the installation knows them: sealed facts, proven devices, software and hardware side by side."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from hsm_adapter import keyfile
from hsm_adapter.api import Holding
from hsm_adapter.catalogue import Catalogue
from hsm_adapter.errors import (
    DeviceCannot,
    EnrolmentRefused,
    KeyFileBroken,
    KeyRetired,
    KeyUnknown,
    LabelInvalid,
    SelfVerificationFailed,
    SoftwareKeysRefused,
)
from hsm_adapter.guard import GuardedSigner
from hsm_adapter.hardware import HardwareCustodian, HardwareToken
from hsm_adapter.keyfile import MAX_HANDLE_CHARACTERS, MAX_PLACES, Place, PlacedKey
from hsm_adapter.keyfolder import KeyFolder
from hsm_adapter.pool.outages import Outages
from hsm_adapter.pool.pool import DevicePool
from hsm_adapter.software import SoftwareToken, open_key_folder
from tests.fakes import CountingRandomness, MemoryRecorder
from tests.hsm_adapter.building import TokenFolder, request
from tests.hsm_adapter.pool.devices import HANDLE, MemoryDevice, new_key
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState
from trust.signatures import verify


class Unable(MemoryDevice):
    """A device that makes and destroys keys with its vendor's tool only."""

    def generate(self, algorithm: Algorithm, *, label: str) -> Holding:
        raise DeviceCannot

    def destroy(self, handle: str) -> None:
        raise DeviceCannot


@dataclass
class House:
    files: TokenFolder
    folder: KeyFolder
    software: SoftwareToken
    catalogue: Catalogue
    a: MemoryDevice
    b: MemoryDevice
    unable: Unable
    pool: DevicePool
    token: HardwareToken
    custodian: HardwareCustodian

    def enrolled(self) -> KeyInfo:
        return self.custodian.enrol("a", HANDLE, purpose=KeyPurpose.SEALING, label="seal")

    def again(self) -> Catalogue:
        """The catalogue as another process opens it."""
        folder = open_key_folder(self.files.path, self.files.passphrase, randomness=SystemRandomness())
        return Catalogue(folder, self.files.clock, SystemRandomness())


@pytest.fixture
def house(folder: TokenFolder, tmp_path: Path) -> House:
    randomness, key = SystemRandomness(), new_key()
    opened = open_key_folder(folder.path, folder.passphrase, randomness=randomness)
    a, b, unable = MemoryDevice("a", key), MemoryDevice("b", key), Unable("unable", key)
    software, catalogue = SoftwareToken(opened, folder.clock, randomness), Catalogue(opened, folder.clock, randomness)
    pool = DevicePool([unable, a, b], outages=Outages(tmp_path / "outages", randomness), clock=folder.clock)
    token = HardwareToken(software, catalogue, pool)
    custodian = HardwareCustodian(token, catalogue, pool)
    return House(folder, opened, software, catalogue, a, b, unable, pool, token, custodian)


def test_an_enrolled_key_is_known_to_every_process_and_signs(house: House) -> None:
    info = house.enrolled()
    assert (info.purpose, info.label, info.state, info.algorithm) == (
        KeyPurpose.SEALING,
        "seal",
        KeyState.ACTIVE,
        Algorithm.SM2_SM3,
    )
    assert house.again().all() == [PlacedKey(info=info, places=(Place(device="a", handle=HANDLE),))]
    (value,) = house.token.sign_batch(info.ref, [b"x"])
    verify(info.algorithm, info.public_key, b"x", value)


def test_software_and_hardware_keys_live_in_one_folder(house: House) -> None:
    soft = house.token.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="soft")
    hard = house.enrolled()
    assert list(house.token.keys()) == sorted((soft, hard), key=lambda info: info.ref)
    assert house.software.keys() == [soft]
    assert (house.token.info(soft.ref), house.token.info(hard.ref)) == (soft, hard)
    for info in (soft, hard):
        verify(info.algorithm, info.public_key, b"x", house.token.sign_batch(info.ref, [b"x"])[0])
    with pytest.raises(KeyUnknown):
        house.software.info(hard.ref)
    with pytest.raises(KeyUnknown):
        house.catalogue.key(soft.ref)
    assert (house.custodian.places(soft.ref), house.custodian.places(hard.ref)[0].device) == ((), "a")


def test_a_handle_that_the_device_does_not_hold_is_refused(house: House) -> None:
    with pytest.raises(EnrolmentRefused) as caught:
        house.custodian.enrol("a", "7", purpose=KeyPurpose.SEALING, label="seal")
    assert caught.value.code == "key-enrolment-refused"
    assert list(house.token.keys()) == []


@pytest.mark.parametrize("label", ["", "x" * 101, "two\nlines"])
def test_a_label_is_one_printable_line(house: House, label: str) -> None:
    with pytest.raises(LabelInvalid):
        house.custodian.enrol("a", HANDLE, purpose=KeyPurpose.SEALING, label=label)
    assert house.a.calls == []


def test_a_key_is_enrolled_once(house: House) -> None:
    house.enrolled()
    for device in ("a", "b"):
        with pytest.raises(EnrolmentRefused):
            house.custodian.enrol(device, HANDLE, purpose=KeyPurpose.TOKEN_SIGNING, label="other purpose")


def test_a_device_without_proof_is_not_believed(house: House) -> None:
    other = new_key()
    house.a.answer = lambda asked, _values: [other.sign(message) for message in asked]
    with pytest.raises(SelfVerificationFailed):
        house.enrolled()
    house.a.answer = lambda _asked, values: [*values, *values]
    with pytest.raises(SelfVerificationFailed):
        house.enrolled()
    assert list(house.token.keys()) == []


def test_a_second_place_must_hold_the_same_key_and_prove_it(house: House) -> None:
    info = house.enrolled()
    house.b.put("2", new_key())
    with pytest.raises(EnrolmentRefused, match="another key"):
        house.custodian.add_place(info.ref, "b", "2")
    house.b.answer = lambda _asked, _values: [b"\x30\x00"]
    with pytest.raises(SelfVerificationFailed):
        house.custodian.add_place(info.ref, "b", HANDLE)
    house.b.answer = None
    assert [place.device for place in house.custodian.add_place(info.ref, "b", HANDLE)] == ["a", "b"]
    with pytest.raises(EnrolmentRefused):
        house.custodian.add_place(info.ref, "b", HANDLE)
    house.a.fault = RuntimeError("gone")
    verify(info.algorithm, info.public_key, b"x", house.token.sign_batch(info.ref, [b"x"])[0])


def test_a_place_is_forgotten_but_not_the_last_one(house: House) -> None:
    info = house.enrolled()
    house.custodian.add_place(info.ref, "b", HANDLE)
    assert [place.device for place in house.custodian.remove_place(info.ref, "a")] == ["b"]
    with pytest.raises(EnrolmentRefused):
        house.custodian.remove_place(info.ref, "b")


def test_a_retired_key_is_destroyed_where_devices_can_and_the_rest_stays_named(house: House) -> None:
    info = house.enrolled()
    house.custodian.add_place(info.ref, "unable", HANDLE)
    retired = house.custodian.retire(info.ref)
    assert (retired.state, retired.public_key) == (KeyState.RETIRED, info.public_key)
    assert [place.device for place in house.custodian.places(info.ref)] == ["unable"]
    assert house.a.holdings() == []
    assert house.custodian.retire(info.ref) == retired
    with pytest.raises(KeyRetired):
        house.token.sign_batch(info.ref, [b"x"])
    with pytest.raises(KeyRetired):
        house.custodian.add_place(info.ref, "b", HANDLE)
    assert [place.device for place in house.custodian.remove_place(info.ref, "unable")] == []


def test_a_device_that_fails_while_destroying_is_asked_again(house: House) -> None:
    info = house.enrolled()
    destroy = house.a.destroy
    house.a.destroy = house.unable.destroy  # type: ignore[method-assign]
    house.custodian.retire(info.ref)
    assert house.custodian.places(info.ref)
    house.a.destroy = destroy  # type: ignore[method-assign]
    assert house.custodian.retire(info.ref).state is KeyState.RETIRED
    assert house.custodian.places(info.ref) == ()


def test_keys_are_made_inside_a_device(house: House) -> None:
    info = house.custodian.generate(
        algorithm=Algorithm.ECDSA_P256_SHA256, purpose=KeyPurpose.TOKEN_SIGNING, label="t", device="a"
    )
    assert house.custodian.places(info.ref) == (Place(device="a", handle="2"),)
    verify(info.algorithm, info.public_key, b"x", house.token.sign_batch(info.ref, [b"x"])[0])
    with pytest.raises(DeviceCannot):
        house.custodian.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="s", device="unable")


def test_without_software_keys_the_first_device_that_can_makes_them(house: House) -> None:
    soft = house.software.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="soft")
    token = HardwareToken(None, house.catalogue, house.pool)
    info = token.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="hard")
    assert house.custodian.places(info.ref)[0].device == "a"
    assert token.keys() == [info]
    for call in (lambda: token.info(soft.ref), lambda: token.sign_batch(soft.ref, [b"x"])):
        with pytest.raises(SoftwareKeysRefused):
            call()


@pytest.mark.parametrize(
    ("member", "value"),
    [("purpose", "x509-issuing"), ("label", "another"), ("state", "retired"), ("public_key", "00")],
)
def test_an_edited_fact_is_refused(house: House, member: str, value: str) -> None:
    info = house.enrolled()
    path = house.files.file(info.ref)
    members = json.loads(path.read_bytes())
    members["public"][member] = value
    path.write_text(json.dumps(members))
    with pytest.raises(KeyFileBroken):
        house.token.sign_batch(info.ref, [b"x"])


@pytest.mark.parametrize("form", [keyfile.FORMAT, "yinxin-hardware-key/2"])
def test_a_key_cannot_be_moved_between_software_and_hardware_by_editing(house: House, form: str) -> None:
    info = house.enrolled()
    path = house.files.file(info.ref)
    members = json.loads(path.read_bytes()) | {"format": form}
    path.write_text(json.dumps(members))
    with pytest.raises(KeyFileBroken):
        house.token.info(info.ref)


def test_where_a_key_lies_is_sealed(house: House) -> None:
    info = house.enrolled()
    assert b"handle" not in house.files.file(info.ref).read_bytes()


@pytest.mark.parametrize("device", ["", "A", "a/b", "-a", "x" * 33])
def test_a_device_name_is_fit_for_a_file_and_a_metric(device: str) -> None:
    with pytest.raises(ValueError, match="device"):
        Place(device=device, handle="1")


def test_limits_of_places(house: House) -> None:
    info = house.enrolled()
    Place(device="x" * 32, handle="h" * MAX_HANDLE_CHARACTERS)
    with pytest.raises(ValueError, match="handle"):
        Place(device="a", handle="h" * (MAX_HANDLE_CHARACTERS + 1))
    many = tuple(Place(device=f"d{number}", handle="1") for number in range(MAX_PLACES + 1))
    PlacedKey(info=info, places=many[:-1])
    with pytest.raises(ValueError, match="too many"):
        PlacedKey(info=info, places=many)
    with pytest.raises(ValueError, match="lies somewhere"):
        PlacedKey(info=info, places=())


def test_readiness_names_what_keeps_an_active_key_from_signing(house: House) -> None:
    house.token.check()
    info = house.enrolled()
    house.token.check()
    without = HardwareToken(
        house.software,
        house.catalogue,
        DevicePool([], outages=Outages(house.files.path / "o", CountingRandomness()), clock=house.files.clock),
    )
    with pytest.raises(Exception, match="out of service"):
        without.check()
    house.custodian.retire(info.ref)
    without.check()


def test_device_counters_and_holdings_are_shown(house: House) -> None:
    info = house.enrolled()
    house.token.sign_batch(info.ref, [b"x", b"y"])
    assert house.custodian.uses(info.ref) == {"a": 3}, "one more than released: the proof"
    assert [holding.handle for holding in house.custodian.holdings("b")] == [HANDLE]
    assert house.custodian.devices() == ("unable", "a", "b")


def test_the_custodian_cannot_sign(house: House) -> None:
    assert not any("sign" in name for name in dir(house.custodian))


def test_the_guard_verifies_each_signature_of_hardware_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    info = house.enrolled()
    seen: list[bytes] = []
    monkeypatch.setattr("hsm_adapter.guard.verify", lambda *of: (seen.append(of[2]), verify(*of)))
    guard = GuardedSigner(house.token, MemoryRecorder(), house.files.clock)
    asked = [request(bytes([number])) for number in range(20)]
    guard.sign_many(info.ref, asked, purpose=KeyPurpose.SEALING)
    assert sorted(seen) == [bytes([number]) for number in range(20)]


def test_the_guard_releases_the_signature_of_the_sound_device(house: House) -> None:
    info = house.enrolled()
    house.custodian.add_place(info.ref, "b", HANDLE)
    house.a.answer = lambda asked, _values: [b"\x30\x00"] * len(asked)
    recorder = MemoryRecorder()
    guard = GuardedSigner(house.token, recorder, house.files.clock)
    for number in range(20):
        signature = guard.sign(info.ref, request(bytes([number])), purpose=KeyPurpose.SEALING)
        verify(info.algorithm, info.public_key, bytes([number]), signature.value)
    assert len(recorder.uses) == 20
    house.b.answer = house.a.answer
    with pytest.raises(SelfVerificationFailed):
        guard.sign(info.ref, request(b"x"), purpose=KeyPurpose.SEALING)
    assert recorder.uses[-1].reason == "self-verification-failed"


def test_an_unknown_key_is_unknown(house: House) -> None:
    for call in (house.token.info, house.token.retire, lambda ref: house.token.sign_batch(ref, [b"x"])):
        with pytest.raises(KeyUnknown):
            call(KeyRef("01" * 13))
