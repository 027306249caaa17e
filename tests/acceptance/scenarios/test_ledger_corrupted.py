"""Somebody changes a balance by hand, under load: settlement stops and, once repaired, everything is paid once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from proofgrid.sdk.client import Client
from tests.acceptance.scenarios.load import under_load
from tests.acceptance.tasks import check_paid_once, database_of, register_toy
from tests.networks import Network

CORRUPT = "UPDATE accounts SET balance = balance + $1 WHERE account = $2"
PAYMENTS = "SELECT count(*) FROM transfers WHERE reason NOT IN ('deposit', 'escrow')"


async def test_a_corrupted_balance_stops_settlement_and_after_the_repair_everything_is_paid_once(
    network: Network, tmp_path: Path
) -> None:
    await network.start_prover("p1", "alice", ask=500)
    account = f"operator:{network.keys['alice'].address}"
    async with network.client() as client, network.administrator() as administrator:
        program = await register_toy(client, tmp_path, slices=1)
        async with under_load(client, program.digest) as load, database_of(network) as connection:
            await load.grow(5)
            await client.wait(load.acknowledged[0])
            await connection.execute(CORRUPT, 7, account)
            async with asyncio.timeout(30):
                while not await connection.fetchval("SELECT count(*) FROM incidents"):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.1)
            paid = await connection.fetchval(PAYMENTS)
            await load.grow(10)
            assert await connection.fetchval(PAYMENTS) == paid

            await connection.execute(CORRUPT, -7, account)
            listed = await administrator.admin.incidents()
            for one in listed:
                await administrator.admin.close_incident(one.incident_id)
        states = [(await client.wait(task_id)).state for task_id in load.acknowledged]
        closing = await _closing(client)
        after = await administrator.admin.incidents()

    assert [(one.kind, one.subject) for one in listed] == [("balance", account)]
    assert states == ["done"] * len(states)
    assert not after
    assert closing.movements > 0
    await check_paid_once(network)


async def _closing(client: Client) -> Any:
    return [part async for part in client.statement()][-1]
