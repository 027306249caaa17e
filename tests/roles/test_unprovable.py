"""Provers who say that an input cannot be proven: tried elsewhere, until somebody who has proven itself decides."""

from __future__ import annotations

from typing import Any

from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.jobs.unprovable import UnprovablePolicy
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

SHARE = UnprovablePolicy().share_permille


async def open_lane(lane: LaneUnderTest, *operators: str) -> dict[str, Any]:
    """A task of one job, and provers so fast that what they claim is believed; return their sessions by operator."""
    sessions = {}
    for operator in operators:
        sessions[operator] = await lane.add_prover(operator)
        await lane.fetch("INSERT INTO prover_speeds VALUES ($1, 'toy', 'small', 9000000, 9000, 9)", f"{operator}/p")
    return sessions


async def claim(
    lane: LaneUnderTest,
    sessions: dict[str, Any],
    *,
    permille: int = 400,
    reason: ReturnReason = ReturnReason.UNPROVABLE,
) -> Any:
    """Let somebody get the job, work on it, and say that it cannot be proven; return the lease as it ended."""
    await lane.fetch("UPDATE jobs SET not_before_ms = 0 WHERE state = 'ready'")
    assert await lane.sell(), "nobody gets it"
    lease = (await lane.leases())[-1]
    await lane.offer(sessions[lease["operator"]])
    async with lane.running_desk() as desk:
        await lane.say(desk, lease, permille)
    await lane.fetch("UPDATE leases SET started_ms = started_ms - 1000 WHERE lease_id = $1", lease["lease_id"])
    await lane.give_back(lease, reason)
    return (await lane.leases())[-1]


async def the_task(lane: LaneUnderTest) -> Any:
    (task,) = await lane.fetch("SELECT state, failure_code, failure_detail, escrow, spent FROM tasks")
    return task


async def test_one_operators_word_sends_the_job_to_other_operators(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave")
    await lane.add_prover("alice", "q")
    await lane.add_task()
    first = await claim(lane, sessions)
    (job,) = await lane.fetch("SELECT state, attempts, excluded FROM jobs")
    second = await claim(lane, sessions)

    assert (job["state"], job["attempts"], set(job["excluded"])) == ("ready", 1, {first["operator"]})
    assert second["operator"] != first["operator"]
    said = [data for kind, data in await lane.events() if kind == "unprovable"]
    assert [(data["operators"], data["needed"]) for data in said] == [(1, 3), (2, 3)]
    assert (await the_task(lane))["state"] == "open"
    assert not await lane.payments()


async def let_prove(lane: LaneUnderTest, *operators: str) -> None:
    """These have proven themselves."""
    await lane.fetch(
        "UPDATE provers SET proven_micro = 20000000, jobs_proven = 20, facts_ms = now_ms() WHERE operator = ANY($1)",
        list(operators),
    )


async def test_three_operators_that_agree_are_not_the_truth(lane: LaneUnderTest) -> None:
    """Nobody among the others has proven itself: the task goes on, and costs nothing when all have said it."""
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave")
    await lane.add_task()
    for _ in range(3):
        await claim(lane, sessions)
    assert (await the_task(lane))["state"] == "open"
    await claim(lane, sessions)
    task = await the_task(lane)
    assert (task["failure_code"], task["spent"]) == ("PG-510", 0)


async def test_claimants_that_have_proven_themselves_do_not_decide_their_own_case(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave")
    await let_prove(lane, "alice", "bob", "carol", "dave")
    await lane.add_task()
    claimed = [(await claim(lane, sessions))["operator"] for _ in range(3)]

    (job,) = await lane.fetch("SELECT last_word, last_word_until_ms, excluded, now_ms() AS now_ms FROM jobs")
    assert (await the_task(lane))["state"] == "open"
    assert job["last_word"] not in claimed
    assert {name for name, until in job["excluded"].items() if until > job["now_ms"] + 100_000} == set(claimed)


async def test_one_that_was_drawn_proves_it_and_the_three_pay(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave")
    await let_prove(lane, "alice", "bob", "carol", "dave")
    await lane.fetch("INSERT INTO accounts (account, balance) SELECT 'stake:' || operator, 10000000 FROM provers")
    await lane.fetch("UPDATE accounts SET balance = balance - 40000000 WHERE account = 'mint'")
    await lane.add_task()
    wrong = [await claim(lane, sessions) for _ in range(3)]
    await lane.fetch("UPDATE jobs SET not_before_ms = 0")
    assert await lane.sell()
    right = (await lane.leases())[-1]
    await lane.offer(sessions[right["operator"]])
    await lane.pay(right)

    slashed = {data["operator"]: data["amount"] for kind, data in await lane.events() if kind == "slashed"}
    assert slashed == {lease["operator"]: lease["sell_price"] * UNITS // 10 for lease in wrong}
    (rescued,) = [data for kind, data in await lane.events() if kind == "rescued"]
    assert rescued["to"] == right["operator"]
    outcomes = await lane.fetch("SELECT operator, outcomes FROM provers WHERE outcomes <> ''")
    assert {row["operator"]: row["outcomes"] for row in outcomes} == {
        **{lease["operator"]: "x" for lease in wrong},
        right["operator"]: ".",
    }


async def test_what_the_gateway_found_itself_ends_the_task_at_once_and_is_charged(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob")
    await lane.add_task()
    lease = await claim(lane, sessions, reason=ReturnReason.PROGRAM_FAULT)

    task = await the_task(lane)
    share = lease["sell_price"] * UNITS * 400 * SHARE // 10**6
    assert (task["state"], task["failure_code"], task["spent"]) == ("failed", "PG-510", share)
    assert ("fault", lease["operator"], share) in await lane.payments()
    await lane.check_money()


async def test_the_gateway_refutes_at_once_whoever_says_it_of_an_input_that_can_be_proven(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob")
    await lane.add_task()
    lease = await claim(lane, sessions, reason=ReturnReason.REFUTED)

    (job,) = await lane.fetch("SELECT state, attempts, excluded FROM jobs")
    assert (job["state"], job["attempts"], set(job["excluded"])) == ("ready", 1, {lease["operator"]})
    [row] = await lane.fetch("SELECT outcomes FROM provers WHERE prover_id = $1", lease["prover_id"])
    assert row["outcomes"] == "x"


async def test_when_one_that_was_drawn_agrees_all_are_paid_half_of_what_they_show_and_the_rest_goes_back(
    lane: LaneUnderTest,
) -> None:
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave", "erin")
    await let_prove(lane, "alice", "bob", "carol", "dave", "erin")
    await lane.add_task()
    claims = [await claim(lane, sessions) for _ in range(4)]

    task = await the_task(lane)
    shares = [lease["sell_price"] * UNITS * 400 * SHARE // 10**6 for lease in claims]
    assert (task["state"], task["failure_code"]) == ("failed", "PG-510")
    assert "4 operators agree" in task["failure_detail"]
    assert task["spent"] == sum(shares) > 0
    paid = {(reason, who): amount for reason, who, amount in await lane.payments()}
    assert paid == {
        **{("fault", lease["operator"]): share for lease, share in zip(claims, shares, strict=True)},
        ("refund", CLIENT): task["escrow"] - sum(shares),
    }
    (failed,) = [data for kind, data in await lane.events() if kind == "failed"]
    assert (failed["charged"], failed["refunded"]) == (sum(shares), task["escrow"] - sum(shares))
    await lane.check_money()


async def test_leases_that_are_stopped_with_it_are_paid_too_each_job_out_of_its_own_escrow(
    lane: LaneUnderTest,
) -> None:
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave")
    sessions["erin"] = await lane.add_prover("erin", ask=1)
    await lane.fetch("INSERT INTO prover_speeds VALUES ('erin/p', 'toy', 'small', 9000000, 9000, 9)")
    await lane.add_task(jobs=2)
    # One of the two jobs is at work somewhere all the while.
    await lane.fetch("UPDATE jobs SET not_before_ms = 9007199254740991 WHERE position = 1")
    assert await lane.sell() == 1
    at_work = (await lane.leases())[0]
    await lane.offer(sessions[at_work["operator"]])
    async with lane.running_desk() as desk:
        await lane.say(desk, at_work, 1_000)
    await lane.fetch("UPDATE leases SET started_ms = started_ms - 1000")
    await let_prove(lane, "alice", "bob", "carol", "dave")
    for _ in range(4):
        await claim(lane, sessions)

    assert (await the_task(lane))["failure_code"] == "PG-510"
    share = at_work["sell_price"] * UNITS * SHARE // 1_000
    assert ("fault", at_work["operator"], share) in await lane.payments()
    assert (await lane.leases())[0]["state"] == "stopped"
    per_job = await lane.fetch("SELECT sum(amount) AS paid FROM transfers WHERE reason = 'fault' GROUP BY job_id")
    assert len(per_job) == 2
    assert all(row["paid"] <= 1_500 * UNITS for row in per_job)
    await lane.check_money()


async def test_every_operator_of_a_small_lane_stops_the_task_and_nothing_is_charged(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob")
    await lane.add_task()
    for _ in range(2):
        await claim(lane, sessions)

    task = await the_task(lane)
    assert (task["state"], task["failure_code"], task["spent"]) == ("failed", "PG-510", 0)
    assert await lane.payments() == [("refund", CLIENT, task["escrow"])]


async def test_the_clients_own_provers_do_not_count(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, CLIENT, "bob", "carol", "dave")
    await lane.add_task()
    for _ in range(3):
        await claim(lane, sessions)

    said = [data["operators"] for kind, data in await lane.events() if kind == "unprovable"]
    claimed = [lease["operator"] for lease in await lane.leases()]
    assert said == [len(set(claimed[: place + 1]) - {CLIENT}) for place in range(3)]
    assert (await the_task(lane))["state"] == ("open" if CLIENT in claimed else "failed")


async def test_a_valid_proof_refutes_those_who_said_that_there_is_none(lane: LaneUnderTest) -> None:
    sessions = await open_lane(lane, "alice", "bob", "carol", "dave")
    await lane.add_task()
    wrong = [await claim(lane, sessions) for _ in range(2)]
    await lane.fetch("UPDATE jobs SET not_before_ms = 0 WHERE state = 'ready'")
    await lane.sell()
    right = (await lane.leases())[-1]
    await lane.offer(sessions[right["operator"]])
    await lane.pay(right)

    failed = await lane.fetch("SELECT prover_id FROM provers WHERE jobs_failed = 1")
    assert {row["prover_id"] for row in failed} == {lease["prover_id"] for lease in wrong}
    assert [row["state"] for row in await lane.fetch("SELECT state FROM tasks")] == ["combining"]
    await lane.check_money()
