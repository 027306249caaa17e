"""kill -9 of provers under load: their slices are proven elsewhere, their children end, their names come back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from tests.acceptance.scenarios.checkers import check_promises
from tests.acceptance.scenarios.load import under_load
from tests.acceptance.tasks import database_of, events_of, register_toy, wait_for
from tests.networks import Network, Process

KILLS = 3


async def kill_while_proving(network: Network, prover: Process) -> list[psutil.Process]:
    """Kill a prover of alice's that has a job in a child; return the children that it leaves alone."""
    hold = network.hold(prover.name, "alice")
    await hold.until_held()
    children = prover.children()
    prover.kill()
    await prover.process.wait()
    hold.let_go()
    return children


async def test_a_prover_killed_again_and_again_under_load_costs_time_and_nothing_else(
    network: Network, tmp_path: Path
) -> None:
    doomed = await network.start_prover("doomed", "alice", ask=500)
    await network.start_prover("other", "bob", ask=900)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2, behaviour="slow", sleep_ms=400)
        async with under_load(client, program.digest, pause_seconds=0.8) as load:
            for _ in range(KILLS):
                await load.grow(2)
                children = await kill_while_proving(network, doomed)
                _, alive = await asyncio.to_thread(psutil.wait_procs, children, 20)
                assert children
                assert not alive
                doomed = await network.start_prover("doomed", "alice", ask=500)
            await kill_while_proving(network, doomed)  # it still gets jobs, and the last of them has to go elsewhere
        states = {(await client.wait(task_id)).state for task_id in load.acknowledged}

    async with database_of(network) as connection:
        lost = await connection.fetch(
            "SELECT prover_id FROM leases WHERE reason IN ('prover_lost', 'not_picked_up', 'not_started')"
        )
    assert states == {"done"}
    assert len(lost) >= KILLS
    assert {row["prover_id"].rpartition("/")[2] for row in lost} == {"doomed"}
    await check_promises(network, acknowledged=load.acknowledged)


async def test_all_provers_killed_at_once_the_task_waits_for_the_first_that_comes_back(
    network: Network, tmp_path: Path
) -> None:
    for number in range(3):
        network.hold(f"p{number}", "alice")
    provers = [await network.start_prover(f"p{number}", "alice", ask=500 + number) for number in range(3)]
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=3)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        alice = network.keys["alice"].address
        proving = [wait_for(client, task.task_id, "stage", prover=f"{alice}/p{number}") for number in range(3)]
        await asyncio.gather(*proving)

        await asyncio.gather(*(kill_while_proving(network, prover) for prover in provers))
        await network.start_prover("p0", "alice", ask=500)
        events = await events_of(client, task.task_id)

    returned = [event.data["reason"] for event in events if event.kind == "returned"]
    assert len(returned) >= 3
    assert set(returned) <= {"prover_lost", "not_picked_up", "not_started"}
    assert events[-1].kind == "done"
