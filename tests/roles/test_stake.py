"""A bond from its deposit to every way in which a part of it is taken: who gets it, what shows it, what it carries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InsufficientFunds, InvalidField
from proofgrid.primitives.ids import Lane, Stack
from proofgrid.roles.intake.bond_moves import (
    deposit_stake,
    read_stake,
    resolve_appeal,
    unbond_stake,
    withdraw_stake,
    write_appeal,
)
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.rules.staking.results import ResultClaim, public_digest, sign_result
from proofgrid.store.stakes import slash_equivocation
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from tests.makers import a_key
from tests.roles.lanes import CLIENT, STACK, UNITS, LaneUnderTest, held

KEY = a_key(7)
OPERATOR = KEY.address
RESCUER = a_key(8).address
NETWORK = a_key().address
BOND = 10**9


async def bonded(lane: LaneUnderTest, amount: int = BOND) -> None:
    await lane.fetch("INSERT INTO network (address) VALUES ($1) ON CONFLICT DO NOTHING", NETWORK)
    await deposit_stake(lane.database, f"outside:{amount}", OPERATOR, amount, from_outside=True)


async def a_lease(lane: LaneUnderTest, *, bond: int = BOND) -> Any:
    """The bonded operator holds a lease."""
    if bond:
        await bonded(lane, bond)
    session = await lane.add_prover(OPERATOR)
    await lane.add_task()
    assert await lane.sell()
    await lane.offer(session)
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms()")
    return (await lane.leases())[0]


def value_of(lease: Any) -> int:
    return int(lease["sell_price"] * UNITS)


async def balance(lane: LaneUnderTest, account: str) -> int:
    rows = await lane.fetch("SELECT balance FROM accounts WHERE account = $1", account)
    return int(rows[0]["balance"]) if rows else 0


def a_report(lease: Any, *, proof: bytes = b"no proof", output: int = 1, signed: bool = True) -> JobReport:
    claim = ResultClaim(
        network=NETWORK,
        lease_id=str(lease["lease_id"]),
        fence=lease["fence"],
        job_id=str(lease["job_id"]),
        program="p",
        slice=0,
        proof=digest_of(proof),
        public=public_digest({"outputs": [output]}),
    )
    return JobReport(
        held=held(lease),
        proof=proof,
        proof_digest=None,
        public={"outputs": [output]},
        wall_ms=1,
        memory_peak_bytes=0,
        signature=sign_result(claim, KEY) if signed else "",
    )


async def rescued_by(lane: LaneUnderTest, operator: str) -> None:
    """The job is sold again, to this operator, and proven."""
    await lane.fetch("UPDATE sessions SET open = false")
    await lane.fetch("UPDATE jobs SET not_before_ms = 0, excluded = '{}'")
    session = await lane.add_prover(operator, "rescuer")
    assert await lane.sell()
    await lane.offer(session)
    await lane.pay((await lane.leases())[-1])


async def slashes(lane: LaneUnderTest) -> list[dict[str, Any]]:
    return [data for kind, data in await lane.events() if kind == "slashed"]


@pytest.mark.parametrize("reason", [ReturnReason.PROVER_LOST, ReturnReason.TIMED_OUT])
async def test_a_missed_deadline_costs_a_tenth_and_the_rescuer_gets_a_quarter_of_it(
    lane: LaneUnderTest, reason: ReturnReason
) -> None:
    lease = await a_lease(lane)
    client = await balance(lane, f"client:{CLIENT}")

    await lane.give_back(lease, reason)

    amount = value_of(lease) // 10
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - amount
    assert await balance(lane, f"client:{CLIENT}") == client + amount // 4
    assert await balance(lane, f"rescue:{lease['job_id']}") == amount // 4
    (said,) = await slashes(lane)
    assert (said["reason"], said["amount"], said["to_client"]) == ("missed_deadline", amount, amount // 4)
    await rescued_by(lane, RESCUER)
    lease = (await lane.leases())[-1]
    assert await balance(lane, f"operator:{RESCUER}") == value_of(lease) + amount // 4
    assert await balance(lane, f"rescue:{lease['job_id']}") == 0
    assert [data["to"] for kind, data in await lane.events() if kind == "rescued"] == [RESCUER]
    await lane.check_money()


async def test_who_was_slashed_for_a_job_gets_nothing_back_by_proving_it(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    await lane.give_back(lease, ReturnReason.PROVER_LOST)
    amount = value_of(lease) // 10
    client = await balance(lane, f"client:{CLIENT}")
    await rescued_by(lane, OPERATOR)
    assert await balance(lane, f"operator:{OPERATOR}") == value_of((await lane.leases())[-1])
    assert await balance(lane, f"client:{CLIENT}") == client + amount // 4
    await lane.check_money()


@pytest.mark.parametrize(("signed", "share", "kind"), [(True, 2, "invalid_proof"), (False, 10, "missed_deadline")])
async def test_an_invalid_proof_costs_a_half_if_it_can_be_shown_to_others(
    lane: LaneUnderTest, signed: bool, share: int, kind: str
) -> None:
    lease = await a_lease(lane)
    await lane.give_back(lease, ReturnReason.BAD_PROOF, report=a_report(lease, signed=signed))

    (row,) = await lane.fetch("SELECT * FROM evidence")
    assert (row["kind"], row["amount"], bool(row["claim"])) == (kind, value_of(lease) // share, signed)
    assert (row["proof"], row["operator"]) == (b"no proof" if signed else None, OPERATOR)
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - value_of(lease) // share
    await lane.check_money()


async def test_anothers_signature_is_none(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    other = {**lease, "fence": lease["fence"] + 1}
    report = a_report(other)
    await lane.give_back(lease, ReturnReason.BAD_PROOF, report=report)
    assert [row["kind"] for row in await lane.fetch("SELECT kind FROM evidence")] == ["missed_deadline"]


async def test_a_second_signed_result_that_contradicts_takes_the_whole_value_once(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    first = a_report(lease)
    await lane.give_back(lease, ReturnReason.BAD_PROOF, report=first)

    async def hand_in(report: JobReport) -> Any:
        async with lane.database.transaction(Transaction.RETURN_JOB) as connection:
            return await slash_equivocation(connection, report, OPERATOR)

    assert await hand_in(first) is None  # the same, sent again
    assert await hand_in(a_report(lease, output=2, signed=False)) is None
    assert await hand_in(a_report(lease, proof=b"another one that says the same")) is None
    assert await hand_in(a_report(lease, output=2)) is not None
    assert await hand_in(a_report(lease, output=3)) is None

    assert await balance(lane, f"stake:{OPERATOR}") == BOND - value_of(lease)
    rows = await lane.fetch("SELECT kind, other_claim FROM evidence ORDER BY kind")
    assert [(row["kind"], bool(row["other_claim"])) for row in rows] == [
        ("equivocation", True),
        ("invalid_proof", False),
    ]
    await rescued_by(lane, RESCUER)
    assert await balance(lane, f"rescue:{lease['job_id']}") == 0
    await lane.check_money()


@pytest.mark.parametrize(
    "reason",
    [
        ReturnReason.NOT_PICKED_UP,
        ReturnReason.STORE_FAULT,
        ReturnReason.ARTIFACT_LOST,
        ReturnReason.DECLINED,
        ReturnReason.UNCONFIRMED,
        ReturnReason.FALSE_EXCUSE,
        ReturnReason.HEDGE_LOST,
        ReturnReason.UNPROVABLE,
        ReturnReason.CHILD_CRASHED,
    ],
)
async def test_what_is_not_the_provers_fault_or_honestly_said_costs_nothing(
    lane: LaneUnderTest, reason: ReturnReason
) -> None:
    lease = await a_lease(lane)
    await lane.give_back(lease, reason)
    assert await balance(lane, f"stake:{OPERATOR}") == BOND
    assert not await lane.fetch("SELECT 1 FROM evidence")


async def test_silence_costs_nothing_when_the_gateway_died(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    await lane.fetch("UPDATE gateways SET seen_ms = 0")
    await lane.give_back(lease, ReturnReason.PROVER_LOST)
    assert await balance(lane, f"stake:{OPERATOR}") == BOND


async def test_a_prover_that_goes_away_after_its_report_has_done_its_part(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    await lane.fetch("UPDATE leases SET state = 'reported', reported_ms = now_ms()")
    await lane.give_back(lease, ReturnReason.PROVER_LOST)
    assert await balance(lane, f"stake:{OPERATOR}") == BOND
    assert not await slashes(lane)


async def test_without_a_bond_nothing_is_taken_and_nothing_written(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane, bond=0)
    await lane.give_back(lease, ReturnReason.PROVER_LOST)
    assert not await lane.fetch("SELECT 1 FROM evidence")
    assert not await slashes(lane)


async def test_no_more_than_the_bond_is_taken(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane, bond=1_001)
    await lane.give_back(lease, ReturnReason.PROVER_LOST)
    assert await balance(lane, f"stake:{OPERATOR}") == 0
    assert [data["amount"] for data in await slashes(lane)] == [1_001]
    await lane.check_money()


@pytest.mark.parametrize("how", ["cancelled", "attempts"])
async def test_a_task_that_ends_without_a_rescuer_gives_that_part_to_the_client(lane: LaneUnderTest, how: str) -> None:
    lease = await a_lease(lane)
    before = await balance(lane, f"client:{CLIENT}")
    await lane.give_back(lease, ReturnReason.TIMED_OUT, attempts_max=1 if how == "attempts" else 5)
    if how == "cancelled":
        async with lane.database.transaction(Transaction.END_TASK) as connection:
            await end_task(connection, lease["task_id"], TaskEvent.CANCELLED)

    (task,) = await lane.fetch("SELECT escrow FROM tasks")
    amount = value_of(lease) // 10
    assert await balance(lane, f"client:{CLIENT}") == before + task["escrow"] + amount // 2
    assert await balance(lane, f"rescue:{lease['job_id']}") == 0
    kinds = [kind for kind, _ in await lane.events()]
    assert kinds[-1] in ("cancelled", "failed")
    assert (await lane.events())[-1][1]["compensated"] == amount // 4
    await lane.check_money()


# --- unbonding ---------------------------------------------------------------------------------------


async def test_what_is_being_unbonded_can_still_be_slashed(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    policy = BondPolicy()
    await unbond_stake(lane.database, f"{OPERATOR}:1", OPERATOR, BOND - 10, policy)
    await unbond_stake(lane.database, f"{OPERATOR}:1", OPERATOR, BOND - 10, policy)  # said again
    assert await withdraw_stake(lane.database, OPERATOR) == 0

    await lane.give_back(lease, ReturnReason.PROVER_LOST)

    amount = value_of(lease) // 10
    stake = await read_stake(lane.database, OPERATOR, policy)
    assert (stake.bond, stake.unbonding) == (0, BOND - amount)
    await lane.check_money()
    await lane.fetch("UPDATE unbondings SET ready_ms = 0")
    assert await withdraw_stake(lane.database, OPERATOR) == BOND - amount
    assert await withdraw_stake(lane.database, OPERATOR) == 0
    assert await balance(lane, f"operator:{OPERATOR}") == BOND - amount
    await lane.check_money()


async def test_what_leases_bind_cannot_be_unbonded(lane: LaneUnderTest) -> None:
    lane.bonds = BondPolicy(stake_permille=1_000, overcommit=2)
    lease = await a_lease(lane)
    bound = -(-lease["stake_bound"] // 2)
    assert lease["stake_bound"] == value_of(lease)
    with pytest.raises(InsufficientFunds):
        await unbond_stake(lane.database, f"{OPERATOR}:1", OPERATOR, BOND - bound + 1, lane.bonds)
    await unbond_stake(lane.database, f"{OPERATOR}:1", OPERATOR, BOND - bound, lane.bonds)


# --- what a bond carries -------------------------------------------------------------------------------

WAITING = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
ONE_SLOT = 2 * 1_000 * UNITS  #: twice the reference price, times the units of a job


async def test_without_a_bond_nobody_sells_where_one_is_asked_for(lane: LaneUnderTest) -> None:
    lane.bonds = BondPolicy(stake_permille=1_000)
    await lane.add_prover(OPERATOR)
    await lane.add_task()
    assert not await lane.sell(rounds=3)
    await bonded(lane, ONE_SLOT)
    assert await lane.sell() == 1


async def test_several_provers_of_one_operator_share_one_bond(lane: LaneUnderTest) -> None:
    lane.bonds = BondPolicy(stake_permille=1_000)
    await bonded(lane, 3 * ONE_SLOT)
    for name in ("p", "q"):
        await lane.add_prover(OPERATOR, name, slots=4)
    await lane.add_task(jobs=20)
    market = lane.market
    for _ in range(8):
        await market.hold_rounds(STACK)
    (row,) = await lane.fetch("SELECT sum(stake_bound)::bigint AS bound, count(*) AS leases FROM leases")
    assert 0 < row["bound"] <= 3 * ONE_SLOT
    assert row["leases"] < 8


async def test_rounds_at_once_do_not_sell_more_than_one_bond_carries(lane: LaneUnderTest) -> None:
    """A slot is counted at twice the price that it is sold at here, so of three rounds two fit."""
    lane.bonds = BondPolicy(stake_permille=1_000)
    await bonded(lane, ONE_SLOT)
    systems = ("toy", "zwei", "drei")
    stacks = [Stack(f"default/{system}") for system in systems]
    for system in systems:
        await lane.add_prover(OPERATOR, system, system=system)
        await lane.add_task(lane=Lane(f"default/{system}/small"))

    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        await connection.raw.execute("SELECT 1 FROM accounts WHERE account = $1 FOR UPDATE", f"stake:{OPERATOR}")
        rounds = [asyncio.ensure_future(lane.market.hold_rounds(stack)) for stack in stacks]
        async with asyncio.timeout(60):
            # They have sold, and ask whether the bond carries it; a lock has no event for us.
            while (await lane.fetch(WAITING))[0]["n"] < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    outcomes = await asyncio.gather(*rounds, return_exceptions=True)

    assert sorted(type(one).__name__ for one in outcomes) == ["LeaseLost", "RoundsTally", "RoundsTally"]
    later = await asyncio.gather(*(lane.market.hold_rounds(stack) for stack in stacks))
    assert not any(one.sold for one in later if one is not None)
    assert sum(lease["stake_bound"] for lease in await lane.leases()) == ONE_SLOT


# --- appeals -------------------------------------------------------------------------------------------


async def test_an_overturned_slash_is_given_back_as_far_as_that_is_possible(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    await lane.give_back(lease, ReturnReason.TIMED_OUT)
    (row,) = await lane.fetch("SELECT * FROM evidence")
    treasury = await balance(lane, "treasury")
    with pytest.raises(InvalidField):
        await resolve_appeal(lane.database, row["evidence_id"], overturned=True, answer="yes")
    for _ in range(2):
        await write_appeal(lane.database, row["evidence_id"], "the line was cut")
    with pytest.raises(InvalidField):
        await write_appeal(lane.database, row["evidence_id"], "another reason")
    for _ in range(2):
        await resolve_appeal(lane.database, row["evidence_id"], overturned=True, answer="yes")

    (row,) = await lane.fetch("SELECT * FROM evidence")
    back = row["burnt"] + min(treasury, row["amount"] - row["burnt"])
    assert (row["state"], row["answer"], row["given_back"]) == ("overturned", "yes", back)
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - row["amount"] + back
    await lane.check_money()


async def test_an_upheld_slash_stays(lane: LaneUnderTest) -> None:
    lease = await a_lease(lane)
    await lane.give_back(lease, ReturnReason.TIMED_OUT)
    (row,) = await lane.fetch("SELECT * FROM evidence")
    await write_appeal(lane.database, row["evidence_id"], "no")
    await resolve_appeal(lane.database, row["evidence_id"], overturned=False, answer="it stands")
    assert await balance(lane, f"stake:{OPERATOR}") == BOND - row["amount"]
