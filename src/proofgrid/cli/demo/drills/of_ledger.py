"""Drills of the ledger: a hand in the database does what no gateway would, and nothing is paid out any more."""

from __future__ import annotations

from collections.abc import Mapping

from proofgrid.cli.demo.drills.drill import Drill, refused, submitted
from proofgrid.cli.demo.drills.scratch import Scratch

A_TRANSFER = """
    SELECT post_transfers(jsonb_build_array(jsonb_build_object('transfer_id', 'drill:' || $1 || $2, 'debit', $1::text,
        'credit', $2::text, 'amount', $3::bigint, 'reason', $4::text, 'task_id', $5::text,
        'job_id', (SELECT job_id FROM jobs WHERE task_id = $5::text::uuid AND $6::bool))))
"""
A_QUOTE = """
    WITH quoted AS (
        INSERT INTO firm_quotes (quote_id, client, idempotency_key, program_digest, inputs, units, cost, premium,
            penalty, buy_price, hold_ms, within_ms, held_until_ms)
        SELECT task_id, client, 'drill', program_digest, inputs, units, 1, 1, 1, 1, 1, 1, now_ms() + 3600000
        FROM tasks WHERE task_id = $1::text::uuid RETURNING quote_id
    )
    UPDATE tasks SET quote_id = quoted.quote_id FROM quoted WHERE task_id = $1::text::uuid
"""


async def corrupt_a_balance(scratch: Scratch) -> int:
    client = await scratch.a_client()
    at_ms = await scratch.now_ms()
    await scratch.sql("UPDATE accounts SET balance = balance + 1 WHERE account = $1", f"client:{client.address}")
    async with scratch.client() as admin:  # who moves money is looked at
        await admin.admin.deposit(client.address, 1, deposit_id="drill")
    return at_ms


async def repair_the_balance(scratch: Scratch) -> None:
    await scratch.sql("UPDATE accounts SET balance = balance - 1 WHERE account LIKE 'client:%'")


async def corrupt_what_nothing_touches(scratch: Scratch) -> int:
    """Only a look at everything finds it: a gateway's first one."""
    await scratch.a_client()
    await scratch.sql("UPDATE accounts SET balance = balance + 1 WHERE account LIKE 'client:%'")
    await scratch.start_gateway("another")
    return await scratch.now_ms()


async def pay_a_job_again(scratch: Scratch) -> int:
    task = await _a_paid_task(scratch)
    at_ms = await scratch.now_ms()
    await _post(scratch, debit="mint", credit="treasury", reason="proof", task=task, job=True)
    return at_ms


async def pay_more_than_was_set_aside(scratch: Scratch) -> int:
    task = await _a_paid_task(scratch)
    at_ms = await scratch.now_ms()
    [row] = await scratch.sql("SELECT escrow + 1 AS more FROM tasks WHERE task_id = $1::text::uuid", task)
    more = int(str(row["more"]))
    await _post(scratch, debit="mint", credit=f"escrow:{task}", reason="drill", task=task, amount=more)
    await _post(scratch, debit=f"escrow:{task}", credit="treasury", reason="drill", task=task, amount=more)
    return at_ms


async def leave_money_behind(scratch: Scratch) -> int:
    task = await _a_paid_task(scratch)
    at_ms = await scratch.now_ms()
    await _post(scratch, debit="mint", credit=f"escrow:{task}", reason="drill", task=task)
    return at_ms


async def forget_a_quote(scratch: Scratch) -> int:
    task = await _a_paid_task(scratch)
    at_ms = await scratch.now_ms()
    await scratch.sql(
        A_QUOTE,
        task,
    )
    await _post(scratch, debit="mint", credit=f"quote:{task}", reason="drill", task=task)
    return at_ms


async def nothing_is_paid_out(scratch: Scratch) -> None:
    async with scratch.client() as admin:
        await admin.admin.fund_treasury(5)
        await refused("PG-340", admin.admin.take_out(1))


async def _a_paid_task(scratch: Scratch) -> str:
    await scratch.start_provers("honest")
    task = await submitted(scratch, "pay me")
    await scratch.until("SELECT FROM tasks WHERE task_id = $1::text::uuid AND state = 'done'", task)
    return task


async def _post(
    scratch: Scratch, *, debit: str, credit: str, reason: str, task: str, amount: int = 1, job: bool = False
) -> None:
    await scratch.sql(
        A_TRANSFER,
        debit,
        credit,
        amount,
        reason,
        task,
        job,
    )


DRILLS: Mapping[str, Drill] = {
    "ledger": Drill(kind="balance", cause=corrupt_a_balance, holds=nothing_is_paid_out, mend=repair_the_balance),
    "ledger-sum": Drill(
        kind="sum", cause=corrupt_what_nothing_touches, holds=nothing_is_paid_out, mend=repair_the_balance
    ),
    "payment": Drill(kind="payment", cause=pay_a_job_again, holds=nothing_is_paid_out),
    "escrow": Drill(kind="escrow", cause=pay_more_than_was_set_aside, holds=nothing_is_paid_out),
    "rest": Drill(kind="rest", cause=leave_money_behind, holds=nothing_is_paid_out),
    "quote": Drill(kind="quote", cause=forget_a_quote, holds=nothing_is_paid_out),
}
