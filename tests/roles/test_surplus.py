"""What clients pay beyond what operators receive: the treasury's, or nobody's."""

from __future__ import annotations

import pytest

from proofgrid.doors.services.statement import write_part
from proofgrid.primitives.clock import ManualClock, SystemClock
from proofgrid.roles.intake.statements import Statements
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.rules.ledger.settlement import SurplusTo
from proofgrid.settings.declared import load_settings
from proofgrid.settings.gateway import GatewaySettings
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

SPREAD = 3


async def prove_with_surplus(lane: LaneUnderTest, surplus_to: SurplusTo) -> None:
    """Let two jobs be proven for which the client pays more than the operator gets."""
    session = await lane.add_prover("0xalice", slots=2)
    await lane.add_task(jobs=2)
    while not await lane.fetch("SELECT FROM leases OFFSET 1"):
        assert await lane.sell()
    await lane.fetch("UPDATE leases SET sell_price = buy_price - $1", SPREAD)
    await lane.offer(session)
    await lane.pay(*await lane.leases(), surplus_to=surplus_to)


async def statement(lane: LaneUnderTest, owner: str) -> dict[str, int]:
    """Return what a statement sums up, by reason."""
    await lane.fetch("SELECT pg_sleep(0.002)")  # a statement ends before the present millisecond
    parts = [write_part(part) async for part in Statements(lane.database, SystemClock()).read(owner)]
    return {one.reason: one.amount for one in parts[-1].closing.sums}


@pytest.mark.parametrize(
    ("surplus_to", "owner", "reason"),
    [(SurplusTo.TREASURY, "treasury", "surplus"), (SurplusTo.BURN, "mint", "surplus burnt")],
)
async def test_the_surplus_goes_where_the_network_says_and_every_statement_shows_it(
    lane: LaneUnderTest, surplus_to: SurplusTo, owner: str, reason: str
) -> None:
    await prove_with_surplus(lane, surplus_to)

    surplus = 2 * SPREAD * UNITS
    assert (await statement(lane, CLIENT))[reason] == -surplus
    assert (await statement(lane, owner))[reason] == surplus
    assert (owner == "treasury") == ("surplus" in await statement(lane, "treasury"))
    assert sum(amount for _, _, amount in await lane.payments()) == sum(
        one["buy_price"] * UNITS for one in await lane.leases()
    )
    await lane.check_money()
    assert await LedgerCheck(lane.database, ManualClock()).look(full=True)
    assert not await lane.fetch("SELECT FROM incidents")


def test_the_setting_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(GatewaySettings).surplus is SurplusTo.TREASURY
    monkeypatch.setenv("PROOFGRID_SURPLUS", "burn")
    assert load_settings(GatewaySettings).surplus is SurplusTo.BURN
