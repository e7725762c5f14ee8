"""The witness program: what it cosigns, what it refuses, with which status, and that it never cosigns two histories."""

import base64
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import MOMENT, FixedClock
from trust.kernel import merkle
from trust.kernel.merkle import Frontier, Node, TreeHash
from trust.kernel.randomness import SystemRandomness
from trust.ledger.note_errors import NoteMalformed
from trust.ledger.note_keys import ed25519_key, split_cosignature
from trust.ledger.notes import MAX_NOTE_BYTES, Note, SignatureLine, parse_lines
from trust.ledger.tree_heads import TreeHead
from trust.ledger.witness.protocol import MAX_PROOF_LINES, SIZE_TYPE, Submission, origin_hash
from trust.ledger.witness.routes import witness_application
from trust.ledger.witness.service import Witness
from trust.ledger.witness.state import LogHash, LogKnown, WatchedLog, WitnessFolder, WitnessNotReady
from trust.sealing import SecretExposed

ORIGIN = "log.example/a"
LOG = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
KEY = ed25519_key(ORIGIN, LOG.public_key().public_bytes_raw())
TREE = TreeHash(function=lambda data: hashlib.sha256(data).digest())


class Log:
    """A log over SHA-256 whose leaves are given; two of the same beginning and another end are a fork."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.hashes = [TREE.leaf(leaf) for leaf in leaves]
        _, finished = Frontier().extend(TREE, self.hashes)
        self.nodes = {Node(0, index): value for index, value in enumerate(self.hashes)} | dict(finished)

    def read(self, wanted):
        return {node: self.nodes[node] for node in wanted}

    def note(self, size: int, *, private=LOG, origin=ORIGIN, root: bytes | None = None) -> Note:
        real = merkle.frontier(size, self.read).root(TREE)
        text = TreeHead(origin=origin, size=size, root=root or real).text
        key = ed25519_key(origin, private.public_key().public_bytes_raw())
        return Note(text=text, lines=(SignatureLine(name=origin, key_id=key.key_id, signature=private.sign(text)),))

    def submission(self, old: int, new: int) -> bytes:
        proof = merkle.consistency_proof(TREE, old, new, self.read) if old <= new else ()
        return Submission(old_size=old, proof=proof, note=self.note(new)).content


def leaves(count: int, end: bytes = b"") -> list[bytes]:
    return [str(number).encode() + (end if number >= count // 2 else b"") for number in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> WitnessFolder:
    made = WitnessFolder(tmp_path / "w", SystemRandomness())
    made.establish("w.example/w")
    made.watch(WatchedLog(origin=ORIGIN, hash=LogHash.SHA256, keys=(KEY,)))
    return made


@pytest.fixture
def witness(folder: WitnessFolder) -> Witness:
    return Witness(folder, FixedClock())


def status(witness: Witness, body: bytes) -> int:
    return witness.add_checkpoint(body).status


def test_it_cosigns_a_log_that_grows_and_shows_what_it_cosigned(witness):
    log = Log(leaves(30))
    for old, new in ((0, 3), (3, 8), (8, 8), (8, 30)):
        answer = witness.add_checkpoint(log.submission(old, new))
        assert answer.status == 200
        (line,) = parse_lines(answer.body)
        witness.key.verify(log.note(new).text, line.signature)
        assert split_cosignature(line.signature)[0] == int(MOMENT.timestamp())
        shown = Note.parse(witness.checkpoint(origin_hash(ORIGIN)))
        assert [key for key, _ in shown.opened([KEY, witness.key]).by] == [KEY, witness.key]
        assert TreeHead.parse(shown.text).size == new


@pytest.mark.parametrize("first", [0, 5])
def test_a_wrong_old_size_gets_409_and_the_size_it_has(witness, first):
    log = Log(leaves(9))
    assert status(witness, log.submission(0, first)) == 200
    answer = witness.add_checkpoint(log.submission(7, 9))
    assert (answer.status, answer.body, answer.content_type) == (409, f"{first}\n".encode(), SIZE_TYPE)


def test_a_fork_gets_422_and_is_not_cosigned(witness):
    log, fork = Log(leaves(20)), Log(leaves(20, b"!"))
    assert status(witness, log.submission(0, 15)) == 200
    before = witness.checkpoint(origin_hash(ORIGIN))
    assert status(witness, fork.submission(15, 20)) == 422
    assert status(witness, fork.submission(15, 15)) == 422
    assert witness.checkpoint(origin_hash(ORIGIN)) == before
    assert status(witness, log.submission(15, 20)) == 200


def test_unknown_logs_keys_and_forged_signatures(witness):
    log, stranger = Log(leaves(4)), Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
    other = Submission(old_size=0, proof=(), note=log.note(4, origin="log.example/b")).content
    assert status(witness, other) == 404
    assert status(witness, Submission(old_size=0, proof=(), note=log.note(4, private=stranger)).content) == 403
    good = log.note(4)
    forged = SignatureLine(name=ORIGIN, key_id=KEY.key_id, signature=b"\x00" * 64)
    both = Note(text=good.text, lines=(good.lines[0], forged))
    assert status(witness, Submission(old_size=0, proof=(), note=both).content) == 403
    assert witness.checkpoint(origin_hash(ORIGIN)) is None


def test_an_old_size_above_the_checkpoint_gets_400(witness):
    log = Log(leaves(4))
    assert status(witness, Submission(old_size=5, proof=(), note=log.note(4)).content) == 400


def test_the_empty_tree_has_one_root_and_needs_no_proof(witness):
    log = Log(leaves(4))
    wrong = log.note(0, root=b"\x01" * 32)
    assert status(witness, Submission(old_size=0, proof=(), note=wrong).content) == 422
    assert status(witness, Submission(old_size=0, proof=(b"\x00" * 32,), note=log.note(4)).content) == 422
    assert status(witness, log.submission(0, 0)) == 200


@pytest.mark.parametrize("count", [MAX_PROOF_LINES, MAX_PROOF_LINES + 1])
def test_a_proof_has_at_most_63_lines(witness, count):
    log = Log(leaves(4))
    line = base64.b64encode(b"\x00" * 32) + b"\n"
    body = b"old 0\n" + line * count + b"\n" + log.note(4).content
    assert status(witness, body) == (422 if count == MAX_PROOF_LINES else 400)


@pytest.mark.parametrize(
    "head", [b"", b"old\n", b"old 00\n", b"old -1\n", b"old 1 \n", b"OLD 0\n", b"old 0\nAAAA\n", b"old 0\n\xff\n"]
)
def test_what_is_no_submission_gets_400(witness, head):
    assert status(witness, head + b"\n" + Log(leaves(1)).note(1).content) == 400


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(content):
    with contextlib.suppress(NoteMalformed):
        assert Submission.parse(content).content == content


@settings(deadline=None, max_examples=40)
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 24), st.integers(0, 24)), max_size=12))
def test_whatever_two_histories_try_all_that_is_cosigned_is_one(tmp_path_factory, steps):
    folder = WitnessFolder(tmp_path_factory.mktemp("w") / "w", SystemRandomness())
    folder.establish("w.example/w")
    folder.watch(WatchedLog(origin=ORIGIN, hash=LogHash.SHA256, keys=(KEY,)))
    witness = Witness(folder, FixedClock())
    logs = (Log(leaves(24)), Log(leaves(24, b"!")))
    size, cosigned = 0, []
    for fork, old, new in steps:
        if status(witness, logs[fork].submission(old, new)) == 200:
            assert (old, new >= old) == (size, True)
            size = new
            cosigned.append(TreeHead.parse(logs[fork].note(new).text))
    assert any(all(merkle.frontier(head.size, log.read).root(TREE) == head.root for head in cosigned) for log in logs)


def test_a_log_whose_file_is_lost_is_unknown_and_never_taken_for_a_new_one(witness, tmp_path):
    log = Log(leaves(4))
    assert status(witness, log.submission(0, 4)) == 200
    (tmp_path / "w" / "logs" / f"{origin_hash(ORIGIN)}.json").unlink()
    assert status(witness, log.submission(0, 4)) == 404


def test_a_damaged_file_stops_the_witness(folder, witness, tmp_path):
    path = tmp_path / "w" / "logs" / f"{origin_hash(ORIGIN)}.json"
    for content in (b"", b"{}", json.dumps({**json.loads(path.read_bytes()), "origin": "x"}).encode()):
        path.write_bytes(content)
        with pytest.raises(WitnessNotReady):
            witness.add_checkpoint(Log(leaves(4)).submission(0, 4))


def test_watching_twice_is_refused_and_changes_nothing(folder, witness):
    assert status(witness, Log(leaves(4)).submission(0, 4)) == 200
    with pytest.raises(LogKnown):
        folder.watch(WatchedLog(origin=ORIGIN, hash=LogHash.SHA256, keys=(KEY,)))
    assert folder.log(ORIGIN).size == 4


def test_a_key_that_others_may_read_is_refused(folder, tmp_path):
    (tmp_path / "w" / "witness.key").chmod(0o640)
    with pytest.raises(SecretExposed):
        Witness(folder, FixedClock())


def test_establishing_twice_keeps_the_key(folder):
    assert folder.establish("w.example/w") == folder.key()


def test_a_full_disk_costs_the_answer_not_the_truth(witness, monkeypatch):
    log = Log(leaves(9))
    assert status(witness, log.submission(0, 4)) == 200

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("trust.ledger.witness.state.write_whole", full)
        with pytest.raises(WitnessNotReady):
            witness.add_checkpoint(log.submission(4, 9))
    assert witness.add_checkpoint(log.submission(4, 9)).status == 200


def test_over_http_it_speaks_the_protocol(witness):
    client, log = witness_application(witness).test_client(), Log(leaves(9))
    assert client.get(f"/{origin_hash(ORIGIN)}/checkpoint").status_code == 404
    answer = client.post("/add-checkpoint", data=log.submission(0, 9))
    assert (answer.status_code, answer.text[0]) == (200, "—")
    answer = client.post("/add-checkpoint", data=log.submission(0, 9))
    assert (answer.status_code, answer.data, answer.headers["Content-Type"]) == (409, b"9\n", SIZE_TYPE)
    shown = client.get(f"/{origin_hash(ORIGIN)}/checkpoint")
    assert Note.parse(shown.data).opened([witness.key])
    assert client.post("/add-checkpoint", data=b"a" * 300_000).status_code == 400
    assert client.get("/add-checkpoint").status_code == 405
    assert client.get("/..%2fname/checkpoint").status_code == 404


def test_a_broken_folder_is_503_without_a_word_why(witness, tmp_path):
    client = witness_application(witness).test_client()
    (tmp_path / "w" / "logs" / f"{origin_hash(ORIGIN)}.json").write_bytes(b"{")
    answer = client.post("/add-checkpoint", data=Log(leaves(4)).submission(0, 4))
    assert (answer.status_code, answer.text) == (503, "The witness cannot work at present.\n")


KILLED = """
import os, signal, sys
from pathlib import Path
from trust.kernel.clock import SystemClock
from trust.kernel.randomness import SystemRandomness
from trust.ledger.witness import state
from trust.ledger.witness.service import Witness
folder, body, when = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), sys.argv[3]
real = state.write_whole
def killing(*arguments):
    if when == "after":
        real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
state.write_whole = killing
Witness(state.WitnessFolder(folder, SystemRandomness()), SystemClock()).add_checkpoint(body)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_write_it_never_cosigns_two_histories(folder, witness, tmp_path, when):
    """kill -9 between keeping and answering: the log gets its cosignature at the next try, a fork gets none."""
    log, fork = Log(leaves(20)), Log(leaves(20, b"!"))
    assert status(witness, log.submission(0, 5)) == 200
    (tmp_path / "body").write_bytes(log.submission(5, 20))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "w"), str(tmp_path / "body"), when],
        check=False,
        cwd=Path(__file__).parents[4],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == -signal.SIGKILL
    again = Witness(folder, FixedClock())
    if when == "after":
        assert again.add_checkpoint(fork.submission(5, 20)).status == 409
        assert again.add_checkpoint(fork.submission(20, 20)).status == 422
        assert again.add_checkpoint(log.submission(20, 20)).status == 200
    else:
        assert again.add_checkpoint(log.submission(5, 20)).status == 200
        assert again.add_checkpoint(fork.submission(20, 20)).status == 422


@pytest.mark.parametrize("lines", [1, 64])
def test_a_checkpoint_that_leaves_no_room_for_a_cosignature_is_refused_and_spoils_nothing(
    folder: WitnessFolder, lines: int
) -> None:
    """The longest note, and the most lines, that a log may send; with one line more nobody could read them again."""
    log, judge = Log(leaves(8)), Witness(folder, FixedClock())
    assert judge.add_checkpoint(log.submission(0, 4)).status == 200
    head = TreeHead.parse(log.note(8).text)
    bare = replace(head, extensions=("e",))
    size = len(bare.text) + 1 + len(log.note(8).lines[0].text.encode()) * lines
    text = replace(head, extensions=("e" * (1 + MAX_NOTE_BYTES - size if lines == 1 else 1),)).text
    line = SignatureLine(name=ORIGIN, key_id=KEY.key_id, signature=LOG.sign(text))
    others = [replace(line, name=f"other{number}.example") for number in range(lines - 1)]
    note = Note(text=text, lines=(line, *others))
    if lines == 1:
        assert len(note.content) == MAX_NOTE_BYTES
    proof = merkle.consistency_proof(TREE, 4, 8, log.read)
    answer = judge.add_checkpoint(Submission(old_size=4, proof=proof, note=note).content)
    assert answer.status == (400 if lines == 1 else 200)  # lines of keys that are not trusted are not kept
    assert judge.checkpoint(origin_hash(ORIGIN)) is not None
    assert judge.add_checkpoint(log.submission(4 if lines == 1 else 8, 8)).status == 200
