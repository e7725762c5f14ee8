"""The software token at rest: what is sealed, what is refused, what is never shown."""

import base64
import json
import logging
import stat
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.pwhash import argon2id

from hsm_adapter import keyfile, software
from hsm_adapter.errors import (
    DeviceFailed,
    InsecureSignerWarning,
    KeyFileBroken,
    KeyRetired,
    KeyStoreMissing,
    PassphraseExposed,
    PassphraseMissing,
    PassphraseWrong,
    SoftwareKeysRefused,
    TokenExists,
    TokenFolderUnusable,
)
from hsm_adapter.keyfolder import MAX_FILE_BYTES
from hsm_adapter.passphrase import MAX_PASSPHRASE_BYTES, read_passphrase
from hsm_adapter.software import Argon2Cost, SoftwareToken, create_software_token, open_software_token
from tests.fakes import FixedClock
from tests.hsm_adapter.building import CHEAP, PASSPHRASE, TokenFolder, token_folder, write_passphrase
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose, KeyState


def make(token: SoftwareToken, algorithm: Algorithm = Algorithm.SM2_SM3, label: str = "seal") -> KeyInfo:
    return token.generate(algorithm=algorithm, purpose=KeyPurpose.SEALING, label=label)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(TrustError) as caught:
        call()
    return caught.value.code


def test_keys_survive_closing_and_opening(folder: TokenFolder) -> None:
    made = [make(folder.open(), algorithm) for algorithm in Algorithm]
    again = folder.open()
    assert sorted(again.keys(), key=lambda info: info.ref) == sorted(made, key=lambda info: info.ref)
    for info in made:
        assert again.sign_batch(info.ref, [b"x"])


def test_another_process_sees_new_and_retired_keys_at_its_next_use(folder: TokenFolder) -> None:
    serving, operator = folder.open(), folder.open()
    info = make(operator)
    assert serving.sign_batch(info.ref, [b"x"])
    operator.retire(info.ref)
    with pytest.raises(KeyRetired):
        serving.sign_batch(info.ref, [b"x"])
    assert serving.info(info.ref).state is KeyState.RETIRED


def test_files_are_for_our_account_alone_and_nothing_is_left_aside(folder: TokenFolder) -> None:
    info = make(folder.open())
    folder.open().retire(info.ref)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {path.name for path in folder.path.iterdir()} == {"token.json", f"{info.ref}.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()} == {0o600}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_private_half_is_only_in_the_sealed_part_and_gone_once_retired(
    folder: TokenFolder, algorithm: Algorithm, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    generate = software.private_keys.generate
    monkeypatch.setattr(software.private_keys, "generate", lambda choice: (seen.append(generate(choice)), seen[-1])[1])
    token = folder.open()
    info = make(token, algorithm)
    (private,) = seen
    content = folder.file(info.ref).read_bytes()
    for form in (private, private.hex().encode(), base64.b64encode(private)):
        assert form not in content
    sealed = base64.b64decode(json.loads(content)["sealed"])
    assert base64.b64encode(private) in token._folder._box.decrypt(sealed)
    token.retire(info.ref)
    sealed = base64.b64decode(json.loads(folder.file(info.ref).read_bytes())["sealed"])
    assert json.loads(token._folder._box.decrypt(sealed))["private"] is None


def edited(folder: TokenFolder, info: KeyInfo, change: Callable[[dict[str, Any]], None]) -> None:
    members = json.loads(folder.file(info.ref).read_bytes())
    change(members)
    folder.file(info.ref).write_text(json.dumps(members))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("purpose", "x509-issuing"),
        ("algorithm", "ECDSA-P256-SHA256"),
        ("ref", "01OTHER"),
        ("label", "another"),
        ("state", "retired"),
        ("created_at", "2020-01-01T00:00:00+00:00"),
        ("created_at", "0001-01-01T00:00:00+23:00"),
        ("created_at", "2020-01-01T00:00:00"),
        ("public_key", "00"),
        ("public_key", 7),
        ("label", 7),
        ("algorithm", "RSA"),
        ("extra", "x"),
    ],
)
def test_an_edited_fact_is_refused(folder: TokenFolder, member: str, value: object) -> None:
    info = make(folder.open())
    edited(folder, info, lambda members: members["public"].update({member: value}))
    for call in (folder.open().keys, lambda: folder.open().sign_batch(info.ref, [b"x"])):
        assert code_of(call) == "key-file-broken"


def test_a_retired_key_is_not_brought_back_by_editing(folder: TokenFolder) -> None:
    token = folder.open()
    info = make(token)
    token.retire(info.ref)
    edited(folder, info, lambda members: members["public"].update(state="active"))
    assert code_of(lambda: token.sign_batch(info.ref, [b"x"])) == "key-file-broken"


def test_swapped_files_are_refused(folder: TokenFolder) -> None:
    token = folder.open()
    one, two = make(token), make(token)
    first, second = folder.file(one.ref), folder.file(two.ref)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    assert code_of(lambda: token.sign_batch(one.ref, [b"x"])) == "key-file-broken"
    assert code_of(lambda: folder.open().info(two.ref)) == "key-file-broken"


def test_swapped_sealed_parts_are_refused(folder: TokenFolder) -> None:
    token = folder.open()
    one, two = make(token), make(token)
    other = json.loads(folder.file(two.ref).read_bytes())["sealed"]
    edited(folder, one, lambda members: members.update(sealed=other))
    assert code_of(lambda: token.info(one.ref)) == "key-file-broken"


def test_a_key_file_of_another_token_is_refused(folder: TokenFolder, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = token_folder(tmp_path / "other")
    info = make(other.open())
    folder.file(info.ref).write_bytes(other.file(info.ref).read_bytes())
    assert code_of(lambda: folder.open().info(info.ref)) == "key-file-broken"


def sealed_plaintext(token: SoftwareToken, folder: TokenFolder, info: KeyInfo, private: object) -> None:
    """A file sealed with the right key, but around something else."""
    public = json.loads(folder.file(info.ref).read_bytes())["public"]
    box = token._folder._box.encrypt(json.dumps({"public": public, "private": private}).encode())
    edited(folder, info, lambda members: members.update(sealed=base64.b64encode(bytes(box)).decode()))


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("private", [None, 7, "", "!", base64.b64encode(b"\x30\x00").decode()])
def test_a_sealed_part_that_is_no_key_is_refused(folder: TokenFolder, private: object, algorithm: Algorithm) -> None:
    token = folder.open()
    info = make(token, algorithm)
    sealed_plaintext(token, folder, info, private)
    assert code_of(lambda: token.info(info.ref)) == "key-file-broken"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_halves_that_do_not_belong_together_are_refused(folder: TokenFolder, algorithm: Algorithm) -> None:
    token = folder.open()
    info = make(token, algorithm)
    other = software.private_keys.generate(algorithm)
    sealed_plaintext(token, folder, info, base64.b64encode(other).decode())
    assert code_of(lambda: token.info(info.ref)) == "key-file-broken"


def other_curves() -> list[bytes]:
    made = [software.private_keys.generate(Algorithm.SM2_SM3)]
    for key in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made.append(key.private_bytes(*form))
    return made


def test_a_key_on_another_curve_is_refused(folder: TokenFolder) -> None:
    token = folder.open()
    info = make(token, Algorithm.ECDSA_P256_SHA256)
    for key in other_curves():
        sealed_plaintext(token, folder, info, base64.b64encode(key).decode())
        assert code_of(lambda: token.info(info.ref)) == "key-file-broken"


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_as_a_key_file_are_refused(content: bytes) -> None:
    with pytest.raises(KeyFileBroken):
        keyfile.parse_envelope(content, name="x.json")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_any_changed_bit_of_a_key_file_is_refused_or_changes_nothing(folder: TokenFolder, data: st.DataObject) -> None:
    token = folder.open()
    info = make(token)
    path = folder.file(info.ref)
    content = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    with suppress(KeyFileBroken):
        assert token.info(info.ref) == info


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"salt": "00"},
        {"salt": None},
        {"operations": 5},
        {"operations": 0},
        {"operations": 1.5},
        {"operations": "1"},
        {"memory": 2**31},
        {"memory": 0},
        {"proof": "!"},
    ],
)
def test_an_edited_header_is_refused(folder: TokenFolder, change: dict[str, object]) -> None:
    path = folder.path / "token.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert code_of(folder.open) == "key-file-broken"


def test_a_header_that_is_not_json_is_refused(folder: TokenFolder) -> None:
    (folder.path / "token.json").write_bytes(b"\xff")
    assert code_of(folder.open) == "key-file-broken"


def test_too_little_memory_is_said_plainly(folder: TokenFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(argon2id, "kdf", exhausted)
    with pytest.raises(DeviceFailed, match="memory"):
        folder.open()


def test_a_wrong_passphrase_is_told_from_damage(folder: TokenFolder) -> None:
    write_passphrase(folder.passphrase, b"wrong horse")
    with pytest.raises(PassphraseWrong) as caught:
        folder.open()
    assert caught.value.code == "token-passphrase-wrong"


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_line_end_is_not_part_of_the_passphrase(folder: TokenFolder, ending: bytes) -> None:
    write_passphrase(folder.passphrase, PASSPHRASE.encode() + ending)
    folder.open()


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n", b"x" * (MAX_PASSPHRASE_BYTES + 1)])
def test_an_empty_or_endless_passphrase_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PassphraseMissing) as caught:
        read_passphrase(write_passphrase(tmp_path / "p", content))
    assert caught.value.code == "token-passphrase-missing"


def test_a_passphrase_at_the_limit_is_read(tmp_path: Path) -> None:
    longest = b"x" * MAX_PASSPHRASE_BYTES
    assert read_passphrase(write_passphrase(tmp_path / "p", longest)) == longest


def test_a_missing_passphrase_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PassphraseMissing):
        read_passphrase(tmp_path / "none")
    with pytest.raises(PassphraseMissing):
        read_passphrase(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_passphrase_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(PassphraseExposed) as caught:
        read_passphrase(write_passphrase(tmp_path / "p", mode=mode))
    assert caught.value.code == "token-passphrase-exposed"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_passphrase_of_our_own_is_read(tmp_path: Path, mode: int) -> None:
    assert read_passphrase(write_passphrase(tmp_path / "p", mode=mode)) == PASSPHRASE.encode()


def test_production_refuses_software_keys_unless_allowed(folder: TokenFolder) -> None:
    with pytest.raises(SoftwareKeysRefused) as caught:
        folder.open(production=True)
    assert caught.value.code == "software-keys-refused"
    assert "YINXIN_ALLOW_SOFTWARE_KEYS" in caught.value.remedy
    folder.open(production=True, allowed=True)


@pytest.mark.parametrize("production", [True, False])
def test_opening_warns(folder: TokenFolder, production: bool) -> None:
    with pytest.warns(InsecureSignerWarning):
        open_software_token(
            folder.path,
            folder.passphrase,
            clock=folder.clock,
            randomness=SystemRandomness(),
            production=production,
            allowed=production,
        )


def test_a_token_is_never_overwritten(folder: TokenFolder) -> None:
    before = (folder.path / "token.json").read_bytes()
    with pytest.raises(TokenExists) as caught:
        create_software_token(folder.path, folder.passphrase, randomness=SystemRandomness(), cost=CHEAP)
    assert caught.value.code == "token-exists"
    assert (folder.path / "token.json").read_bytes() == before


def test_a_folder_without_token_is_missing(tmp_path: Path) -> None:
    nothing = TokenFolder(tmp_path / "nothing", write_passphrase(tmp_path / "p"), FixedClock())
    assert code_of(nothing.open) == "key-store-missing"


def test_a_token_that_vanishes_is_not_ready(folder: TokenFolder) -> None:
    token = folder.open()
    token.check()
    (folder.path / "token.json").unlink()
    with pytest.raises(KeyStoreMissing):
        token.check()


def test_an_unusable_folder_is_said_plainly(folder: TokenFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TokenFolderUnusable) as caught:
        create_software_token(tmp_path / "file" / "token", folder.passphrase, randomness=SystemRandomness(), cost=CHEAP)
    assert caught.value.code == "token-folder-unusable"
    assert str(tmp_path) not in caught.value.detail


def test_a_key_is_there_whole_or_not_at_all(folder: TokenFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    token = folder.open()
    info = make(token)

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    assert code_of(lambda: make(token)) == "token-folder-unusable"
    assert code_of(lambda: token.retire(info.ref)) == "token-folder-unusable"
    monkeypatch.undo()
    assert list(folder.open().keys()) == [info]
    assert len(list(folder.path.iterdir())) == 2


@pytest.mark.parametrize(("operations", "memory"), [(1, 8192), (4, 2**30)])
def test_the_cost_at_its_limits_is_taken(operations: int, memory: int) -> None:
    Argon2Cost(operations=operations, memory=memory)


@pytest.mark.parametrize(("operations", "memory"), [(0, 8192), (5, 8192), (1, 8191), (1, 2**30 + 1)])
def test_a_cost_outside_its_limits_is_refused(operations: int, memory: int) -> None:
    with pytest.raises(KeyFileBroken):
        Argon2Cost(operations=operations, memory=memory)


def test_the_default_cost_is_libsodiums_moderate() -> None:
    assert Argon2Cost(operations=3, memory=256 * 1024 * 1024) == software.MODERATE


def test_no_secret_shows_in_repr_log_warning_or_error(
    folder: TokenFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[bytes] = []
    generate = software.private_keys.generate
    monkeypatch.setattr(software.private_keys, "generate", lambda choice: (seen.append(generate(choice)), seen[-1])[1])
    shown: list[str] = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        token = open_software_token(
            folder.path,
            folder.passphrase,
            clock=folder.clock,
            randomness=SystemRandomness(),
            production=False,
            allowed=False,
        )
        shown += [str(item.message) for item in warned]
    info = make(token)
    token.sign_batch(info.ref, [b"x"])
    box_key = bytes(token._folder._box)
    stored = keyfile.StoredKey(info=info, private=seen[0])
    shown += [repr(token), repr(info), repr(token._folder._box), repr(token._folder._loaded), repr(stored)]
    sealed_plaintext(token, folder, info, base64.b64encode(seen[0] + b"x").decode())
    calls: list[Callable[[], object]] = [lambda: token.info(info.ref), folder.open]
    write_passphrase(folder.passphrase, b"wrong " + PASSPHRASE.encode())
    for call in calls:
        with pytest.raises(TrustError) as caught:
            call()
        shown += [f"{caught.value!r} {caught.value.facts}", *traceback.format_exception(caught.value)]
    text = "\n".join([*shown, caplog.text])
    for secret in (*seen, box_key):
        scalar = secret[-32:]
        assert secret.hex() not in text
        assert scalar.hex() not in text
        assert repr(secret)[2:-1] not in text
        assert base64.b64encode(secret).decode() not in text
    assert PASSPHRASE not in text


def test_a_file_of_the_token_is_bounded(folder: TokenFolder) -> None:
    info = folder.open().generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="a")
    for path in (folder.file(info.ref), folder.path / "token.json"):
        content = path.read_bytes()
        path.write_bytes(content.ljust(MAX_FILE_BYTES))
        assert folder.open().info(info.ref) == info
        path.write_bytes(content.ljust(MAX_FILE_BYTES + 1))
        with pytest.raises(KeyFileBroken, match=str(MAX_FILE_BYTES)):
            folder.open().info(info.ref)
        path.write_bytes(content)
