"""Bonds in the database: paid in, unbonded after a delay, withdrawn; appeals written down and answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField, UnknownEvidence
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount
from proofgrid.rules.ledger.accounts import MINT, TREASURY, operator_account, stake_account, unbonding_account
from proofgrid.rules.ledger.stakes import bond, overturn, unbond, withdraw_unbonded
from proofgrid.rules.staking.bonds import BondPolicy, removable
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.ledger import balance_of
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from proofgrid.wire.v1 import stake_pb2 as messages


async def read_stake(database: Database, operator: Address, policy: BondPolicy) -> messages.Stake:
    """Return what an operator's bond is, and what of it is free."""
    async with database.snapshot() as connection:
        held = await balance_of(connection, stake_account(operator))
        earned = await balance_of(connection, operator_account(operator))
        bound = await _bound(connection, operator)
        waiting = await connection.fetch(QUERIES["unbondings_of"], operator)
        now_ms = await connection.value(DATABASE_TIME)
    return messages.Stake(
        operator=operator,
        bond=held,
        bound=bound,
        removable=removable(held, bound, policy),
        unbonding=sum(row["rest"] for row in waiting),
        ready=sum(row["rest"] for row in waiting if row["ready_ms"] <= now_ms),
        unbondings=[
            messages.Unbonding(
                unbonding_id=row["unbonding_id"].partition(":")[2], amount=row["rest"], ready_ms=row["ready_ms"]
            )
            for row in waiting
        ],
        earned=earned,
        stake_permille=policy.stake_permille,
        overcommit=policy.overcommit,
    )


async def deposit_stake(
    database: Database, deposit_id: str, operator: Address, amount: int, *, from_outside: bool
) -> None:
    """Pay into a bond once; raise InsufficientFunds, or IdempotencyConflict for an id of another deposit."""
    try:
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            await post_transfers(
                connection, bond(deposit_id=deposit_id, operator=operator, amount=amount, from_outside=from_outside)
            )
    except asyncpg.UniqueViolationError:
        raise IdempotencyConflict("this deposit id was used for another deposit", field="deposit_id") from None


async def unbond_stake(
    database: Database, unbonding_id: str, operator: Address, amount: int, policy: BondPolicy
) -> None:
    """Begin to take a part of a bond out; raise InsufficientFunds when leases bind it, or it is not there."""
    async with database.transaction(Transaction.MOVE_MONEY) as connection:
        held = await _lock_bond(connection, operator)
        known = await connection.fetchrow(QUERIES["get_unbonding"], unbonding_id)
        if known is not None:
            if known["amount"] != amount:
                raise IdempotencyConflict("this id was used for another amount", field="unbonding_id")
            return
        # After the lock: a round that bound more of it has committed, or finds that it is gone.
        most = removable(held, await _bound(connection, operator), policy)
        if amount > most:
            raise InsufficientFunds(
                f"{format_amount(most)} of the bond can be unbonded now",
                field="amount",
                hint="leases bind the rest until they end; drain your provers first",
            )
        await connection.fetch(QUERIES["insert_unbonding"], unbonding_id, operator, amount, policy.unbonding_ms)
        await post_transfers(connection, unbond(unbonding_id=unbonding_id, operator=operator, amount=amount))


async def withdraw_stake(database: Database, operator: Address) -> int:
    """Hand out what was unbonded long enough ago; return how much that was."""
    async with database.transaction(Transaction.MOVE_MONEY) as connection:
        await connection.fetch(
            QUERIES["lock_accounts"], [operator_account(operator), stake_account(operator), unbonding_account(operator)]
        )
        rows = await connection.fetch(QUERIES["withdraw_unbondings"], operator)
        transfers = [
            transfer
            for row in rows
            for transfer in withdraw_unbonded(unbonding_id=row["unbonding_id"], operator=operator, amount=row["rest"])
        ]
        await post_transfers(connection, transfers)
    return sum(row["rest"] for row in rows)


async def write_appeal(database: Database, evidence_id: UUID, text: str) -> None:
    """Write an appeal down; the same again changes nothing. Raises InvalidField when there was another one."""
    async with database.transaction(Transaction.APPEAL) as connection:
        row = await connection.fetchrow(QUERIES["lock_evidence"], evidence_id)
        if row is None:
            raise UnknownEvidence(field="evidence_id")
        if row["appeal"] == text:
            return
        if row["state"] != "stands":
            raise InvalidField(f"it was appealed already and is {row['state']}", field="evidence_id")
        await connection.execute(QUERIES["appeal"], evidence_id, text)


async def resolve_appeal(database: Database, evidence_id: UUID, *, overturned: bool, answer: str) -> None:
    """Answer an appeal; the same answer again changes nothing. Raises InvalidField when there is none to answer."""
    state = "overturned" if overturned else "upheld"
    async with database.transaction(Transaction.APPEAL) as connection:
        row = await connection.fetchrow(QUERIES["lock_evidence"], evidence_id)
        if row is None:
            raise UnknownEvidence(field="evidence_id")
        if row["state"] == state:
            return
        if row["state"] != "appealed":
            raise InvalidField(f"there is no appeal to answer, it is {row['state']}", field="evidence_id")
        given_back = await _give_back(connection, row) if overturned else 0
        await connection.execute(QUERIES["resolve_appeal"], evidence_id, state, answer, given_back)


async def _give_back(connection: Any, row: Any) -> int:
    """Make what was burnt again; for the client's and the rescuer's parts the treasury pays as far as it can."""
    operator = Address(row["operator"])
    locked = await connection.fetch(QUERIES["lock_accounts"], [MINT, stake_account(operator), TREASURY])
    treasury = {one["account"]: one["balance"] for one in locked}[TREASURY]
    from_treasury = min(treasury, row["amount"] - row["burnt"])
    await post_transfers(
        connection,
        overturn(
            evidence_id=str(row["evidence_id"]), operator=operator, burnt=row["burnt"], from_treasury=from_treasury
        ),
    )
    return int(row["burnt"] + from_treasury)


async def _lock_bond(connection: Any, operator: Address) -> int:
    accounts = [stake_account(operator), unbonding_account(operator)]
    rows = await connection.fetch(QUERIES["lock_accounts"], accounts)
    return int({row["account"]: row["balance"] for row in rows}.get(accounts[0], 0))


async def _bound(connection: Any, operator: Address) -> int:
    rows = await connection.fetch(QUERIES["bound_of_operators"], [operator])
    return int(rows[0]["bound"]) if rows else 0
