"""The ledger in the database keeps the same balances as the pure rules, whatever the order of events."""

from __future__ import annotations

import asyncio
import random

import pytest

from proofgrid.primitives.errors import InsufficientFunds
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.rules.ledger.accounts import Ledger, Transfer, client_account
from proofgrid.rules.ledger.settlement import deposit, escrow, pay_for_proof, refund
from proofgrid.store.conflicts import TransferIdTaken
from proofgrid.store.database import Database
from proofgrid.store.ledger import LEDGER_FAULTS, LEDGER_SUMS
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

CLIENT, OPERATOR = Address("0xclient"), Address("0xoperator")
TASKS = [f"00000000-0000-7000-8000-00000000000{number}" for number in range(4)]
JOBS = [f"00000000-0000-7000-8000-0000000001{number:02d}" for number in range(8)]


def a_random_step(chance: random.Random) -> list[Transfer]:
    """One thing that happens to money, sensible or not."""
    task = chance.choice(TASKS)
    match chance.randrange(4):
        case 0:
            return deposit(deposit_id=str(chance.randrange(3)), client=CLIENT, amount=1_000)
        case 1:
            return escrow(task_id=task, client=CLIENT, limit_price=chance.choice([10, 100]), units=5)
        case 2:
            return pay_for_proof(
                task_id=task,
                job_id=chance.choice(JOBS),
                operator=OPERATOR,
                units=2,
                buy_price=10,
                sell_price=chance.choice([8, 10]),
                lane="lane",
                round_number=1,
            )
        case _:
            return refund(task_id=task, client=CLIENT, remaining=chance.choice([10, 30]))


async def post(database: Database, transfers: list[Transfer]) -> str:
    """Post to the database and say what came of it."""
    try:
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            await post_transfers(connection, transfers)
    except InsufficientFunds:
        return "short"
    except TransferIdTaken:
        return "conflict"
    return "posted"


def post_purely(ledger: Ledger, transfers: list[Transfer]) -> str:
    """The same with the rules."""
    try:
        ledger.post(transfers)
    except InsufficientFunds:
        return "short"
    except Exception:
        return "conflict"
    return "posted"


async def balances(database: Database) -> dict[str, int]:
    async with database.connection() as connection:
        rows = await connection.raw.fetch("SELECT account, balance FROM accounts WHERE balance <> 0")
    return {row["account"]: row["balance"] for row in rows}


@pytest.mark.parametrize("seed", range(5))
async def test_random_interleavings_give_the_book_of_the_rules(database: Database, seed: int) -> None:
    chance, ledger = random.Random(seed), Ledger()
    for _ in range(120):
        step = a_random_step(chance)
        assert await post(database, step) == post_purely(ledger, step)

    kept = await balances(database)
    assert kept == {str(account): amount for account, amount in ledger.balances.items() if amount}
    assert sum(kept.values()) == 0
    async with database.connection() as connection:
        assert await connection.fetch(LEDGER_FAULTS) == []


async def test_concurrent_payments_neither_deadlock_nor_overdraw(database: Database) -> None:
    await post(database, deposit(deposit_id="d", client=CLIENT, amount=1_000))
    spends = [escrow(task_id=task, client=CLIENT, limit_price=100, units=3) for task in TASKS]
    outcomes = await asyncio.gather(*(post(database, spend) for spend in spends for _ in range(3)))

    kept = await balances(database)
    assert set(outcomes) == {"posted", "short"}
    assert kept[client_account(CLIENT)] == 100
    assert sum(kept.values()) == 0


async def test_the_ledger_check_finds_an_account_that_does_not_add_up(database: Database) -> None:
    await post(database, deposit(deposit_id="d", client=CLIENT, amount=1_000))
    async with database.connection() as connection:
        await connection.raw.execute(
            "UPDATE accounts SET balance = 999 WHERE account = $1", AccountId(f"client:{CLIENT}")
        )
        faults = await connection.fetch(LEDGER_FAULTS)
        sums = await connection.value(LEDGER_SUMS)
    assert "999" in faults[0]
    assert sums.sum == -1
