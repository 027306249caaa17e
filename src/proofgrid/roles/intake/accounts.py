"""What addresses own and have earned, and whether the ledger adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import Address
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs, own_or_admin
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.rules.ledger.accounts import client_account, operator_account
from proofgrid.store.database import Database
from proofgrid.store.ledger import (
    ESCROWED_OF_CLIENT,
    LEDGER_FAULTS,
    LEDGER_SUMS,
    TRANSFERS_OF_ACCOUNT,
    LedgerSums,
    PostedTransfer,
    balance_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Amounts in base units."""

    address: Address
    balance: int  #: as a client
    escrowed: int  #: held for open tasks
    earned: int  #: as an operator
    transfers: Sequence[PostedTransfer]  #: newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHealth:
    """Whether the ledger adds up; `faults` are sentences."""

    sums: LedgerSums
    faults: Sequence[str]

    @property
    def is_balanced(self) -> bool:
        return self.sums.sum == 0 and not self.faults


class Accounts:
    """An address sees its own account, an administrator every one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(*ANYBODY, scopes=(Scope.ACCOUNT_READ,))
    async def get(self, caller: Caller, asked: Address | None, *, transfers_limit: int) -> Account:
        """Return what an address, or the caller, owns as a client and has earned as an operator.

        Raises NotAllowed for another's account.
        """
        address = own_or_admin(caller, asked, refusal="you may see your own account only", field="address")
        mine, earned = client_account(address), operator_account(address)
        async with self._database.connection() as connection:
            transfers = await connection.fetch(
                TRANSFERS_OF_ACCOUNT, client=mine, operator=earned, limit=min(transfers_limit, LIST_MAX)
            )
            return Account(
                address=address,
                balance=await balance_of(connection, mine),
                escrowed=await connection.value(ESCROWED_OF_CLIENT, client=address),
                earned=await balance_of(connection, earned),
                transfers=transfers,
            )

    @needs(Role.ADMIN)
    async def check_ledger(self) -> LedgerHealth:
        """Return whether all accounts together hold nothing and each balance is the sum of its transfers."""
        # One moment for both reads, or a payment between them would look like a fault.
        async with self._database.snapshot() as connection:
            sums = await connection.value(LEDGER_SUMS)
            return LedgerHealth(sums=sums, faults=await connection.fetch(LEDGER_FAULTS))
