"""A client sees why its jobs wait: three reasons in order, by the SDK, in the timeline and on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.sdk.answers.work import Waiting
from proofgrid.sdk.client import Client
from tests.acceptance.tasks import register_toy, wait_for
from tests.cli.commands import proofgrid
from tests.networks import WAIT_SECONDS, Network


async def until_it_waits_for(client: Client, task_id: str, reason: str) -> Waiting:
    """Ask until a job of the task waits for this reason."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            for job in (await client.task(task_id)).jobs:
                if job.waiting is not None and job.waiting.reason == reason:
                    return job.waiting
            await asyncio.sleep(0.05)


async def test_a_client_sees_that_nobody_meets_its_demand_then_that_all_ask_more_then_that_all_are_busy(
    network: Network, tmp_path: Path
) -> None:
    await network.start_prover("far", "alice", ask=1, REGION="us")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="hang")
        here = Constraints(regions=frozenset({"eu"}))
        task = await client.submit(program.digest, ["x", "y"], limit_price=1_500, constraints=here, hedging=False)

        unserved = await until_it_waits_for(client, task.task_id, "unserved")
        await wait_for(client, task.task_id, "no_sale", nobody=True)
        dear = await network.start_prover("dear", "bob", ask=2_000, REGION="eu")
        too_cheap = await until_it_waits_for(client, task.task_id, "too_cheap")
        await wait_for(client, task.task_id, "no_sale", cheapest_ask=2_000)
        await dear.stop()  # or the price would come to its ask
        await network.start_prover("near", "bob", ask=700, REGION="eu", SLOTS="1")
        await wait_for(client, task.task_id, "sold")
        busy = await until_it_waits_for(client, task.task_id, "busy")
        key, address = str(tmp_path / "client.key"), network.address
        told = await asyncio.to_thread(
            lambda: proofgrid("status", "--json", "--key", key, "--gateway", address, home=tmp_path)
        )
        await client.cancel(task.task_id)
        [over] = {job.waiting for job in (await client.task(task.task_id)).jobs}
        events = [event async for event in client.watch(task.task_id)]

    assert unserved.unmet == ("region",)
    assert unserved.sentence() == "no connected prover has a region that you name"
    assert too_cheap.price == 2_000
    assert "--limit-price" in too_cheap.what_to_do()
    assert busy.after_ms > 0
    assert over is None
    [waits] = json.loads(told.stdout)["waiting"]
    assert (waits["task_id"], waits["reason"]) == (task.task_id, "busy")
    assert "busy; the next is free in about" in waits["sentence"]
    # Written when the reason changes, and never for a round; between the two provers there may have been nobody again.
    written = ["nobody" in event.data for event in events if event.kind == "no_sale"]
    assert written in ([True, False], [True, False, True])
