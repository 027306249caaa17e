"""The protocol fee: agreed when a lease is sold, taken when it is paid."""

from __future__ import annotations

from proofgrid.primitives.clock import ManualClock
from proofgrid.roles.market.rounds import Market, MarketSettings
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.rules.identity.network_keys import NetworkKeys
from tests.makers import a_key
from tests.roles.lanes import STACK, UNITS, LaneUnderTest


async def sell(lane: LaneUnderTest, *, fee_permille: int) -> None:
    settings = MarketSettings(fee_permille=fee_permille)
    market = Market(
        lane.database, gateway_id=lane.gateway_id, keys=NetworkKeys.of(a_key()), settings=settings, clock=ManualClock()
    )
    held = await market.hold_rounds(STACK)
    assert held is not None
    assert held.sold == 1


async def test_a_changed_fee_changes_no_lease_that_was_sold_and_every_payment_shows_its_own(
    lane: LaneUnderTest,
) -> None:
    session = await lane.add_prover("0xalice", slots=2)
    for permille in (25, 0):
        await lane.add_task()
        await sell(lane, fee_permille=permille)
        await lane.offer(session)
    leases = await lane.leases()
    await lane.pay(*leases)

    fees = await lane.fetch("SELECT * FROM transfers WHERE reason = 'fee'")
    paid = leases[0]["sell_price"] * UNITS
    assert [one["fee_permille"] for one in leases] == [25, 0]
    assert [(one["transfer_id"], one["debit"], one["credit"], one["amount"]) for one in fees] == [
        (f"fee:pay:{leases[0]['job_id']}", "operator:0xalice", "treasury", paid * 25 // 1_000)
    ]
    await lane.check_money()
    assert await LedgerCheck(lane.database, ManualClock()).look(full=True)
    assert not await lane.fetch("SELECT * FROM incidents")
