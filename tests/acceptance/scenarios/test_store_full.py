"""No more room where the gateway keeps its artifacts: work waits, nothing half is published, and nobody is blamed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proofgrid.primitives.digests import digest_of_file
from proofgrid.rules.jobs.limits import SMALL_BUNDLE_BYTES
from tests.acceptance.scenarios.disks import fill, needs_small_disks, on_a_small_disk, seen_by
from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import events_of, register_toy
from tests.networks import Network

DISK_BYTES = 8 << 20
PADDING = 5_000  #: so that an input is an artifact


async def start_on_a_small_disk(network: Network) -> Path:
    """Start the gateway again with its artifacts on a small disk; return the disk as we see it."""
    place = network.root / "small"
    place.mkdir()
    assert network.gateway is not None
    await network.gateway.stop()
    network.settings["ARTIFACTS"] = str(place)
    await network.start_gateway(wrapper=on_a_small_disk(place, DISK_BYTES))
    return seen_by(network.gateway, place)


@needs_small_disks
async def test_a_bundle_a_request_and_an_upload_wait_for_room(network: Network, tmp_path: Path) -> None:
    disk = await start_on_a_small_disk(network)
    async with network.client() as client, ScriptedProver(network, "p", "alice") as prover:
        program = await register_toy(client, tmp_path, slices=1, padding=PADDING, bulk=SMALL_BUNDLE_BYTES)
        warm_up = await client.submit(program.digest, ["warm"], limit_price=1_500)
        await prover.say(result=prove(await prover.take_lease(), "warm"))
        await prover.verdict()
        await client.wait(warm_up.task_id)

        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        lease = await prover.take_lease()
        ballast = fill(disk)
        await prover.say(result=prove(lease, "x"))
        assert (await prover.verdict()).accepted
        late = asyncio.ensure_future(client.submit(program.digest, ["y"], limit_price=1_500))
        uploaded = asyncio.ensure_future(register_toy(client, tmp_path, slices=2))
        await asyncio.sleep(2)
        meanwhile = (await client.task(task.task_id)).state, late.done(), uploaded.done()
        ballast.unlink()

        kinds = [event.kind for event in await events_of(client, task.task_id)]
        await prover.say(result=prove(await prover.take_lease(), "y"))
        second = await client.wait((await late).task_id)
        await uploaded
        failed = [one.jobs_failed for one in (await client.status()).provers]

    assert meanwhile == ("combining", False, False)
    assert "returned" not in kinds
    assert kinds[-1] == second.state == "done"
    assert failed == [0]
    stored = [path for path in (disk / "sha256").rglob("*") if path.is_file()]
    assert stored
    assert {path.name for path in stored} == {digest_of_file(path) for path in stored}
    assert not list((disk / "incoming").iterdir())
