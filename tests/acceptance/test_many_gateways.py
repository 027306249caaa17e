"""Several gateways on one database: any may be asked, any may die, and the work goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from proofgrid.wire.v1 import client_pb2 as messages
from tests.acceptance.tasks import check_paid_once, database_of, events_of, register_toy, wait_for
from tests.networks import Network

TASKS = 4


async def submit_some(network: Network, gateways: str, digest: str, name: str) -> list[messages.Task]:
    """One client with its own list of gateways: submit, follow every task to its end, read the results."""
    async with network.client(gateways=gateways) as client:
        tasks = [
            await client.submit(digest, [f"{name} {number}"], limit_price=1_500, idempotency_key=f"{name}-{number}")
            for number in range(TASKS)
        ]
        logs = await asyncio.gather(*(events_of(client, task.task_id) for task in tasks))
        for events in logs:
            assert [event.cursor for event in events] == list(range(1, len(events) + 1))
        return [await client.task(task.task_id) for task in tasks]


async def leases_of(network: Network) -> list[Any]:
    async with database_of(network) as connection:
        rows: list[Any] = await connection.fetch("SELECT job_id, state, reason, granted_ms FROM leases")
    return rows


async def test_a_gateway_killed_under_load_is_noticed_by_no_client(network: Network, tmp_path: Path) -> None:
    second = await network.start_another_gateway()
    here_first, there_first = f"{network.address},{second}", f"{second},{network.address}"
    for number, gateways in enumerate([here_first, there_first, here_first, there_first]):
        await network.start_prover(f"p{number}", ("alice", "bob")[number % 2], ask=500 + number, GATEWAY=gateways)

    async with network.client(gateways=there_first) as client:
        program = await register_toy(client, tmp_path, slices=3, behaviour="slow", sleep_ms=400)
        watching = [
            asyncio.ensure_future(submit_some(network, gateways, program.digest, name))
            for name, gateways in (("here", here_first), ("there", there_first))
        ]
        await network.until(lambda status: status.jobs_by_state.get("proven", 0) >= 2)
        assert network.gateway is not None
        killed_ms = await now_ms(network)
        network.gateway.kill()
        tasks = [task for group in await asyncio.gather(*watching) for task in group]

    leases = await leases_of(network)
    gap_ms = min(row["granted_ms"] for row in leases if row["granted_ms"] > killed_ms) - killed_ms
    print(f"the next lease came {gap_ms} ms after the kill")  # noqa: T201 - a measurement, for who wants to see it
    assert {task.state for task in tasks} == {"done"}
    # A job has more than one lease only where an earlier one was taken back.
    per_job: dict[Any, list[str]] = {}
    for row in leases:
        per_job.setdefault(row["job_id"], []).append(row["state"])
    assert len(per_job) == 2 * TASKS * 3
    assert all(sorted(states)[-1] == "settled" and states.count("settled") == 1 for states in per_job.values())
    assert {row["reason"] for row in leases if row["state"] != "settled"} <= {"prover_lost", "not_picked_up"}
    await check_paid_once(network)


async def now_ms(network: Network) -> int:
    async with database_of(network) as connection:
        return int(await connection.fetchval("SELECT now_ms()"))


async def test_a_prover_at_one_gateway_serves_a_client_at_another(network: Network, tmp_path: Path) -> None:
    second = await network.start_another_gateway()
    await network.start_prover("p", "alice", ask=500, GATEWAY=second)
    async with network.client(gateways=network.address) as client:
        program = await register_toy(client, tmp_path, slices=2)
        task = await client.submit(program.digest, ["x"], limit_price=1_500)
        sold = await wait_for(client, task.task_id, "sold")
        task = await client.wait(task.task_id)

    assert sold.data["prover"] == f"{network.keys['alice'].address}/p"
    assert task.state == "done"
    await check_paid_once(network)
