"""What was verified meanwhile is paid in one transaction; a proof that the ledger refuses takes no others down."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proofgrid.store.conflicts import TransferIdTaken
from proofgrid.telemetry.seam import Span, observed_by
from tests.roles.judging import a_result, judging
from tests.roles.lanes import LaneUnderTest


async def some_leases(lane: LaneUnderTest, *, number: int) -> list[Any]:
    """One prover holds leases of so many tasks."""
    session = await lane.add_prover("0xalice", slots=number)
    for _ in range(number):
        await lane.add_task()
    assert await lane.sell()
    await lane.offer(session)
    leases = await lane.leases()
    assert len(leases) == number
    return leases


async def test_proofs_that_were_verified_while_a_payment_was_under_way_are_paid_together(lane: LaneUnderTest) -> None:
    first, *others = await some_leases(lane, number=4)
    payments: list[str] = []

    def observe(span: Span) -> None:
        if span.name == "pay_proofs":
            payments.append(span.name)

    async with judging(lane, workers=4) as judge, asyncio.TaskGroup() as group:
        with observed_by(observe):
            async with lane.database.connection() as other:
                transaction = other.raw.transaction()
                await transaction.start()
                await other.raw.execute("SELECT FROM tasks WHERE task_id = $1 FOR UPDATE", first["task_id"])
                hearing = [group.create_task(judge.hear(a_result(first), of=first))]
                await judge.verified(1)
                hearing += [group.create_task(judge.hear(a_result(one), of=one)) for one in others]
                await judge.verified(4)
                assert payments == []
                await transaction.rollback()
            verdicts = [verdict for one in hearing for verdict in await one]
    assert [verdict.accepted for verdict in verdicts] == [True] * 4
    assert len(payments) == 2
    assert [reason for reason, _, _ in await lane.payments()].count("proof") == 4
    await lane.check_money()


async def test_a_proof_that_the_ledger_refuses_takes_no_others_down(lane: LaneUnderTest) -> None:
    leases = await some_leases(lane, number=3)
    await lane.fetch(
        "SELECT post_transfers(jsonb_build_array(jsonb_build_object('transfer_id', 'pay:' || $1::text, 'debit',"
        " 'escrow:' || $2::text, 'credit', 'operator:0xmallory', 'amount', 3, 'reason', 'proof')))",
        str(leases[1]["job_id"]),
        str(leases[1]["task_id"]),
    )
    async with judging(lane) as judge:
        with pytest.raises(TransferIdTaken):
            await judge.hear(*[a_result(lease) for lease in leases], of=leases[0])
    assert [lease["state"] for lease in await lane.leases()] == ["settled", "reported", "settled"]
    assert [who for reason, who, _ in await lane.payments() if reason == "proof"].count("0xalice") == 2
