"""The transaction that pays: what it locks, and in which order."""

from __future__ import annotations

from proofgrid.primitives.errors import LeaseLost
from proofgrid.roles.settlement.payment import pay
from proofgrid.rules.jobs.offers import Paid
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.settlement import LEASES_OF_REPORTS
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest, proven


async def test_a_proof_whose_lease_ended_meanwhile_waits_for_nobody(lane: LaneUnderTest) -> None:
    """Who gives leases more time locks them in the order of their ids; paying has locked greater ones by then."""
    session = await lane.add_prover("0xalice", slots=2)
    for _ in range(2):
        await lane.add_task()
        await lane.sell()
    await lane.offer(session)
    over, in_time = sorted(await lane.leases(), key=lambda lease: lease["lease_id"])
    ids = [over["lease_id"], in_time["lease_id"]]
    verified = [proven(row) for row in await lane.ask(LEASES_OF_REPORTS, lease_ids=ids)]
    await lane.give_back(over, ReturnReason.CHILD_CRASHED)

    async with lane.database.transaction(Transaction.NOTE_REPORTS) as another:
        await another.raw.execute("SELECT FROM leases WHERE lease_id = $1 FOR NO KEY UPDATE", ids[0])
        async with lane.database.transaction(Transaction.PAY_PROOFS) as connection:
            told = await pay(connection, verified, lane.settings.hedging, seating=lane.seating)

    assert isinstance(told[ids[0]], LeaseLost)
    assert "the lease ended while its proof was verified: child_crashed" in str(told[ids[0]])
    assert isinstance(told[ids[1]], Paid)
    await lane.check_money()


async def test_a_proof_that_is_reported_twice_is_told_that_it_is_paid(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("0xalice")
    await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    [lease] = await lane.leases()

    assert await lane.pay(lease) == await lane.pay(lease) == [lease["prover_id"]]
    await lane.check_money()
