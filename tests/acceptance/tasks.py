"""What acceptance tests do with a network: register, submit, watch, and check what was paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofgrid.proofs.bundles.bundle import BundleReport, verify_bundle
from proofgrid.sdk.answers.work import Program, Task
from proofgrid.sdk.client import Client
from proofgrid.sdk.event import Event
from tests.networks import WAIT_SECONDS, Network

#: A network that takes no lease back because the machine is busy.
patient = pytest.mark.parametrize(
    "network",
    [{"PICK_UP_MS": "60000", "RUN_MS_FLOOR": "600000", "LEASE_TTL_MS": "60000", "RECONNECT_GRACE_MS": "60000"}],
    indirect=True,
    ids=["patient"],
)


async def register_toy(client: Client, root: Path, **settings: Any) -> Program:
    """Register a toy program: a chain of hashes."""
    source = root / "toy-source"
    source.write_text("chain")
    return await client.register_program({"model": source}, proof_system="toy", settings=settings)


async def events_of(client: Client, task_id: str, *, cursor: int = 0) -> list[Event]:
    """Every event of a task until its end."""
    return [event async for event in client.watch(task_id, cursor=cursor)]


async def submit_and_watch(network: Network, gateways: str, digest: str, name: str, *, tasks: int) -> list[Task]:
    """One client with its own order of gateways: submit, follow every task to its end, read the results."""
    async with network.client(gateways=gateways) as client:
        submitted = [
            await client.submit(digest, [f"{name} {number}"], limit_price=1_500, idempotency_key=f"{name}-{number}")
            for number in range(tasks)
        ]
        logs = await asyncio.gather(*(events_of(client, task.task_id) for task in submitted))
        for events in logs:
            assert [event.cursor for event in events] == list(range(1, len(events) + 1))
        return [await client.task(task.task_id) for task in submitted]


async def wait_for(client: Client, task_id: str, kind: str, **data: Any) -> Event:
    """Follow a task until an event of this kind with this data."""
    async for event in client.watch(task_id):
        if event.kind == kind and data.items() <= event.data.items():
            return event
    raise AssertionError(f"the task ended without {kind} {data}")


def the_event(events: Sequence[Event], kind: str, **data: Any) -> Event:
    """Return the first event of this kind with this data."""
    seen = [event for event in events if event.kind == kind]
    for event in seen:
        if data.items() <= event.data.items():
            return event
    kinds = [event.kind for event in events]
    raise AssertionError(f"no event {kind} {data} among {kinds}; of this kind were: {[event.data for event in seen]}")


async def fetch_and_verify(client: Client, network: Network, task: Task, folder: Path) -> BundleReport:
    """Download a task's bundle and verify it as a stranger would."""
    path = folder / f"{task.task_id}.bundle"
    await client.fetch_result(task.task_id, path)
    workdir = folder / f"{task.task_id}-verify"
    workdir.mkdir()
    return verify_bundle(
        path, expect_program=task.program_digest, expect_network=network.admin_key.address, workdir=workdir
    )


@asynccontextmanager
async def database_of(network: Network) -> AsyncIterator[Any]:
    """A connection to the network's database, to look at what no client may see."""
    connection = await asyncpg.connect(network.dsn)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        yield connection
    finally:
        await connection.close()


async def sessions(connection: Any, condition: str) -> None:
    """Wait until a session of this test's database is as described."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {condition}"  # noqa: S608
    async with asyncio.timeout(WAIT_SECONDS):
        while not await connection.fetchval(query):
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.02)


async def check_paid_once(network: Network) -> None:
    """Every proven job was paid exactly once, nothing else was paid, and no event number is missing."""
    async with database_of(network) as connection:
        paid = await connection.fetch(
            "SELECT job_id, count(*) AS times FROM transfers WHERE reason = 'proof' GROUP BY 1"
        )
        proven = await connection.fetch("SELECT job_id FROM jobs WHERE state = 'proven'")
        gaps = await connection.fetch(
            "SELECT task_id FROM task_events GROUP BY task_id HAVING max(seq) <> count(*) OR min(seq) <> 1"
        )
        settled = await connection.fetch(
            "SELECT job_id, count(*) AS times FROM leases WHERE state = 'settled' GROUP BY 1 HAVING count(*) > 1"
        )
    assert {row["job_id"]: row["times"] for row in paid} == {row["job_id"]: 1 for row in proven}
    assert not gaps
    assert not settled
