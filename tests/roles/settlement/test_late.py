"""A proof that comes after its lease was taken back, while the job waits: taken once, paid by the table and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.roles.intake.bond_moves import deposit_stake
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.rules.jobs.late import LATE_RULES
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.rules.jobs.retry import FOREVER_MS, RETRY_RULES, ReturnReason
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from tests.makers import a_key
from tests.roles.judging import NETWORK, RIGHT, Judge, a_result, judging
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

KEY = a_key(7)
OPERATOR = KEY.address
BOND = 10**9


async def a_lease(lane: LaneUnderTest, *, bond: int = 0) -> Any:
    """The operator's only prover holds a lease of the only job."""
    await lane.fetch("INSERT INTO network (address) VALUES ($1) ON CONFLICT DO NOTHING", NETWORK)
    if bond:
        await deposit_stake(lane.database, "bond", OPERATOR, bond, from_outside=True)
    session = await lane.add_prover(OPERATOR)
    await lane.add_task()
    assert await lane.sell()
    await lane.offer(session)
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    return (await lane.leases())[0]


async def taken_back(lane: LaneUnderTest, reason: ReturnReason = ReturnReason.PROVER_LOST, *, bond: int = 0) -> Any:
    """Return a lease that was just taken back; its job waits."""
    lease = await a_lease(lane, bond=bond)
    if LATE_RULES.get(reason) is not None and LATE_RULES[reason].reported:
        await lane.fetch("UPDATE leases SET state = 'reported', reported_ms = now_ms()")
    assert await lane.give_back(lease, reason)
    return lease


async def sold_again(lane: LaneUnderTest, operator: str = "bob") -> Any:
    """Return the lease that somebody else gets of the job."""
    await lane.fetch("UPDATE jobs SET not_before_ms = 0")
    await lane.fetch("UPDATE sessions SET open = false")
    session = await lane.add_prover(operator, "other")
    assert await lane.sell()
    await lane.offer(session)
    return (await lane.leases())[-1]


async def the_job(lane: LaneUnderTest) -> Any:
    (job,) = await lane.fetch("SELECT * FROM jobs")
    return job


async def balance(lane: LaneUnderTest, account: str) -> int:
    rows = await lane.fetch("SELECT balance FROM accounts WHERE account = $1", account)
    return int(rows[0]["balance"]) if rows else 0


async def check(lane: LaneUnderTest) -> None:
    """The money adds up, as the gateway's own check sees it too."""
    await lane.check_money()
    assert await LedgerCheck(lane.database, SystemClock()).look(full=True)
    assert not await lane.fetch("SELECT * FROM incidents")


async def refused(judge: Judge, lease: Any, *, proof: bytes = RIGHT, operator: str | None = None) -> None:
    """A late result is refused without a look at its proof, and nobody is paid."""
    before = list(judge.workers.verified)
    (verdict,) = await judge.hear(a_result(lease, proof, key=KEY), of=lease, operator=operator)
    assert (verdict.accepted, verdict.code) == (False, "PG-330")
    assert judge.workers.verified == before


@pytest.mark.parametrize("reason", sorted(LATE_RULES))
async def test_a_late_proof_finishes_the_job_and_is_paid_by_the_table(lane: LaneUnderTest, reason: str) -> None:
    lease = await taken_back(lane, ReturnReason(reason))
    price = -(-lease["sell_price"] * LATE_RULES[reason].price_permille // 1_000)

    async with judging(lane) as judge:
        (verdict,) = await judge.hear(a_result(lease), of=lease)

    assert (verdict.accepted, verdict.price) == (True, price)
    job, (task,) = await the_job(lane), await lane.fetch("SELECT * FROM tasks")
    assert (job["state"], job["lease_id"], task["state"]) == ("proven", lease["lease_id"], "combining")
    surplus = (lease["buy_price"] - lease["sell_price"]) * UNITS
    assert task["spent"] == price * UNITS + surplus
    assert await balance(lane, f"operator:{OPERATOR}") == price * UNITS
    (proven,) = [data for kind, data in await lane.events() if kind == "proven"]
    assert (proven["late"], proven["paid"], proven["sell_price"]) == (reason, price * UNITS, price)
    await check(lane)


@pytest.mark.parametrize("reason", ["store_fault", "declined", "child_crashed", "unprovable", "bad_proof"])
async def test_what_was_given_back_or_refused_is_not_taken_late(lane: LaneUnderTest, reason: str) -> None:
    """A store fault that its prover told of is one of these: it had no result then."""
    lease = await a_lease(lane)
    await lane.give_back(lease, ReturnReason(reason))
    async with judging(lane) as judge:
        await refused(judge, lease)
    assert (await the_job(lane))["state"] != "proven"


async def test_the_penalty_for_being_late_stands_and_the_client_gets_what_waited_for_a_rescuer(
    lane: LaneUnderTest,
) -> None:
    lease = await taken_back(lane, ReturnReason.TIMED_OUT, bond=BOND)
    slashed = lease["sell_price"] * UNITS // 10
    client = await balance(lane, f"client:{CLIENT}")

    async with judging(lane) as judge:
        (verdict,) = await judge.hear(a_result(lease, key=KEY), of=lease)

    assert verdict.accepted
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - slashed
    assert await balance(lane, f"client:{CLIENT}") == client + slashed // 4
    assert await balance(lane, f"operator:{OPERATOR}") == lease["sell_price"] * UNITS // 2
    await check(lane)


async def test_a_late_proof_is_counted_once_more_and_its_fault_stays(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane, ReturnReason.TIMED_OUT)
    (before,) = await lane.fetch("SELECT * FROM provers")
    async with judging(lane) as judge:
        await judge.hear(a_result(lease), of=lease)
    (after,) = await lane.fetch("SELECT * FROM provers")
    counted = {name: after[f"{name}_micro"] - before[f"{name}_micro"] for name in ("proven", "late", "lost")}
    assert counted["proven"] > 900_000
    assert counted["late"] > 900_000
    assert -1_000 < counted["lost"] <= 0
    assert not await lane.fetch("SELECT 1 FROM lane_times WHERE cardinality(us_per_unit) > 0")


async def test_while_another_lease_holds_the_job_nothing_late_is_taken(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane)
    other = await sold_again(lane)
    async with judging(lane) as judge:
        await refused(judge, lease)
        (verdict,) = await judge.hear(a_result(other), of=other)
        assert verdict.accepted
        await refused(judge, lease)
    assert [who for reason, who, _ in await lane.payments() if reason == "proof"] == ["bob"]
    await check(lane)


async def test_a_job_that_is_sold_while_its_late_proof_is_verified_is_paid_to_the_new_lease_alone(
    lane: LaneUnderTest,
) -> None:
    lease = await taken_back(lane)
    async with judging(lane) as judge:
        others: list[Any] = []

        async def meanwhile() -> None:
            if not others:
                others.append(await sold_again(lane))

        judge.workers.meanwhile = meanwhile
        (late,) = await judge.hear(a_result(lease), of=lease)
        (verdict,) = await judge.hear(a_result(others[0]), of=others[0])
    assert (late.code, verdict.accepted) == ("PG-330", True)
    assert [who for reason, who, _ in await lane.payments() if reason == "proof"] == ["bob"]
    await check(lane)


@pytest.mark.parametrize("reason", [ReturnReason.NOT_PICKED_UP, ReturnReason.STORE_FAULT])
async def test_a_lease_that_ends_while_its_proof_is_on_the_way_does_its_client_no_harm(
    lane: LaneUnderTest, reason: ReturnReason
) -> None:
    """A gateway that is behind takes leases back whose proofs it has already: they are verified once, and count."""
    lease = await a_lease(lane)
    async with judging(lane) as judge:

        async def meanwhile() -> None:
            await lane.give_back(lease, reason)

        judge.workers.meanwhile = meanwhile
        (verdict,) = await judge.hear(a_result(lease), of=lease)
        assert len(judge.workers.verified) == 1

    price = -(-lease["sell_price"] * LATE_RULES[reason].price_permille // 1_000)
    assert (verdict.accepted, verdict.price) == (True, price)
    assert [kind for kind, _ in await lane.events()][-3:] == ["returned", "proven", "combining"]
    assert len(await lane.leases()) == 1
    await check(lane)


async def test_a_late_proof_that_is_said_again_is_answered_alike_and_paid_once(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane)
    async with judging(lane) as judge:
        first = await judge.hear(a_result(lease), of=lease)
        again = await judge.hear(a_result(lease, b"right again"), of=lease)
        assert first == again
        assert judge.workers.verified == [RIGHT]
    assert [reason for reason, _, _ in await lane.payments()].count("proof") == 1
    await check(lane)


async def test_of_many_late_results_at_once_one_is_verified(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane)
    async with judging(lane) as judge:
        reports = [a_result(lease, f"right {number}".encode()) for number in range(50)]
        answers = await asyncio.gather(*(judge.hear(*reports[:25], of=lease), judge.hear(*reports[25:], of=lease)))
        verdicts = [verdict for answer in answers for verdict in answer]
        assert len(judge.workers.verified) == 1
    assert sum(verdict.accepted for verdict in verdicts) == 1
    assert {verdict.code for verdict in verdicts if not verdict.accepted} == {"PG-330"}
    await check(lane)


async def test_a_late_result_of_a_stranger_or_under_another_fence_is_refused(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane)
    async with judging(lane) as judge:
        await refused(judge, lease, operator="0xstranger")
        await refused(judge, {**lease, "fence": lease["fence"] + 1})
        (verdict,) = await judge.hear(a_result(lease), of=lease)
    assert verdict.accepted


async def test_what_comes_too_late_is_refused(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane, ReturnReason.NOT_PICKED_UP)
    within_ms = LATE_RULES[ReturnReason.NOT_PICKED_UP].within_ms
    await lane.fetch("UPDATE leases SET ended_ms = ended_ms - $1", within_ms + 1)
    async with judging(lane) as judge:
        await refused(judge, lease)


async def test_what_comes_after_the_tasks_end_is_refused(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane)
    async with lane.database.transaction(Transaction.END_TASK) as connection:
        await end_task(connection, lease["task_id"], TaskEvent.CANCELLED)
    async with judging(lane) as judge:
        await refused(judge, lease)
    await check(lane)


async def test_a_late_lie_costs_what_it_would_have_cost_in_time_and_nothing_more_is_taken(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane, ReturnReason.TIMED_OUT, bond=BOND)
    before = await the_job(lane)
    async with judging(lane) as judge:
        (verdict,) = await judge.hear(a_result(lease, b"wrong", key=KEY), of=lease)
        assert (verdict.accepted, verdict.code) == (False, "PG-400")
        await refused(judge, lease, proof=b"wrong again")
        await refused(judge, lease)

    assert await balance(lane, f"stake:{OPERATOR}") == BOND - lease["sell_price"] * UNITS // 2
    evidence = {row["kind"]: row["amount"] for row in await lane.fetch("SELECT kind, amount FROM evidence")}
    assert sum(evidence.values()) == lease["sell_price"] * UNITS // 2
    assert set(evidence) == {"missed_deadline", "invalid_proof"}
    after = await the_job(lane)
    assert (after["state"], after["attempts"], after["returns"]) == ("ready", before["attempts"], before["returns"])
    assert after["excluded"][lease["prover_id"]] == FOREVER_MS
    (prover,) = await lane.fetch("SELECT * FROM provers")
    assert prover["invalid_micro"] > 900_000
    rescuer = await sold_again(lane)
    async with judging(lane) as judge:
        (verdict,) = await judge.hear(a_result(rescuer), of=rescuer)
    assert verdict.accepted
    assert await balance(lane, f"rescue:{lease['job_id']}") == 0
    await check(lane)


async def test_an_unsigned_late_lie_costs_no_more_than_the_silence_before_it(lane: LaneUnderTest) -> None:
    lease = await taken_back(lane, ReturnReason.TIMED_OUT, bond=BOND)
    async with judging(lane) as judge:
        (verdict,) = await judge.hear(a_result(lease, b"wrong"), of=lease)
    assert verdict.code == "PG-400"
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - lease["sell_price"] * UNITS // 10
    await check(lane)


def test_nobody_is_paid_in_full_for_what_was_his_fault() -> None:
    for reason, rule in LATE_RULES.items():
        assert not RETRY_RULES[ReturnReason(reason)].prover_at_fault or rule.price_permille < 900
