"""An engine that was stopped: nothing more is sold or paid for, its tasks end refunded, and nobody is to blame."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.primitives.engine_errors import EngineBroken
from proofgrid.primitives.errors import LeaseLost
from proofgrid.roles.dispatcher.stopped_engines import SETTLED_MS, StoppedEngines
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.store.engines import RESUME_ENGINE, STOP_ENGINE
from proofgrid.store.ledger import balance_of
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import CLIENT, LaneUnderTest

BROKEN, SOUND = "toy@1.0", "toy@2.0"
LANE, OTHER_LANE = f"default/{BROKEN}/small", f"default/{SOUND}/small"
STACK = f"default/{BROKEN}"


async def stop(lane: LaneUnderTest, engine: str = BROKEN) -> None:
    await lane.database.write(Transaction.CHANGE_ENGINES, STOP_ENGINE, engine=engine, reason="unsound", by="0xadmin")


async def balance(lane: LaneUnderTest) -> int:
    async with lane.database.connection() as connection:
        return await balance_of(connection, client_account(CLIENT))


async def states(lane: LaneUnderTest) -> dict[str, str]:
    return {str(row["task_id"]): row["state"] for row in await lane.fetch("SELECT task_id, state FROM tasks")}


async def sweep(lane: LaneUnderTest) -> None:
    while await StoppedEngines(lane.database).look():
        pass


async def test_waiting_and_leased_jobs_end_refunded_and_nobody_is_blamed(lane: LaneUnderTest) -> None:
    before = await balance(lane)
    await lane.add_prover("alice", systems=[BROKEN])
    await lane.add_task(lane=LANE)
    assert await lane.sell(stack=STACK) == 1
    await lane.add_task(lane=LANE, limit_price=1)
    other = await lane.add_task(lane=OTHER_LANE)
    standing = "SELECT late_micro, lost_micro, crashed_micro, invalid_micro, outcomes, jobs_failed FROM provers"
    stood = await lane.fetch(standing)

    await stop(lane)
    await sweep(lane)

    assert sorted((await states(lane)).values()) == ["failed", "failed", "open"]
    assert (await states(lane))[str(other)] == "open"
    [lease] = await lane.leases()
    assert lease["state"] == "stopped"
    assert await lane.fetch(standing) == stood
    failed = [data for kind, data in await lane.events() if kind == "failed"]
    assert {data["code"] for data in failed} == {EngineBroken.code}
    assert all("toy@1.0 was stopped by an administrator: unsound" in data["detail"] for data in failed)
    assert await balance(lane) == before - 1_500 * 1_000
    await lane.check_money()


async def test_what_was_proven_stays_paid_and_the_rest_goes_back(lane: LaneUnderTest) -> None:
    before = await balance(lane)
    session = await lane.add_prover("alice", systems=[BROKEN], slots=4)
    await lane.add_task(lane=LANE, jobs=2)
    assert await lane.sell(stack=STACK)
    await lane.offer(session)
    [lease, *_] = await lane.leases()
    assert await lane.pay(lease) == ["alice/p"]

    await stop(lane)
    await sweep(lane)

    spent = sum(amount for reason, _, amount in await lane.payments() if reason != "refund")
    assert spent > 0
    assert await balance(lane) == before - spent
    await lane.check_money()


async def test_a_task_whose_proofs_are_all_there_is_not_sealed_but_ends(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice", systems=[BROKEN])
    await lane.add_task(lane=LANE)
    assert await lane.sell(stack=STACK) == 1
    await lane.offer(session)
    await lane.pay(*await lane.leases())
    assert set((await states(lane)).values()) == {"combining"}
    await stop(lane)
    await sweep(lane)
    assert set((await states(lane)).values()) == {"failed"}
    await lane.check_money()


async def test_nothing_is_sold_in_its_lanes_from_the_stop_on(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", systems=[BROKEN])
    await lane.add_prover("bob", systems=[SOUND])
    await lane.add_task(lane=LANE)
    await lane.add_task(lane=OTHER_LANE)
    await stop(lane)
    assert await lane.sell(stack=STACK, rounds=4) == 0
    assert await lane.sell(stack=f"default/{SOUND}") == 1
    await lane.database.write(Transaction.CHANGE_ENGINES, RESUME_ENGINE, engine=BROKEN, by="0xadmin")
    assert await lane.sell(stack=STACK) == 1


async def test_a_proof_that_was_on_its_way_is_not_paid(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice", systems=[BROKEN])
    await lane.add_task(lane=LANE)
    assert await lane.sell(stack=STACK) == 1
    await lane.offer(session)
    await stop(lane)
    [outcome] = await lane.pay(*await lane.leases())
    assert isinstance(outcome, LeaseLost)
    assert await lane.payments() == []


async def test_the_next_gateway_goes_on_and_a_stop_is_looked_at_until_no_more_tasks_can_come(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofgrid.roles.dispatcher.stopped_engines.TASKS_PER_LOOK", 2)
    for _ in range(5):
        await lane.add_task(lane=LANE)
    await stop(lane)
    assert await StoppedEngines(lane.database).look()  # and that gateway dies
    assert sorted((await states(lane)).values()) == ["failed"] * 2 + ["open"] * 3
    await sweep(lane)
    assert set((await states(lane)).values()) == {"failed"}

    late = await lane.add_task(lane=LANE)  # it was checked before the stop, and written down after it
    await sweep(lane)
    assert (await states(lane))[str(late)] == "failed"
    assert await _swept(lane) == [False]
    await lane.fetch("UPDATE engine_stops SET stopped_ms = stopped_ms - $1", SETTLED_MS)
    await sweep(lane)
    assert await _swept(lane) == [True]


async def _swept(lane: LaneUnderTest) -> list[Any]:
    return [row["swept"] for row in await lane.fetch("SELECT swept FROM engine_stops")]
