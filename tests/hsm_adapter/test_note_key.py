"""The Ed25519 key of checkpoints: sealed, and used only for what the guard has recorded (laws 1 and 2)."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.pwhash import argon2id

from hsm_adapter.errors import KeyFileBroken, KeyStoreMissing, PassphraseWrong, PurposeMismatch
from hsm_adapter.note_key import FILE, MAX_FILE_BYTES, RecordedNoteSigner, create_note_key
from hsm_adapter.software import Argon2Cost
from tests.fakes import MemoryRecorder
from tests.trust.ledger.building import KEY, RecordingSigner
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyPurpose, SigningRequest, UseContext
from trust.ledger.errors import LedgerUnavailable

CHEAP = Argon2Cost(operations=argon2id.OPSLIMIT_MIN, memory=argon2id.MEMLIMIT_MIN)
REQUEST = SigningRequest(message=b"ledger.example\n0\n\n", context=UseContext(principal="system:ledger", why="test"))
PURPOSE = KeyPurpose.LEDGER_CHECKPOINT


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery staple\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def keys(tmp_path, passphrase):
    assert create_note_key(tmp_path / "keys", passphrase, randomness=SystemRandomness(), cost=CHEAP)
    return tmp_path / "keys"


@pytest.fixture
def recorder():
    return MemoryRecorder()


@pytest.fixture
def signer(keys, passphrase, recorder):
    return RecordedNoteSigner(RecordingSigner(recorder), keys, passphrase)


def test_both_signatures_are_over_the_same_bytes_and_one_recorded_use(signer, recorder):
    signature, value = signer.sign(KEY, REQUEST, purpose=PURPOSE)
    Ed25519PublicKey.from_public_bytes(signer.public_key).verify(value, REQUEST.message)
    (use,) = recorder.uses
    assert (use.key, signature.ledger_index) == (KEY, 0)


def test_without_a_ledger_there_is_no_ed25519_signature_either(keys, passphrase):
    class Broken:
        def record(self, uses):
            raise LedgerUnavailable

    signer = RecordedNoteSigner(RecordingSigner(Broken()), keys, passphrase)
    signed = []
    signer._key = type("Spy", (), {"sign": lambda _self, message: signed.append(message)})()
    with pytest.raises(LedgerUnavailable):
        signer.sign(KEY, REQUEST, purpose=PURPOSE)
    assert signed == []


@pytest.mark.parametrize("purpose", [purpose for purpose in KeyPurpose if purpose is not PURPOSE])
def test_it_signs_checkpoints_and_nothing_else(signer, recorder, purpose):
    with pytest.raises(PurposeMismatch):
        signer.sign(KEY, REQUEST, purpose=purpose)
    assert recorder.uses == []


def test_making_it_twice_keeps_the_first(keys, passphrase, signer):
    assert not create_note_key(keys, passphrase, randomness=SystemRandomness(), cost=CHEAP)
    assert RecordedNoteSigner(signer._signer, keys, passphrase).public_key == signer.public_key


def test_the_file_is_for_its_owner_and_holds_no_private_byte_in_clear(keys, signer):
    signer.sign(KEY, REQUEST, purpose=PURPOSE)
    seed = bytes(signer._key)
    content = (keys / FILE).read_bytes()
    assert (keys / FILE).stat().st_mode & 0o777 == 0o600
    assert seed not in content
    assert seed.hex().encode() not in content


def test_a_wrong_passphrase_is_no_use_and_nothing_is_recorded(keys, passphrase, recorder):
    passphrase.write_text("another\n")
    with pytest.raises(PassphraseWrong):
        RecordedNoteSigner(RecordingSigner(recorder), keys, passphrase).sign(KEY, REQUEST, purpose=PURPOSE)
    assert recorder.uses == []


def test_a_public_half_that_was_exchanged_is_found(keys, passphrase, recorder):
    path = keys / FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "public_key": "00" * 32}))
    with pytest.raises(KeyFileBroken):
        RecordedNoteSigner(RecordingSigner(recorder), keys, passphrase).sign(KEY, REQUEST, purpose=PURPOSE)
    assert recorder.uses == []


@pytest.mark.parametrize(
    "change",
    [{"format": "x"}, {"salt": "zz"}, {"sealed": 1}, {"operations": 10**9}, {"memory": 1}, {"more": 1}],
)
def test_an_edited_file_is_refused(keys, passphrase, recorder, change):
    path = keys / FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(KeyFileBroken):
        RecordedNoteSigner(RecordingSigner(recorder), keys, passphrase)


def test_a_missing_or_endless_file_is_named(keys, passphrase, recorder):
    (keys / FILE).write_bytes(b" " * (MAX_FILE_BYTES + 1))
    with pytest.raises(KeyFileBroken):
        RecordedNoteSigner(RecordingSigner(recorder), keys, passphrase)
    (keys / FILE).unlink()
    with pytest.raises(KeyStoreMissing):
        RecordedNoteSigner(RecordingSigner(recorder), keys, passphrase)
