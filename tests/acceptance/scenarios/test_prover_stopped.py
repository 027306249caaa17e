"""SIGSTOP, then SIGCONT when the lease was given away: the sleeper's late result counts for nothing.

While it sleeps it is sold nothing, and it is sold to again when it is heard again.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from proofgrid.sdk.client import Client
from tests.acceptance.tasks import database_of, events_of, register_toy, wait_for
from tests.networks import WAIT_SECONDS, Network


async def test_a_sleeper_wakes_up_and_its_late_result_is_worth_nothing(network: Network, tmp_path: Path) -> None:
    hold = network.hold("sleeper", "alice")
    sleeper = await network.start_prover("sleeper", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, behaviour="slow", sleep_ms=1_500)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")

        os.kill(sleeper.pid, signal.SIGSTOP)
        hold.let_go()  # its child goes on and finishes
        await wait_for(client, task.task_id, "returned", reason="prover_lost")
        second = await client.submit(program.digest, ["y"], limit_price=1_500)  # for which it was not excluded
        other = await network.start_prover("other", "bob", ask=900, cores=2)
        for one in (task, second):
            await wait_for(client, one.task_id, "sold", prover=f"{network.keys['bob'].address}/other")
        os.kill(sleeper.pid, signal.SIGCONT)
        events = await events_of(client, task.task_id)
        async with asyncio.timeout(WAIT_SECONDS):
            while not {"prover_stopped", "prover_refused"} & set(sleeper.log.read_text().split()):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        events_of_second = await events_of(client, second.task_id)

        os.kill(sleeper.pid, signal.SIGSTOP)
        await other.stop()
        await until_silent(client, "sleeper")
        third = await client.submit(program.digest, ["z"], limit_price=1_500)
        os.kill(sleeper.pid, signal.SIGCONT)
        events_of_third = await events_of(client, third.task_id)

    assert [one[-1].kind for one in (events, events_of_second, events_of_third)] == ["done"] * 3
    async with database_of(network) as connection:
        leases = await connection.fetch("SELECT prover_id, task_id, state FROM leases ORDER BY fence")
        paid = await connection.fetch(
            "SELECT credit FROM transfers WHERE reason = 'proof' AND task_id = $1", task.task_id
        )
    of_tasks: dict[str, list[tuple[str, str]]] = {one.task_id: [] for one in (task, second, third)}
    for row in leases:
        of_tasks[str(row["task_id"])].append((row["prover_id"].rpartition("/")[2], row["state"]))
    assert list(of_tasks.values()) == [
        [("sleeper", "expired"), ("other", "settled")],
        [("other", "settled")],
        [("sleeper", "settled")],
    ]
    assert [row["credit"].rpartition(":")[2] for row in paid] == [network.keys["bob"].address]


async def until_silent(client: Client, name: str) -> None:
    """Return when the network says that nothing was heard of a prover for too long."""
    async with asyncio.timeout(WAIT_SECONDS):
        while ("silent", name) not in {  # noqa: ASYNC110
            (prover.state, prover.prover_id.rpartition("/")[2]) for prover in (await client.status()).provers
        }:
            await asyncio.sleep(0.2)
