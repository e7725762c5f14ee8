"""The Merkle tree of RFC 6962 section 2.1 (the same tree as RFC 9162 section 2.1), over any hash function.

Pure: it never stores anything. A log keeps each *full* node once (a full node covers 2^level leaves and never changes)
and hands a reader of those nodes to the functions that build proofs; ragged right edges are folded from full nodes.
The verifying functions need nothing but the proof itself and raise `ProofInvalid`.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trust.kernel.errors import InvalidInput

Hash = Callable[[bytes], bytes]

_LEAF = b"\x00"  # RFC 6962 section 2.1: the prefixes keep a leaf from passing as a node
_NODE = b"\x01"


class ProofInvalid(InvalidInput):
    """A Merkle proof does not lead to the root it is said to lead to."""

    code = "merkle-proof-invalid"
    title = "The Merkle proof does not hold."
    title_zh = "默克尔证明不成立。"
    remedy = "Fetch the proof and the checkpoint again; if it still fails, tell the security officer."
    remedy_zh = "请重新获取证明与检查点；如仍不成立，请告知安全审计员。"


class OutsideTree(InvalidInput):
    """An index or size that the tree does not have."""

    code = "merkle-outside-tree"
    title = "The index or size lies outside the tree."
    title_zh = "序号或规模超出日志范围。"
    remedy = "Ask for an index below the size, and for sizes up to that of the newest checkpoint."
    remedy_zh = "序号须小于规模，规模不得超过最新检查点的规模。"


class Node(NamedTuple):
    """The place of a full node: it covers the leaves `offset * 2**level` up to `(offset + 1) * 2**level`."""

    level: int
    offset: int


NodeReader = Callable[[Sequence[Node]], Mapping[Node, bytes]]
"""Returns the hash of every full node asked for, level 0 being leaf hashes, or raises its own error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHash:
    """The three hashes of RFC 6962 section 2.1 over one hash function."""

    function: Hash

    def empty(self) -> bytes:
        """Return the root of the tree without leaves: the hash of nothing."""
        return self.function(b"")

    def leaf(self, data: bytes) -> bytes:
        """Return the hash of a leaf."""
        return self.function(_LEAF + data)

    def node(self, left: bytes, right: bytes) -> bytes:
        """Return the hash of an inner node."""
        return self.function(_NODE + left + right)

    def fold(self, peaks: Sequence[bytes]) -> bytes:
        """Return the root over neighbouring full subtrees of falling size, left to right."""
        if not peaks:
            return self.empty()
        root = peaks[-1]
        for left in reversed(peaks[:-1]):
            root = self.node(left, root)
        return root


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The right edge of a tree: the hashes of `peaks_of(size)`, all that appending needs."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self, tree: TreeHash) -> bytes:
        """Return the root of the tree of this size."""
        return tree.fold(self.peaks)

    def extend(self, tree: TreeHash, leaf_hashes: Iterable[bytes]) -> tuple["Frontier", list[tuple[Node, bytes]]]:
        """Append leaves. Returns the new frontier and each node of level 1 and up that became full, in order."""
        size, peaks = self.size, list(self.peaks)
        finished: list[tuple[Node, bytes]] = []
        for leaf_hash in leaf_hashes:
            value, level, carry = leaf_hash, 0, size
            while carry & 1:  # a full left neighbour of the same level waits: merge, as in adding one in binary
                value = tree.node(peaks.pop(), value)
                level, carry = level + 1, carry >> 1
                finished.append((Node(level, carry), value))
            peaks.append(value)
            size += 1
        return Frontier(size=size, peaks=tuple(peaks)), finished


def peaks_of(size: int) -> list[Node]:
    """Return the full nodes that together cover exactly the first `size` leaves, left to right."""
    return _cover(0, size)


def frontier(size: int, read: NodeReader) -> Frontier:
    """Rebuild the frontier of a stored tree from its full nodes."""
    nodes = peaks_of(size)
    hashes = read(nodes) if nodes else {}
    return Frontier(size=size, peaks=tuple(hashes[node] for node in nodes))


def inclusion_proof(tree: TreeHash, index: int, size: int, read: NodeReader) -> tuple[bytes, ...]:
    """Return PATH(index, D[size]) of RFC 6962 section 2.1.1. Reads once. Raises `OutsideTree`."""
    if not 0 <= index < size:
        raise OutsideTree(f"There is no leaf {index} in a tree of {size}.", field="index")
    begin, end = 0, size
    ranges = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return _hashes(tree, ranges[::-1], read)


def consistency_proof(tree: TreeHash, old_size: int, new_size: int, read: NodeReader) -> tuple[bytes, ...]:
    """Return PROOF(old_size, D[new_size]) of RFC 6962 section 2.1.2; empty from size 0. Raises `OutsideTree`."""
    if not 0 <= old_size <= new_size:
        raise OutsideTree(f"No tree of {old_size} leaves grows into one of {new_size}.", field="old")
    if old_size == 0:
        return ()
    begin, end = 0, new_size
    ranges = []
    while old_size != end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:  # otherwise the old tree is itself a full subtree, and the verifier knows its root already
        ranges.append((begin, end))
    return _hashes(tree, ranges[::-1], read)


def root_from_inclusion(tree: TreeHash, index: int, size: int, leaf_hash: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that the path leads to (RFC 9162 section 2.1.3.2). Raises `ProofInvalid`."""
    if not 0 <= index < size:
        raise ProofInvalid(f"There is no leaf {index} in a tree of {size}.", field="index")
    root = leaf_hash
    for from_left, sibling in _climb(index, size - 1, path):
        root = tree.node(sibling, root) if from_left else tree.node(root, sibling)
    return root


def verify_inclusion(
    tree: TreeHash, *, index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf stands at `index` of the tree of `size` with `root`. Raises `ProofInvalid`."""
    if not hmac.compare_digest(root_from_inclusion(tree, index, size, leaf_hash, path), root):
        raise ProofInvalid("The path leads to another root.", field="path")


def verify_consistency(
    tree: TreeHash, *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the new tree only appends to the old one (RFC 9162 section 2.1.4.2). Raises `ProofInvalid`."""
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"No tree of {old_size} leaves grows into one of {new_size}.", field="old")
    if old_size in {0, new_size}:
        _verify_trivial_consistency(tree, old_size, old_root, new_size, new_root, path)
        return
    # The verifier knows the old root; where it is a full subtree of the new tree, the proof leaves it out.
    nodes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not nodes:
        raise ProofInvalid("The path is too short.", field="path")
    shared = _trailing_ones(old_size - 1)  # levels below which old and new tree do not differ
    old = new = nodes[0]
    for from_left, sibling in _climb((old_size - 1) >> shared, (new_size - 1) >> shared, nodes[1:]):
        if from_left:
            old, new = tree.node(sibling, old), tree.node(sibling, new)
        else:
            new = tree.node(new, sibling)
    _same_roots(old, old_root, new, new_root)


def _verify_trivial_consistency(
    tree: TreeHash, old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    if path:
        raise ProofInvalid("The path must be empty.", field="path")
    if old_size == 0:
        _same_roots(tree.empty(), old_root, new_root if new_size else tree.empty(), new_root)
    else:
        _same_roots(old_root, old_root, old_root, new_root)


def _same_roots(old: bytes, old_root: bytes, new: bytes, new_root: bytes) -> None:
    if not (hmac.compare_digest(old, old_root) and hmac.compare_digest(new, new_root)):
        raise ProofInvalid("The two trees are not consistent.", field="path")


def _climb(place: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Walk a path from node `place` of a level that ends at node `last` up to the root.

    Yields for each sibling whether it stands on the left. Raises `ProofInvalid` when the path has another length than
    the sizes demand (RFC 9162 sections 2.1.3.2 and 2.1.4.2, where these are `fn` and `sn`).
    """
    for sibling in path:
        if last == 0:
            raise ProofInvalid("The path is too long.", field="path")
        from_left = bool(place & 1) or place == last
        yield from_left, sibling
        if from_left:
            lone = _trailing_zeros(place)  # a lone right edge climbs these levels without a sibling
            place, last = place >> lone, last >> lone
        place, last = place >> 1, last >> 1
    if last:
        raise ProofInvalid("The path is too short.", field="path")


def _trailing_zeros(number: int) -> int:
    """Return the count of low zero bits; 0 for 0."""
    return (number & -number).bit_length() - 1 if number else 0


def _trailing_ones(number: int) -> int:
    """Return the count of low one bits."""
    return _trailing_zeros(number + 1)


def _split(count: int) -> int:
    """Return the largest power of two below `count` (RFC 6962 section 2.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def _cover(begin: int, end: int) -> list[Node]:
    """Return the full nodes of the subtree over [begin, end), left to right."""
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def _hashes(tree: TreeHash, ranges: Sequence[tuple[int, int]], read: NodeReader) -> tuple[bytes, ...]:
    """Return the hash of each subtree; all nodes are read at once."""
    covers = [_cover(begin, end) for begin, end in ranges]
    wanted = [node for cover in covers for node in cover]
    known = read(wanted) if wanted else {}
    return tuple(tree.fold([known[node] for node in cover]) for cover in covers)
