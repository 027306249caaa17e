"""Balances and transfers as they are written down, and whether they add up."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds."""

    account: AccountId
    balance: int  #: base units


@dataclass(frozen=True, slots=True)
class LowBalance:
    """Below which balance a client is told so, in base units."""

    amount: int  #: 0: never
    is_low: bool  #: it is below it


POST_TRANSFERS = query("post_transfers", None)
BALANCE = query("balance", int)
BALANCES = query("balances", Balance)
LOCK_ACCOUNTS = query("lock_accounts", Balance)
OPEN_ACCOUNT = query("open_account", None)
SET_LOW_BALANCE = query("set_low_balance", None)
LOW_BALANCE_OF = query("low_balance_of", LowBalance)
ESCROWED_OF_CLIENT = query("escrowed_of_client", int)
TRANSFERS_OF_ACCOUNT = query("transfers_of_account", PostedTransfer)
LEDGER_SUMS = query("ledger_sums", LedgerSums)
LEDGER_FAULTS = query("ledger_faults", str)


async def balance_of(connection: Connection, account: AccountId) -> int:
    """Return what an account holds, in base units; 0 when nothing was ever posted on it."""
    return await connection.first(BALANCE, account=account) or 0


async def balances_of(connection: Connection, accounts: Iterable[AccountId]) -> dict[AccountId, int]:
    """Return what accounts hold, in base units, if they were ever posted on."""
    return {row.account: row.balance for row in await connection.fetch(BALANCES, accounts=list(accounts))}


async def lock_accounts(connection: Connection, accounts: Iterable[AccountId]) -> dict[AccountId, int]:
    """Lock accounts in the order of their names; return what each holds, in base units, if it was ever posted on."""
    rows = await connection.fetch(LOCK_ACCOUNTS, accounts=list(accounts))
    return {row.account: row.balance for row in rows}
