"""No lease ends for a reason that is the gateway's: what it could not tell, or was told and has not handled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from uuid import uuid4

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.ids import Address, SessionId
from proofgrid.roles.dispatcher.in_hand import LATE_SECONDS, InHand
from proofgrid.rules.jobs.offers import JobReport, Paid
from tests.makers import OWN, some_terms
from tests.roles.lanes import LaneUnderTest, held

LATE_MS = int(1_000 * LATE_SECONDS)


class LateGateway:
    """A lane whose gateway's clock is ours."""

    def __init__(self, lane: LaneUnderTest) -> None:
        self.lane = lane
        self.clock = ManualClock()
        self.lag_seconds = 0.0
        lane.in_hand = InHand(self.clock, lambda: self.lag_seconds)

    async def an_offered_lease(self) -> Any:
        session = await self.lane.add_prover("alice")
        await self.lane.add_task()
        await self.lane.sell()
        await self.lane.offer(session)
        return (await self.lane.leases())[0]

    async def time_is_over(self) -> None:
        """All leases run out."""
        await self.lane.fetch("UPDATE leases SET expires_ms = now_ms(), phase_until_ms = now_ms()")

    async def look(self) -> str:
        """Look as the watch does; return what the lease is then."""
        await self.lane.clocks.stop()
        await self.lane.watch.take_back_expired()
        return str((await self.lane.leases())[0]["state"])


@pytest.fixture
def late(lane: LaneUnderTest) -> LateGateway:
    return LateGateway(lane)


async def test_a_lease_is_taken_back_when_nothing_is_late(late: LateGateway) -> None:
    await late.an_offered_lease()
    await late.time_is_over()

    assert await late.look() == "expired"


async def test_a_loop_that_was_held_up_takes_nothing_back(late: LateGateway) -> None:
    await late.an_offered_lease()
    await late.time_is_over()
    late.lag_seconds = 10.0

    assert await late.look() == "offered"

    late.lag_seconds = 0.0
    assert await late.look() == "offered"  # there is a grace in which it can be told and heard
    await late.time_is_over()
    assert await late.look() == "expired"


Holding = Callable[[InHand, Any], AbstractContextManager[None]]
WORDS: dict[str, Holding] = {
    "words": lambda in_hand, lease: in_hand.words([held(lease)]),
    "a stream that is not read on": lambda in_hand, lease: in_hand.unread(SessionId(lease["session_id"])),
}


@pytest.mark.parametrize("holding", WORDS.values(), ids=WORDS)
async def test_words_stop_the_clock_once_the_gateway_is_late_with_them(late: LateGateway, holding: Holding) -> None:
    lease = await late.an_offered_lease()
    with holding(late.lane.in_hand, lease):
        late.clock.advance(LATE_MS)
        await late.time_is_over()

        assert await late.look() == "offered"

    await late.time_is_over()
    assert await late.look() == "expired"


@pytest.mark.parametrize("holding", WORDS.values(), ids=WORDS)
async def test_words_alone_lengthen_nothing(late: LateGateway, holding: Holding) -> None:
    """A prover that says something all the time holds no lease by it."""
    lease = await late.an_offered_lease()
    await late.time_is_over()
    with holding(late.lane.in_hand, lease):
        late.clock.advance(LATE_MS - 1)

        assert await late.look() == "expired"


async def test_a_result_stops_the_clock_from_the_moment_it_is_read(late: LateGateway) -> None:
    lease = await late.an_offered_lease()
    await late.time_is_over()
    with late.lane.in_hand.last_words([held(lease)]):
        assert await late.look() == "offered"


async def test_one_streams_lateness_keeps_no_lease_of_another(late: LateGateway) -> None:
    await late.an_offered_lease()
    await late.time_is_over()
    with late.lane.in_hand.unread(SessionId(uuid4())):
        late.clock.advance(LATE_MS)

        assert await late.look() == "expired"


async def test_a_lease_that_could_not_be_told_yet_is_not_taken_back(late: LateGateway) -> None:
    await late.lane.add_prover("alice")
    await late.lane.add_task()
    await late.lane.sell()
    desk = late.lane.desk
    desk.wake_all()
    late.clock.advance(LATE_MS)
    await late.time_is_over()

    assert await late.look() == "granted"

    await desk._out._offer()  # the desk gets to it; nothing is in hand any more
    await late.time_is_over()
    assert await late.look() == "expired"


async def test_the_desk_has_a_result_in_hand_until_it_is_judged(late: LateGateway) -> None:
    lease = await late.an_offered_lease()
    judging, judged = asyncio.Event(), asyncio.Event()

    async def settle(reports: Sequence[JobReport], _: Address) -> list[Paid]:
        judging.set()
        await judged.wait()
        return [Paid(prover_id=lease["prover_id"], price=1)] * len(reports)

    desk = late.lane.desk
    desk._settle = settle
    session = await desk.open_session(Address("alice"), some_terms(name="other"), OWN)
    report = JobReport(held=held(lease), proof=b"", proof_digest=None, public={}, wall_ms=1, memory_peak_bytes=0)
    async with asyncio.TaskGroup() as group:
        verdicts = group.create_task(desk.results(session, [report]))
        await judging.wait()
        in_hand = late.lane.in_hand.late().lease_ids
        judged.set()

    assert in_hand == {lease["lease_id"]}
    assert verdicts.result()[0].accepted
    assert not late.lane.in_hand.late()


async def test_what_waits_for_a_late_gateway_is_not_slow(late: LateGateway) -> None:
    """No second lease is bought, so nothing is proven twice, because this gateway has not read a result yet."""
    lease = await late.an_offered_lease()
    await late.lane.add_prover("bob")
    async with late.lane.running_desk() as desk:
        await late.lane.say(desk, lease, 0)
    await late.lane.make_slow()

    with ExitStack() as stack:
        stack.enter_context(late.lane.in_hand.last_words([held(lease)]))
        await late.lane.watch._look()
        while_in_hand = [kind for kind, _ in await late.lane.events()]
    await late.lane.look()

    assert "slow" not in while_in_hand
    assert "slow" in [kind for kind, _ in await late.lane.events()]
