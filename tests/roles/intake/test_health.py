"""A gateway says whether it serves, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.intake import health as health_module
from proofgrid.roles.intake.health import DRAINING, Health
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database


async def test_a_gateway_does_not_serve_while_its_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, told = Health(database), []

    async def tell(reason: str) -> None:
        told.append(reason)

    @asynccontextmanager
    async def away(_: Urgency) -> AsyncIterator[Connection]:
        raise Unavailable("the database is away: it was killed")
        yield

    health.tell(tell)
    await health.look()
    with monkeypatch.context() as patched:
        patched.setattr(database, "connection", away)
        await health.look()
        await health.look()
    await health.look()

    assert told == ["the database is away: it was killed", ""]


async def test_a_database_that_is_silent_is_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "ANSWER_SECONDS", 0.05)
    health = Health(database)

    @asynccontextmanager
    async def silent(_: Urgency) -> AsyncIterator[Connection]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]

    monkeypatch.setattr(database, "connection", silent)
    await health.look()

    assert health.reason == "the database did not answer within 0.05 s"


async def test_a_gateway_that_closes_serves_nobody_any_more(database: Database) -> None:
    health = Health(database)

    await health.drain()
    await health.look()

    assert health.reason == DRAINING
