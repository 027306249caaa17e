"""Slots offered ahead, in the database: sold once, kept from rounds, carried by bonds, and nobody else's."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import InsufficientFunds, NoFirmQuote, ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.bond_moves import deposit_stake, unbond_stake
from proofgrid.roles.intake.reserving import ReserveSettings, Reserving
from proofgrid.rules.ledger.accounts import stake_account
from proofgrid.rules.market.reserves import ReservedJob
from proofgrid.rules.staking.bonds import BondPolicy
from proofgrid.store import firm_quotes
from proofgrid.store.ledger import balance_of
from tests.makers import a_key
from tests.roles.lanes import CLIENT, LANE, UNITS, LaneUnderTest

ALICE, BOB = a_key(7).address, a_key(8).address
BOND = 10**9
POLICY = BondPolicy(stake_permille=500)
JOB = ReservedJob(lane=LANE, units=UNITS, memory_bytes=1)


async def offer(lane: LaneUnderTest, operator: Address, price: int, *, slots: int = 1, bond: int = BOND) -> None:
    """Connect a prover that offers all its slots ahead, with a bond behind it."""
    if bond:
        await deposit_stake(lane.database, operator, operator, bond, from_outside=True)
    session_id = await lane.add_prover(operator, slots=slots)
    await lane.fetch(
        "UPDATE sessions SET reserve_price = $2, reserve_slots = $3 WHERE session_id = $1", session_id, price, slots
    )
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms()")


def reserving(lane: LaneUnderTest) -> Reserving:
    return Reserving(lane.database, ReserveSettings(bonds=POLICY), SystemClock())


async def buy(
    lane: LaneUnderTest, key: str = "key", *, jobs: int = 1, client: Address = CLIENT, api_key: str = ""
) -> UUID | None:
    return await reserving(lane).sell(
        client,
        [JOB] * jobs,
        hold_ms=60_000,
        cost_max=0,
        idempotency_key=key,
        program_digest="p",
        inputs=jobs,
        api_key=api_key,
    )


async def seats(lane: LaneUnderTest) -> list[Any]:
    return await lane.fetch("SELECT prover_id, operator, state, stake_bound FROM firm_quote_seats ORDER BY 1, 2")


async def bond_of(lane: LaneUnderTest, operator: Address) -> int:
    async with lane.database.connection() as connection:
        return await balance_of(connection, stake_account(operator))


async def test_a_reserved_slot_is_sold_once_however_many_buy_at_the_same_moment(lane: LaneUnderTest) -> None:
    await offer(lane, ALICE, 800)
    await offer(lane, BOB, 900)
    bought = await asyncio.gather(*(buy(lane, f"key {number}") for number in range(4)), return_exceptions=True)
    sold = [one for one in bought if isinstance(one, UUID)]
    refused = [one for one in bought if isinstance(one, ProofgridError)]
    # The second one finds bob alone, who sells at the market's own price.
    assert (len(sold), len(refused)) == (2, 2), bought
    assert all(isinstance(one, NoFirmQuote) for one in refused)
    assert {seat["operator"] for seat in await seats(lane)} == {ALICE, BOB}


async def test_what_is_reserved_is_no_supply_of_rounds_until_the_quote_is_over(lane: LaneUnderTest) -> None:
    await offer(lane, ALICE, 800)
    assert await buy(lane) is not None
    await lane.add_task()
    assert not await lane.sell()
    await lane.fetch("UPDATE firm_quotes SET held_until_ms = 0")
    assert await firm_quotes.expire(lane.database) == 1
    assert await lane.sell()
    assert [seat["state"] for seat in await seats(lane)] == ["free"]


async def test_a_bond_that_does_not_carry_the_worst_case_stands_behind_nothing(lane: LaneUnderTest) -> None:
    # At the top of the window, 1250: cost, twice the penalty, and half of the lease's value.
    worst = 1_250 * UNITS + 2 * 250 * UNITS + 625 * UNITS
    await offer(lane, ALICE, 800, bond=worst - 1)
    with pytest.raises(NoFirmQuote, match="no prover offers slots ahead"):
        await buy(lane)
    await deposit_stake(lane.database, "more", ALICE, 1, from_outside=True)
    assert await buy(lane) is not None
    [seat] = await seats(lane)
    cost = 1_000 * UNITS
    assert seat["stake_bound"] == cost // 2
    assert await bond_of(lane, ALICE) == worst - cost - 2 * cost // 5
    # What the coming lease will bind cannot be taken out meanwhile.
    with pytest.raises(InsufficientFunds):
        await unbond_stake(lane.database, "u", ALICE, await bond_of(lane, ALICE) - cost // 2 + 1, POLICY)


async def test_who_cannot_pay_buys_nothing_and_nothing_is_reserved(lane: LaneUnderTest) -> None:
    await offer(lane, ALICE, 800)
    with pytest.raises(InsufficientFunds, match="your account holds 0"):
        await buy(lane, client=Address("0xpoor"))
    assert not await seats(lane)
    assert await bond_of(lane, ALICE) == BOND
