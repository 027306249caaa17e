"""A local cache of artifacts: whole files only, fetched once, the longest unused go first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from proofgrid.primitives.digests import Digest, digest_of, digest_of_file
from proofgrid.primitives.errors import ArtifactCorrupt
from proofgrid.store.cache import LocalCache
from tests.store.test_artifacts import all_files, flip_byte


class Source:
    """Where a cache fetches from; counts how often."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = {digest_of(content): content for content in contents}
        self.fetched: list[Digest] = []

    def of(self, digest: Digest) -> Callable[[Path], object]:
        async def fetch(path: Path) -> None:
            self.fetched.append(digest)
            await asyncio.sleep(0)
            path.write_bytes(self.contents[digest])  # noqa: ASYNC240

        return fetch


async def get(cache: LocalCache, source: Source, digest: Digest) -> Path:
    return await cache.get(digest, source.of(digest))  # type: ignore[arg-type]


async def test_concurrent_gets_of_one_artifact_fetch_it_once(tmp_path: Path) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)

    paths = await asyncio.gather(*(get(cache, source, digest_of(b"model")) for _ in range(10)))

    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == b"model"
    assert len(source.fetched) == 1


async def test_a_cached_file_that_was_changed_is_fetched_again(tmp_path: Path) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)
    path = await get(cache, source, digest_of(b"model"))
    flip_byte(path, 0)

    assert (await get(cache, source, digest_of(b"model"))).read_bytes() == b"model"
    assert len(source.fetched) == 2


async def test_a_file_that_nobody_touched_is_hashed_once_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)
    digest = digest_of(b"model")
    hashed: list[Path] = []

    def counting(path: Path) -> Digest:
        hashed.append(path)
        return digest_of_file(path)

    monkeypatch.setattr("proofgrid.store.cache.digest_of_file", counting)
    for _ in range(5):
        await get(cache, source, digest)
    assert len(hashed) == 2  # it was looked for, and when it came

    forgetful = LocalCache(tmp_path, 100, hash_holds_seconds=0.0)
    for _ in range(3):
        await get(forgetful, source, digest)
    assert len(hashed) == 2 + 3


async def test_a_file_that_was_replaced_by_one_of_the_same_size_is_found(tmp_path: Path) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)
    path = await get(cache, source, digest_of(b"model"))
    status = path.stat()
    other = tmp_path / "other"
    other.write_bytes(b"MODEL")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)

    assert (await get(cache, source, digest_of(b"model"))).read_bytes() == b"model"
    assert len(source.fetched) == 2


async def test_a_file_that_was_taken_away_is_fetched_again(tmp_path: Path) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)
    (await get(cache, source, digest_of(b"model"))).unlink()

    assert (await get(cache, source, digest_of(b"model"))).read_bytes() == b"model"


async def test_the_longest_unused_goes_first_when_the_cache_is_full(tmp_path: Path) -> None:
    contents = [bytes([number]) * 40 for number in range(3)]
    source = Source(*contents)
    one, two, three = (digest_of(content) for content in contents)
    cache = LocalCache(tmp_path, 100)

    for digest in (one, two, one, three):
        await get(cache, source, digest)

    assert all_files(tmp_path) == sorted([one, three])
    assert cache.used_bytes == 80


async def test_a_file_in_use_is_not_evicted_until_it_is_free(tmp_path: Path) -> None:
    contents = [bytes([number]) * 60 for number in range(2)]
    source = Source(*contents)
    one, two = (digest_of(content) for content in contents)
    cache = LocalCache(tmp_path, 100)

    async with cache.pinned(one, source.of(one)) as first, cache.pinned(two, source.of(two)) as second:  # type: ignore[arg-type]
        assert (first.read_bytes(), second.read_bytes()) == (contents[0], contents[1])
        assert cache.used_bytes == 120

    assert cache.used_bytes == 60
    assert len(all_files(tmp_path)) == 1


async def test_a_restarted_cache_knows_its_files_and_their_order(tmp_path: Path) -> None:
    contents = [bytes([number]) * 40 for number in range(3)]
    source = Source(*contents)
    one, two, three = (digest_of(content) for content in contents)
    before = LocalCache(tmp_path, 100)
    for digest in (two, one):
        await get(before, source, digest)
        await asyncio.sleep(0.01)
    (tmp_path / ".fetch-left-by-a-kill").touch()

    cache = LocalCache(tmp_path, 100)
    await get(cache, source, three)

    assert all_files(tmp_path) == sorted([one, three])


async def test_a_fetch_that_brings_something_else_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)

    with pytest.raises(ArtifactCorrupt):
        await cache.get(digest_of(b"another"), source.of(digest_of(b"model")))  # type: ignore[arg-type]

    assert all_files(tmp_path) == []


async def test_a_fetch_that_is_cancelled_lets_the_next_one_try(tmp_path: Path) -> None:
    source = Source(b"model")
    cache = LocalCache(tmp_path, 100)
    started = asyncio.Event()

    async def never(path: Path) -> None:
        started.set()
        await asyncio.Event().wait()

    first = asyncio.ensure_future(cache.get(digest_of(b"model"), never))
    await started.wait()
    second = asyncio.ensure_future(get(cache, source, digest_of(b"model")))
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).read_bytes() == b"model"
    assert all_files(tmp_path) == [digest_of(b"model")]
