"""Several gateways on one database: any may be asked, any may die, and the work goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from proofgrid.sdk.client import Proven
from proofgrid.sdk.sync import SyncClient
from tests.acceptance.tasks import (
    check_paid_once,
    database_of,
    patient,
    register_toy,
    sessions,
    submit_and_watch,
    wait_for,
)
from tests.networks import Network

TASKS = 4


async def leases_of(network: Network) -> list[Any]:
    async with database_of(network) as connection:
        rows: list[Any] = await connection.fetch("SELECT job_id, state, reason, granted_ms FROM leases")
    return rows


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


@pytest.mark.thorough
@patient
async def test_gateways_restarted_one_after_the_other_lose_no_lease(network: Network, tmp_path: Path) -> None:
    first, second = network.address, await network.start_another_gateway()
    here_first, there_first = f"{first},{second}", f"{second},{first}"
    for number, gateways in enumerate([here_first, there_first, here_first]):
        await network.start_prover(f"p{number}", ("alice", "bob")[number % 2], ask=500 + number, GATEWAY=gateways)

    async with network.client(gateways=here_first) as client:
        program = await register_toy(client, tmp_path, slices=3, behaviour="slow", sleep_ms=700)
        watching = [
            asyncio.ensure_future(submit_and_watch(network, gateways, program.digest, name, tasks=TASKS))
            for name, gateways in (("here", here_first), ("there", there_first))
        ]
        await network.until(lambda status: status.jobs_by_state.get("proven", 0) >= 2)
        assert network.gateway is not None
        assert await network.gateway.stop() == 0
        await network.start_gateway()
        assert await network.others[second].stop() == 0
        await network.start_another_gateway("gateway-2", second)
        tasks = [task for group in await asyncio.gather(*watching) for task in group]

    assert {task.state for task in tasks} == {"done"}
    leases = await leases_of(network)
    assert {row["state"] for row in leases} == {"settled"}
    assert len({row["job_id"] for row in leases}) == len(leases) == 2 * TASKS * 3
    await check_paid_once(network)


async def test_a_leader_paused_in_the_middle_of_a_round_blocks_nobody_and_writes_nothing_late(
    network: Network, tmp_path: Path
) -> None:
    assert network.gateway is not None
    paused = network.gateway
    await network.start_prover("p", "alice", ask=500)
    async with network.client() as client, database_of(network) as observer:
        program = await register_toy(client, tmp_path, slices=1)
        await client.wait((await client.submit(program.digest, ["warm"], limit_price=1_500)).task_id)
        async with observer.transaction():
            # As a hello of the prover does: the round waits for it when it writes, holding its other locks.
            await observer.execute("SELECT pg_advisory_xact_lock(lock_of_session(prover_id)) FROM sessions WHERE open")
            task = await client.submit(program.digest, ["x"], limit_price=1_500)
            await sessions(observer, "wait_event_type = 'Lock' AND query ILIKE '%name: write_round%'")
            os.kill(paused.pid, signal.SIGSTOP)
        await sessions(observer, "state = 'idle in transaction' AND query ILIKE '%name: write_round%'")

        second = await network.start_another_gateway()
        await network.start_prover("q", "bob", ask=600, GATEWAY=second)
        async with network.client(gateways=second) as elsewhere:
            task = await elsewhere.wait(task.task_id)
        before = await observer.fetch("SELECT number, epoch FROM rounds ORDER BY number")
        os.kill(paused.pid, signal.SIGCONT)
        # Awake again it leads rounds as before; what it was about to write is gone.
        again = await client.wait((await client.submit(program.digest, ["y"], limit_price=1_500)).task_id)
        rounds = await observer.fetch("SELECT number, epoch FROM rounds ORDER BY number")

    assert (task.state, again.state) == ("done", "done")
    assert task.jobs[0].operator == network.keys["bob"].address
    assert rounds[: len(before)] == before
    assert [row["number"] for row in rounds] == list(range(1, len(rounds) + 1))
    epochs = [row["epoch"] for row in rounds]
    assert epochs == sorted(epochs)
    assert before[-1]["epoch"] == 2
    assert "round_failed" in paused.log.read_text()
    await check_paid_once(network)


async def test_prove_gives_a_verified_bundle_and_the_same_statement_comes_from_the_store(
    network: Network, tmp_path: Path
) -> None:
    second = await network.start_another_gateway()
    await network.start_prover("p", "alice", ask=500, GATEWAY=network.addresses)
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=2)

    def prove_twice() -> tuple[Proven, Proven, int]:
        # The first address of the list is nobody's.
        with SyncClient(f"127.0.0.1:1,{second}", network.keys["client"]) as client:
            one = client.prove(program.digest, ["x"], tmp_path / "one", limit_price=1_500)
            other = client.prove(program.digest, ["x"], tmp_path / "other", limit_price=1_500, allow_cached=True)
            assert [event.kind for event in client.watch(one.task.task_id)][-1] == "done"
            return one, other, client.account().balance

    one, other, balance = await asyncio.to_thread(prove_twice)
    assert one.task.task_id == other.task.task_id
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert balance == 10_000_000_000 - one.task.spent
    assert one.report.manifest.network == network.admin_key.address
    await check_paid_once(network)
