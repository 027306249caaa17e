"""No more room on a prover's disk: it says so, its job is proven elsewhere, and the prover itself lives on.

A tmpfs that only the prover sees is the disk. Where nothing can be mounted a limit on the size of files stands for it:
the write fails in the same place. Logs are far below it.
"""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.scenarios.disks import fill, needs_small_disks, on_a_small_disk, seen_by
from tests.acceptance.tasks import events_of, register_toy, wait_for
from tests.networks import Network, Process

DISK_BYTES = 8 << 20
LIMIT_BYTES = 4 << 20


async def start_on_a_small_disk(network: Network) -> tuple[Process, Path]:
    """Start the prover "full"; return it, and its disk as we see it."""
    place = network.root / "operators" / "alice"
    place.mkdir(parents=True)
    prover = await network.start_prover("full", "alice", ask=500, wrapper=on_a_small_disk(place, DISK_BYTES))
    return prover, seen_by(prover, place)


@needs_small_disks
async def test_a_job_that_needs_more_room_than_there_is_is_proven_on_another_prover(
    network: Network, tmp_path: Path
) -> None:
    full, disk = await start_on_a_small_disk(network)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="fill")
        modest = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        returned = await wait_for(client, task.task_id, "returned")
        left = [one for one in (disk / "provers" / "full" / "scratch").rglob("*") if one.is_file()]
        small = await client.wait((await client.submit(modest.digest, ["y"], limit_price=1_500)).task_id)
        await network.start_prover("roomy", "bob", ask=900)
        events = await events_of(client, task.task_id)

    assert returned.data["reason"] == "child_crashed"
    assert "No space left" in returned.data["detail"]
    assert not left, "the room was not given back"
    assert (small.state, small.jobs[0].operator) == ("done", network.keys["alice"].address)
    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["roomy"]
    assert full.process.returncode is None


@needs_small_disks
async def test_a_prover_whose_disk_is_full_gives_its_jobs_back_until_there_is_room_again(
    network: Network, tmp_path: Path
) -> None:
    full, disk = await start_on_a_small_disk(network)
    ballast = fill(disk)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        returned = await wait_for(client, task.task_id, "returned")
        await network.start_prover("roomy", "bob", ask=900)
        events = await events_of(client, task.task_id)
        ballast.unlink()
        after = await client.wait((await client.submit(program.digest, ["y"], limit_price=1_500)).task_id)

    assert "No space left" in returned.data["detail"]
    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["roomy"]
    assert (after.state, after.jobs[0].operator) == ("done", network.keys["alice"].address)
    assert full.process.returncode is None


async def test_a_job_whose_files_get_too_large_on_one_prover_is_proven_on_another(
    network: Network, tmp_path: Path
) -> None:
    # From the start, because the next job's child is started before there is a job.
    limited = ["sh", "-c", f'ulimit -f {LIMIT_BYTES // 512} && exec "$@"', "sh"]
    full = await network.start_prover("full", "alice", ask=500, wrapper=limited)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="fill")
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        returned = await wait_for(client, task.task_id, "returned")
        await network.start_prover("roomy", "bob", ask=900)
        events = await events_of(client, task.task_id)

    assert returned.data["reason"] == "child_crashed"
    assert "File too large" in returned.data["detail"]
    assert [event.data["prover"].rpartition("/")[2] for event in events if event.kind == "proven"] == ["roomy"]
    assert full.process.returncode is None
