"""A sibling that died is struck off at once, also after the database was away."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from proofgrid.bootstrap.gateway.running import strike_off
from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.ids import GatewayId
from proofgrid.store.database import Database
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.transactions import Transaction


async def test_those_who_died_are_gone_and_an_absent_database_ends_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [GatewayId(UUID(int=number)) for number in (1, 2, 3)]
    for gateway_id in ids:
        await database.write(Transaction.JOIN_NETWORK, REGISTER_GATEWAY, gateway_id=gateway_id)
    dead: asyncio.Queue[GatewayId] = asyncio.Queue()
    write, calls, gone = database.write, 0, asyncio.Event()

    async def away_at_first(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("the database is away")
        rows: object = await write(*arguments, **named)  # type: ignore[arg-type]
        gone.set()
        return rows

    monkeypatch.setattr(database, "write", away_at_first)
    for gateway_id in ids[:2]:
        dead.put_nowait(gateway_id)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        striking = group.create_task(strike_off(database, dead))
        await gone.wait()
        striking.cancel()

    observer = await asyncpg.connect(database.dsn)
    left = [row["gateway_id"] for row in await observer.fetch("SELECT gateway_id FROM gateways ORDER BY gateway_id")]
    await observer.close()
    assert left == [ids[0], ids[2]]  # of the first one they learn by its silence
