"""What addresses own and have earned, and whether the ledger adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import AMOUNT_MAX
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
    LOCK_ACCOUNTS,
    LOW_BALANCE_OF,
    OPEN_ACCOUNT,
    SET_LOW_BALANCE,
    TRANSFERS_OF_ACCOUNT,
    LedgerSums,
    PostedTransfer,
    balance_of,
)
from proofgrid.store.transactions import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Amounts in base units."""

    address: Address
    balance: int  #: as a client
    escrowed: int  #: held for open tasks
    earned: int  #: as an operator
    transfers: Sequence[PostedTransfer]  #: newest first
    low_balance: int = 0  #: below this its webhooks are told; 0: never
    is_low: bool = False


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
            low = await connection.first(LOW_BALANCE_OF, account=mine)
            return Account(
                address=address,
                balance=await balance_of(connection, mine),
                escrowed=await connection.value(ESCROWED_OF_CLIENT, client=address),
                earned=await balance_of(connection, earned),
                transfers=transfers,
                low_balance=0 if low is None else low.amount,
                is_low=low is not None and low.is_low,
            )

    @needs(Role.CLIENT, once=True, scopes=(Scope.WEBHOOKS_WRITE,))
    async def set_low_balance(self, caller: Caller, amount: int) -> Account:
        """Have the caller's webhooks told when its balance falls below an amount, in base units; 0: no more.

        It is told once, until the balance is as high again. Who is below it already is told when it falls there again.
        """
        if not 0 <= amount <= AMOUNT_MAX:
            raise InvalidField(f"0 to {AMOUNT_MAX} base units", field="amount")
        mine = client_account(caller.address)
        async with self._database.transaction(Transaction.CHANGE_LOW_BALANCE) as connection:
            await connection.run(OPEN_ACCOUNT, account=mine)
            await connection.fetch(LOCK_ACCOUNTS, accounts=[mine])
            await connection.run(SET_LOW_BALANCE, account=mine, owner=caller.address, amount=amount)
        return await self.get(caller, None, transfers_limit=0)

    @needs(Role.ADMIN)
    async def check_ledger(self) -> LedgerHealth:
        """Return whether all accounts together hold nothing and each balance is the sum of its transfers."""
        # One moment for both reads, or a payment between them would look like a fault.
        async with self._database.snapshot() as connection:
            sums = await connection.value(LEDGER_SUMS)
            return LedgerHealth(sums=sums, faults=await connection.fetch(LEDGER_FAULTS))
