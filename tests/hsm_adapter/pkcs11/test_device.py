import base64
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm_adapter.api import Holding, SigningDevice
from hsm_adapter.errors import DeviceCannot, DeviceFailed, KeyUnknown
from hsm_adapter.pkcs11.binding import NativeCryptoki
from hsm_adapter.pkcs11.cryptoki import (
    CKA_CLASS,
    CKA_DECRYPT,
    CKA_DERIVE,
    CKA_EXTRACTABLE,
    CKA_ID,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_SIGN,
    CKA_TOKEN,
    CKA_UNWRAP,
    CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY,
)
from hsm_adapter.pkcs11.device import Pkcs11Device
from hsm_adapter.pkcs11.encodings import ulong
from hsm_adapter.pkcs11.errors import DeviceRemoved, LibraryUnusable, SessionLost, UsedAcrossFork
from tests.hsm_adapter.pkcs11.building import soft_device, soft_profile
from tests.hsm_adapter.softhsm import PIN, SoftToken, make_token, refresh
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError
from trust.signatures import verify

BY_SOFTHSM = (Algorithm.ECDSA_P256_SHA256, Algorithm.RSA_PKCS1_SHA256)
MESSAGES = [b"", b"one", "食品经营许可证".encode() * 1000]


@pytest.fixture
def p256(device: Pkcs11Device) -> Holding:
    return device.generate(Algorithm.ECDSA_P256_SHA256, label="食品 seal")


@pytest.mark.parametrize("algorithm", BY_SOFTHSM)
@pytest.mark.parametrize("takes", ["message", "digest"])
def test_a_made_key_signs_and_is_held(token: SoftToken, tmp_path: Path, algorithm: Algorithm, takes: str) -> None:
    device: SigningDevice = soft_device(token, tmp_path, quirks={"rsa_takes": takes})
    made = device.generate(algorithm, label="食品 seal")
    assert (made.algorithm, made.label) == (algorithm, "食品 seal")
    assert list(device.holdings()) == [made]
    for message, value in zip(MESSAGES, device.sign(made, MESSAGES), strict=True):
        verify(algorithm, made.public_key, message, value)
    device.close()


@pytest.mark.parametrize("algorithm", BY_SOFTHSM)
def test_openssl_verifies_what_the_token_signed(device: Pkcs11Device, tmp_path: Path, algorithm: Algorithm) -> None:
    made = device.generate(algorithm, label="x")
    (value,) = device.sign(made, [b"judged by another"])
    body = base64.encodebytes(made.public_key).decode()
    (tmp_path / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n")
    (tmp_path / "value").write_bytes(value)
    judged = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature", tmp_path / "value"],
        input=b"judged by another",
        capture_output=True,
        check=False,
    )
    assert (judged.returncode, judged.stdout) == (0, b"Verified OK\n")


def test_an_rsa_key_has_the_modulus_of_the_profile(token: SoftToken, tmp_path: Path) -> None:
    device = soft_device(token, tmp_path, quirks={"rsa_modulus_bits": 4096, "sends_public_exponent": False})
    made = device.generate(Algorithm.RSA_PKCS1_SHA256, label="x")
    assert len(device.sign(made, [b"x"])[0]) == 512
    device.close()


def test_the_private_half_is_a_sensitive_token_object_that_only_signs(
    token: SoftToken, device: Pkcs11Device, p256: Holding, tmp_path: Path
) -> None:
    device.check()  # keeps the log-in, which all sessions of the process share
    session = NativeCryptoki(soft_profile(token, tmp_path)).open(writing=False)
    (private,) = session.find({CKA_CLASS: ulong(CKO_PRIVATE_KEY), CKA_ID: bytes.fromhex(p256.handle)})
    flags = (CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN, CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE)
    assert [session.read(private, flag) for flag in flags] == [b"\x01"] * 4 + [b"\x00"] * 4
    assert session.read(private, 0x11) is None  # CKA_VALUE
    session.close()


def test_sm2_is_refused_by_a_device_whose_profile_has_no_mechanism_for_it(device: Pkcs11Device) -> None:
    with pytest.raises(DeviceCannot):
        device.generate(Algorithm.SM2_SM3, label="x")


def test_a_vendor_mechanism_reaches_the_device_by_its_number(token: SoftToken, tmp_path: Path) -> None:
    device = soft_device(token, tmp_path, quirks={"sm2_generate": "0x80000101"})
    with pytest.raises(DeviceCannot, match="CKR_MECHANISM_INVALID"):
        device.generate(Algorithm.SM2_SM3, label="x")
    device.close()


def test_destroying_ends_the_private_half_and_keeps_the_public_one(
    token: SoftToken, device: Pkcs11Device, p256: Holding, tmp_path: Path
) -> None:
    other = device.generate(Algorithm.ECDSA_P256_SHA256, label="other")
    assert device.sign(p256, [b"x"])
    device.destroy(p256.handle)
    with pytest.raises(KeyUnknown):
        device.sign(p256, [b"x"])
    with pytest.raises(KeyUnknown):
        device.destroy(p256.handle)
    assert list(device.holdings()) == [other]
    session = NativeCryptoki(soft_profile(token, tmp_path)).open(writing=False)
    assert session.find({CKA_CLASS: ulong(CKO_PUBLIC_KEY), CKA_ID: bytes.fromhex(p256.handle)})
    session.close()


@pytest.mark.parametrize("handle", ["", "xyz", "00" * 256, "ab" * 16])
def test_a_handle_that_names_nothing_is_unknown(device: Pkcs11Device, p256: Holding, handle: str) -> None:
    for call in (
        lambda: device.destroy(handle),
        lambda: device.sign(Holding(handle=handle, algorithm=p256.algorithm, public_key=p256.public_key), [b"x"]),
    ):
        with pytest.raises(KeyUnknown):
            call()


def test_nothing_to_sign_is_nothing_signed(device: Pkcs11Device, p256: Holding) -> None:
    assert list(device.sign(p256, [])) == []


def test_keys_outlive_the_sessions_and_the_device_object(
    token: SoftToken, device: Pkcs11Device, p256: Holding, tmp_path
) -> None:
    device.close()
    assert device.sign(p256, [b"x"])
    again = soft_device(token, tmp_path)
    assert list(again.holdings()) == [p256]
    again.close()


def test_eight_threads_sign_at_once_and_each_gets_its_own(device: Pkcs11Device, p256: Holding) -> None:
    start = threading.Barrier(8)

    def caller(number: int) -> None:
        start.wait()
        for turn in range(6):
            messages = [f"{number} {turn} {index}".encode() for index in range(turn * 3 + 1)]
            for message, value in zip(messages, device.sign(p256, messages), strict=True):
                verify(p256.algorithm, p256.public_key, message, value)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(caller, range(8)))


def test_the_device_says_how_many_sign_at_once_and_counts_no_uses(token: SoftToken, tmp_path: Path) -> None:
    device = soft_device(token, tmp_path, sessions=3)
    assert (device.name, device.sessions, device.uses("ab" * 16)) == ("soft", 3, None)


def test_a_token_that_goes_in_the_middle_of_a_batch_releases_nothing_and_comes_back(
    token: SoftToken, device: Pkcs11Device, p256: Holding, tmp_path: Path
) -> None:
    assert len(device.sign(p256, [b"x"] * 300)) == 300
    away = tmp_path / "away"
    puller = threading.Thread(target=lambda: token.folder.rename(away))
    puller.start()
    with pytest.raises(DeviceFailed):
        sign_until_it_fails(device, p256)
    puller.join()
    for call in (device.check, device.holdings, lambda: device.sign(p256, [b"x"])):
        with pytest.raises(DeviceFailed):
            call()
    away.rename(token.folder)
    assert came_back(device, p256)
    device.check()


def test_sessions_that_the_library_lost_are_opened_anew(device: Pkcs11Device, p256: Holding) -> None:
    assert device.sign(p256, [b"x"] * 8)
    refresh()
    with pytest.raises(SessionLost):
        device.sign(p256, [b"x"] * 8)
    assert device.sign(p256, [b"x"] * 8)


def test_one_lost_token_does_not_disturb_another_of_the_same_library(tmp_path: Path) -> None:
    first, second = make_token(tmp_path), make_token(tmp_path)
    one, two = soft_device(first, tmp_path), soft_device(second, tmp_path)
    made = two.generate(Algorithm.ECDSA_P256_SHA256, label="x")
    one.check()
    assert two.sign(made, [b"x"])
    first.folder.rename(tmp_path / "away")
    for _ in range(3):
        with pytest.raises(DeviceFailed):
            use(one)
        assert two.sign(made, [b"x"] * 8)
    one.close()
    two.close()
    (tmp_path / "away").rename(first.folder)


def test_a_token_that_is_not_there_is_named_as_missing(token: SoftToken, tmp_path: Path) -> None:
    for changes in ({"token_label": "other"}, {"token_serial": "00"}, {"slot": 0}):
        with pytest.raises(DeviceRemoved):
            soft_device(token, tmp_path, **changes).check()


def test_a_library_that_is_none_is_refused(token: SoftToken, tmp_path: Path) -> None:
    (tmp_path / "other.so").write_bytes(b"no library")
    for library in ("missing.so", "other.so", "/lib/x86_64-linux-gnu/libc.so.6"):
        with pytest.raises(LibraryUnusable):
            soft_device(token, tmp_path, library=library).check()


def test_a_forked_child_is_refused_and_a_fresh_process_is_not(device: Pkcs11Device, p256: Holding) -> None:
    assert device.sign(p256, [b"x"])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of pytest may run here: say the code and go
        try:
            device.sign(p256, [b"x"])
            code = "signed"
        except TrustError as error:
            code = error.code
        os.write(writing, code.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == UsedAcrossFork.code.encode()
    os.close(reading)
    os.close(writing)
    assert device.sign(p256, [b"x"])


def test_a_key_with_another_curve_or_without_an_identifier_is_passed_over(
    token: SoftToken, device: Pkcs11Device, p256: Holding
) -> None:
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    device.check()
    session = NativeCryptoki(device._profile).open(writing=True)._session
    for curve, key_id in (("secp384r1", b"a"), ("secp256r1", b"")):
        parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
        session.create_domain_parameters(KeyType.EC, parameters, local=True).generate_keypair(store=True, id=key_id)
    assert list(device.holdings()) == [p256]
    session.close()


def sign_until_it_fails(device: Pkcs11Device, holding: Holding) -> None:
    while len(device.sign(holding, [b"x"] * 300)) == 300:
        pass


def use(device: Pkcs11Device) -> None:
    """What a token that is gone may answer for a while from memory, and what it can not."""
    device.check()
    device.generate(Algorithm.ECDSA_P256_SHA256, label="x")


def came_back(device: Pkcs11Device, holding: Holding) -> bool:
    for _ in range(5):
        try:
            return bool(device.sign(holding, [b"x"]))
        except DeviceFailed:
            continue
    return False


def test_the_pin_appears_in_no_text_of_the_device(device: Pkcs11Device, p256: Holding) -> None:
    assert PIN not in repr(vars(device)) + repr(device._profile)
