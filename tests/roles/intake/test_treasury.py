"""Money of the treasury leaves through the mint, once."""

from __future__ import annotations

import pytest

from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.treasury import Treasury
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.ledger.accounts import MINT, TREASURY, Transfer
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.roles.lanes import LaneUnderTest

ADMIN = Caller(Address("0xad"), frozenset({Role.ADMIN}))


async def test_what_is_withdrawn_or_burnt_leaves_once_and_never_more_than_there_is(lane: LaneUnderTest) -> None:
    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        given = Transfer(transfer_id="g", debit=MINT, credit=TREASURY, amount=100, reason="deposit")
        await post_transfers(connection, [given])

    treasury = Treasury(lane.database)
    assert await treasury.take_out(ADMIN, 30, take_id="a", burnt=False) == 70
    assert await treasury.take_out(ADMIN, 30, take_id="a", burnt=False) == 70
    assert await treasury.take_out(ADMIN, 20, take_id="a", burnt=True) == 50
    with pytest.raises(IdempotencyConflict):
        await treasury.take_out(ADMIN, 31, take_id="a", burnt=False)
    with pytest.raises(InsufficientFunds):
        await treasury.take_out(ADMIN, 51, take_id="b", burnt=True)
    with pytest.raises(InvalidField):
        await treasury.take_out(ADMIN, 0, take_id="c", burnt=True)
    rows = await lane.fetch("SELECT reason, amount FROM transfers WHERE debit = 'treasury' ORDER BY amount")
    assert [(row["reason"], row["amount"]) for row in rows] == [("burn", 20), ("withdrawal", 30)]
    await lane.check_money()
