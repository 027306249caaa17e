"""What operators do with their bonds, and what administrators pay into them."""

from __future__ import annotations

import structlog

from proofgrid.primitives.errors import NotAllowed
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import check_amount
from proofgrid.roles.intake.bond_moves import Stake, deposit_stake, read_stake, unbond_stake, withdraw_stake
from proofgrid.roles.intake.treasury import check_id
from proofgrid.rules.access.rights import needs, own_or_admin
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store.database import Database

OTHERS = "others' bonds are for administrators"

log = structlog.get_logger(__name__)


class Bonds:
    """An operator looks after its own, administrators see all."""

    def __init__(self, database: Database, policy: BondPolicy) -> None:
        self._database = database
        self._policy = policy

    @needs(Role.OPERATOR, Role.ADMIN)
    async def get(self, caller: Caller, asked: Address | None) -> Stake:
        """Return an operator's bond, the caller's own when nobody is named; raise NotAllowed for another's."""
        return await self._stake(own_or_admin(caller, asked, refusal=OTHERS, field="operator"))

    @needs(Role.OPERATOR, Role.ADMIN, once=True)
    async def deposit(
        self, caller: Caller, asked: Address | None, amount: int, *, deposit_id: str, from_outside: bool
    ) -> Stake:
        """Pay into a bond: an operator out of what it earned, an administrator from outside; the same id pays once.

        Raises NotAllowed, InvalidField, InsufficientFunds, or IdempotencyConflict for an id of another deposit.
        """
        operator = own_or_admin(caller, asked, refusal=OTHERS, field="operator")
        if from_outside and not caller.is_admin:
            raise NotAllowed("only administrators bring money from outside", field="from_outside")
        if not from_outside and operator != caller.address:
            raise NotAllowed("only an operator pays out of what he earned", field="operator")
        check_amount(amount, field="amount", least=1)
        check_id(deposit_id, field="deposit_id")
        # Ids are their owner's own: nobody can use up another's.
        owner = "outside" if from_outside else operator
        await deposit_stake(self._database, f"{owner}:{deposit_id}", operator, amount, from_outside=from_outside)
        log.info("bond_paid_in", operator=operator, amount=amount, by=caller.address)
        return await self._stake(operator)

    @needs(Role.OPERATOR, once=True)
    async def unbond(self, caller: Caller, amount: int, *, unbonding_id: str) -> Stake:
        """Begin to take a part of the caller's bond out; the same id does it once.

        Raises InvalidField, InsufficientFunds, or IdempotencyConflict for an id of another amount.
        """
        check_amount(amount, field="amount", least=1)
        check_id(unbonding_id, field="unbonding_id")
        await unbond_stake(self._database, f"{caller.address}:{unbonding_id}", caller.address, amount, self._policy)
        log.info("unbonding", operator=caller.address, amount=amount)
        return await self._stake(caller.address)

    @needs(Role.OPERATOR, once=True)
    async def withdraw(self, caller: Caller) -> Stake:
        """Hand out what the caller unbonded long enough ago."""
        amount = await withdraw_stake(self._database, caller.address)
        log.info("unbonded", operator=caller.address, amount=amount)
        return await self._stake(caller.address)

    async def _stake(self, operator: Address) -> Stake:
        return await read_stake(self._database, operator, self._policy)
