"""PostgreSQL is killed under load and started again: the gateway survives, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.acceptance.scenarios.checkers import check_promises
from tests.acceptance.scenarios.load import under_load
from tests.acceptance.scenarios.postgres import OwnPostgres
from tests.acceptance.tasks import events_of, register_toy, wait_for
from tests.networks import Network


async def test_postgres_killed_under_load_loses_nothing_that_was_acknowledged(
    mortal_network: Network, own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    network = mortal_network
    for number, operator in enumerate(("alice", "bob")):
        await network.start_prover(f"p{number}", operator, ask=500 + number)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)
        async with under_load(client, program.digest) as load:
            for _ in range(2):
                await load.grow(5)
                await asyncio.to_thread(own_postgres.kill)
                await asyncio.sleep(1)
                await asyncio.to_thread(own_postgres.start)
                await load.grow(3)
        states = {(await client.wait(task_id)).state for task_id in load.acknowledged}

    assert states == {"done"}
    assert network.gateway is not None
    assert network.gateway.process.returncode is None, "the gateway did not survive"
    await check_promises(network, acknowledged=load.acknowledged)


async def test_a_lease_survives_a_database_that_is_away_longer_than_it_lives(
    mortal_network: Network, own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    network = mortal_network
    hold = network.hold("p", "alice")
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        await wait_for(client, task.task_id, "stage", stage="prove")

        await asyncio.to_thread(own_postgres.kill)
        await asyncio.sleep(7)  # a lease lives 6 s
        await asyncio.to_thread(own_postgres.start)
        hold.let_go()
        kinds = [event.kind for event in await events_of(client, task.task_id)]

    assert [kind for kind in kinds if kind in ("sold", "returned", "proven", "done")] == ["sold", "proven", "done"]
