"""Tiles of the audit log: one path for each, and all of them are the log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.audit.merkle import leaf_hash, root_of
from proofgrid.rules.audit.tiles import ENTRIES, Tile, bundle_of, hashes_of, read_bundle, read_path, tiles_of


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 1_234_067), "tile/1/x001/x234/067"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(ENTRIES, 1_000, 1), "tile/entries/x001/000.p/1"),
    ],
)
def test_paths_are_those_of_c2sp(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert read_path(path) == tile


@given(level=st.sampled_from([ENTRIES, 0, 3, 5]), number=st.integers(0, 10**12), width=st.integers(1, 256))
def test_every_path_names_its_tile(level: int, number: int, width: int) -> None:
    assert read_path(Tile(level, number, width).path) == Tile(level, number, width)


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile/0/0", "tile/0/x000/001", "tile/0/001.p/256", "tile/0/001.p/0", "tile/0/001.p/01", "tile/6/000"),
        *("tile/x/000", "tile/0/000/", "/tile/0/000", "tile/0/../0", "tile/0/000.p/999", "tile/0/\u0660\u0660\u0660"),
        "tile/0/" + "x001/" * 9 + "000",
    ],
)
def test_a_second_spelling_of_a_path_is_none(path: str) -> None:
    assert read_path(path) is None


@given(size=st.integers(0, 70_000))
def test_tiles_hold_every_entry_once(size: int) -> None:
    tiles = list(tiles_of(size))
    assert sum(tile.width for tile in tiles if tile.level == ENTRIES) == size
    assert sum(tile.width for tile in tiles if tile.level == 0) == size
    assert sum(tile.width for tile in tiles if tile.level == 1) == size // 256


def test_a_tile_above_holds_the_roots_of_those_below() -> None:
    leaves = [leaf_hash(bytes([number % 251])) for number in range(512)]
    assert hashes_of(Tile(1, 0, 2), leaves) == root_of(leaves[:256]) + root_of(leaves[256:])
    assert hashes_of(Tile(0, 1), leaves[256:]) == b"".join(leaves[256:])


@given(entries=st.lists(st.binary(max_size=300), max_size=10))
def test_bundles_of_entries_are_read_back_and_noticed_when_cut(entries: list[bytes]) -> None:
    content = bundle_of(entries)
    assert read_bundle(content) == entries
    if content:
        cut = read_bundle(content[:-1])
        assert cut is None or len(cut) < len(entries)
