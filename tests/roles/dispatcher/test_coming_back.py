"""A prover comes back with a new session: what it holds and what nobody told it of goes on, the rest is sold again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from proofgrid.primitives.ids import Address
from proofgrid.store.connection import Connection
from proofgrid.store.transactions import Transaction
from tests.acceptance.tasks import sessions
from tests.makers import OWN, some_terms
from tests.roles.lanes import LaneUnderTest, held


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

    back = await lane.desk.open_session(Address("alice"), some_terms(name="p", held=(held(kept),)), OWN)

    states = {row["lease_id"]: (row["state"], row["session_id"]) for row in await lane.leases()}
    assert states[kept["lease_id"]] == ("offered", back.session_id)
    assert states[untold["lease_id"]] == ("granted", back.session_id)
    assert states[forgotten["lease_id"]][0] == "expired"


async def test_a_round_that_sells_to_a_prover_that_comes_back_sells_to_its_new_session(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round has seen the old session; the hello has looked for what was sold, and is not committed yet."""
    await lane.add_prover("alice")
    await lane.add_task()
    async with asyncio.TaskGroup() as group:
        before_the_commit(lane, Transaction.OPEN_SESSION, lambda: group.create_task(lane.sell()), monkeypatch)
        back = await lane.desk.open_session(Address("alice"), some_terms(name="p"), OWN)

    assert [(lease["state"], lease["session_id"]) for lease in await lane.leases()] == [("granted", back.session_id)]
    assert "returned" not in [kind for kind, _ in await lane.events()]


async def test_a_prover_that_comes_back_while_a_round_sells_to_it_takes_the_lease_over(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lane.add_prover("alice")
    await lane.add_task()
    async with asyncio.TaskGroup() as group:
        hello = lane.desk.open_session(Address("alice"), some_terms(name="p"), OWN)
        before_the_commit(lane, Transaction.HOLD_ROUND, lambda: group.create_task(hello), monkeypatch)
        assert await lane.sell() == 1

    [lease] = await lane.leases()
    [session] = await lane.fetch("SELECT session_id FROM sessions WHERE open")
    assert (lease["state"], lease["session_id"]) == ("granted", session["session_id"])
    assert "returned" not in [kind for kind, _ in await lane.events()]


def before_the_commit(
    lane: LaneUnderTest, name: Transaction, begin: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let something begin just before a transaction commits that has to wait for the commit, and is seen to wait."""
    transaction = lane.database.transaction

    @asynccontextmanager
    async def interrupted(running: Transaction) -> AsyncIterator[Connection]:
        async with transaction(running) as connection:
            yield connection
            if running is name:
                begin()
                await sessions(connection.raw, "wait_event = 'advisory'")

    monkeypatch.setattr(lane.database, "transaction", interrupted)
