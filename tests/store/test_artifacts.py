"""Artifacts: what comes out is what went in, or nothing does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from proofgrid.primitives.at_rest import CHUNK_BYTES
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, InvalidField, TooLarge
from proofgrid.store.artifacts import ArtifactStore

SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7]


def content_of(size_bytes: int, seed: int = 1) -> bytes:
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size_bytes)


async def chunks_of(content: bytes, chunk_bytes: int = 300_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), chunk_bytes):
        yield content[start : start + chunk_bytes]


async def read(store: ArtifactStore, digest: Digest, offset: int = 0) -> bytes:
    return b"".join([piece async for piece in store.open_stream(digest, offset=offset)])


def stored_file(root: Path, digest: Digest) -> Path:
    return root / "artifacts" / "sha256" / digest[:2] / digest


def all_files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def flip_byte(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("size_bytes", SIZES)
async def test_a_stream_comes_back_as_it_went_in(artifacts: ArtifactStore, size_bytes: int) -> None:
    content = content_of(size_bytes)

    digest, stored_bytes = await artifacts.put_stream(chunks_of(content), limit_bytes=size_bytes)

    pieces = [piece async for piece in artifacts.open_stream(digest)]
    assert (digest, stored_bytes) == (digest_of(content), size_bytes)
    assert b"".join(pieces) == content
    assert all(0 < len(piece) <= CHUNK_BYTES for piece in pieces)
    assert await artifacts.size(digest) == size_bytes
    assert await artifacts.read_bytes(digest, limit_bytes=size_bytes) == content


@pytest.mark.parametrize("offset", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 5, 2 * CHUNK_BYTES + 7, 10**9])
async def test_a_download_resumes_at_any_offset(artifacts: ArtifactStore, offset: int) -> None:
    content = content_of(2 * CHUNK_BYTES + 7)
    digest = await artifacts.put_bytes(content)

    assert await read(artifacts, digest, offset) == content[offset:]


async def test_an_upload_over_the_limit_leaves_nothing_behind(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await artifacts.put_stream(chunks_of(content_of(1_000_001)), limit_bytes=1_000_000)

    assert all_files(tmp_path) == []


async def test_an_upload_is_stopped_at_the_limit_and_not_read_to_its_end(artifacts: ArtifactStore) -> None:
    sent: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            sent.append(1000)
            yield bytes(1000)

    with pytest.raises(TooLarge):
        await artifacts.put_stream(endless(), limit_bytes=10_000)

    assert sum(sent) == 11_000


async def test_an_upload_that_is_not_what_was_announced_leaves_nothing_behind(
    artifacts: ArtifactStore, tmp_path: Path
) -> None:
    with pytest.raises(InvalidField, match="not to the digest announced"):
        await artifacts.put_stream(chunks_of(b"other"), limit_bytes=100, expected=digest_of(b"announced"))

    assert all_files(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing_behind(artifacts: ArtifactStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half of it"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await artifacts.put_stream(broken(), limit_bytes=100)

    assert all_files(tmp_path) == []


async def test_many_writers_of_the_same_content_agree(artifacts: ArtifactStore, tmp_path: Path) -> None:
    content = content_of(2 * CHUNK_BYTES)

    digests = await asyncio.gather(
        *(artifacts.put_stream(chunks_of(content), limit_bytes=len(content)) for _ in range(8)),
        *(artifacts.put_stream(chunks_of(content, 7_001), limit_bytes=len(content)) for _ in range(2)),
    )

    assert {digest for digest, _ in digests} == {digest_of(content)}
    assert all_files(tmp_path) == [digest_of(content)]
    assert await read(artifacts, digest_of(content)) == content


@pytest.mark.parametrize("position", [0, CHUNK_BYTES, 2 * CHUNK_BYTES + 99])
async def test_a_flipped_byte_is_found_before_the_last_piece_reported_and_the_copy_refused(
    artifacts: ArtifactStore, tmp_path: Path, position: int
) -> None:
    content = content_of(2 * CHUNK_BYTES + 100)
    digest = await artifacts.put_bytes(content)
    flip_byte(stored_file(tmp_path, digest), position)
    got: list[bytes] = []

    with capture_logs() as events, pytest.raises(ArtifactCorrupt):
        async for piece in artifacts.open_stream(digest):
            got.append(piece)  # noqa: PERF401  # what came before the error counts

    assert sum(len(piece) for piece in got) < len(content)
    assert [(event["event"], event["digest"]) for event in events] == [("artifact_corrupt", digest)]
    with pytest.raises(ArtifactMissing):
        await read(artifacts, digest)
    assert not await artifacts.exists(digest)
    assert (tmp_path / "artifacts" / "quarantine" / digest).exists()


async def test_a_copy_cut_short_is_found(artifacts: ArtifactStore, tmp_path: Path) -> None:
    digest = await artifacts.put_bytes(content_of(CHUNK_BYTES))
    with stored_file(tmp_path, digest).open("r+b") as file:
        file.truncate(0)

    with pytest.raises(ArtifactCorrupt):
        await read(artifacts, digest)


async def test_a_new_upload_mends_a_corrupt_copy_found_or_not(artifacts: ArtifactStore, tmp_path: Path) -> None:
    content = content_of(1000)
    digest = await artifacts.put_bytes(content)
    flip_byte(stored_file(tmp_path, digest), 5)

    await artifacts.put_bytes(content)
    assert await read(artifacts, digest) == content

    flip_byte(stored_file(tmp_path, digest), 5)
    with pytest.raises(ArtifactCorrupt):
        await read(artifacts, digest)
    await artifacts.put_bytes(content)
    assert await read(artifacts, digest) == content


async def test_readers_that_find_the_same_corrupt_copy_at_once_all_refuse_it(
    artifacts: ArtifactStore, tmp_path: Path
) -> None:
    digest = await artifacts.put_bytes(content_of(CHUNK_BYTES))
    flip_byte(stored_file(tmp_path, digest), 5)

    found = await asyncio.gather(*(read(artifacts, digest) for _ in range(5)), return_exceptions=True)

    assert {type(error) for error in found} <= {ArtifactCorrupt, ArtifactMissing}
    assert ArtifactCorrupt in {type(error) for error in found}


async def test_a_fetched_file_appears_only_when_it_is_whole(artifacts: ArtifactStore, tmp_path: Path) -> None:
    content = content_of(CHUNK_BYTES + 1)
    digest = await artifacts.put_bytes(content)
    target = tmp_path / "fetched" / "model"

    await artifacts.fetch_to(digest, target)
    assert target.read_bytes() == content

    flip_byte(stored_file(tmp_path, digest), 5)
    with pytest.raises(ArtifactCorrupt):
        await artifacts.fetch_to(digest, tmp_path / "fetched" / "again")
    assert all_files(tmp_path / "fetched") == ["model"]


async def test_what_was_never_stored_or_was_deleted_is_missing(artifacts: ArtifactStore) -> None:
    digest = await artifacts.put_bytes(b"once")
    await artifacts.delete(digest)
    await artifacts.delete(digest)

    for call in (artifacts.size(digest), read(artifacts, digest), artifacts.read_bytes(digest, limit_bytes=10)):
        with pytest.raises(ArtifactMissing):
            await call
    assert not await artifacts.exists(digest)


async def test_a_digest_that_is_a_path_is_refused(artifacts: ArtifactStore) -> None:
    with pytest.raises(InvalidField):
        await read(artifacts, Digest("../../etc/passwd"))


async def test_reading_a_larger_artifact_than_expected_is_refused(artifacts: ArtifactStore) -> None:
    digest = await artifacts.put_bytes(b"12345")

    with pytest.raises(TooLarge):
        await artifacts.read_bytes(digest, limit_bytes=4)


async def test_a_bucket_behaves_like_a_folder() -> None:
    store = ArtifactStore.open("memory:///")
    content = content_of(2 * CHUNK_BYTES)

    digest, _ = await store.put_stream(chunks_of(content), limit_bytes=len(content))

    assert await read(store, digest) == content
    with pytest.raises(ArtifactMissing):
        await read(store, digest_of(b"other"))


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://"])
def test_a_store_nobody_can_open_is_refused_naming_the_setting(url: str) -> None:
    with pytest.raises(InvalidField) as caught:
        ArtifactStore.open(url)

    assert caught.value.field == "artifacts"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=5000), chunk_bytes=st.integers(1, 700), offset=st.integers(0, 6000))
def test_any_content_in_any_pieces_comes_back(
    artifacts: ArtifactStore, content: bytes, chunk_bytes: int, offset: int
) -> None:
    async def round_trip() -> bytes:
        digest, _ = await artifacts.put_stream(chunks_of(content, chunk_bytes), limit_bytes=5000)
        return await read(artifacts, digest, offset)

    assert asyncio.run(round_trip()) == content[offset:]
