"""A prover that serves several stacks is never sold twice, however many of their rounds are held at once."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import Any

import pytest

from proofgrid.primitives.ids import Stack
from proofgrid.roles.market.granting import Granting
from proofgrid.roles.market.pacing import RoundsTally
from proofgrid.roles.market.rounds import Market
from tests.roles.lanes import LaneUnderTest

ACME = "acme"


class _HeldBack(Granting):
    """Waits, its round decided and not yet written, until it may go on."""

    decided: asyncio.Event
    go_on: asyncio.Event

    async def write(self, *args: Any, **options: Any) -> None:
        type(self).decided.set()
        await type(self).go_on.wait()
        await super().write(*args, **options)


def a_market_held_back(lane: LaneUnderTest) -> tuple[Market, type[_HeldBack]]:
    """Return a market whose next round stops before it is written."""
    kind = type("HeldBack", (_HeldBack,), {"decided": asyncio.Event(), "go_on": asyncio.Event()})
    market = lane.market
    market._granting = kind(**{one.name: getattr(market._granting, one.name) for one in fields(Granting)})
    return market, kind


async def two_rounds_at_once(
    lane: LaneUnderTest, first: str, second: str
) -> tuple[RoundsTally | None, RoundsTally | None]:
    """Hold a round of one stack while the round of the other one is decided and not yet written."""
    market, back = a_market_held_back(lane)
    async with asyncio.TaskGroup() as group:
        holding = group.create_task(market.hold_rounds(Stack(first)))
        await back.decided.wait()
        other = await lane.market.hold_rounds(Stack(second))
        back.go_on.set()
    return holding.result(), other


STACKS = [
    pytest.param({"systems": ("toy", "ezkl")}, "default/toy", "default/ezkl", id="two proof systems"),
    pytest.param({"subnetworks": ("default", ACME)}, "default/toy", "acme/toy", id="two subnetworks"),
]


@pytest.mark.parametrize(("serves", "first", "second"), STACKS)
async def test_one_slot_is_sold_once_in_two_rounds_at_once(
    lane: LaneUnderTest, serves: dict[str, Any], first: str, second: str
) -> None:
    await lane.add_subnetwork(ACME, is_open=True)
    await lane.add_prover("0xa1", **serves)
    for stack in (first, second):
        await lane.add_task(lane=f"{stack}/small")

    sold, other = await two_rounds_at_once(lane, first, second)

    assert sold is not None
    assert other is not None
    assert (sold.sold, other.sold) == (1, 0)
    assert other.next_job_ms is not None  # it looks again soon
    assert [lease["lane"] for lease in await lane.leases()] == [f"{first}/small"]
    # The slot stays sold when the other stack looks again,
    assert await lane.sell(stack=second, rounds=3) == 0
    # until it is free.
    await lane.fetch("UPDATE leases SET state = 'reported'")
    assert await lane.sell(stack=second) == 1


@pytest.mark.parametrize(("serves", "first", "second"), STACKS)
async def test_what_one_round_leaves_the_other_may_sell_afterwards(
    lane: LaneUnderTest, serves: dict[str, Any], first: str, second: str
) -> None:
    await lane.add_subnetwork(ACME, is_open=True)
    await lane.add_prover("0xa1", slots=2, **serves)
    for stack in (first, second):
        await lane.add_task(jobs=3, lane=f"{stack}/small")

    await two_rounds_at_once(lane, first, second)
    for stack in (second, first, second, first):
        await lane.sell(stack=stack, rounds=2)

    assert len(await lane.leases()) == 2


async def test_provers_of_one_stack_are_sold_side_by_side(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork(ACME, is_open=True)
    await lane.add_prover("0xa1")
    await lane.add_prover("0xb2", subnetworks=(ACME,))
    for stack in ("default/toy", "acme/toy"):
        await lane.add_task(lane=f"{stack}/small")

    sold, other = await two_rounds_at_once(lane, "default/toy", "acme/toy")

    assert sold is not None
    assert other is not None
    assert (sold.sold, other.sold) == (1, 1)
    assert not await lane.fetch("SELECT * FROM prover_turns")


async def test_a_stack_that_waits_for_a_prover_of_another_one_is_woken_when_something_changes_there(
    lane: LaneUnderTest,
) -> None:
    await lane.add_prover("0xa1", systems=("toy", "ezkl"))
    for stack in ("default/toy", "default/ezkl"):
        await lane.add_task(lane=f"{stack}/small")
    market = lane.market
    async with asyncio.TaskGroup() as group:
        running = group.create_task(market.run())
        await _until(lane, leases=1)
        await asyncio.sleep(0.2)  # the other one has found nobody free by now
        [lease] = await lane.leases()
        await lane.fetch("UPDATE leases SET state = 'reported'")
        market.wake(lease["lane"])
        await _until(lane, leases=2)
        running.cancel()

    assert {lease["lane"] for lease in await lane.leases()} == {"default/toy/small", "default/ezkl/small"}


async def test_the_first_round_of_a_subnetworks_lane_starts_from_its_own_reference_price(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork(ACME, is_open=True, reference_price=1_234)
    await lane.add_prover("0xa1", subnetworks=(ACME,))
    await lane.add_task(lane="acme/toy/small")

    assert await lane.sell(stack="acme/toy") == 1

    assert [lease["buy_price"] for lease in await lane.leases()] == [1_234]  # a lone prover sells at it


async def test_a_dedicated_prover_is_not_offered_in_the_common_lanes(lane: LaneUnderTest) -> None:
    await lane.add_subnetwork(ACME, is_open=True)
    await lane.add_prover("0xa1", subnetworks=(ACME,))
    await lane.add_task()

    assert await lane.sell(rounds=3) == 0


async def _until(lane: LaneUnderTest, *, leases: int) -> None:
    async with asyncio.timeout(60):
        while len(await lane.leases()) < leases:  # noqa: ASYNC110 - the database has no event for us
            await asyncio.sleep(0.02)
