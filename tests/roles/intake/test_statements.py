"""Statements of everybody, on the real ledger of a lane that worked."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.doors.services.statement import write_part
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.roles.intake import statements
from proofgrid.roles.intake.statements import Statements
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.settlement import withdraw
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest


async def statement(lane: LaneUnderTest, owner: str, *, from_ms: int = 0, to_ms: int = 0) -> tuple[Any, list[Any], Any]:
    # A statement ends before the present millisecond, and what the test did may have happened in it.
    await lane.fetch("SELECT pg_sleep(0.002)")
    read = Statements(lane.database, SystemClock()).read(owner, from_ms=from_ms, to_ms=to_ms)
    parts = [write_part(part) async for part in read]
    movements = [movement for part in parts for movement in part.page.movements]
    return parts[0].opening, movements, parts[-1].closing


@pytest.fixture
async def worked(lane: LaneUnderTest) -> LaneUnderTest:
    """Two operators proved what they could of two tasks; one task is open."""
    first, second = await lane.add_prover("0xalice"), await lane.add_prover("0xbob", ask=750)
    for _ in range(2):
        await lane.add_task(jobs=2)
        await lane.sell()
        await lane.offer(first, second)
        await lane.pay(*[one for one in await lane.leases() if one["state"] == "offered"])
    await lane.add_task(jobs=1)
    return lane


async def owners_of(lane: LaneUnderTest) -> list[str]:
    rows = await lane.fetch(
        "SELECT DISTINCT split_part(account, ':', 2) AS owner FROM accounts WHERE account ~ '^(client|operator):'"
    )
    return [row["owner"] for row in rows] + ["treasury", "mint", "rescue"]


async def test_opening_and_movements_make_the_closing_of_everybody_and_all_of_them_nothing(
    worked: LaneUnderTest,
) -> None:
    total = 0
    for owner in await owners_of(worked):
        opening, movements, closing = await statement(worked, owner)
        assert opening.balance == 0
        assert sum(one.amount for one in movements) == closing.balance == sum(one.amount for one in closing.sums)
        assert not movements or movements[-1].balance == closing.balance
        total += closing.balance
    assert total == 0


async def test_any_moment_divides_a_statement_into_two_that_fit(
    worked: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "PAGE", 2)
    _, whole, last = await statement(worked, CLIENT)
    for at_ms in sorted({one.at_ms for one in whole}):
        _, before, middle = await statement(worked, CLIENT, to_ms=at_ms)
        opening, after, closing = await statement(worked, CLIENT, from_ms=at_ms)

        assert [one.transfer_id for one in before + after] == [one.transfer_id for one in whole]
        assert (middle.balance, closing.balance) == (opening.balance, last.balance)


async def test_a_payment_shows_its_job_lane_round_units_and_price(worked: LaneUnderTest) -> None:
    _, movements, closing = await statement(worked, Address("0xalice"))
    paid = movements[0]
    assert (paid.reason, paid.account, paid.units) == ("proof", "operator:0xalice", UNITS)
    assert paid.counter_account == f"escrow:{paid.task_id}"
    assert paid.job_id
    assert paid.lane
    assert paid.round > 0
    assert paid.price * paid.units == paid.amount
    assert [one.reason for one in closing.sums] == ["proof"]


async def test_what_is_set_aside_leaves_one_account_and_comes_to_another_of_the_same_owner(
    worked: LaneUnderTest,
) -> None:
    _, movements, _ = await statement(worked, CLIENT)
    escrows = [one for one in movements if one.reason == "escrow"]
    assert sum(one.amount for one in escrows) == 0
    assert len(escrows) == 6
    assert {one.account.partition(":")[0] for one in escrows} == {"client", "escrow"}


async def test_bonds_are_their_operators_and_what_waits_for_a_rescuer_is_nobodys(worked: LaneUnderTest) -> None:
    moves = [
        ("mint", "stake:0xalice", 50),
        ("stake:0xalice", "rescue:j", 20),
        ("stake:0xalice", "unbonding:0xalice", 10),
    ]
    async with worked.database.transaction(Transaction.MOVE_MONEY) as connection:
        for debit, credit, amount in moves:
            one = Transfer(
                transfer_id=credit, debit=AccountId(debit), credit=AccountId(credit), amount=amount, reason="r"
            )
            await post_transfers(connection, [one])
    total = 0
    for owner in await owners_of(worked):
        total += (await statement(worked, owner))[2].balance
    assert total == 0
    _, movements, closing = await statement(worked, "rescue")
    assert [one.amount for one in movements] == [20]
    assert closing.balance == 20


async def test_an_operator_who_takes_money_out_sees_that_too(worked: LaneUnderTest) -> None:
    async with worked.database.transaction(Transaction.MOVE_MONEY) as connection:
        taken = withdraw(withdrawal_id="w", account="operator:0xalice", amount=1)  # type: ignore[arg-type]
        await post_transfers(connection, taken)
    _, movements, _ = await statement(worked, "0xalice")
    assert (movements[-1].reason, movements[-1].amount, movements[-1].counter_account) == ("withdrawal", -1, "mint")
