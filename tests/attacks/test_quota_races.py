"""Many uploads at once, at several gateways: bytes are promised before they are read, never more than the quota."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField, Recoverable, TooLarge
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.intake.artifacts import Declared
from proofgrid.roles.intake.normalising import Normaliser
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.retention import DAY_MS, Retention, RetentionSettings
from tests.attacks.worlds import OWNER, OwnedPrograms, in_pieces

MIB = 1 << 20
QUOTA = 10 * MIB


def limited(owned: OwnedPrograms, folder: Path) -> OwnedPrograms:
    """The same gateway with a quota of 10 MiB, and a store on a disk."""
    lane = replace(owned.lane, artifacts=ArtifactStore.open(str(folder / "artifacts")))
    return replace(owned, lane=lane, limits=Limits(stored_bytes=QUOTA, upload_bytes=4 * MIB))


async def test_25_parallel_uploads_at_two_gateways_store_what_the_quota_allows_and_no_more(
    owned: OwnedPrograms, database_dsn: str, tmp_path: Path
) -> None:
    here = limited(owned, tmp_path)
    second = await Database.connect(database_dsn, size=10)
    there = replace(here, lane=replace(here.lane, database=second))

    # Each holds its last piece back until all have come as far as they get: whoever counts afterwards counts too late.
    started = 0
    all_started = asyncio.Event()

    async def held_back(content: bytes) -> AsyncIterator[bytes]:
        nonlocal started
        async for piece in in_pieces(content, MIB // 2):
            yield piece
        started += 1
        if started == 2:  # of 4 MiB each there is room for two
            all_started.set()
        await all_started.wait()

    async def upload(number: int) -> bool:
        world = here if number % 2 else there
        content = bytes([number]) * (4 * MIB)
        told = Declared(size_bytes=len(content), digest=None, lease_id=None)
        try:
            await world.artifacts.store(OWNER, told, held_back(content))
        except TooLarge:
            return False
        return True

    stored = await asyncio.gather(*(upload(number) for number in range(25)))
    assert sum(stored) == 2
    assert await here.counted(OWNER) == (8 * MIB, 0)
    assert await here.on_disk() == 8 * MIB
    await second.close()


async def test_who_declares_little_and_sends_much_is_cut_off_there(owned: OwnedPrograms, tmp_path: Path) -> None:
    here = limited(owned, tmp_path)
    with pytest.raises(TooLarge):
        await here.upload(OWNER, bytes(2 * MIB), declared=1_000)
    assert (await here.counted(OWNER), await here.on_disk()) == ((0, 0), 0)


async def test_what_breaks_off_or_is_refused_gives_its_room_back(owned: OwnedPrograms, tmp_path: Path) -> None:
    here = limited(owned, tmp_path)

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        raise InvalidField("no chunk", field="chunk")

    for _ in range(20):
        with pytest.raises(InvalidField):
            await here.artifacts.store(OWNER, Declared(size_bytes=4 * MIB, digest=None, lease_id=None), breaking())
    wrong = Declared(size_bytes=MIB, digest=digest_of(b"else"), lease_id=None)
    with pytest.raises(InvalidField):
        await here.artifacts.store(OWNER, wrong, in_pieces(bytes(MIB)))
    assert (await here.counted(OWNER), await here.on_disk()) == ((0, 0), 0)


async def test_who_hangs_up_gets_room_back_and_who_hangs_up_too_late_owns_the_bytes(
    owned: OwnedPrograms, tmp_path: Path
) -> None:
    here = limited(owned, tmp_path)
    reading, never = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        reading.set()
        await never.wait()

    hanging = asyncio.ensure_future(
        here.artifacts.store(OWNER, Declared(size_bytes=4 * MIB, digest=None, lease_id=None), endless())
    )
    await reading.wait()
    assert await here.counted(OWNER) == (0, 4 * MIB)
    hanging.cancel()
    await asyncio.wait({hanging})
    assert (await here.counted(OWNER), await here.on_disk()) == ((0, 0), 0)

    uploading: asyncio.Future[object]

    async def and_gone(content: bytes) -> AsyncIterator[bytes]:
        yield content
        uploading.cancel()  # all of it was sent

    uploading = asyncio.ensure_future(
        here.artifacts.store(OWNER, Declared(size_bytes=MIB, digest=None, lease_id=None), and_gone(bytes(MIB)))
    )
    await asyncio.wait({uploading})
    assert (await here.counted(OWNER))[0] == await here.on_disk()


async def test_a_promise_that_expired_is_kept_no_more(owned: OwnedPrograms, tmp_path: Path) -> None:
    here = limited(owned, tmp_path)

    async def slowly() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        await here.lane.fetch("UPDATE byte_reservations SET expires_ms = 0")

    with pytest.raises(Recoverable):
        await here.artifacts.store(OWNER, Declared(size_bytes=4 * MIB, digest=None, lease_id=None), slowly())
    assert await here.counted(OWNER) == (0, 0)
    [left] = await here.lane.fetch("SELECT count(*) FROM byte_reservations")
    assert left["count"] == 0


async def test_the_same_bytes_again_need_no_second_room(owned: OwnedPrograms, tmp_path: Path) -> None:
    here = limited(owned, tmp_path)
    contents = [bytes([number]) * (4 * MIB) for number in range(2)]
    for content in [*contents, *contents]:
        told = Declared(size_bytes=len(content), digest=digest_of(content), lease_id=None)
        await here.artifacts.store(OWNER, told, in_pieces(content, MIB))
    assert await here.counted(OWNER) == (8 * MIB, 0)


async def test_inputs_of_requests_count_too_and_those_of_no_task_are_gone_within_the_hour(
    owned: OwnedPrograms, tmp_path: Path
) -> None:
    here = limited(owned, tmp_path)
    nobody: Any = SimpleNamespace(count=1)
    normaliser = Normaliser(here.lane.artifacts, nobody, nobody, here.reservations, scratch=tmp_path)

    def jobs(number: int) -> list[JobDraft]:
        return [
            JobDraft(
                slice_index=0,
                input_index=0,
                units=1,
                memory_bytes=1,
                depends_on=(),
                input=bytes([number]) * (4 * MIB),
                facts={},
            )
        ]

    results = await asyncio.gather(
        *(normaliser.store_inputs(OWNER.address, jobs(number)) for number in range(25)), return_exceptions=True
    )
    assert [isinstance(one, TooLarge) for one in results].count(False) == 2
    assert await here.counted(OWNER) == (8 * MIB, 0)

    settings = RetentionSettings(keep_ms=30 * DAY_MS, grace_ms=-DAY_MS)
    await Retention(here.lane.database, here.lane.artifacts, settings).tidy()  # no task was made of them
    assert (await here.counted(OWNER), await here.on_disk()) == ((0, 0), 0)
