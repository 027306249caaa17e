"""The cheapest prover hands every lease back with a lie: honest provers finish the tasks, and it is out of business."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.scenarios.scripted import ScriptedProver, lie_for_ever
from tests.acceptance.tasks import events_of, register_toy
from tests.networks import Network

TASKS = 8
LIES = {
    "lost artifacts": ("PG-310", "PG-311"),
    "whatever": ("PG-300", "PG-330", "PG-310", "PG-321", "PG-777", "no code", "PG-110", "PG-301", "PG-320"),
}


@pytest.mark.parametrize("codes", LIES.values(), ids=LIES)
async def test_a_liar_that_asks_least_ends_no_task_and_is_paused(
    network: Network, tmp_path: Path, codes: tuple[str, ...]
) -> None:
    async with network.client() as client, ScriptedProver(network, "liar", "bob", ask=1) as liar:
        program = await register_toy(client, tmp_path, slices=1, padding=5_000)
        lying = asyncio.ensure_future(lie_for_ever(liar, codes))
        tasks = [await client.submit(program.digest, [f"x {n}"], limit_price=1_500) for n in range(TASKS)]
        notice = (await liar.hear("notice")).notice  # before anybody honest is there
        await network.start_prover("honest", "alice", ask=500)
        logs = await asyncio.gather(*(events_of(client, task.task_id) for task in tasks))
        lying.cancel()
        failed = {prover.prover_id.rpartition("/")[2]: prover.jobs_failed for prover in (await client.status()).provers}

    assert [events[-1].kind for events in logs] == ["done"] * TASKS
    assert notice.code == "PAUSED"
    assert failed["liar"] >= 3
