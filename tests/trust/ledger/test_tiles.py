"""Tiles: their paths and widths as C2SP tlog-tiles has them, and proofs built from nothing but tiles."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.kernel import merkle
from trust.kernel.merkle import Frontier, Node, TreeHash
from trust.ledger.domain import TREE
from trust.ledger.note_errors import NoteMalformed, TileNotFound
from trust.ledger.tiles import WIDTH, Tile, TiledNodes, entry_bundle, hash_tile, split_bundle, tiles_of

SHA256 = TreeHash(function=lambda data: hashlib.sha256(data).digest())


def grown(tree, count):
    """All full nodes of a tree of `count` leaves."""
    hashes = [tree.leaf(str(number).encode()) for number in range(count)]
    frontier, finished = Frontier().extend(tree, hashes)
    nodes = {Node(0, index): value for index, value in enumerate(hashes)} | dict(finished)
    return frontier.root(tree), lambda wanted: {node: nodes[node] for node in wanted}


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts():
    tiles = tiles_of(70_000)
    widths = {(tile.level, tile.width): 0 for tile in tiles}
    for tile in tiles:
        widths[tile.level, tile.width] += 1
    assert widths == {(0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1}


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above():
    assert tiles_of(256) == [Tile(level=0, index=0), Tile(level=1, index=0, width=1)]
    assert tiles_of(0) == []


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", Tile(level=0, index=0)),
        ("0/x001/x234/067", Tile(level=0, index=1234067)),
        ("63/001.p/255", Tile(level=63, index=1, width=255)),
        ("entries/x001/000.p/1", Tile(level=0, index=1000, width=1, entries=True)),
    ],
)
def test_paths_are_those_of_the_specification(path, tile):
    assert Tile.parse(path) == tile
    assert tile.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/0",
        "00/000",
        "64/000",
        "100/000",
        "-1/000",
        "0/1234",
        "0/x000/001",
        "0/001/234",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/",
        "0/000/",
        "0/000.p/1/2",
        "entry/000",
        "0/٠٠٠",
        "0/" + "x999/" * 9 + "999",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path):
    with pytest.raises(TileNotFound):
        Tile.parse(path)


@given(level=st.integers(0, 63), index=st.integers(0, 10**12), width=st.integers(1, 256), entries=st.booleans())
def test_every_tile_has_one_path(level, index, width, entries):
    tile = Tile(level=0 if entries else level, index=index, width=width, entries=entries)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537])
def test_a_tree_has_exactly_its_own_tiles(size):
    listed = set(tiles_of(size))
    for tile in listed:
        assert tile.within(size)
        wider = None if tile.full else Tile(level=tile.level, index=tile.index, width=tile.width + 1)
        after = Tile(level=tile.level, index=tile.index + 1, width=1)
        assert wider is None or not wider.within(size)
        assert after.within(size) is any(each.level == tile.level and each.index == after.index for each in listed)
    assert not Tile(level=63, index=0, width=1).within(2**63 - 1)


@pytest.mark.parametrize("tree", [TREE, SHA256])
@settings(deadline=None, max_examples=15)
@given(sizes=st.tuples(st.integers(1, 700), st.integers(1, 700)))
def test_proofs_from_tiles_are_those_of_the_tree(tree, sizes):
    old, new = sorted(sizes)
    root, read = grown(tree, new)
    served = {tile: hash_tile(tile, read) for tile in tiles_of(new)}
    nodes = TiledNodes(tree, new, served.__getitem__)
    assert nodes.root() == root
    nodes.check_tiles()
    assert merkle.consistency_proof(tree, old, new, nodes) == merkle.consistency_proof(tree, old, new, read)
    assert merkle.inclusion_proof(tree, old - 1, new, nodes) == merkle.inclusion_proof(tree, old - 1, new, read)


def test_a_wrong_hash_in_any_tile_is_found():
    root, read = grown(TREE, 600)
    served = {tile: hash_tile(tile, read) for tile in tiles_of(600)}
    for tile, content in served.items():
        for place in {0, tile.width // 2, tile.width - 1}:
            changed = bytearray(content)
            changed[place * 32] ^= 1
            nodes = TiledNodes(TREE, 600, {**served, tile: bytes(changed)}.__getitem__)
            if nodes.root() == root:
                with pytest.raises(NoteMalformed):
                    nodes.check_tiles()


def test_a_tile_of_another_length_is_refused():
    _, read = grown(TREE, 3)
    short = hash_tile(Tile(level=0, index=0, width=2), read)
    with pytest.raises(NoteMalformed):
        TiledNodes(TREE, 3, lambda _: short).root()


@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_a_bundle_gives_back_its_entries(leaves):
    assert split_bundle(entry_bundle(leaves)) == leaves


def test_a_bundle_that_is_cut_or_too_long_is_refused():
    whole = entry_bundle([b"abc"] * WIDTH)
    assert whole[:5] == b"\x00\x03abc"
    for content in (whole[:-1], whole + b"\x00", whole + b"\x00\x00", b"\x00"):
        with pytest.raises(NoteMalformed):
            split_bundle(content)
