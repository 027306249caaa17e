"""Artifacts under store keys: found by what they say, read as before, by whoever has the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.at_rest import ARTIFACT, CHUNK_BYTES, StoreKey, key_id_of
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, TooLarge
from proofgrid.primitives.sealing_errors import StoreKeyMissing
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.spool import Spool
from proofgrid.store.vault import Vault, input_of_row, locked_input
from tests.store.test_artifacts import chunks_of, content_of, flip_byte, read

OLD, NEW = StoreKey(b"1" * 32), StoreKey(b"2" * 32)
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7]


def store_of(root: Path, *keys: StoreKey) -> ArtifactStore:
    """A store that has these keys and locks with the last of them."""
    return ArtifactStore.open(str(root), vault=Vault(keys, writes=keys[-1].key_id if keys else None))


def file_of(root: Path, digest: Digest) -> Path:
    return root / "sha256" / digest[:2] / digest


@pytest.mark.parametrize("size_bytes", SIZES)
async def test_content_of_any_size_comes_back_and_is_nowhere_in_the_folder(tmp_path: Path, size_bytes: int) -> None:
    store, content = store_of(tmp_path, OLD), content_of(size_bytes)
    digest, counted = await store.put_stream(chunks_of(content, 100_000), limit_bytes=size_bytes)
    other = await store.put_bytes(content + b"!")

    assert (digest, counted) == (digest_of(content), size_bytes)
    assert await read(store, digest) == content
    assert await read(store, other) == content + b"!"
    assert await store.size(digest) == size_bytes
    stored = file_of(tmp_path, digest).read_bytes()
    assert key_id_of(stored) == OLD.key_id
    assert size_bytes < 100 or content[:100] not in stored


@pytest.mark.parametrize("offset", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 5, 2 * CHUNK_BYTES + 7, 10**9])
async def test_a_download_goes_on_from_any_offset(tmp_path: Path, offset: int) -> None:
    store, content = store_of(tmp_path, OLD), content_of(2 * CHUNK_BYTES + 7)
    digest = await store.put_bytes(content)

    pieces = [piece async for piece in store.open_stream(digest, offset=offset)]
    assert b"".join(pieces) == content[offset:]
    assert all(0 < len(piece) <= CHUNK_BYTES for piece in pieces)


async def test_what_lay_open_and_what_an_older_key_locked_is_read_on(tmp_path: Path) -> None:
    opened = await store_of(tmp_path).put_bytes(b"from a release before")
    locked = await store_of(tmp_path, OLD).put_bytes(b"from last year")
    store = store_of(tmp_path, OLD, NEW)

    assert await read(store, opened) == b"from a release before"
    assert await read(store, locked) == b"from last year"
    assert await store.size(opened) == 21
    assert await store.size(locked) == 14
    with pytest.raises(TooLarge):
        await store.read_bytes(locked, limit_bytes=13)


async def test_who_lacks_the_key_says_so_and_leaves_the_copy_where_it_is(tmp_path: Path) -> None:
    digest = await store_of(tmp_path, NEW).put_bytes(b"content")

    with pytest.raises(StoreKeyMissing) as missing:
        await read(store_of(tmp_path, OLD), digest)

    assert NEW.key_id in str(missing.value)
    assert await read(store_of(tmp_path, NEW), digest) == b"content"


@pytest.mark.parametrize("position", [20, 100, CHUNK_BYTES + 200])
async def test_a_copy_that_was_changed_is_refused_and_put_away(tmp_path: Path, position: int) -> None:
    store = store_of(tmp_path, OLD)
    digest = await store.put_bytes(content_of(CHUNK_BYTES + 300))
    flip_byte(file_of(tmp_path, digest), position)

    with pytest.raises(ArtifactCorrupt):
        await read(store, digest)
    assert not file_of(tmp_path, digest).exists()


async def test_two_copies_that_were_exchanged_are_refused(tmp_path: Path) -> None:
    store = store_of(tmp_path, OLD)
    one, other = await store.put_bytes(b"one"), await store.put_bytes(b"another")
    file_of(tmp_path, one).write_bytes(file_of(tmp_path, other).read_bytes())

    with pytest.raises(ArtifactCorrupt):
        await read(store, one)


@pytest.mark.parametrize("size_bytes", SIZES)
async def test_a_spool_is_read_in_plain_from_anywhere_and_holds_nothing_in_plain(
    tmp_path: Path, size_bytes: int
) -> None:
    content = content_of(size_bytes)
    for vault in (Vault(), Vault([OLD], writes=OLD.key_id)):
        with Spool(tmp_path, vault) as spool:
            for start in range(0, size_bytes, 300_000):
                spool.write(content[start : start + 300_000])
            spool.finish()

            assert vault.opened(ARTIFACT, b"".join([piece async for piece in spool.stored()])) == content
            for offset in (0, 1, CHUNK_BYTES, size_bytes):
                assert b"".join([piece async for piece in spool.pieces(offset=offset)]) == content[offset:]
                assert b"".join(spool.read_from(offset)) == content[offset:]


def test_an_input_in_a_row_is_locked_and_one_that_is_lost_is_only_its_own_trouble() -> None:
    vault, content = Vault([OLD], writes=OLD.key_id), b'{"numbers": [1, 2]}'
    stored = locked_input(vault, content)

    assert stored is not None
    assert b"numbers" not in stored
    assert input_of_row(vault, stored) == content
    assert input_of_row(vault, content) == content
    assert (locked_input(vault, None), input_of_row(vault, None)) == (None, None)
    for lost in (input_of_row(Vault([NEW]), stored), input_of_row(vault, stored[:-1])):
        assert lost is not None
        assert digest_of(lost) != digest_of(content)
