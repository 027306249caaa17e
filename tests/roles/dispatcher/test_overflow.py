"""Jobs that waited too long in a subnetwork go on to the common lane of their class."""

from __future__ import annotations

from uuid import UUID

from proofgrid.roles.dispatcher.overflow import Overflow
from proofgrid.store.subnetworks import REMOVE_SUBNETWORK
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest

AFTER_MS = 10_000
LANE, COMMON = "acme/toy/small", "default/toy/small"


async def a_task(lane: LaneUnderTest, *, jobs: int = 1, waited_ms: int = AFTER_MS, name: str = LANE) -> UUID:
    """Let a task have waited for so long."""
    task_id = await lane.add_task(jobs=jobs, lane=name)
    await lane.fetch("UPDATE tasks SET created_ms = created_ms - $2 WHERE task_id = $1", task_id, waited_ms)
    return task_id


async def lanes_of(lane: LaneUnderTest, task_id: UUID) -> list[str]:
    rows = await lane.fetch("SELECT lane FROM jobs WHERE task_id = $1 ORDER BY position", task_id)
    return [row["lane"] for row in rows]


async def test_what_waited_too_long_is_sold_to_the_common_provers_and_its_client_is_told(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork("acme", overflow_after_ms=AFTER_MS)
    await lane.add_prover("0xa1", slots=4)
    old, young = await a_task(lane, jobs=2), await a_task(lane, waited_ms=AFTER_MS - 5_000)

    assert await Overflow(lane.database).look() == 2

    assert await lanes_of(lane, old) == [COMMON, COMMON]
    assert await lanes_of(lane, young) == [LANE]
    [told] = [data for kind, data in await lane.events() if kind == "overflowed"]
    assert (told["jobs"], told["from"], told["to"]) == (2, LANE, COMMON)
    assert told["waited_ms"] >= AFTER_MS
    while len(await lane.leases()) < 2:
        assert await lane.sell()
    await lane.check_money()
    assert await Overflow(lane.database).look() == 0


async def test_nothing_flows_over_where_nobody_wanted_it(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork("acme")
    task_id = await a_task(lane)

    assert await Overflow(lane.database).look() == 0

    assert await lanes_of(lane, task_id) == [LANE]


async def test_jobs_that_are_being_proven_stay_and_one_that_was_given_back_has_its_time_again(
    lane: LaneUnderTest,
) -> None:
    await lane.add_subnetwork("acme", overflow_after_ms=AFTER_MS)
    await lane.add_prover("0xa1", subnetworks=("acme",))
    task_id = await a_task(lane)
    assert await lane.sell(stack="acme/toy") == 1
    assert await Overflow(lane.database).look() == 0

    await lane.fetch("UPDATE leases SET state = 'expired', ended_ms = now_ms()")
    await lane.fetch("UPDATE jobs SET state = 'ready'")
    assert await Overflow(lane.database).look() == 0
    await lane.fetch("UPDATE leases SET ended_ms = ended_ms - $1", AFTER_MS)
    assert await Overflow(lane.database).look() == 1

    assert await lanes_of(lane, task_id) == [COMMON]


async def test_what_bids_demand_of_provers_goes_with_them(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork("acme", overflow_after_ms=AFTER_MS)
    wanted = {"allowed_operators": ["0xb2"], "denied_operators": [], "min_stake": 0, "regions": []}
    await lane.fetch("INSERT INTO lane_constraints VALUES ($1, 'acme/toy', $2)", f"{LANE}/abcd", wanted)
    await lane.add_prover("0xa1")
    task_id = await a_task(lane, name=f"{LANE}/abcd")

    assert await Overflow(lane.database).look() == 1

    assert await lanes_of(lane, task_id) == [f"{COMMON}/abcd"]
    assert await lane.sell(rounds=3) == 0
    await lane.add_prover("0xb2")
    assert await lane.sell() == 1


async def test_a_subnetwork_with_open_tasks_cannot_be_removed_and_one_without_leaves_its_tasks(
    lane: LaneUnderTest,
) -> None:
    await lane.add_subnetwork("acme")
    task_id = await lane.add_task(lane=LANE)
    removed: list[str | None] = []
    for state in ("open", "combining", "done"):
        await lane.fetch("UPDATE tasks SET state = $1", state)
        async with lane.database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            name = await connection.first(REMOVE_SUBNETWORK, name="acme")
        removed.append(name)

    assert removed == [None, None, "acme"]
    assert [row["task_id"] for row in await lane.fetch("SELECT task_id FROM tasks WHERE subnetwork IS NULL")] == [
        task_id
    ]
