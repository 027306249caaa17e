"""A prover comes back with a new session: what it holds and what nobody told it of goes on, the rest is sold again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proofgrid.primitives.ids import Address, LeaseId
from proofgrid.rules.jobs.offers import HeldLease
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from tests.makers import an_offer
from tests.roles.lanes import LaneUnderTest


def held(lease: Any) -> HeldLease:
    return HeldLease(lease_id=LeaseId(lease["lease_id"]), fence=lease["fence"])


async def test_what_a_prover_does_not_hold_any_more_is_taken_back_and_what_nobody_told_it_of_goes_on(
    lane: LaneUnderTest,
) -> None:
    session = await lane.add_prover("alice", slots=3)
    for number in range(3):
        await lane.add_task()
        assert await lane.sell() == 1
        if number < 2:
            await lane.offer(session)
    kept, forgotten, untold = await lane.leases()

    back = await lane.desk.open_session(Address("alice"), an_offer(name="p", held=(held(kept),)))

    states = {row["lease_id"]: (row["state"], row["session_id"]) for row in await lane.leases()}
    assert states[kept["lease_id"]] == ("offered", back.session_id)
    assert states[untold["lease_id"]] == ("granted", back.session_id)
    assert states[forgotten["lease_id"]][0] == "expired"


async def test_a_lease_that_is_sold_while_its_prover_comes_back_was_not_forgotten_by_it(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lane.add_prover("alice")
    await lane.add_task()
    transaction = lane.database.transaction

    class SellsAfterAdoption:
        def __init__(self, connection: Any) -> None:
            self.connection = connection

        async def fetch(self, query: str, *args: Any) -> Any:
            rows = await self.connection.fetch(query, *args)
            if query == QUERIES["adopt_leases"]:
                assert await lane.sell() == 1  # the old session is open for everybody else until the commit
            return rows

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    @asynccontextmanager
    async def interrupted(name: Transaction) -> AsyncIterator[Any]:
        async with transaction(name) as connection:
            yield SellsAfterAdoption(connection) if name is Transaction.OPEN_SESSION else connection

    monkeypatch.setattr(lane.database, "transaction", interrupted)
    await lane.desk.open_session(Address("alice"), an_offer(name="p"))

    assert [lease["state"] for lease in await lane.leases()] == ["granted"]
    assert "returned" not in [kind for kind, _ in await lane.events()]
