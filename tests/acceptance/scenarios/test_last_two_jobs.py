"""The last two jobs of a task complete in overlapping transactions: the task is combined, each time, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.acceptance.scenarios.scripted import ScriptedProver, prove
from tests.acceptance.tasks import events_of, register_toy
from tests.networks import Network

TIMES = 20


async def test_two_results_at_once_over_two_streams_never_leave_a_task_running(
    network: Network, tmp_path: Path
) -> None:
    async with (
        network.client() as client,
        ScriptedProver(network, "left", "alice", slots=1) as left,
        ScriptedProver(network, "right", "bob", slots=1) as right,
    ):
        program = await register_toy(client, tmp_path, slices=2)
        for number in range(TIMES):
            text = f"round {number}"
            task = await client.submit(program.digest, [text], limit_price=1_500)
            leases = await asyncio.gather(left.take_lease(), right.take_lease())
            await asyncio.gather(
                *(who.say(result=prove(lease, text)) for who, lease in zip((left, right), leases, strict=True))
            )
            for who, lease in zip((left, right), leases, strict=True):
                assert (await who.verdict()).accepted
                who.let_go(lease)
            kinds = [event.kind for event in await events_of(client, task.task_id)]
            assert (kinds.count("combining"), kinds.count("done")) == (1, 1), kinds
