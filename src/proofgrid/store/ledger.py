"""Balances and transfers as they are written down, and whether they add up."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.ids import AccountId
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class PostedTransfer:
    """Money that moved once."""

    transfer_id: str
    debit: AccountId
    credit: AccountId
    amount: int  #: base units
    reason: str
    task_id: UUID | None
    job_id: UUID | None
    lane: str | None
    round: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """What all accounts hold together, in base units."""

    sum: int  #: of all, `mint` included: 0
    minted: int  #: came in from outside and did not go out again
    held: int  #: by all accounts but `mint`


POST_TRANSFERS = query("post_transfers", None)
BALANCE = query("balance", int)
ESCROWED_OF_CLIENT = query("escrowed_of_client", int)
TRANSFERS_OF_ACCOUNT = query("transfers_of_account", PostedTransfer)
LEDGER_SUMS = query("ledger_sums", LedgerSums)
LEDGER_FAULTS = query("ledger_faults", str)


async def balance_of(connection: Connection, account: AccountId) -> int:
    """Return what an account holds, in base units; 0 when nothing was ever posted on it."""
    return await connection.first(BALANCE, account=account) or 0
