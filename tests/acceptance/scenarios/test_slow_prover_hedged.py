"""A slow prover: a second lease goes to another operator and wins, the slow one is stopped and paid its share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from tests.acceptance.tasks import database_of, events_of, fetch_and_verify, register_toy, wait_for
from tests.networks import Network

SAMPLES = 24  #: more than a lane needs before it knows what is usual


async def test_a_slow_prover_is_overtaken_by_another_operator_stopped_and_paid_its_share(
    network: Network, tmp_path: Path
) -> None:
    tired = await network.start_prover("tired", "alice", ask=500, SLOTS="2")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, sleep_ms=30_000)
        usual = await client.submit(program.digest, [f"usual {n}" for n in range(SAMPLES)], limit_price=3_000)
        await client.wait(usual.task_id)

        (network.keys_directory("tired", "alice") / "toy-behaviour").write_text("slow")
        task = await client.submit(program.digest, ["x"], limit_price=3_000)
        await wait_for(client, task.task_id, "stage", stage="prove", permille=90)
        children = tired.proving()
        await network.start_prover("fresh", "bob", ask=900)
        events = await events_of(client, task.task_id)
        ended = await client.task(task.task_id)
        await fetch_and_verify(client, network, ended, tmp_path)

    kinds = [event.kind for event in events if event.kind not in ("stage", "no_sale")]
    assert kinds == ["accepted", "sold", "slow", "hedged", "proven", "hedge_lost", "combining", "done"]
    data = {event.kind: event.data for event in events}
    assert data["slow"]["running_ms"] > 1.25 * data["slow"]["usual_ms"]
    assert data["proven"]["operator"] == network.keys["bob"].address
    assert data["hedge_lost"]["operator"] == network.keys["alice"].address
    price = data["sold"]["sell_price"]
    assert data["hedge_lost"]["paid"] == price * ended.units * data["hedge_lost"]["shown"] // 4_000 > 0

    async with database_of(network) as connection:
        paid = await connection.fetch(
            "SELECT reason, credit, amount FROM transfers WHERE job_id = $1 AND reason <> 'surplus'",
            ended.jobs[0].job_id,
        )
    assert {(row["reason"], row["credit"].rpartition(":")[2]) for row in paid} == {
        ("proof", network.keys["bob"].address),
        ("hedge", network.keys["alice"].address),
    }
    assert ended.spent <= 3_000 * ended.units
    assert children
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 20)
    assert not alive


async def test_a_client_who_wants_no_second_lease_waits_and_is_told_why(network: Network, tmp_path: Path) -> None:
    await network.start_prover("tired", "alice", ask=500, SLOTS="2")
    async with network.client() as client:
        program = await register_toy(client, tmp_path, slices=1, sleep_ms=9_000)
        usual = await client.submit(program.digest, [f"usual {n}" for n in range(SAMPLES)], limit_price=3_000)
        await client.wait(usual.task_id)

        (network.keys_directory("tired", "alice") / "toy-behaviour").write_text("slow")
        task = await client.submit(program.digest, ["x"], limit_price=3_000, hedging=False)
        await wait_for(client, task.task_id, "stage", stage="prove")
        await network.start_prover("fresh", "bob", ask=900)
        events = await events_of(client, task.task_id)

    kinds = [event.kind for event in events]
    assert "slow" in kinds
    assert "hedged" not in kinds
    assert [e.data["operator"] for e in events if e.kind == "proven"] == [network.keys["alice"].address]
