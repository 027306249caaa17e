"""What provers did decides who comes first, and who gets nothing for a while, whichever gateway looks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.offers import Notice
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.reputation.standing import PAUSED, RESUMED
from proofgrid.store.book import NEXT_PUT_OFF
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.lanes import provers_of_stack
from tests.makers import OWN, some_terms
from tests.roles.lanes import STACK, LaneUnderTest


async def fail(lane: LaneUnderTest, reason: ReturnReason, times: int = 1) -> None:
    """The only prover fails so many jobs, each of another task."""
    for _ in range(times):
        await lane.add_task()
        assert await lane.sell()
        lease = (await lane.leases())[-1]
        assert await lane.give_back(lease, reason, attempts_max=1)


async def prove(lane: LaneUnderTest, times: int = 1) -> None:
    """The only prover proves so many jobs."""
    for _ in range(times):
        await lane.add_task()
        assert await lane.sell()
        await verify_latest(lane)


async def verify_latest(lane: LaneUnderTest) -> None:
    """The proof of the latest lease comes and is right."""
    lease = (await lane.leases())[-1]
    await lane.fetch("UPDATE leases SET state = 'running' WHERE lease_id = $1 AND state = 'granted'", lease["lease_id"])
    assert await lane.pay(lease) == [lease["prover_id"]]


async def pause_is_over(lane: LaneUnderTest) -> None:
    await lane.fetch("UPDATE provers SET paused_until_ms = now_ms() - 1 WHERE paused_until_ms > 0")
    await lane.fetch("UPDATE operator_standings SET paused_until_ms = now_ms() - 1 WHERE paused_until_ms > 0")


async def slots(lane: LaneUnderTest, prover_id: str = "alice/p") -> int:
    async with lane.database.connection() as connection:
        provers = await provers_of_stack(connection, STACK, silent_ms=None)
    return next(prover.slots for prover in provers if prover.prover_id == prover_id)


async def buckets(lane: LaneUnderTest) -> list[int]:
    """The buckets in the latest public record, which names nobody."""
    [row] = await lane.fetch("SELECT transcript FROM rounds ORDER BY number DESC LIMIT 1")
    return sorted(ask["reputation_bucket"] for ask in json.loads(row["transcript"])["asks"])


async def test_an_invalid_proof_costs_the_place_in_the_next_round(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await fail(lane, ReturnReason.BAD_PROOF)
    await lane.add_prover("bob")
    await lane.add_task()

    assert await lane.sell()

    assert await buckets(lane) == [1, 3]
    assert (await lane.leases())[-1]["prover_id"] == "bob/p"


async def test_verified_proofs_earn_the_best_bucket_and_late_ones_do_not(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await prove(lane, 16)  # fifteen stand on the edge, and begin to be forgotten with the next step of the clock
    await lane.add_task()
    assert await lane.sell()
    assert await buckets(lane) == [0]

    lease = (await lane.leases())[-1]
    await lane.fetch("UPDATE leases SET started_ms = 1, prove_ms = 1000 WHERE lease_id = $1", lease["lease_id"])
    await verify_latest(lane)

    [row] = await lane.fetch("SELECT proven_micro, late_micro FROM provers")
    assert row["proven_micro"] > 16_900_000
    assert row["late_micro"] == 1_000_000


async def test_weather_and_a_job_that_fails_elsewhere_too_say_nothing_of_a_prover(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await fail(lane, ReturnReason.STORE_FAULT)
    [task_id] = [await lane.add_task()]
    await lane.fetch("""UPDATE jobs SET attempts = 1, excluded = '{"bob/p": 1}' WHERE task_id = $1""", task_id)
    assert await lane.sell()
    await lane.give_back((await lane.leases())[-1], ReturnReason.CHILD_CRASHED, attempts_max=9)

    [row] = await lane.fetch("SELECT crashed_micro, outcomes, jobs_failed FROM provers")
    assert tuple(row) == (0, "", 1)


async def test_three_faults_pause_a_prover_until_one_job_verifies(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", slots=3)
    await fail(lane, ReturnReason.CHILD_CRASHED, 3)
    assert await slots(lane) == 0
    await lane.add_task(jobs=2)
    assert not await lane.sell(rounds=3)

    await pause_is_over(lane)
    assert await slots(lane) == 1
    assert await lane.sell() == 1
    assert not await lane.sell(rounds=3)  # one at a time
    lease = (await lane.leases())[-1]
    await lane.fetch("UPDATE leases SET state = 'reported' WHERE lease_id = $1", lease["lease_id"])
    assert await slots(lane) == 0  # not even while the first one is judged
    await verify_latest(lane)

    assert await slots(lane) == 3
    assert await lane.sell() == 1


async def test_a_failed_trial_pauses_for_twice_as_long(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await fail(lane, ReturnReason.CHILD_CRASHED, 3)
    await pause_is_over(lane)
    await fail(lane, ReturnReason.TIMED_OUT)

    [row] = await lane.fetch("SELECT paused_until_ms - now_ms() AS left_ms, pauses, last_faults FROM provers")
    assert 50_000 < row["left_ms"] <= 60_000
    assert row["pauses"] == 2
    assert row["last_faults"].splitlines()[0] == "lost: said"


async def test_the_market_comes_back_when_the_only_provers_pause_is_over(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await fail(lane, ReturnReason.CHILD_CRASHED, 3)
    assert await lane.ask(NEXT_PUT_OFF, stack=STACK) == [None]  # nobody waits
    await lane.add_task()
    [wait_ms] = await lane.ask(NEXT_PUT_OFF, stack=STACK)
    assert wait_ms is not None
    assert 20_000 < wait_ms <= 30_000


async def test_two_gateways_agree_and_the_one_with_the_stream_tells_the_prover(lane: LaneUnderTest) -> None:
    session_id = await lane.add_prover("alice")
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    listener = await asyncpg.connect(lane.database.dsn)
    await listener.add_listener("notices", lambda *said: told.put_nowait(json.loads(str(said[-1]))))
    other = LaneUnderTest(lane.database)
    await lane.ask(REGISTER_GATEWAY, gateway_id=other.gateway_id)
    await fail(lane, ReturnReason.CHILD_CRASHED, 2)
    await fail(other, ReturnReason.CHILD_CRASHED)  # the third one is seen by the other gateway
    await lane.add_task()

    assert not await lane.sell(rounds=2)
    assert not await other.sell(rounds=2)
    paused = await asyncio.wait_for(told.get(), 60)
    assert (paused["gateway"], paused["session"]) == (str(lane.gateway_id), str(session_id))
    assert paused["code"] == PAUSED
    assert "no work for 30 s" in paused["detail"]
    assert "crashed: said" in paused["detail"]

    await pause_is_over(lane)
    assert await other.sell()
    await verify_latest(other)
    assert (await asyncio.wait_for(told.get(), 60))["code"] == RESUMED
    await listener.close()


async def test_a_paused_prover_that_connects_is_told_at_once(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    await fail(lane, ReturnReason.CHILD_CRASHED, 3)

    session = await lane.desk.open_session(Address("alice"), some_terms(name="p"), OWN)

    message = session.outgoing.get_nowait()
    assert isinstance(message, Notice)
    assert message.code == PAUSED


@pytest.mark.parametrize("reason", [ReturnReason.DECLINED, ReturnReason.UNCONFIRMED, ReturnReason.FALSE_EXCUSE])
async def test_an_excuse_costs_prover_and_operator_and_keeps_all_of_it_from_the_job(
    lane: LaneUnderTest, reason: ReturnReason
) -> None:
    await lane.add_prover("alice")
    await lane.add_task()
    assert await lane.sell()
    assert await lane.give_back((await lane.leases())[-1], reason)

    [job] = await lane.fetch("SELECT excluded, attempts FROM jobs")
    assert (set(job["excluded"]), job["attempts"]) == ({"alice"}, 0)
    [prover] = await lane.fetch("SELECT outcomes, last_faults FROM provers")
    [operator] = await lane.fetch("SELECT outcomes FROM operator_standings")
    assert (prover["outcomes"], operator["outcomes"]) == ("x", "x")
    assert "said" in prover["last_faults"]


async def test_a_second_name_of_the_same_operator_does_not_make_a_crash_the_jobs_fault(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice")
    task_id = await lane.add_task()
    await lane.fetch("""UPDATE jobs SET attempts = 1, excluded = '{"alice/q": 1}' WHERE task_id = $1""", task_id)
    assert await lane.sell()
    await lane.give_back((await lane.leases())[-1], ReturnReason.CHILD_CRASHED, attempts_max=9)

    [row] = await lane.fetch("SELECT outcomes FROM provers")
    assert row["outcomes"] == "x"


async def test_one_operator_alone_ends_no_task_that_another_one_serves_and_gets_the_job_no_more(
    lane: LaneUnderTest,
) -> None:
    await lane.add_prover("alice")
    await lane.add_task()
    await lane.add_prover("bob", ask=1_400)
    await lane.fetch("UPDATE jobs SET excluded = jsonb_build_object('bob', 9007199254740991)")
    for _ in range(3):
        await pause_is_over(lane)
        await lane.fetch("UPDATE jobs SET not_before_ms = 0, excluded = excluded - 'alice/p'")
        assert await lane.sell()
        assert await lane.give_back((await lane.leases())[-1], ReturnReason.CHILD_CRASHED, attempts_max=3)

    [job] = await lane.fetch("SELECT state, attempts, excluded FROM jobs")
    assert (job["state"], job["attempts"]) == ("ready", 3)
    assert job["excluded"]["alice"] == 2**53
