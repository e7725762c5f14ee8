"""The ledger held against its checkpoint by others: pymerkle, gmalg and gmssl, and twenty lines of RFC 6962."""

import base64
import hashlib
import json
from typing import Any

import pymerkle
import pytest
from pymerkle import hasher

from portal.wiring import Installation
from tests.interop.conftest import Exhibits
from tests.interop.independent import cut, read, sm2_verifies, sm3
from tests.seals.independent import sm2_verifies as gmssl_verifies
from trust.ledger.domain import SignedCheckpoint


def split(count: int) -> int:
    """The largest power of two below `count` (RFC 6962 section 2.1)."""
    return 1 << (count - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    """Merkle tree hash, as RFC 6962 section 2.1 defines it, over SM3."""
    if not leaves:
        return sm3(b"")
    if len(leaves) == 1:
        return sm3(b"\x00" + leaves[0])
    middle = split(len(leaves))
    return sm3(b"\x01" + root(leaves[:middle]) + root(leaves[middle:]))


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an audit path leads to, by the recursion of RFC 6962 section 2.1.1."""
    if size == 1:
        assert not path
        return sm3(b"\x00" + leaf)
    middle = split(size)
    *inner, sibling = path
    if index < middle:
        return sm3(b"\x01" + root_by_path(leaf, index, middle, inner) + sibling)
    return sm3(b"\x01" + sibling + root_by_path(leaf, index - middle, size - middle, inner))


@pytest.fixture(scope="module")
def signed(installation: Installation, exhibits: Exhibits) -> SignedCheckpoint:
    return installation.record().checkpointer.checkpoint()


@pytest.fixture(scope="module")
def leaves(installation: Installation, signed: SignedCheckpoint) -> list[bytes]:
    """The entries as anyone with the right to read them gets them, up to the checkpoint."""
    return [leaf.data for leaf in installation.foundation.ledger.entries(0, signed.checkpoint.size)]


def test_the_checkpoint_says_what_the_entries_are(signed: SignedCheckpoint, leaves: list[bytes]) -> None:
    origin, size, digest, moment, rest = signed.body.decode("ascii").split("\n")
    assert (origin, int(size), rest) == ("zz.example.gov.cn/ledger", len(leaves), "")
    assert moment.startswith("time 20")
    assert base64.b64decode(digest) == root(leaves)


def test_pymerkle_comes_to_the_same_root(
    signed: SignedCheckpoint, leaves: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tree with SM3 plugged in as one more hash function; the tree is all its own."""
    monkeypatch.setitem(hasher.HASH_FUNCTIONS, "sm3", lambda content=b"": hashlib.new("sm3", content))
    monkeypatch.setattr(hasher, "ALGORITHMS", [*hasher.ALGORITHMS, "sm3"])
    tree: Any = pymerkle.InmemoryTree(algorithm="sm3")
    for leaf in leaves:
        tree.append_entry(leaf)
    assert base64.b64encode(tree.get_root()) == signed.body.split(b"\n")[2]


def test_the_checkpoints_signature_is_right_for_two_others(
    installation: Installation, signed: SignedCheckpoint
) -> None:
    spki = installation.foundation.keys.token.info(signed.key).public_key
    assert sm2_verifies(spki, signed.body, signed.signature)
    assert gmssl_verifies(spki[-65:], signed.body, signed.signature)
    assert not sm2_verifies(spki, signed.body.replace(b"time 20", b"time 19"), signed.signature)


def test_every_entry_is_proved_by_its_path_in_every_tree(installation: Installation, leaves: list[bytes]) -> None:
    for size in range(1, len(leaves) + 1):
        expected = root(leaves[:size])
        for index in range(size):
            path = installation.foundation.ledger.inclusion_proof(index, size).path
            assert root_by_path(leaves[index], index, size, list(path)) == expected


def test_every_signature_of_a_certificate_has_its_entry(exhibits: Exhibits, leaves: list[bytes]) -> None:
    """What the seal signed is in the ledger: the SM3 of the CMS's signed attributes, under the purpose of sealing."""
    entries = [json.loads(leaf) for leaf in leaves]
    sealed = {entry["digest"] for entry in entries if entry["purpose"] == "sealing" and entry["outcome"] == "signed"}
    for exhibit in (exhibits.food, exhibits.permit):
        attributes = read(cut(exhibit.pdf).cms)[1][0][4][0][3]
        assert sm3(b"\x31" + attributes.encoded[1:]).hex() in sealed
