"""A task from close by, and an operator's own provers: right numbers, and nothing of others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from proofgrid.primitives.errors import UnknownTask
from proofgrid.primitives.ids import Address, JobId, TaskId
from proofgrid.roles.intake.bonds import Bonds
from proofgrid.roles.intake.close_up import CloseUp
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.waiting import Waits
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.rules.staking.bonds import BondPolicy
from tests.roles.lanes import CLIENT, LANE, UNITS, LaneUnderTest

CAROL = Caller(CLIENT, frozenset({Role.CLIENT}))
MALLORY = Caller(Address("0x3a"), frozenset({Role.CLIENT}))
ALICE = Caller(Address("alice"), frozenset({Role.OPERATOR}))


def a_close_up(lane: LaneUnderTest) -> CloseUp:
    async def nothing_waits(task_id: TaskId, client: Address) -> Mapping[JobId, Waits]:
        return {}

    tasks = Tasks(lane.database, None, TaskWatch(lane.database), why_waiting=nothing_waits)  # type: ignore[arg-type]
    reputation = Reputation(lane.database, ReputationPolicy())
    return CloseUp(lane.database, tasks, reputation, Bonds(lane.database, BondPolicy()), silent_ms=lane.silent_ms)


async def test_a_task_shows_its_leases_its_money_and_its_events(lane: LaneUnderTest) -> None:
    for name in ("alice", "bob"):
        await lane.add_prover(name, slots=2)
    task_id = TaskId(await lane.add_task(jobs=2))
    await lane.sell()

    seen = await a_close_up(lane).of_task(CAROL, task_id)

    assert len(seen.jobs) == 2
    assert {one.lane for one in seen.leases} == {LANE}
    assert all(one.ended_ms == 0 and one.granted_ms >= seen.task.created_ms for one in seen.leases)
    assert [(one.reason, one.amount) for one in seen.transfers] == [("escrow", 2 * UNITS * 1_500)]
    assert [one.seq for one in seen.events] == list(range(1, len(seen.events) + 1))
    assert {one.kind for one in seen.events} >= {"accepted", "sold"}


async def test_anothers_task_is_unknown(lane: LaneUnderTest) -> None:
    task_id = TaskId(await lane.add_task())

    with pytest.raises(UnknownTask):
        await a_close_up(lane).of_task(MALLORY, task_id)


async def test_an_operator_sees_what_its_ask_meets(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", slots=2, ask=800)
    await lane.add_prover("bob", slots=2, ask=900)
    await lane.add_task(jobs=2, limit_price=1_500)
    await lane.sell()
    await lane.add_task(jobs=3, limit_price=1_100)
    close_up = a_close_up(lane)

    seen = await close_up.of_operator(ALICE)
    dear = await close_up.of_operator(ALICE, ask=10**9)

    assert [one.prover_id for one in seen.sessions] == ["alice/p"]
    assert [one.prover_id for one in seen.provers] == ["alice/p"]
    assert seen.bids[LANE].jobs >= 3
    assert seen.bids[LANE].best_bid >= 1_100
    sales = seen.sales[LANE]
    assert (sales.sales, sales.within) == (1, 1)
    assert sales.units > 0
    assert (dear.sales[LANE].sales, dear.sales[LANE].within, dear.sales[LANE].units) == (1, 0, 0)
    assert (seen.earned, list(seen.by_day), list(seen.evidence)) == (0, [], [])


async def test_an_ask_for_a_class_is_that_of_its_lane(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", ask=800, classes=("small", "large"), class_asks={"large": 5_000})

    [session] = (await a_close_up(lane).of_operator(ALICE)).sessions

    assert session.asks_by_lane() == {"default/toy/small": 800, "default/toy/large": 5_000}
    assert (session.busy, session.is_silent, session.draining, session.paused_until_ms) == (0, False, False, 0)
