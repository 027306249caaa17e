"""An account that falls below the amount that its owner named: told once, in the commit that moved the money."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.intake.accounts import Accounts
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.ledger.accounts import MINT, Transfer, client_account
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.makers import a_key
from tests.roles.lanes import CLIENT, LaneUnderTest
from tests.roles.test_webhooks import OWNER, Home

KEY: SigningKey = a_key(5)
START = 10**12  #: what the client of a lane has


class Purse:
    """The client's account: money goes out of it and comes back."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.accounts = Accounts(home.lane.database)
        self.moves = 0

    async def move(self, amount: int, *, fails: bool = False) -> None:
        self.moves += 1
        mine, mint = client_account(CLIENT), MINT
        debit, credit = (mint, mine) if amount > 0 else (mine, mint)
        one = Transfer(transfer_id=f"m{self.moves}", debit=debit, credit=credit, amount=abs(amount), reason="deposit")
        async with self.home.lane.database.transaction(Transaction.MOVE_MONEY) as connection:
            await post_transfers(connection, [one])
            if fails:
                raise ValueError

    async def told(self) -> list[tuple[int, int]]:
        await self.home.send_all()
        return [
            (one["data"]["event"]["balance"], one["data"]["event"]["low_balance"])
            for one in self.home.receiver.took
            if one["type"] == "account.low_balance"
        ]


@pytest.fixture
async def purse(lane: LaneUnderTest) -> Purse:
    home = Home(lane)
    await home.open("low_balance", "done")
    return Purse(home)


async def test_falling_below_is_told_once_until_it_is_above_again(purse: Purse) -> None:
    shown = await purse.accounts.set_low_balance(OWNER, START - 100)
    assert (shown.low_balance, shown.is_low) == (START - 100, False)
    await purse.move(-100)
    assert await purse.told() == []  # as much as that is not less
    await purse.move(-1)
    await purse.move(-50)
    assert await purse.told() == [(START - 101, START - 100)]
    assert (await purse.accounts.get(OWNER, None, transfers_limit=0)).is_low
    await purse.move(51)
    await purse.move(-10)
    assert await purse.told() == [(START - 101, START - 100), (START - 110, START - 100)]
    assert purse.home.receiver.took[0]["data"]["address"] == CLIENT
    assert len(set(purse.home.receiver.ids)) == 2
    listed = await purse.home.list.deliveries(OWNER, purse.home.endpoint.endpoint_id, limit=9)
    assert [one.kind for one in listed] == ["low_balance"] * 2


async def test_what_was_undone_is_not_told_and_many_at_once_tell_once(purse: Purse) -> None:
    await purse.accounts.set_low_balance(OWNER, START)
    with pytest.raises(ValueError, match=r"^$"):
        await purse.move(-5, fails=True)
    assert await purse.told() == []
    await asyncio.gather(*(purse.move(-5) for _ in range(4)))
    assert await purse.told() == [(START - 5, START)]


async def test_who_is_low_already_is_told_when_it_falls_again_and_nobody_after_it_was_switched_off(
    purse: Purse,
) -> None:
    assert (await purse.accounts.set_low_balance(OWNER, START + 5)).is_low
    await purse.move(-5)
    assert await purse.told() == []
    await purse.move(20)
    await purse.move(-20)
    assert await purse.told() == [(START - 5, START + 5)]
    await purse.accounts.set_low_balance(OWNER, 0)
    await purse.accounts.set_low_balance(OWNER, 10)  # the same account's next event has a name of its own
    await purse.move(20 - START)
    assert await purse.told() == [(START - 5, START + 5)]
    await purse.move(-7)
    assert (await purse.told())[1:] == [(8, 10)]
    with pytest.raises(InvalidField):
        await purse.accounts.set_low_balance(OWNER, 2**63)


async def test_an_account_that_had_nothing_yet_is_low_and_others_are_not_told(purse: Purse) -> None:
    other = Caller(Address(KEY.address), frozenset({Role.CLIENT}))
    shown = await purse.accounts.set_low_balance(other, 5)
    assert (shown.balance, shown.is_low) == (0, True)
    await purse.move(-1)
    assert await purse.told() == []
