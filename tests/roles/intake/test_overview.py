"""What anybody may see of the market: counted rightly, misses as misses, and nothing of closed subnetworks."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import UnknownRound
from proofgrid.primitives.ids import Lane
from proofgrid.roles.intake.held import Held
from proofgrid.roles.intake.overview import Overview
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.reputation.standing import ReputationPolicy
from tests.roles.lanes import LANE, UNITS, LaneUnderTest

CLOSED = Lane("club/toy/small")


def an_overview(lane: LaneUnderTest, clock: ManualClock | None = None) -> Overview:
    reputation = Reputation(lane.database, ReputationPolicy())
    return Overview(lane.database, reputation, clock or ManualClock(), silent_ms=lane.silent_ms)


async def test_lanes_show_what_waits_what_is_free_and_what_was_sold(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", slots=3, ask=700)
    await lane.add_prover("bob", slots=2, ask=900)
    await lane.add_task(jobs=2)
    assert await lane.sell() > 0
    sold = (await lane.fetch("SELECT count(*) AS number FROM leases"))[0]["number"]
    await lane.add_task(jobs=3, limit_price=1)

    now = await an_overview(lane).now()

    [capacity] = now.capacity
    assert (capacity.lane, capacity.provers, capacity.slots, capacity.busy) == (LANE, 2, 5, sold)
    assert capacity.least_ask == 700
    [waiting] = now.waiting
    assert (waiting.lane, waiting.jobs, waiting.units) == (LANE, 5 - sold, (5 - sold) * UNITS)
    [shown] = now.lanes
    assert shown.rounds >= 1


async def test_capacity_is_not_of_those_who_are_sold_nothing(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", "gone", slots=3)
    await lane.add_prover("alice", "there", slots=2, ask=800)
    await lane.fetch("UPDATE sessions SET draining = true WHERE prover_id = 'alice/gone'")

    [capacity] = (await an_overview(lane).now()).capacity

    assert (capacity.provers, capacity.slots, capacity.least_ask) == (1, 2, 800)


async def test_a_task_without_a_bundle_is_longer_than_any_time(lane: LaneUnderTest) -> None:
    for took_ms in range(1, 100):
        task = await lane.add_task()
        await lane.fetch(
            "UPDATE tasks SET state = 'done', finished_ms = created_ms + $2 WHERE task_id = $1", task, took_ms * 100
        )
    for state in ("failed", "failed", "cancelled"):
        task = await lane.add_task()
        await lane.fetch("UPDATE tasks SET state = $2, finished_ms = created_ms WHERE task_id = $1", task, state)

    [one] = (await an_overview(lane).figures()).punctuality

    assert (one.lane, one.tasks, one.misses) == (LANE, 101, 2)
    assert (one.p50_ms, one.p95_ms, one.p99_ms) == (5_100, 9_600, None)


async def test_prices_are_those_of_rounds_that_sold(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", slots=2)
    await lane.add_prover("bob", slots=2)
    await lane.add_task(jobs=2)
    await lane.sell()
    overview = an_overview(lane)

    points = await overview.prices(LANE, window_ms=3_600_000)
    rounds = await overview.rounds(LANE, all_rounds=False)
    shown = await overview.round(LANE, rounds[0].number)

    assert sum(point.units for point in points) == sum(one.units for one in rounds) > 0
    assert points[-1].buy_price == shown.buy_price > 0
    assert await overview.rounds(LANE, below=rounds[-1].number, all_rounds=False) == []


async def test_lanes_of_closed_subnetworks_are_as_unknown_as_others(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork("club", ("alice", "operator"), is_open=False)
    await lane.add_prover("alice", slots=2, subnetworks=("club",))
    await lane.add_prover("alice", "q", slots=2, subnetworks=("club",))
    await lane.add_task(lane=CLOSED)
    await lane.sell(stack="club/toy")
    await lane.add_task(lane=CLOSED, limit_price=1)
    overview = an_overview(lane)

    now, figures = await overview.now(), await overview.figures()

    assert [*now.lanes, *now.capacity, *now.waiting, *figures.proven, *figures.punctuality, *figures.prices] == []
    for name in (CLOSED, "nobody/toy/small", "", "'; --"):
        with pytest.raises(UnknownRound):
            await overview.rounds(name)
        with pytest.raises(UnknownRound):
            await overview.prices(name, window_ms=1)
        with pytest.raises(UnknownRound):
            await overview.round(name, 0)


async def test_a_round_that_names_people_is_not_shown(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", slots=2)
    await lane.add_prover("bob", slots=2)
    await lane.add_task(jobs=2)
    await lane.sell()
    await lane.fetch("UPDATE rounds SET secret = NULL")
    overview = an_overview(lane)
    [number] = [one.number for one in await overview.rounds(LANE) if one.units]

    with pytest.raises(UnknownRound):
        await overview.round(LANE, number)


async def test_lanes_of_bids_with_constraints_are_no_lanes_of_the_list(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", slots=2, region="eu")
    await lane.add_prover("bob", slots=2, region="eu")
    await lane.add_task(jobs=2, constraints=Constraints(regions=frozenset({"eu"})))
    await lane.sell()

    now = await an_overview(lane).now()

    assert all(one.lane.count("/") == 2 for one in now.lanes)


async def test_many_who_ask_at_once_are_one_who_asks() -> None:
    clock, asked = ManualClock(), []

    async def read(key: str) -> str:
        asked.append(key)
        await asyncio.sleep(0)
        return key.upper()

    held = Held(read, holds_ms=1_000, clock=clock)

    assert await asyncio.gather(*(held.get("a") for _ in range(50))) == ["A"] * 50
    clock.advance(999)
    assert await held.get("a") == "A"
    assert asked == ["a"]
    clock.advance(1)
    await held.get("a")
    assert asked == ["a", "a"]


async def test_what_could_not_be_read_is_read_again() -> None:
    troubles = [KeyError()]

    async def read(_: None) -> str:
        if troubles:
            raise troubles.pop()
        return "there"

    held = Held(read, holds_ms=1_000, clock=ManualClock())

    with pytest.raises(KeyError):
        await held.get(None)
    assert await held.get(None) == "there"
