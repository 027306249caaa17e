"""SIGSTOP, then SIGCONT when the lease was given away: the sleeper's late result counts for nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.acceptance.tasks import database_of, events_of, register_toy, wait_for
from tests.networks import Network


async def test_a_sleeper_wakes_up_and_its_late_result_is_worth_nothing(network: Network, tmp_path: Path) -> None:
    sleeper = await network.start_prover("sleeper", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="slow", sleep_ms=1_500)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")

        os.kill(sleeper.pid, signal.SIGSTOP)  # its child goes on and finishes
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        await network.start_prover("other", "bob", ask=900)
        await wait_for(client, task.task_id, "sold", prover=f"{network.keys['bob'].address}/other")
        os.kill(sleeper.pid, signal.SIGCONT)
        events = await events_of(client, task.task_id)
        async with asyncio.timeout(30):
            while not {"prover_stopped", "prover_refused"} & set(sleeper.log.read_text().split()):  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    assert events[-1].kind == "done"
    async with database_of(network) as connection:
        leases = await connection.fetch("SELECT prover_id, state, reason FROM leases ORDER BY fence")
        paid = await connection.fetch("SELECT credit FROM transfers WHERE reason = 'proof'")
    assert [(row["prover_id"].rpartition("/")[2], row["state"]) for row in leases] == [
        ("sleeper", "expired"),
        ("other", "settled"),
    ]
    assert [row["credit"].rpartition(":")[2] for row in paid] == [network.keys["bob"].address]
