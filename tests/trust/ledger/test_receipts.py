"""Receipts and kept checkpoints, checked with nothing but the keys that the reader trusts."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trust.ledger.building import ORIGIN, uses
from tests.trust.ledger.witnessed import url_of, witnessed
from trust.kernel.randomness import SystemRandomness
from trust.ledger.following import Follower
from trust.ledger.note_errors import NoteMalformed, NoteUntrusted, ReceiptMalformed, ReceiptNotYet, WitnessUnreachable
from trust.ledger.note_keys import ed25519_key
from trust.ledger.notes import Note
from trust.ledger.receipts import MAX_RECEIPT_BYTES, Receipt, Trusted, Verdict, check_growth, check_receipt
from trust.ledger.tiles import Tile, hash_tile
from trust.ledger.witness.transport import Reply


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = witnessed(tmp_path_factory.mktemp("house"))
    for _ in range(3):
        made.base.ledger.record(uses(7))
        made.checkpointer.checkpoint()
    assert made.witnessing.ask() == 2
    yield made
    made.base.database.close()


@pytest.fixture(scope="module")
def trusted(house):
    return Trusted(log=house.log_keys, witnesses=house.witness_keys, quorum=2)


def reasons(report) -> dict[str, str]:
    return {step.name: step.reason for step in report.steps if step.verdict is not Verdict.VALID}


def changed(content: bytes, **members) -> bytes:
    return json.dumps({**json.loads(content), **members}).encode()


@pytest.mark.parametrize("index", [0, 6, 7, 22])
def test_a_receipt_is_valid_and_tells_the_entry(house, trusted, index):
    report = check_receipt(house.desk.receipt(index).content, trusted)
    assert (report.verdict, report.exit_code) == (Verdict.VALID, 0)
    assert report.facts["entry"] == house.base.ledger.entry(index).data.decode()
    assert (report.facts["origin"], report.facts["size"]) == (ORIGIN, 23)


def test_an_entry_that_no_checkpoint_covers_has_no_receipt_yet(house):
    assert house.base.ledger.size() == 24
    with pytest.raises(ReceiptNotYet):
        house.desk.receipt(23)


def test_every_tampering_is_named(house, trusted):
    content = house.desk.receipt(3).content
    other = house.base.ledger.entry(4).data
    leaf = base64.b64encode(other).decode()
    note = json.loads(content)["checkpoint"]
    proof = json.loads(content)["proof"]
    cases = {
        "leaf": changed(content, leaf=leaf),
        "index": changed(content, index=4),
        "index beyond": changed(content, index=23),
        "proof": changed(content, proof=proof[::-1]),
        "proof short": changed(content, proof=proof[:-1]),
    }
    for name, case in cases.items():
        report = check_receipt(case, trusted)
        assert (report.exit_code, reasons(report)) == (1, {"inclusion": "merkle-proof-invalid"}), name
        assert report.facts == {}
    report = check_receipt(changed(content, leaf=base64.b64encode(b"{}").decode()), trusted)
    assert set(reasons(report)) == {"entry", "inclusion"}
    forged = check_receipt(changed(content, checkpoint=note.replace("\n23\n", "\n24\n")), trusted)
    assert (forged.exit_code, reasons(forged)["checkpoint: signature"]) == (1, "note-signature-invalid")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), change=st.integers(1, 255))
def test_no_changed_byte_lets_a_receipt_say_something_else(house, trusted, place, change):
    """A line made unknown is ignored, as the specification asks, as long as another key of the log has signed."""
    original = house.desk.receipt(5)
    content = bytearray(original.content)
    content[place % len(content)] ^= change
    try:
        report = check_receipt(bytes(content), trusted)
    except ReceiptMalformed:
        return
    now = Receipt.parse(bytes(content))
    same = (now.index, now.leaf, now.proof, now.note.text)
    assert report.verdict is not Verdict.VALID or same == (
        original.index,
        original.leaf,
        original.proof,
        original.note.text,
    )


def test_without_a_known_key_or_enough_witnesses_it_is_indeterminate(house, trusted):
    content = house.desk.receipt(3).content
    nobody = check_receipt(content, Trusted(log=[ed25519_key(ORIGIN, bytes(31) + b"\x01")]))
    assert (nobody.exit_code, reasons(nobody)["checkpoint: signature"]) == (2, "note-untrusted")
    few = check_receipt(content, Trusted(log=trusted.log, witnesses=trusted.witnesses, quorum=3))
    assert (few.exit_code, reasons(few)) == (2, {"checkpoint: witnesses": "witness-quorum-missing"})
    bare = check_receipt(content, Trusted(log=trusted.log[:1]))
    assert bare.exit_code == 0


def test_a_forged_cosignature_is_invalid_not_missing(house, trusted):
    receipt = house.desk.receipt(3)
    lines = receipt.note.lines
    swapped = Note(text=receipt.note.text, lines=(*lines[:-1], type(lines[0])(
        name=lines[-1].name, key_id=lines[-1].key_id, signature=bytes(len(lines[-1].signature))
    )))  # fmt: skip
    report = check_receipt(changed(receipt.content, checkpoint=swapped.content.decode()), trusted)
    assert reasons(report) == {"checkpoint: witnesses": "note-signature-invalid"}


def test_trust_is_told_by_verifier_keys(house):
    keys = [key.text for key in (*house.log_keys, *house.witness_keys)]
    assert Trusted.of(keys) == Trusted(log=house.log_keys, witnesses=house.witness_keys, quorum=2)
    assert Trusted.of(keys, quorum=1).quorum == 1
    assert Trusted.of(keys[:2]).quorum == 0
    with pytest.raises(NoteMalformed):
        Trusted.of(["x"])


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b"{" * 100_000, b'{"format":1}', b" " * (MAX_RECEIPT_BYTES + 1)],
)
def test_what_is_no_receipt_is_refused(content, trusted):
    with pytest.raises(ReceiptMalformed):
        check_receipt(content, trusted)


@pytest.mark.parametrize(
    "members",
    [
        {"format": "yinxin-ledger-receipt/2"},
        {"hash": "sha256"},
        {"index": True},
        {"index": -1},
        {"index": 2**63},
        {"index": "3"},
        {"proof": "AAAA"},
        {"proof": [1]},
        {"leaf": None},
        {"leaf": "A"},
        {"checkpoint": 1},
        {"checkpoint": "text"},
        {"more": 1},
    ],
)
def test_members_of_another_form_are_refused(house, trusted, members):
    with pytest.raises(ReceiptMalformed):
        check_receipt(changed(house.desk.receipt(3).content, **members), trusted)


def test_two_kept_checkpoints_are_compared_offline(house, trusted):
    old, new = (house.notebook.note(signed).content for signed in house.base.store.checkpoints(0, 100)[::2])
    proof = house.base.ledger.consistency_proof(7, 23).path
    only_log = Trusted(log=trusted.log)
    assert check_growth(old, new, proof, only_log).exit_code == 0
    assert check_growth(old, new, proof, trusted).exit_code == 2  # the old one has no cosignatures
    assert reasons(check_growth(old, new, proof[:-1], only_log)) == {"consistency": "merkle-proof-invalid"}
    assert reasons(check_growth(new, old, proof, only_log)) == {"consistency": "merkle-proof-invalid"}


class Served:
    """A log's public prefix, answered from a house."""

    def __init__(self, house) -> None:
        self.house = house
        self.lies = {}

    def __call__(self, path: str) -> Reply:
        if path in self.lies:
            return self.lies[path]
        if path == "checkpoint":
            return Reply(status=200, body=self.house.notebook.note(self.house.witnessing.witnessed()).content)
        tile = Tile.parse(path.removeprefix("tile/"))
        return Reply(status=200, body=hash_tile(tile, self.house.base.store.nodes))


@pytest.fixture
def served(tmp_path):
    made = witnessed(tmp_path)
    made.base.ledger.record(uses(300))
    made.checkpointer.checkpoint()
    made.witnessing.ask()
    yield Served(made)
    made.base.database.close()


@pytest.fixture
def follower(served, tmp_path):
    house = served.house
    (tmp_path / "kept").mkdir()
    trusted = Trusted(log=house.log_keys, witnesses=house.witness_keys, quorum=1)
    return Follower(folder=tmp_path / "kept", fetch=served, trusted=trusted, randomness=SystemRandomness())


def grow(house, count: int) -> None:
    house.base.ledger.record(uses(count))
    house.checkpointer.checkpoint()
    house.witnessing.ask()


def test_following_keeps_each_checkpoint_and_shows_that_the_log_grew(served, follower):
    assert follower.follow().facts["new_size"] == 300
    grow(served.house, 400)
    report = follower.follow()
    assert (report.exit_code, report.facts["old_size"], report.facts["new_size"]) == (0, 300, 701)
    assert sorted(path.name for path in follower.folder.iterdir()) == ["300.note", "701.note", "checkpoint"]


def test_an_old_checkpoint_from_a_cache_is_no_alarm_and_replaces_nothing(served, follower):
    old = served("checkpoint")
    grow(served.house, 10)
    follower.follow()
    served.lies["checkpoint"] = old
    assert follower.follow().exit_code == 0
    assert b"\n311\n" in (follower.folder / "checkpoint").read_bytes()


def test_a_log_that_took_something_back_is_invalid_and_the_proof_is_kept(served, follower, tmp_path):
    follower.follow()
    (tmp_path / "other").mkdir()
    fork = witnessed(tmp_path / "other")
    fork.base.ledger.record(uses(310, start=1))
    fork.signer.private, fork.signer.public_key = served.house.signer.private, served.house.signer.public_key
    fork.notebook.log_key = served.house.notebook.log_key
    fork.notebook._public_key = served.house.signer.public_key
    fork.base.signer._private = served.house.base.signer._private
    fork.base.signer.info = served.house.base.signer.info
    fork.checkpointer.checkpoint()
    fork.transport.witnesses = {}
    other = Served(fork)
    served.lies["checkpoint"] = Reply(status=200, body=fork.notebook.note(fork.checkpointer.latest()).content)
    lying = Follower(
        folder=follower.folder,
        fetch=lambda path: served(path) if path == "checkpoint" else other(path),
        trusted=Trusted(log=follower.trusted.log),
        randomness=SystemRandomness(),
    )
    report = lying.follow()
    assert reasons(report) == {"consistency": "merkle-proof-invalid"}
    proof = (follower.folder / "contradiction-310.note").read_bytes()
    note = Note.parse(proof)
    junk = replace(note, lines=(replace(note.lines[0], signature=b"0" * 70),)).content
    served.lies["checkpoint"] = Reply(status=200, body=junk)
    assert lying.follow().exit_code == 1
    (kept,) = follower.folder.glob("contradiction-*.note")  # what the log has not signed proves nothing
    assert kept.read_bytes() == proof
    again = replace(note, lines=tuple(reversed(note.lines)))
    served.lies["checkpoint"] = Reply(status=200, body=again.content)
    lying.follow()
    assert {path.read_bytes() for path in follower.folder.glob("contradiction-*.note")} == {proof, again.content}
    assert b"\n300\n" in (follower.folder / "checkpoint").read_bytes()
    fork.base.database.close()


def test_tiles_of_another_tree_are_found(served, follower):
    tile = "tile/0/001.p/44"
    served.lies[tile] = Reply(status=200, body=bytes(44 * 32))
    assert reasons(follower.follow()) == {"tiles": "tiles-of-another-tree"}


def test_a_checkpoint_without_enough_witnesses_is_not_kept(served, follower):
    served.house.transport.down |= {url_of(0), url_of(1)}
    served.house.base.ledger.record(uses(1))
    signed = served.house.checkpointer.checkpoint()
    served.lies["checkpoint"] = Reply(status=200, body=served.house.notebook.note(signed).content)
    with pytest.raises(NoteUntrusted):
        follower.follow()
    assert list(follower.folder.iterdir()) == []


def test_a_log_that_does_not_answer_is_named(served, follower):
    served.lies["checkpoint"] = Reply(status=503, body=b"")
    with pytest.raises(WitnessUnreachable):
        follower.follow()
