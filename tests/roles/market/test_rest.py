"""Where nothing waits, nobody looks because provers have room again; where something does, room is a reason to look."""

from __future__ import annotations

from tests.roles.dispatcher.test_silence import heard, told_so_far
from tests.roles.lanes import LANE, STACK, LaneUnderTest

ROOM = f"{LANE} free"


async def test_room_wakes_no_market_that_saw_that_nothing_waits(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    market = lane.market
    assert await market.hold_rounds(STACK) is None
    market.hear(ROOM)
    assert market._stacks == {}
    assert await market._until_next_job(STACK) is None

    market.hear(LANE)
    assert list(market._stacks) == [STACK]


async def test_room_wakes_a_market_that_has_not_looked_yet(lane: LaneUnderTest) -> None:
    market = lane.market
    market.hear(ROOM)
    assert list(market._stacks) == [STACK]


async def test_room_wakes_a_market_with_jobs_that_wait(lane: LaneUnderTest) -> None:
    market = lane.market
    assert await market.hold_rounds(STACK) is None
    await lane.add_task()  # of which this market is not told
    assert await market.hold_rounds(STACK) is None  # nobody is there who could prove it
    market.hear(ROOM)
    assert list(market._stacks) == [STACK]


async def test_a_stack_that_waits_for_provers_busy_elsewhere_is_woken_by_room_where_nothing_waits(
    lane: LaneUnderTest,
) -> None:
    market = lane.market
    assert await market.hold_rounds(STACK) is None
    market.wake("default/other/small")
    hungry = next(iter(market._stacks.values()))
    hungry._loop._woken.clear()
    market._hungry = set(market._stacks)
    market.hear(ROOM)
    assert hungry._loop._woken.is_set()
    assert STACK not in market._stacks


async def test_a_payment_tells_of_room_and_wakes_the_lanes_of_jobs_that_are_ready_now(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice", slots=4)
    for wraps, told_of in (((), {ROOM}), (((0,),), {LANE})):
        await lane.add_task(wraps=wraps)
        await lane.sell()
        await lane.offer(session)
        [lease] = [one for one in await lane.leases() if one["state"] == "offered"]
        async with heard(lane, "lanes") as told:
            [paid] = await lane.pay(lease)
            assert not isinstance(paid, Exception)
            assert await told_so_far(lane, told) == told_of
