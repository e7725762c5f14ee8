"""The tree cut into tiles (C2SP tlog-tiles): what serves proofs to everyone as files that never change.

A tile of level L is 256 hashes of tree level 8 L side by side; `entries` tiles hold the leaves themselves. The
specification fixes SHA-256; here the hash function is the tree's own, SM3 for this ledger (docs/divergences.md).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trust.kernel.merkle import Node, NodeReader, TreeHash, peaks_of
from trust.ledger.note_errors import NoteMalformed, TileNotFound
from trust.ledger.tree_heads import ROOT_BYTES

HEIGHT = 8
"""Tree levels in one tile."""

WIDTH = 1 << HEIGHT
"""Hashes in a full tile, 8,192 bytes of them."""

MAX_LEVEL = 63
"""Greatest level that a path may name; above level 7 no tree of 2^63 leaves has a tile."""

_LEVELS_OF_TREES = 64
_LENGTH_BYTES = 2
_GROUP = 1000
_LEVEL = re.compile(r"0|[1-9][0-9]?")
_INDEX = re.compile(r"(x[0-9]{3}/)*[0-9]{3}")
_PARTIAL = re.compile(r"(.+)\.p/([1-9][0-9]{0,2})")
_MAX_INDEX_CHARACTERS = 40
_ENTRIES = "entries"

TileReader = Callable[["Tile"], bytes]
"""Returns the bytes of a tile, from wherever it is kept; they are not trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The name of one tile. `entries` stands for leaves instead of hashes, which are of level 0."""

    level: int
    index: int
    width: int = WIDTH
    entries: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.level <= MAX_LEVEL and self.index >= 0 and 1 <= self.width <= WIDTH):
            raise TileNotFound(field="tile")

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """Return the tile of a path below `/tile/`, in its one spelling. Raises `TileNotFound`."""
        level, _, rest = path.partition("/")
        partial = _PARTIAL.fullmatch(rest)
        index, width = (partial[1], int(partial[2])) if partial else (rest, WIDTH)
        entries = level == _ENTRIES
        spelled = (entries or _LEVEL.fullmatch(level)) and _INDEX.fullmatch(index)
        if not spelled or len(index) > _MAX_INDEX_CHARACTERS or (partial and width == WIDTH):
            raise TileNotFound(field="tile")
        number = int(index.replace("/", "").replace("x", ""))
        tile = cls(level=0 if entries else int(level), index=number, width=width, entries=entries)
        if tile.path != path:
            raise TileNotFound(field="tile")
        return tile

    @property
    def path(self) -> str:
        """The path below `/tile/`."""
        groups, number = [f"{self.index % _GROUP:03d}"], self.index // _GROUP
        while number:
            groups.append(f"x{number % _GROUP:03d}")
            number //= _GROUP
        partial = "" if self.full else f".p/{self.width}"
        return f"{_ENTRIES if self.entries else self.level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def full(self) -> bool:
        """Whether no hash will ever be added to it."""
        return self.width == WIDTH

    @property
    def start(self) -> int:
        """Index of the first leaf, for a tile of level 0."""
        return self.index * WIDTH

    def within(self, size: int) -> bool:
        """Whether a tree of `size` leaves has every hash of the tile."""
        return self.level * HEIGHT < _LEVELS_OF_TREES and (self.start + self.width) << (self.level * HEIGHT) <= size

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The full nodes whose hashes make the tile, in order."""
        return tuple(Node(self.level * HEIGHT, self.start + place) for place in range(self.width))


def tiles_of(size: int) -> list[Tile]:
    """Return the hash tiles of a tree, each as wide as it is at that size; level by level."""
    tiles = []
    for level in range(_LEVELS_OF_TREES // HEIGHT):
        full, rest = divmod(size >> (level * HEIGHT), WIDTH)
        tiles += [Tile(level=level, index=index) for index in range(full)]
        tiles += [Tile(level=level, index=full, width=rest)] if rest else []
    return tiles


def hash_tile(tile: Tile, read: NodeReader) -> bytes:
    """Return the bytes of a hash tile; `Tile.within` must have held."""
    known = read(tile.nodes)
    return b"".join(known[node] for node in tile.nodes)


def entry_bundle(leaves: Iterable[bytes]) -> bytes:
    """Return the bytes of an entries tile: each leaf behind its length as a big-endian uint16."""
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf for leaf in leaves)


def split_bundle(content: bytes) -> list[bytes]:
    """Return the leaves of an entries tile. Raises `NoteMalformed`."""
    leaves: list[bytes] = []
    place = 0
    while place < len(content):
        begin = place + _LENGTH_BYTES
        place = begin + int.from_bytes(content[place:begin], "big")
        if begin > len(content) or place > len(content) or len(leaves) == WIDTH:
            raise NoteMalformed("The bundle of entries is cut off or too long.", field="entries")
        leaves.append(content[begin:place])
    return leaves


class TiledNodes:
    """A `merkle.NodeReader` over tiles: an outsider builds proofs from the files of a checkpoint's tree."""

    def __init__(self, tree: TreeHash, size: int, read: TileReader) -> None:
        """`read` is asked for the tiles of the tree of `size`, each at most once."""
        self._tree = tree
        self._size = size
        self._read = read
        self._hashes: dict[tuple[int, int], Sequence[bytes]] = {}

    def __call__(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        """Return the full nodes asked for. Raises `NoteMalformed` when a tile has another length than it must."""
        return {node: self._node(node) for node in wanted}

    def root(self) -> bytes:
        """Return the root that the tiles lead to: to be compared with the checkpoint's before anything is believed."""
        return self._tree.fold([self._node(node) for node in peaks_of(self._size)])

    def check_tiles(self) -> None:
        """Check each tile above level 0 against those below. Raises `NoteMalformed`, naming the first wrong tile."""
        for tile in tiles_of(self._size):
            if tile.level:
                below = [self._subtree(tile.level - 1, tile.start + place) for place in range(tile.width)]
                if list(self._tile(tile.level, tile.index)) != below:
                    raise NoteMalformed(f"The tile {tile.path} is not the hash of those below.", field="tile")

    def _subtree(self, level: int, index: int) -> bytes:
        return self._folded(self._tile(level, index))

    def _node(self, node: Node) -> bytes:
        level, inside = divmod(node.level, HEIGHT)
        first = node.offset << inside
        index, place = divmod(first, WIDTH)
        return self._folded(self._tile(level, index)[place : place + (1 << inside)])

    def _folded(self, hashes: Sequence[bytes]) -> bytes:
        while len(hashes) > 1:
            pairs = zip(hashes[::2], hashes[1::2], strict=True)
            hashes = [self._tree.node(left, right) for left, right in pairs]
        return hashes[0]

    def _tile(self, level: int, index: int) -> Sequence[bytes]:
        if (level, index) not in self._hashes:
            width = min(WIDTH, (self._size >> (level * HEIGHT)) - index * WIDTH)
            content = self._read(Tile(level=level, index=index, width=width))
            if len(content) != width * ROOT_BYTES:
                raise NoteMalformed("A tile has another length than its width.", field="tile")
            self._hashes[level, index] = [
                content[place : place + ROOT_BYTES] for place in range(0, len(content), ROOT_BYTES)
            ]
        return self._hashes[level, index]
