"""A slow job from its wish to two leases, and every way in which these end: one is paid, money and rows stay whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proofgrid.primitives.errors import LeaseLost
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.retry import ReturnReason
from tests.roles.lanes import STACK, UNITS, LaneUnderTest

SHARES = HedgePolicy()


async def a_slow_lease(lane: LaneUnderTest, *, permille: int = 300, **task: Any) -> None:
    """alice runs a job, for a minute already; bob and carol are idle."""
    session = await lane.add_prover("alice")
    await lane.add_task(**({"limit_price": 3_000} | task))
    assert await lane.sell()
    await lane.offer(session)
    async with lane.running_desk() as desk:
        for said in (0, permille):
            await lane.say(desk, (await lane.leases())[0], said)
    # Fast enough to be believed: 1 PU per millisecond.
    await lane.fetch("INSERT INTO prover_speeds VALUES ('alice/p', 'toy', 'small', 9000, 9000, 9)")
    await lane.make_slow()
    for operator in ("bob", "carol"):
        await lane.add_prover(operator, ask=800)


async def two_leases(lane: LaneUnderTest, **task: Any) -> tuple[Any, Any]:
    """The slow lease of alice, and the second one."""
    await a_slow_lease(lane, **task)
    await lane.look()
    assert await lane.sell() == 1
    _, hedge = await lane.leases()
    await lane.offer(hedge["session_id"])
    first, hedge = await lane.leases()
    return first, hedge


async def kinds_of_events(lane: LaneUnderTest) -> list[str]:
    return [kind for kind, _ in await lane.events() if kind not in ("accepted", "stage")]


async def test_a_slow_job_gets_a_second_lease_of_another_operator(lane: LaneUnderTest) -> None:
    first, hedge = await two_leases(lane)

    assert (first["operator"], first["kind"], first["state"]) == ("alice", "first", "running")
    assert (hedge["kind"], hedge["state"]) == ("hedge", "offered")
    assert hedge["operator"] in ("bob", "carol")
    assert hedge["job_id"] == first["job_id"]
    assert await kinds_of_events(lane) == ["sold", "slow", "hedged"]
    (job,) = await lane.fetch("SELECT state, hedges, hedge_price, lease_id FROM jobs")
    assert tuple(job) == ("leased", 1, None, first["lease_id"])


#: what is made of the rows of everybody else so that nobody can have the job of 1,000 PU, for another reason each
NOBODY_CAN = {
    "no room": "UPDATE sessions SET memory_bytes = 0 WHERE operator <> 'alice'",
    "too small": "UPDATE sessions SET units_min = 1001 WHERE operator <> 'alice'",
    "too slow": "INSERT INTO prover_speeds SELECT prover_id, 'toy', 'small', 1, 1000000, 3 FROM sessions"
    " WHERE operator <> 'alice'",
    "barred": """UPDATE jobs SET excluded = jsonb_build_object('bob', 9e15::bigint, 'carol/p', 9e15::bigint)""",
}


@pytest.mark.parametrize("why", NOBODY_CAN)
async def test_nothing_is_wished_for_that_nobody_else_can_have(lane: LaneUnderTest, why: str) -> None:
    await a_slow_lease(lane)
    await lane.fetch(NOBODY_CAN[why])

    await lane.look()

    (job,) = await lane.fetch("SELECT slow_ms IS NOT NULL AS told, hedge_price FROM jobs")
    assert tuple(job) == (True, None)


async def test_the_second_lease_that_wins_is_paid_and_the_slow_one_gets_its_share_of_what_it_shows(
    lane: LaneUnderTest,
) -> None:
    first, hedge = await two_leases(lane)

    assert await lane.pay(hedge) == [hedge["prover_id"]]

    first, hedge = await lane.leases()
    share = first["sell_price"] * UNITS * 300 * SHARES.straggler_share_permille // 10**6
    assert (first["state"], first["reason"], hedge["state"]) == ("stopped", "hedge_lost", "settled")
    assert ("hedge", "alice", share) in await lane.payments()
    assert ("proof", hedge["operator"], hedge["sell_price"] * UNITS) in await lane.payments()
    lost = [data for kind, data in await lane.events() if kind == "hedge_lost"]
    assert [(data["prover"], data["shown"], data["paid"]) for data in lost] == [("alice/p", 300, share)]
    (job,) = await lane.fetch("SELECT state, lease_id FROM jobs")
    assert tuple(job) == ("proven", hedge["lease_id"])
    await lane.check_money()


async def test_the_slow_lease_that_wins_after_all_is_paid_and_the_second_one_that_showed_nothing_is_not(
    lane: LaneUnderTest,
) -> None:
    first, hedge = await two_leases(lane)

    assert await lane.pay(first) == ["alice/p"]

    first, hedge = await lane.leases()
    assert (first["state"], hedge["state"]) == ("settled", "stopped")
    assert {reason for reason, _, _ in await lane.payments()} <= {"proof", "surplus"}
    await lane.check_money()


async def test_of_two_proofs_in_one_batch_the_first_wins_and_the_other_shows_all(lane: LaneUnderTest) -> None:
    first, hedge = await two_leases(lane)
    won, lost = await lane.pay(hedge, first)

    assert won == hedge["prover_id"]
    assert isinstance(lost, LeaseLost)
    share = first["sell_price"] * UNITS * SHARES.straggler_share_permille // 1_000
    assert ("hedge", "alice", share) in await lane.payments()
    assert sum(reason == "proof" for reason, _, _ in await lane.payments()) == 1
    await lane.check_money()


async def test_a_late_proof_of_the_lease_that_lost_pays_nobody(lane: LaneUnderTest) -> None:
    first, hedge = await two_leases(lane)
    await lane.pay(hedge)
    before = await lane.payments()

    (late,) = await lane.pay(first)

    assert isinstance(late, LeaseLost)
    assert await lane.payments() == before


async def test_a_slow_lease_that_ends_leaves_the_second_one_as_the_first(lane: LaneUnderTest) -> None:
    first, hedge = await two_leases(lane)

    assert await lane.give_back(first, ReturnReason.PROVER_LOST)

    _, hedge = await lane.leases()
    (job,) = await lane.fetch("SELECT state, lease_id, attempts, excluded FROM jobs")
    assert (hedge["kind"], hedge["state"]) == ("first", "offered")
    assert (job["state"], job["lease_id"], job["attempts"]) == ("leased", hedge["lease_id"], 1)
    assert "alice/p" in job["excluded"]
    assert (await kinds_of_events(lane))[-1] == "carried_on"


@pytest.mark.parametrize("first_to_end", ["first", "hedge"])
async def test_the_end_of_the_last_lease_takes_the_job_with_it(lane: LaneUnderTest, first_to_end: str) -> None:
    leases = dict(zip(("first", "hedge"), await two_leases(lane), strict=True))
    early = leases.pop(first_to_end)
    (late,) = leases.values()

    await lane.give_back(early, ReturnReason.CHILD_CRASHED, attempts_max=2)
    (job,) = await lane.fetch("SELECT state, lease_id FROM jobs")
    assert tuple(job) == ("leased", late["lease_id"])
    await lane.give_back(late, ReturnReason.CHILD_CRASHED, attempts_max=2)

    (task,) = await lane.fetch("SELECT state, failure_code FROM tasks")
    assert tuple(task) == ("failed", "PG-511")
    assert (await kinds_of_events(lane))[-2:] == ["carried_on", "failed"]
    await lane.check_money()


async def test_exhausted_attempts_wait_for_the_other_lease(lane: LaneUnderTest) -> None:
    first, hedge = await two_leases(lane)

    await lane.give_back(first, ReturnReason.CHILD_CRASHED, attempts_max=1)
    assert [row["state"] for row in await lane.fetch("SELECT state FROM tasks")] == ["open"]
    await lane.pay(hedge)

    assert [row["state"] for row in await lane.fetch("SELECT state FROM tasks")] == ["combining"]


async def test_a_client_who_does_not_want_it_is_told_once_and_gets_no_second_lease(lane: LaneUnderTest) -> None:
    await a_slow_lease(lane, hedging=False)
    for _ in range(3):
        await lane.look()
    assert not await lane.sell(rounds=3)
    assert await kinds_of_events(lane) == ["sold", "slow"]


async def test_two_gateways_that_look_at_once_make_one_wish(lane: LaneUnderTest) -> None:
    await a_slow_lease(lane)
    await asyncio.gather(*(lane.look() for _ in range(4)))
    assert (await kinds_of_events(lane)).count("slow") == 1
    assert await lane.sell() == 1
    assert not await lane.sell(rounds=3)
    assert len(await lane.leases()) == 2


async def test_a_wish_that_nobody_sold_in_time_is_dropped_and_made_again(lane: LaneUnderTest) -> None:
    await a_slow_lease(lane)
    await lane.look()
    await lane.fetch("UPDATE jobs SET hedge_until_ms = now_ms() - 1")
    assert not await lane.sell(rounds=3)
    await lane.look()
    assert await lane.sell() == 1


async def test_a_wish_takes_turns_with_the_other_jobs_of_its_task(lane: LaneUnderTest) -> None:
    """Two jobs are ready when the third is slow; there is room for all."""
    await a_slow_lease(lane, jobs=3)
    await lane.add_prover("bob", "q", ask=800, slots=8)
    await lane.look()

    market = lane.market
    for _ in range(20):
        await market.hold_rounds(STACK)

    kinds = await kinds_of_events(lane)
    assert kinds.count("hedged") == 1
    assert kinds.count("sold") == 3
    rounds = await lane.fetch("SELECT number FROM rounds JOIN leases ON number = round WHERE kind = 'hedge'")
    assert [row["number"] % 2 for row in rounds] == [0] or kinds.index("hedged") == len(kinds) - 1


async def test_a_job_that_is_proven_has_no_wish_any_more(lane: LaneUnderTest) -> None:
    await a_slow_lease(lane)
    await lane.look()
    (first,) = await lane.leases()
    await lane.pay(first)
    assert not await lane.sell(rounds=3)
    assert len(await lane.leases()) == 1


async def test_what_a_transaction_that_fails_did_to_two_leases_is_undone(lane: LaneUnderTest) -> None:
    _, hedge = await two_leases(lane)
    before = await lane.fetch("SELECT lease_id, state, kind FROM leases ORDER BY fence")

    def crash(point: str) -> None:
        if point == "pay_proofs:before":
            raise ConnectionResetError(point)

    lane.database.on_boundary = crash
    with pytest.raises(Exception, match="pay_proofs"):
        await lane.pay(hedge)
    lane.database.on_boundary = None

    assert await lane.fetch("SELECT lease_id, state, kind FROM leases ORDER BY fence") == before
    assert not await lane.payments()
    assert await lane.pay(hedge) == [hedge["prover_id"]]
    await lane.check_money()
