"""The artifact store on a real S3 server keeps every promise that it keeps in a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proofgrid.primitives.at_rest import CHUNK_BYTES
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, InvalidField, Recoverable, TooLarge
from proofgrid.store.artifacts import ArtifactStore
from tests.store.s3_server import S3Server, running_s3
from tests.store.test_artifacts import SIZES, all_files, chunks_of, content_of, flip_byte, read

LARGE_BYTES = 24 * CHUNK_BYTES + 11  #: sent in several parts

pytestmark = pytest.mark.timeout(1_800)  # the first test may build the server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def folder(server: S3Server, tmp_path: Path) -> Path:
    """Where this test's objects lie as files."""
    return server.bucket / tmp_path.name


@pytest.fixture
def artifacts(server: S3Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return ArtifactStore.open(f"s3://{server.bucket.name}/{folder.name}")


def object_of(folder: Path, digest: Digest) -> Path:
    return folder / "sha256" / digest[:2] / digest


@pytest.mark.parametrize("size_bytes", [*SIZES, LARGE_BYTES])
async def test_a_stream_comes_back_from_s3_as_it_went_in(artifacts: ArtifactStore, size_bytes: int) -> None:
    content = content_of(size_bytes)

    stored = await artifacts.put_stream(chunks_of(content), limit_bytes=size_bytes, expected=digest_of(content))

    assert stored == (digest_of(content), size_bytes)
    assert await artifacts.size(stored[0]) == size_bytes
    pieces = [piece async for piece in artifacts.open_stream(stored[0])]
    assert b"".join(pieces) == content
    assert all(0 < len(piece) <= CHUNK_BYTES for piece in pieces)


@pytest.mark.parametrize("offset", [1, CHUNK_BYTES, 20 * CHUNK_BYTES + 5, 10**9])
async def test_a_download_from_s3_resumes_at_any_offset(artifacts: ArtifactStore, offset: int) -> None:
    content = content_of(LARGE_BYTES)
    digest = await artifacts.put_bytes(content)

    assert await read(artifacts, digest, offset) == content[offset:]


async def test_a_refused_or_broken_upload_never_appears_in_s3(artifacts: ArtifactStore, folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield content_of(7 * CHUNK_BYTES)
        raise ConnectionResetError

    with pytest.raises(TooLarge):
        await artifacts.put_stream(chunks_of(content_of(1001)), limit_bytes=1000)
    with pytest.raises(InvalidField, match="not to the digest announced"):
        await artifacts.put_stream(chunks_of(b"other"), limit_bytes=100, expected=digest_of(b"announced"))
    with pytest.raises(ConnectionResetError):
        await artifacts.put_stream(broken(), limit_bytes=LARGE_BYTES)

    assert all_files(folder) == []


async def test_readers_of_s3_see_a_large_upload_whole_or_not_at_all(artifacts: ArtifactStore) -> None:
    content = content_of(LARGE_BYTES)
    seen: list[int] = []

    async def watch(writing: asyncio.Task[Digest]) -> None:
        while not writing.done():
            if await artifacts.exists(digest_of(content)):
                seen.append(await artifacts.size(digest_of(content)))

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(artifacts.put_bytes(content))
        group.create_task(watch(writing))

    assert set(seen) <= {LARGE_BYTES}
    assert await read(artifacts, writing.result()) == content


async def test_many_writers_of_the_same_content_agree_in_s3(artifacts: ArtifactStore, folder: Path) -> None:
    content = content_of(6 * CHUNK_BYTES)

    stored = await asyncio.gather(
        *(artifacts.put_stream(chunks_of(content), limit_bytes=len(content)) for _ in range(6))
    )

    assert set(stored) == {(digest_of(content), len(content))}
    assert all_files(folder) == [digest_of(content)]
    assert await read(artifacts, digest_of(content)) == content


@pytest.mark.parametrize("position", [0, 2 * CHUNK_BYTES + 99])
async def test_a_byte_flipped_in_s3_is_found_the_copy_refused_and_mended_by_an_upload(
    artifacts: ArtifactStore, folder: Path, position: int
) -> None:
    content = content_of(2 * CHUNK_BYTES + 100)
    digest = await artifacts.put_bytes(content)
    flip_byte(object_of(folder, digest), position)
    got: list[bytes] = []

    with pytest.raises(ArtifactCorrupt):
        async for piece in artifacts.open_stream(digest):
            got.append(piece)  # noqa: PERF401  # what came before the error counts

    assert sum(len(piece) for piece in got) < len(content)
    assert not await artifacts.exists(digest)
    assert (folder / "quarantine" / digest).exists()
    await artifacts.put_bytes(content)
    assert await read(artifacts, digest) == content


async def test_what_is_not_in_s3_is_missing(artifacts: ArtifactStore) -> None:
    digest = await artifacts.put_bytes(b"once")
    await artifacts.delete(digest)
    await artifacts.delete(digest)

    for call in (artifacts.size(digest), read(artifacts, digest)):
        with pytest.raises(ArtifactMissing):
            await call


async def test_what_was_set_aside_in_s3_is_back_for_its_reader(artifacts: ArtifactStore, folder: Path) -> None:
    digest = await artifacts.put_bytes(content_of(3000))

    await artifacts.set_aside(digest)
    assert not object_of(folder, digest).exists()
    assert await artifacts.size(digest) == 3000
    assert await read(artifacts, digest) == content_of(3000)

    assert object_of(folder, digest).exists()
    await artifacts.set_aside(digest)
    await artifacts.forget_aside(digest)
    assert not await artifacts.exists(digest)


async def test_an_s3_that_refuses_our_key_is_weather_and_not_a_missing_artifact(
    artifacts: ArtifactStore, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await artifacts.put_bytes(b"kept")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    stranger = ArtifactStore.open(f"s3://{server.bucket.name}/x")

    with pytest.raises(Recoverable) as caught:
        await stranger.size(digest)

    assert not isinstance(caught.value, ArtifactMissing)
