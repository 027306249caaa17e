"""Money of the treasury leaves through the mint, once."""

from __future__ import annotations

import pytest

from proofgrid.doors.grpc.treasury import take_out
from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField
from proofgrid.rules.ledger.accounts import MINT, TREASURY, Transfer
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.roles.lanes import LaneUnderTest


async def test_what_is_withdrawn_or_burnt_leaves_once_and_never_more_than_there_is(lane: LaneUnderTest) -> None:
    async with lane.database.transaction(Transaction.MOVE_MONEY) as connection:
        given = Transfer(transfer_id="g", debit=MINT, credit=TREASURY, amount=100, reason="deposit")
        await post_transfers(connection, [given])

    assert await take_out(lane.database, "a", 30, burnt=False) == 70
    assert await take_out(lane.database, "a", 30, burnt=False) == 70
    assert await take_out(lane.database, "a", 20, burnt=True) == 50
    with pytest.raises(IdempotencyConflict):
        await take_out(lane.database, "a", 31, burnt=False)
    with pytest.raises(InsufficientFunds):
        await take_out(lane.database, "b", 51, burnt=True)
    with pytest.raises(InvalidField):
        await take_out(lane.database, "c", 0, burnt=True)
    rows = await lane.fetch("SELECT reason, amount FROM transfers WHERE debit = 'treasury' ORDER BY amount")
    assert [(row["reason"], row["amount"]) for row in rows] == [("burn", 20), ("withdrawal", 30)]
    await lane.check_money()
