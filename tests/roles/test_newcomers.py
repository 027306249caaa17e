"""Names that an operator makes gain it nothing, in a database: slots, pauses and places in rounds add up over them."""

from __future__ import annotations

from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.reputation.newcomers import NEWCOMER_SLOTS
from tests.roles.lanes import LaneUnderTest
from tests.roles.test_reputation import buckets, fail, pause_is_over, slots, verify_latest


async def sell_all(lane: LaneUnderTest) -> None:
    """Hold rounds until nothing more is sold."""
    while await lane.sell():
        pass


async def test_many_new_names_hold_no_more_leases_than_one(lane: LaneUnderTest) -> None:
    for number in range(30):
        await lane.add_prover("mallory", f"m{number}", ask=1, slots=4)
    await lane.add_prover("honest", slots=4)
    for _ in range(40):
        await lane.add_task()

    await sell_all(lane)

    holders = [lease["operator"] for lease in await lane.leases()]
    assert holders.count("mallory") <= NEWCOMER_SLOTS
    assert holders.count("honest") == 4


async def test_faults_of_new_names_add_up_and_pause_them_all(lane: LaneUnderTest) -> None:
    for number in range(8):
        await lane.add_prover("mallory", f"m{number}")
        await fail(lane, ReturnReason.TIMED_OUT)
        await lane.fetch("UPDATE sessions SET draining = true WHERE prover_id = $1", f"mallory/m{number}")
    await lane.add_prover("mallory", "fresh")

    assert await slots(lane, "mallory/fresh") == 0
    await pause_is_over(lane)
    assert await slots(lane, "mallory/fresh") == 1
    await lane.add_task()
    assert await lane.sell()
    await verify_latest(lane)
    assert await slots(lane, "mallory/fresh") == 1  # all that it has


async def test_a_fresh_name_of_a_liar_stands_where_the_liar_stands(lane: LaneUnderTest) -> None:
    await lane.add_prover("mallory", "m0")
    await fail(lane, ReturnReason.BAD_PROOF)
    await lane.fetch("UPDATE sessions SET draining = true")
    await lane.add_prover("mallory", "fresh")
    await lane.add_prover("honest")
    await lane.add_task()

    assert await lane.sell()

    assert await buckets(lane) == [1, 3]
    assert (await lane.leases())[-1]["operator"] == "honest"


async def test_a_proven_name_is_not_held_back_by_its_operators_new_ones(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", "old", slots=3)
    await lane.fetch("UPDATE provers SET jobs_proven = 8")
    await lane.add_prover("alice", "new")
    await lane.fetch("UPDATE operator_standings SET paused_until_ms = now_ms() + 60000")

    assert (await slots(lane, "alice/old"), await slots(lane, "alice/new")) == (3, 0)
