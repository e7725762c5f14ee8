"""RFC 6962 trees: the published vectors, an independent implementation, and properties on random trees."""

import hashlib
from collections.abc import Mapping, Sequence

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.kernel import merkle
from trust.kernel.merkle import Frontier, Node, OutsideTree, ProofInvalid, TreeHash

SHA256 = TreeHash(function=lambda data: hashlib.sha256(data).digest())
SM3 = TreeHash(function=lambda data: hashlib.new("sm3", data).digest())

# The test data of the certificate-transparency reference code (google/certificate-transparency, Apache-2.0,
# cpp/merkletree/merkle_tree_test.cc), which every RFC 6962 implementation is checked against.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
INCLUSION = {  # (index, size) -> path
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {  # (old, new) -> path
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}

sizes = st.integers(min_value=1, max_value=300)


class Stored:
    """A tree kept as a log keeps it: full nodes only, each written once."""

    def __init__(self, tree: TreeHash, inputs: Sequence[bytes]) -> None:
        self.tree = tree
        self.nodes: dict[Node, bytes] = {}
        self.frontier = Frontier()
        self.roots = [tree.empty()]
        self.reads = 0
        for data in inputs:
            leaf_hash = tree.leaf(data)
            self._write(Node(0, self.frontier.size), leaf_hash)
            self.frontier, finished = self.frontier.extend(tree, [leaf_hash])
            for node, value in finished:
                self._write(node, value)
            self.roots.append(self.frontier.root(tree))

    def _write(self, node: Node, value: bytes) -> None:
        assert node not in self.nodes
        self.nodes[node] = value

    def read(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        self.reads += 1
        return {node: self.nodes[node] for node in wanted}


def numbered(count: int) -> list[bytes]:
    return [number.to_bytes(4, "big") for number in range(count)]


GROWN = {tree: Stored(tree, numbered(300)) for tree in (SHA256, SM3)}


def test_roots_of_the_published_tree() -> None:
    stored = Stored(SHA256, INPUTS)
    assert [root.hex() for root in stored.roots] == [EMPTY_ROOT, *ROOTS]


@pytest.mark.parametrize(("place", "path"), INCLUSION.items())
def test_published_inclusion_proofs_are_made_and_hold(place: tuple[int, int], path: tuple[str, ...]) -> None:
    index, size = place
    stored = Stored(SHA256, INPUTS)
    proof = merkle.inclusion_proof(SHA256, index, size, stored.read)
    assert [item.hex() for item in proof] == list(path)
    merkle.verify_inclusion(
        SHA256, index=index, size=size, leaf_hash=SHA256.leaf(INPUTS[index]), path=proof, root=stored.roots[size]
    )


@pytest.mark.parametrize(("place", "path"), CONSISTENCY.items())
def test_published_consistency_proofs_are_made_and_hold(place: tuple[int, int], path: tuple[str, ...]) -> None:
    old, new = place
    stored = Stored(SHA256, INPUTS)
    proof = merkle.consistency_proof(SHA256, old, new, stored.read)
    assert [item.hex() for item in proof] == list(path)
    merkle.verify_consistency(
        SHA256, old_size=old, old_root=stored.roots[old], new_size=new, new_root=stored.roots[new], path=proof
    )


def test_every_root_equals_that_of_an_independent_implementation() -> None:
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for size, data in enumerate(numbered(300), start=1):
        oracle.append_entry(data)
        if size % 7 == 0:
            assert oracle.get_root(size) == GROWN[SHA256].roots[size]


def naive_root(tree: TreeHash, leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word."""
    if not leaves:
        return tree.empty()
    if len(leaves) == 1:
        return tree.leaf(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return tree.node(naive_root(tree, leaves[:split]), naive_root(tree, leaves[split:]))


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_is_the_recursive_definition(inputs: list[bytes]) -> None:
    stored = Stored(SM3, inputs)
    assert stored.roots[-1] == naive_root(SM3, inputs)


@given(st.lists(st.lists(st.binary(max_size=4), max_size=20), max_size=6))
def test_batches_make_the_same_tree_as_single_leaves(batches: list[list[bytes]]) -> None:
    frontier, nodes = Frontier(), {}
    for batch in batches:
        frontier, finished = frontier.extend(SM3, [SM3.leaf(data) for data in batch])
        nodes.update(finished)
    stored = Stored(SM3, [data for batch in batches for data in batch])
    assert frontier == stored.frontier
    assert nodes == {node: value for node, value in stored.nodes.items() if node.level}


@given(size=sizes)
def test_frontier_is_rebuilt_from_full_nodes(size: int) -> None:
    stored = GROWN[SM3]
    rebuilt = merkle.frontier(size, stored.read)
    assert rebuilt.size == size
    assert rebuilt.root(SM3) == stored.roots[size]


@given(data=st.data(), size=sizes)
def test_inclusion_proof_holds_for_its_leaf_only(data: st.DataObject, size: int) -> None:
    stored = GROWN[SM3]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, 299))
    before = stored.reads
    path = merkle.inclusion_proof(SM3, index, size, stored.read)
    assert stored.reads - before == bool(path)
    leaf_hash = stored.nodes[Node(0, index)]
    merkle.verify_inclusion(SM3, index=index, size=size, leaf_hash=leaf_hash, path=path, root=stored.roots[size])
    if other != index:
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(
                SM3, index=index, size=size, leaf_hash=stored.nodes[Node(0, other)], path=path, root=stored.roots[size]
            )
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(
                SM3, index=other, size=size, leaf_hash=leaf_hash, path=path, root=stored.roots[size]
            )


@given(data=st.data(), new=sizes)
def test_consistency_proof_holds_for_its_trees_only(data: st.DataObject, new: int) -> None:
    stored = GROWN[SM3]
    old = data.draw(st.integers(0, new))
    before = stored.reads
    path = merkle.consistency_proof(SM3, old, new, stored.read)
    assert stored.reads - before == bool(path)
    roots = stored.roots
    merkle.verify_consistency(SM3, old_size=old, old_root=roots[old], new_size=new, new_root=roots[new], path=path)
    wrong = data.draw(st.integers(0, 300))
    if wrong != old:
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(
                SM3, old_size=old, old_root=roots[wrong], new_size=new, new_root=roots[new], path=path
            )
    if wrong != new and old:
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(
                SM3, old_size=old, old_root=roots[old], new_size=new, new_root=roots[wrong], path=path
            )


@given(data=st.data(), new=sizes)
def test_an_altered_path_is_refused(data: st.DataObject, new: int) -> None:
    stored = GROWN[SM3]
    old = data.draw(st.integers(1, new))
    consistency = list(merkle.consistency_proof(SM3, old, new, stored.read))
    inclusion = list(merkle.inclusion_proof(SM3, old - 1, new, stored.read))
    for path in (altered(data, inclusion), [*inclusion, SM3.empty()], inclusion[:-1] if inclusion else [SM3.empty()]):
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(
                SM3,
                index=old - 1,
                size=new,
                leaf_hash=stored.nodes[Node(0, old - 1)],
                path=path,
                root=stored.roots[new],
            )
    for path in (
        altered(data, consistency),
        [*consistency, SM3.empty()],
        consistency[:-1] if consistency else [SM3.empty()],
    ):
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(
                SM3,
                old_size=old,
                old_root=stored.roots[old],
                new_size=new,
                new_root=stored.roots[new],
                path=path,
            )


def altered(data: st.DataObject, path: list[bytes]) -> list[bytes]:
    """One bit of the path changed, or a path where none belongs."""
    if not path:
        return [SM3.empty()]
    at = data.draw(st.integers(0, len(path) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = (int.from_bytes(path[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    return [*path[:at], changed, *path[at + 1 :]]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (4, 4)])
def test_no_inclusion_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(OutsideTree) as caught:
        merkle.inclusion_proof(SM3, index, size, GROWN[SM3].read)
    assert caught.value.code == "merkle-outside-tree"
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(SM3, index=index, size=size, leaf_hash=b"", path=(), root=b"")


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (5, 4)])
def test_no_consistency_from_a_larger_tree(old: int, new: int) -> None:
    with pytest.raises(OutsideTree):
        merkle.consistency_proof(SM3, old, new, GROWN[SM3].read)
    with pytest.raises(ProofInvalid) as caught:
        merkle.verify_consistency(SM3, old_size=old, old_root=b"", new_size=new, new_root=b"", path=())
    assert caught.value.code == "merkle-proof-invalid"


def test_the_empty_tree_has_one_root() -> None:
    merkle.verify_consistency(SM3, old_size=0, old_root=SM3.empty(), new_size=0, new_root=SM3.empty(), path=())
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(SM3, old_size=0, old_root=SM3.empty(), new_size=0, new_root=b"x" * 32, path=())
    assert merkle.frontier(0, GROWN[SM3].read) == Frontier()
    assert Frontier().root(SM3) == SM3.empty()


def test_a_consistency_proof_without_nodes_is_refused() -> None:
    roots = GROWN[SM3].roots
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(SM3, old_size=3, old_root=roots[3], new_size=5, new_root=roots[5], path=())
