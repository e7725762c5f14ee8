"""SM2 over PKCS#11, against a token in memory: no device with it was at hand, so the vendor's side is unproven."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from hsm_adapter.errors import DeviceCannot
from hsm_adapter.pkcs11.cryptoki import CKA_CLASS, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ID, CKA_KEY_TYPE, CKA_LABEL
from hsm_adapter.pkcs11.device import Pkcs11Device
from hsm_adapter.pkcs11.encodings import ulong
from hsm_adapter.pkcs11.quirks import Quirks
from tests.hsm_adapter.pkcs11.building import SM2_KEY, FakeToken, fake_device, fake_profile, privates
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError
from trust.kernel.randomness import SystemRandomness
from trust.signatures import verify

FORMS: list[dict[str, Any]] = [
    {"sm2_takes": takes, "sm2_signature": signature, "ec_point": point}
    for takes, signature, point in product(("digest", "message"), ("raw", "der"), ("octet-string", "raw"))
]


@pytest.mark.parametrize("quirks", FORMS, ids=lambda quirks: " ".join(quirks.values()))
def test_sm2_signatures_verify_in_every_form_that_a_profile_can_say(tmp_path: Path, quirks: dict[str, Any]) -> None:
    device = fake_device(FakeToken(quirks=quirks), tmp_path)
    made = device.generate(Algorithm.SM2_SM3, label="公章")
    assert (made.algorithm, made.label) == (Algorithm.SM2_SM3, "公章")
    assert list(device.holdings()) == [made]
    messages = [b"", b"one", b"two" * 500]
    for message, value in zip(messages, device.sign(made, messages), strict=True):
        verify(Algorithm.SM2_SM3, made.public_key, message, value)
    device.close()


def test_a_signature_in_another_form_than_the_profile_says_is_named(tmp_path: Path) -> None:
    token = FakeToken(quirks={"sm2_signature": "raw"})
    made = fake_device(token, tmp_path).generate(Algorithm.SM2_SM3, label="x")
    other = FakeToken(objects=token.objects)
    wrong = fake_device(other, tmp_path)  # its profile says raw
    other.quirks = {"sm2_signature": "der"}
    with pytest.raises(TrustError) as caught:
        wrong.sign(made, [b"x"])
    assert caught.value.code == "pkcs11-answer-unusable"


def test_the_numbers_of_the_vendor_stand_in_the_templates(tmp_path: Path) -> None:
    token = FakeToken()
    fake_device(token, tmp_path).generate(Algorithm.SM2_SM3, label="x")
    public = next(it for it in token.objects if it not in privates(token))
    assert public[CKA_KEY_TYPE] == ulong(SM2_KEY)
    assert public[CKA_EC_PARAMS] == bytes.fromhex("06082a811ccf5501822d")
    assert len(public[CKA_EC_POINT]) == 67


def test_identifiers_and_labels_are_left_to_a_device_that_does_not_take_them(tmp_path: Path) -> None:
    token = FakeToken(quirks={"honours_id": False, "honours_labels": False})
    made = fake_device(token, tmp_path).generate(Algorithm.SM2_SM3, label="x")
    assert (made.handle, made.label) == ("ee01", "")
    (private,) = privates(token)
    assert CKA_LABEL not in private


def test_a_key_that_could_be_taken_out_is_destroyed_at_once(tmp_path: Path) -> None:
    token = FakeToken(extractable=True)
    with pytest.raises(DeviceCannot):
        fake_device(token, tmp_path).generate(Algorithm.SM2_SM3, label="x")
    assert token.objects == []


def test_a_profile_without_the_mechanism_is_refused_before_any_session(tmp_path: Path) -> None:
    token = FakeToken()
    made = fake_device(token, tmp_path).generate(Algorithm.SM2_SM3, label="x")
    bare = FakeToken(objects=token.objects)
    profile = replace(fake_profile(tmp_path), quirks=Quirks())
    with pytest.raises(TrustError) as caught:
        Pkcs11Device(profile, SystemRandomness(), cryptoki=bare).sign(made, [b"x"])
    assert (caught.value.code, bare.opened) == ("pkcs11-mechanism-refused", 0)


@pytest.mark.parametrize(("stored", "expected"), [(ulong(7), 7), (b"\x01\x00", 256), (None, None)])
def test_the_devices_own_count_is_read_from_the_attribute_of_the_profile(
    tmp_path: Path, stored: bytes | None, expected: int | None
) -> None:
    token = FakeToken(quirks={"uses_attribute": "0x80000777"})
    device = fake_device(token, tmp_path)
    made = device.generate(Algorithm.SM2_SM3, label="x")
    privates(token)[0][0x80000777] = stored
    assert device.uses(made.handle) == expected


def test_two_private_keys_with_one_identifier_are_passed_over_and_do_not_sign(tmp_path: Path) -> None:
    token = FakeToken()
    device = fake_device(token, tmp_path)
    made = device.generate(Algorithm.SM2_SM3, label="x")
    token.objects.append(dict(privates(token)[0]))
    assert list(device.holdings()) == []
    with pytest.raises(TrustError) as caught:
        device.sign(made, [b"x"])
    assert caught.value.code == "pkcs11-answer-unusable"
    assert token.objects[0][CKA_CLASS] != token.objects[1][CKA_CLASS]
    assert token.objects[0][CKA_ID] == token.objects[1][CKA_ID]
