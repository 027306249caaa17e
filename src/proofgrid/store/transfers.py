"""Transfers in the database: posted all or none, each once."""

from __future__ import annotations

import asyncpg

from proofgrid.primitives.errors import InsufficientFunds, SettlementStopped
from proofgrid.primitives.money import tokens_text
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.store.conflicts import TransferIdTaken
from proofgrid.store.connection import Connection
from proofgrid.store.ledger import POST_TRANSFERS

STOPPED_SQLSTATE = "PG340"  #: of migration 0012: an incident is open


async def post_transfers(connection: Connection, transfers: list[Transfer]) -> None:
    """Move money; raise InsufficientFunds when an account would go below zero, SettlementStopped by an incident.

    Raises TransferIdTaken for an id that another transfer has.
    """
    if not transfers:
        return
    try:
        await connection.run(POST_TRANSFERS, transfers=[transfer_row(transfer) for transfer in transfers])
    except asyncpg.UniqueViolationError:
        raise TransferIdTaken from None
    except asyncpg.CheckViolationError:
        raise insufficient_funds(transfers[0].debit, sum(t.amount for t in transfers)) from None
    except asyncpg.PostgresError as error:
        if error.sqlstate == STOPPED_SQLSTATE:
            raise SettlementStopped(hint="an administrator closes it: proofgrid admin incident list") from None
        raise


def transfer_row(transfer: Transfer) -> dict[str, object]:
    """Spell a transfer as `post_transfers` of the database takes it."""
    return {
        "transfer_id": transfer.transfer_id,
        "debit": transfer.debit,
        "credit": transfer.credit,
        "amount": transfer.amount,
        "reason": transfer.reason,
        "task_id": transfer.task_id,
        "job_id": transfer.job_id,
        "lane": transfer.lane,
        "round": transfer.round_number,
    }


def _whose(account: str) -> str:
    kind, _, owner = account.partition(":")
    return f"the {kind} account of {owner}" if kind in ("client", "operator") else account


def insufficient_funds(account: str, amount: int) -> InsufficientFunds:
    """Return the error of an account that would go below zero."""
    return InsufficientFunds(
        f"{_whose(account)} cannot pay {tokens_text(amount)}",
        field="budget",
        hint="ask the network's administrator for a deposit, or lower the limit price",
    )
