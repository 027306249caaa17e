"""The transaction that pays: what it locks, and in which order."""

from __future__ import annotations

from proofgrid.primitives.errors import LeaseLost
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest


async def test_a_proof_that_counts_no_more_waits_for_nobody(lane: LaneUnderTest) -> None:
    """Who gives leases more time locks them in the order of their ids; paying has locked greater ones by then."""
    session = await lane.add_prover("0xalice", slots=2)
    for _ in range(2):
        await lane.add_task()
        await lane.sell()
    await lane.offer(session)
    over, in_time = sorted(await lane.leases(), key=lambda lease: lease["lease_id"])
    await lane.give_back(over, ReturnReason.CHILD_CRASHED)

    async with lane.database.transaction(Transaction.NOTE_REPORTS) as another:
        await another.raw.execute("SELECT FROM leases WHERE lease_id = $1 FOR NO KEY UPDATE", over["lease_id"])
        told, paid = await lane.pay(over, in_time)

    assert isinstance(told, LeaseLost)
    assert told.detail == "the lease ended while its proof was verified: child_crashed"
    assert paid == in_time["prover_id"]
    await lane.check_money()


async def test_a_proof_that_is_reported_twice_is_told_that_it_is_paid(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("0xalice")
    await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    [lease] = await lane.leases()

    assert await lane.pay(lease) == await lane.pay(lease) == [lease["prover_id"]]
    await lane.check_money()
