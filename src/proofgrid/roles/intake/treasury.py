"""The network's own money and what comes from outside: administrators pay in, pay out, burn, and look at the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from proofgrid.primitives.errors import IdempotencyConflict, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.ledger.accounts import TREASURY, Transfer
from proofgrid.rules.ledger.settlement import burn, deposit, fund_treasury, withdraw
from proofgrid.store.conflicts import TransferIdTaken
from proofgrid.store.database import Database
from proofgrid.store.ledger import balance_of
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

ID_CHARS_MAX = 128

log = structlog.get_logger(__name__)


class Treasury:
    """For administrators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Role.ADMIN, once=True)
    async def deposit(self, admin: Caller, client: Address, amount: int, *, deposit_id: str) -> None:
        """Bring money from outside to a client's account; the same id moves money once.

        Raises InvalidField, or IdempotencyConflict for an id of another deposit.
        """
        check_amount(amount, field="amount", least=1)
        check_id(deposit_id, field="deposit_id")
        transfers = deposit(deposit_id=deposit_id, client=client, amount=amount)
        await self._move_once(transfers, taken="this deposit id was used for another deposit", field="deposit_id")
        log.info("deposited", address=client, amount=amount, by=admin.address)

    @needs(Role.ADMIN, once=True)
    async def fund(self, admin: Caller, amount: int, *, deposit_id: str) -> int:
        """Bring money from outside to the treasury and return what it holds then; the same id moves money once.

        Raises InvalidField, or IdempotencyConflict for an id of another deposit.
        """
        check_amount(amount, field="amount", least=1)
        check_id(deposit_id, field="deposit_id")
        transfers = fund_treasury(deposit_id=deposit_id, amount=amount)
        await self._move_once(transfers, taken="this deposit id was used for another deposit", field="deposit_id")
        log.info("treasury_funded", amount=amount, by=admin.address)
        return await self.balance()

    @needs(Role.ADMIN, once=True)
    async def take_out(self, admin: Caller, amount: int, *, take_id: str, burnt: bool) -> int:
        """Pay money of the treasury out, or burn it, and return what it holds then; the same id moves money once.

        Raises InvalidField, InsufficientFunds, or IdempotencyConflict for an id of another amount.
        """
        check_id(take_id, field="take_id")
        if burnt:
            transfers = burn(burn_id=take_id, account=TREASURY, amount=amount)
        else:
            transfers = withdraw(withdrawal_id=f"treasury:{take_id}", account=TREASURY, amount=amount)
        await self._move_once(transfers, taken="this id was used for another amount", field="take_id")
        balance = await self.balance()
        log.info("taken_from_treasury", amount=amount, burnt=burnt, by=admin.address)
        return balance

    @needs(Role.ADMIN)
    async def balance(self) -> int:
        """Return what the treasury holds, in base units."""
        async with self._database.connection() as connection:
            return await balance_of(connection, TREASURY)

    async def _move_once(self, transfers: Sequence[Transfer], *, taken: str, field: str) -> None:
        try:
            async with self._database.transaction(Transaction.MOVE_MONEY) as connection:
                await post_transfers(connection, list(transfers))
        except TransferIdTaken:
            raise IdempotencyConflict(taken, field=field) from None


def check_id(text: str, *, field: str) -> str:
    """Return the key under which money moves once; raise InvalidField when it is empty or too long."""
    if not 1 <= len(text) <= ID_CHARS_MAX:
        raise InvalidField(f"1 to {ID_CHARS_MAX} characters", field=field)
    return text
