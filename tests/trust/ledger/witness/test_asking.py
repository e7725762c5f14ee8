"""The service and its witnesses: cosignatures collected, every kind of refusal named, forks shown by proof only."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.trust.ledger.building import ORIGIN, rebuilt, uses
from tests.trust.ledger.witnessed import Witnessed, url_of, witnessed
from trust.kernel.merkle import Frontier
from trust.ledger.domain import TREE
from trust.ledger.errors import LedgerBroken
from trust.ledger.note_errors import LedgerForked, LedgerHalted, LedgerRolledBack, NoteMalformed, WitnessUnreachable
from trust.ledger.note_keys import cosigned_message, cosigner_key, ed25519_key, join_cosignature
from trust.ledger.notes import Note, SignatureLine
from trust.ledger.tree_heads import TreeHead
from trust.ledger.witness.transport import HttpTransport, Reply, WitnessMisconfigured, WitnessPlace

ADD, SHOW = "add-checkpoint", "checkpoint"
W0, W1 = url_of(0), url_of(1)


@pytest.fixture
def house(tmp_path):
    made = witnessed(tmp_path)
    made.base.ledger.record(uses(5))
    made.checkpointer.checkpoint()
    yield made
    made.base.database.close()


def signed_by_us(house: Witnessed, size: int, root: bytes) -> bytes:
    """A checkpoint that our own key has signed, of a tree that the database does not hold."""
    text = TreeHead(origin=ORIGIN, size=size, root=root, extensions=("time 2026-11-21T08:00:00.000000Z",)).text
    key = house.notebook.log_key
    return Note(
        text=text, lines=(SignatureLine(name=ORIGIN, key_id=key.key_id, signature=house.signer.private.sign(text)),)
    ).content


def test_the_quorum_makes_a_checkpoint_witnessed(house):
    assert house.witnessing.witnessed() is None
    house.transport.down.add(W1)
    assert house.witnessing.ask() == 1
    assert house.witnessing.witnessed() is None
    house.transport.down.clear()
    assert house.witnessing.ask() == 1
    signed = house.witnessing.witnessed()
    assert signed == house.checkpointer.latest()
    note = house.notebook.note(signed)
    assert len(note.opened(house.witness_keys).by) == 2
    assert len(note.opened(house.log_keys).by) == 2
    assert house.witnessing.ask() == 0


def test_the_last_fully_witnessed_checkpoint_stays_served_while_a_witness_is_down(house):
    assert house.witnessing.ask() == 2
    first = house.witnessing.witnessed()
    house.transport.down.add(W0)
    house.base.ledger.record(uses(3))
    assert house.checkpointer.checkpoint().checkpoint.size == 9
    assert house.witnessing.ask() == 1
    assert house.witnessing.witnessed() == first
    house.transport.down.clear()
    assert house.witnessing.ask() == 1
    assert house.witnessing.witnessed().checkpoint.size == 9


def test_a_lost_cosignature_is_fetched_again_by_way_of_409(house):
    """Killed between the witness's answer and our commit: the witness is ahead of what we remember of it."""
    assert house.witnessing.ask() == 2
    house.base.tamper("DELETE FROM ledger_note_line WHERE name LIKE 'w%'")
    assert house.witnessing.witnessed() is None
    house.transport.asked.clear()
    assert house.witnessing.ask() == 2
    assert house.transport.asked.count(f"{W0}/{ADD}") == 2
    assert house.witnessing.witnessed() is not None


def test_without_a_quorum_the_newest_checkpoint_is_served(tmp_path):
    house = witnessed(tmp_path, witnesses=0, quorum=0)
    house.base.ledger.record(uses(5))
    signed = house.checkpointer.checkpoint()
    assert house.witnessing.ask() == 0
    assert house.witnessing.witnessed() == signed
    house.base.database.close()


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500, 302, 503])
def test_a_witness_that_refuses_costs_its_own_cosignature_only(house, status):
    house.transport.lies[W0, ADD] = Reply(status=status, body=b"no\n")
    assert house.witnessing.ask() == 1
    assert house.witnessing.witnessed() is None
    house.watch.halt.check()


@pytest.mark.parametrize("body", [b"", b"x\n", b"-1\n", b"007\n", b"9" * 40, b"\xff"])
def test_a_409_without_a_size_is_no_answer(house, body):
    house.transport.lies[W0, ADD] = Reply(status=409, body=body)
    assert house.witnessing.ask() == 1


def test_a_witness_that_claims_another_size_for_ever_is_left(house):
    house.transport.lies[W0, ADD] = Reply(status=409, body=b"3\n")
    assert house.witnessing.ask() == 1
    assert house.transport.asked.count(f"{W0}/{ADD}") == 3


def test_a_cosignature_that_does_not_hold_is_not_kept(house):
    private = Ed25519PrivateKey.generate()
    key = house.witness_keys[0]
    value = join_cosignature(1, private.sign(cosigned_message(house.checkpointer.latest().body, 1)))
    forged = SignatureLine(name=key.name, key_id=key.key_id, signature=value).text.encode()
    for body in (
        forged,
        b"",
        b"nonsense",
        Note.parse(house.notebook.note(house.checkpointer.latest()).content).content,
    ):
        house.transport.lies[W0, ADD] = Reply(status=200, body=body)
        assert house.witnessing.ask() <= 1
    assert house.notebook.lines.last_size(key) == 0


def test_a_claim_without_proof_never_stops_the_service(house):
    """Only our own signature counts as proof: a witness that lies has no switch to turn us off."""
    house.transport.lies[W0, ADD] = Reply(status=409, body=b"1000\n")
    stranger = ed25519_key(ORIGIN, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    text = TreeHead(origin=ORIGIN, size=1000, root=b"\x01" * 32).text
    for line in (
        SignatureLine(name=ORIGIN, key_id=stranger.key_id, signature=b"\x00" * 64),
        SignatureLine(name=ORIGIN, key_id=house.notebook.log_key.key_id, signature=b"\x00" * 64),
    ):
        house.transport.lies[W0, SHOW] = Reply(status=200, body=Note(text=text, lines=(line,)).content)
        assert house.witnessing.ask() <= 1
        assert house.witnessing.look() == 2
    house.watch.halt.check()


def test_a_fork_that_a_witness_proves_stops_all_signing(house):
    house.transport.lies[W0, ADD] = Reply(status=422, body=b"inconsistent\n")
    house.transport.lies[W0, SHOW] = Reply(status=200, body=signed_by_us(house, 4, b"\x01" * 32))
    with pytest.raises(LedgerForked) as caught:
        house.witnessing.ask()
    assert caught.value.facts == {"signed": 4, "found": 6}
    house.base.ledger.record(uses(1))
    with pytest.raises(LedgerHalted):
        house.checkpointer.checkpoint()
    with pytest.raises(LedgerHalted):
        house.restarted().checkpoint()
    with pytest.raises(LedgerHalted):
        house.witnessing.ask()
    assert house.watch.halt.reason().code == "ledger-forked"


def test_a_greater_checkpoint_of_ours_with_a_witness_is_a_roll_back(house):
    house.transport.lies[W0, SHOW] = Reply(status=200, body=signed_by_us(house, 50, b"\x01" * 32))
    with pytest.raises(LedgerRolledBack, match=f"the witness {house.witness_keys[0].name} has size 50"):
        house.witnessing.look()


def test_a_database_and_home_put_back_together_are_found_with_the_witnesses(house):
    """The whole machine is restored from yesterday: the file agrees with the database, the witnesses do not."""
    assert house.witnessing.ask() == 2
    leaves = [leaf.data for leaf in house.base.ledger.entries(0, 4)]
    house.base.tamper(*rebuilt(leaves), "DELETE FROM ledger_checkpoint", "DELETE FROM ledger_note_line")
    (house.outside / "last-checkpoint.note").unlink()
    house.transport.down.add(W1)
    with pytest.raises(LedgerRolledBack) as caught:
        house.witnessing.look()
    assert caught.value.facts == {"signed": 5, "found": 4}


def test_another_history_signed_by_the_same_key_gets_no_cosignature_and_stops_the_service(house):
    """Fork by the operator: the tree is rebuilt with one entry exchanged, every hash right, and signed anew."""
    assert house.witnessing.ask() == 2
    leaves = [leaf.data for leaf in house.base.ledger.entries(0, 6)]
    leaves[2] = leaves[3]
    house.base.tamper(*rebuilt(leaves), "DELETE FROM ledger_checkpoint", "DELETE FROM ledger_note_line")
    (house.outside / "last-checkpoint.note").unlink()
    house.restarted().checkpoint()
    with pytest.raises(LedgerForked):
        house.witnessing.ask()
    assert Frontier().extend(TREE, [TREE.leaf(leaf) for leaf in leaves])[0].size == 6


def test_a_stored_line_that_was_changed_is_not_served_on(house):
    assert house.witnessing.ask() == 2
    house.base.tamper("UPDATE ledger_note_line SET signature = X'" + "01" * 72 + "' WHERE name LIKE 'w0%'")
    with pytest.raises(LedgerBroken, match=r"w0\.example/w"):
        house.notebook.note(house.checkpointer.latest())


def test_the_kept_checkpoint_carries_the_cosignatures(house):
    house.witnessing.ask()
    assert len(house.watch.memory.last().opened(house.witness_keys).by) == 2


@pytest.mark.parametrize(
    "url", ["http://w.example", "ftp://w.example", "https://", "https://u@w.example", "https://w.example/?a=1", "w"]
)
def test_the_address_of_a_witness_is_https(url):
    key = cosigner_key("w.example/w", b"\x01" * 32)
    with pytest.raises(WitnessMisconfigured):
        WitnessPlace.parse(f"{key.text} {url}")


def test_a_witness_is_configured_by_key_and_address():
    key = cosigner_key("w.example/w", b"\x01" * 32)
    assert WitnessPlace.parse(f"{key.text} https://w.example/a/") == WitnessPlace(key=key, url="https://w.example/a")
    assert WitnessPlace.parse(f"{key.text} http://127.0.0.1:8790").url == "http://127.0.0.1:8790"
    with pytest.raises(WitnessMisconfigured):
        WitnessPlace.parse(f"{ed25519_key('w.example/w', bytes(32)).text} https://w.example")
    with pytest.raises(WitnessMisconfigured):
        WitnessPlace.parse(key.text)
    with pytest.raises(NoteMalformed):
        WitnessPlace.parse(f"{base64.b64encode(b'x').decode()} https://w.example")


def test_a_quorum_that_can_never_be_reached_is_refused(house):
    for places, quorum in (
        (house.witnessing.places, 3),
        (house.witnessing.places, -1),
        (house.witnessing.places[:1] * 2, 2),
    ):
        with pytest.raises(WitnessMisconfigured):
            replace(house.witnessing, places=places, quorum=quorum)
    assert replace(house.witnessing, quorum=0).quorum == 0


def test_an_unreachable_witness_is_named():
    with pytest.raises(WitnessUnreachable):
        HttpTransport(seconds=1.0).post("http://127.0.0.1:1/add-checkpoint", b"x")
