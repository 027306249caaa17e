"""What was verified meanwhile is paid in one transaction; a proof that the ledger refuses takes no others down."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
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


async def test_events_of_a_task_follow_one_another_however_many_proofs_are_paid_at_once(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("0xalice", slots=5)
    long, short = await lane.add_task(jobs=3), await lane.add_task(jobs=2)
    while len(await lane.leases()) < 5:
        assert await lane.sell()
    await lane.offer(session)
    of_long = [lease for lease in await lane.leases() if lease["task_id"] == long]
    of_short = [lease for lease in await lane.leases() if lease["task_id"] == short]

    await lane.pay(of_long[0], of_short[1], of_long[1], of_short[0])
    assert await kinds_of(lane, short) == ["proven", "proven", "combining"]
    assert await kinds_of(lane, long) == ["proven", "proven"]
    await lane.pay(of_long[2])
    await lane.pay(of_long[2])
    assert await kinds_of(lane, long) == ["proven", "proven", "proven", "combining"]
    tasks = await lane.fetch(
        "SELECT state, jobs_open, event_seq, (SELECT max(seq) FROM task_events e"
        " WHERE e.task_id = t.task_id) AS last FROM tasks t"
    )
    assert [(task["state"], task["jobs_open"]) for task in tasks] == [("combining", 0)] * 2
    assert all(task["event_seq"] == task["last"] for task in tasks)
    await lane.check_money()


async def kinds_of(lane: LaneUnderTest, task_id: Any) -> list[str]:
    """Return what a task's timeline tells since it was sold; its events are numbered without a gap."""
    rows = await lane.fetch("SELECT seq, kind FROM task_events WHERE task_id = $1 ORDER BY seq", task_id)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["kind"] for row in rows if row["kind"] not in ("accepted", "sold")]


async def test_each_payment_wakes_combiners_by_a_word_of_its_own(lane: LaneUnderTest) -> None:
    # Siblings of one supervisor share them out by it (roles/chores.py).
    leases = await some_leases(lane, number=2)
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(lane.database.dsn)
    try:
        await listener.add_listener("combining", lambda *said: heard.put_nowait(said[-1]))
        for lease in leases:
            await lane.pay(lease)
        first, second = await heard.get(), await heard.get()
    finally:
        await listener.close()
    assert first
    assert second
    assert first != second
