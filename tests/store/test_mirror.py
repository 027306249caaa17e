"""Two copies: a reader gets what was written as long as one of them is whole, and both are whole again after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proofgrid.primitives.at_rest import CHUNK_BYTES
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, Recoverable
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.mirror import DatabaseRepairList, MirroredStore, second_config
from tests.store.test_artifacts import chunks_of, content_of, flip_byte, read

CONTENT = content_of(3 * CHUNK_BYTES + 5)
DIGEST = digest_of(CONTENT)


class Stores:
    """Two folders as one store, and what lies in each."""

    def __init__(self, root: Path, database: Database) -> None:
        self.folders = (root / "primary", root / "second")
        self.primary, self.second = (ArtifactStore.open(str(folder)) for folder in self.folders)
        self.repairs = DatabaseRepairList(database)
        self.both = MirroredStore(self.primary, self.second, self.repairs)

    def file(self, number: int, digest: Digest = DIGEST) -> Path:
        return self.folders[number] / "sha256" / digest[:2] / digest

    def with_second(self, second: ArtifactStore) -> MirroredStore:
        return MirroredStore(self.primary, second, self.repairs)

    def with_primary(self, primary: ArtifactStore) -> MirroredStore:
        return MirroredStore(primary, self.second, self.repairs)


@pytest.fixture
def stores(tmp_path: Path, database: Database) -> Stores:
    return Stores(tmp_path, database)


@pytest.fixture
def nowhere() -> ArtifactStore:
    """A bucket on a port where nobody listens."""
    config = {"aws_endpoint": "http://127.0.0.1:1", "aws_allow_http": "true"}
    return ArtifactStore.open(
        "s3://nobody/here", config={**config, "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    )


def delete(path: Path) -> None:
    path.unlink()


def flip_first(path: Path) -> None:
    flip_byte(path, 0)


def flip_last(path: Path) -> None:
    flip_byte(path, len(CONTENT) - 1)


async def test_both_stores_hold_what_was_written(stores: Stores) -> None:
    digest, size_bytes = await stores.both.put_stream(chunks_of(CONTENT), limit_bytes=len(CONTENT))
    small = await stores.both.put_bytes(b"small")

    assert (digest, size_bytes) == (DIGEST, len(CONTENT))
    assert stores.file(0).read_bytes() == stores.file(1).read_bytes() == CONTENT
    assert stores.file(0, small).read_bytes() == stores.file(1, small).read_bytes() == b"small"


@pytest.mark.parametrize("harm", [delete, flip_first, flip_last])
@pytest.mark.parametrize("number", [0, 1])
async def test_a_harmed_copy_does_not_keep_anybody_from_reading(
    stores: Stores, tmp_path: Path, number: int, harm: Callable[[Path], None]
) -> None:
    await stores.both.put_bytes(CONTENT)
    harm(stores.file(number))

    assert await stores.both.read_bytes(DIGEST, limit_bytes=len(CONTENT)) == CONTENT
    await stores.both.fetch_to(DIGEST, tmp_path / "fetched")

    assert (tmp_path / "fetched").read_bytes() == CONTENT
    assert stores.file(0).read_bytes() == CONTENT


@pytest.mark.parametrize("harm", [delete, flip_last])
async def test_a_stream_goes_on_from_the_second_copy_where_the_first_broke(
    stores: Stores, harm: Callable[[Path], None]
) -> None:
    await stores.both.put_bytes(CONTENT)
    harm(stores.file(0))

    assert await read(stores.both, DIGEST, offset=7) == CONTENT[7:]
    assert stores.file(0).read_bytes() == CONTENT


async def test_a_stream_that_already_sent_wrong_bytes_ends_in_an_error_and_the_next_one_is_right(
    stores: Stores,
) -> None:
    await stores.both.put_bytes(CONTENT)
    flip_first(stores.file(0))

    with pytest.raises(ArtifactCorrupt):
        await read(stores.both, DIGEST)

    assert await read(stores.both, DIGEST) == CONTENT


async def test_a_primary_that_cannot_be_reached_is_read_around(stores: Stores, nowhere: ArtifactStore) -> None:
    await stores.both.put_bytes(CONTENT)

    assert await read(stores.with_primary(nowhere), DIGEST) == CONTENT


async def test_a_write_counts_without_the_second_and_gets_its_second_copy_later(
    stores: Stores, nowhere: ArtifactStore
) -> None:
    assert await stores.with_second(nowhere).put_bytes(CONTENT) == DIGEST
    assert not stores.file(1).exists()
    assert await stores.repairs.first(9) == [DIGEST]

    assert await stores.both.repair() == 1

    assert stores.file(1).read_bytes() == CONTENT
    assert await stores.repairs.first(9) == []


async def test_a_repair_that_fails_stays_on_the_list(stores: Stores, nowhere: ArtifactStore) -> None:
    await stores.primary.put_bytes(CONTENT)
    await stores.repairs.add(DIGEST)

    with pytest.raises(Recoverable):
        await stores.with_second(nowhere).repair()

    assert await stores.repairs.first(9) == [DIGEST]


async def test_a_write_that_the_primary_refuses_is_refused(stores: Stores, nowhere: ArtifactStore) -> None:
    with pytest.raises(Recoverable):
        await stores.with_primary(nowhere).put_bytes(CONTENT)


async def test_missing_is_said_only_when_both_copies_are(stores: Stores, nowhere: ArtifactStore) -> None:
    with pytest.raises(ArtifactMissing):
        await read(stores.both, DIGEST)
    with pytest.raises(ArtifactMissing):
        await stores.both.size(DIGEST)
    for half in (stores.with_primary(nowhere), stores.with_second(nowhere)):
        with pytest.raises(Recoverable) as caught:
            await half.exists(DIGEST)
        assert not isinstance(caught.value, ArtifactMissing)


async def test_two_corrupt_copies_are_refused(stores: Stores) -> None:
    await stores.both.put_bytes(CONTENT)
    flip_first(stores.file(0))
    flip_last(stores.file(1))

    with pytest.raises(Recoverable):
        await stores.both.read_bytes(DIGEST, limit_bytes=len(CONTENT))


async def test_what_is_set_aside_or_deleted_is_so_in_both(stores: Stores) -> None:
    await stores.both.put_bytes(CONTENT)
    await stores.both.set_aside(DIGEST)
    assert [stores.file(number).exists() for number in (0, 1)] == [False, False]
    assert await read(stores.both, DIGEST) == CONTENT

    await stores.both.delete(DIGEST)
    assert not await stores.both.exists(DIGEST)


def test_the_second_store_has_variables_of_its_own() -> None:
    environment = {"PROOFGRID_MIRROR_AWS_ENDPOINT": "https://b", "AWS_ENDPOINT": "https://a", "PROOFGRID_MIRROR_X": "1"}

    assert second_config(environment) == {"aws_endpoint": "https://b"}
