"""Why jobs wait, read from a real database: each reason comes and goes with what causes it."""

from __future__ import annotations

from uuid import UUID

from proofgrid.primitives.ids import Address, TaskId
from proofgrid.roles.market.rounds import MarketSettings
from proofgrid.roles.market.why_waiting import WhyWaiting
from proofgrid.rules.jobs.confinement import Confinement
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.jobs.waiting import TOLD_MAX, Demand, WaitReason, Waits
from proofgrid.rules.staking.bonds import BondPolicy
from tests.roles.lanes import CLIENT, LANE, UNITS, LaneUnderTest

IN_EU = Constraints(regions=frozenset({"eu"}))
BEHIND_RULES = Constraints(confinement=Confinement.RULES)


async def why(lane: LaneUnderTest, task_id: UUID, client: Address = CLIENT) -> set[Waits]:
    """Return why the task's jobs wait."""
    settings = MarketSettings(bonds=lane.bonds, phases=PhasePolicy(silent_ms=lane.silent_ms))
    return set((await WhyWaiting(lane.database, settings).of_task(TaskId(task_id), client)).values())


async def test_a_job_waits_for_a_prover_that_confines_as_its_client_demands(lane: LaneUnderTest) -> None:
    task = await lane.add_task(jobs=1, limit_price=900, constraints=BEHIND_RULES)
    for name, level in (("old", ""), ("weak", "process"), ("newer", "virtual machine")):
        await lane.add_prover(name, confinement=level, ask=1)

    assert await why(lane, task) == {Waits(reason=WaitReason.UNSERVED, unmet=(Demand.CONFINEMENT,))}

    await lane.add_prover("strong", confinement="namespaces", ask=1)

    assert {waits.reason for waits in await why(lane, task)} == {WaitReason.DUE}


async def test_a_job_waits_for_a_prover_then_for_a_price_then_for_a_slot(lane: LaneUnderTest) -> None:
    task = await lane.add_task(jobs=2, limit_price=600, constraints=IN_EU)

    assert await why(lane, task) == {Waits(reason=WaitReason.UNSERVED, unmet=(Demand.PROOF_SYSTEM,))}

    await lane.add_prover("far", region="us", ask=1)
    assert await why(lane, task) == {Waits(reason=WaitReason.UNSERVED, unmet=(Demand.REGION,))}

    await lane.add_prover("large", region="eu", classes=("large",), ask=1)
    assert await why(lane, task) == {Waits(reason=WaitReason.UNSERVED, unmet=(Demand.CLASS,))}

    session = await lane.add_prover("near", region="eu", ask=700)
    assert await why(lane, task) == {Waits(reason=WaitReason.TOO_CHEAP, price=700)}

    await lane.fetch("UPDATE tasks SET limit_price = 1500")
    await lane.fetch("UPDATE jobs SET limit_price = 1500")
    assert await why(lane, task) == {Waits(reason=WaitReason.DUE)}

    assert await lane.sell() == 1
    await lane.offer(session)
    [busy] = await why(lane, task)
    assert busy.reason is WaitReason.BUSY
    assert 0 < busy.after_ms <= UNITS  # as a reference core: a unit a millisecond

    await lane.add_prover("also", region="eu", ask=700, slots=4)
    assert {one.reason for one in await why(lane, task)} <= {WaitReason.SHARE, WaitReason.OUTBID}


async def test_a_job_that_the_clocks_pass_is_told_the_price_to_which_they_came(lane: LaneUnderTest) -> None:
    # The dear one leaves at its ask, and that is the price: it is above the limit, and nothing is sold.
    await lane.add_prover("cheap", ask=700)
    await lane.add_prover("dear", ask=900)
    task = await lane.add_task(limit_price=800)

    assert await lane.sell(rounds=1) == 0

    [waits] = await why(lane, task)
    assert waits.reason is WaitReason.OUTBID
    assert waits.price >= 800


async def test_a_job_that_came_back_waits_for_another_try(lane: LaneUnderTest) -> None:
    await lane.add_prover("op")
    task = await lane.add_task()
    assert await lane.sell() == 1

    [lease] = await lane.leases()
    assert await lane.give_back(lease, ReturnReason.CHILD_CRASHED)

    [waits] = await why(lane, task)
    assert waits.reason is WaitReason.PUT_OFF
    assert waits.after_ms > 0
    await lane.fetch("UPDATE jobs SET not_before_ms = 1")
    [waits] = await why(lane, task)  # the only prover must not have it again so soon
    assert waits.reason is WaitReason.PUT_OFF
    assert waits.after_ms > 1_000


async def test_a_job_too_large_for_everybody_is_told_so(lane: LaneUnderTest) -> None:
    await lane.add_prover("op")
    task = await lane.add_task()
    await lane.fetch("UPDATE jobs SET memory_bytes = $1", 1 << 50)

    assert await why(lane, task) == {Waits(reason=WaitReason.UNSERVED, unmet=(Demand.SIZE,))}


async def test_a_prover_whose_bond_is_too_small_may_not_have_it(lane: LaneUnderTest) -> None:
    lane.bonds = BondPolicy(stake_permille=1_000)
    await lane.add_prover("op")
    task = await lane.add_task()

    assert await why(lane, task) == {Waits(reason=WaitReason.UNSERVED, unmet=(Demand.BOND,))}


async def test_what_another_clients_jobs_do_is_not_this_ones_share(lane: LaneUnderTest) -> None:
    await lane.add_prover("op", slots=8)
    await lane.add_task(jobs=1)
    other = await lane.add_task(jobs=1, client=CLIENT)
    assert await lane.sell()
    assert {one.reason for one in await why(lane, other, Address("0xother"))} <= {WaitReason.DUE}


async def _no_sales(lane: LaneUnderTest) -> int:
    return [kind for kind, _ in await lane.events()].count("no_sale")


async def test_a_reason_is_written_once_whichever_gateway_finds_it_and_however_asks_move(lane: LaneUnderTest) -> None:
    await lane.add_prover("op", ask=700)
    await lane.add_task(limit_price=600)

    for ask in (700, 800, 750, 700):  # a new market each time: nobody remembers
        await lane.fetch("UPDATE sessions SET asks = jsonb_build_object('toy', $1::bigint)", ask)
        await lane.sell(rounds=2)

    assert await _no_sales(lane) == 1


async def test_nobody_is_told_of_a_price_while_a_cheaper_prover_is_only_busy(lane: LaneUnderTest) -> None:
    await lane.add_prover("cheap", ask=500)
    await lane.add_task(limit_price=600)
    assert await lane.sell() == 1
    await lane.add_prover("dear", ask=700)
    task = await lane.add_task(limit_price=600)

    await lane.sell(rounds=2)

    assert await _no_sales(lane) == 0
    assert {one.reason for one in await why(lane, task)} == {WaitReason.BUSY}


async def test_what_flaps_for_ever_is_not_written_for_ever(lane: LaneUnderTest) -> None:
    await lane.add_prover("op", ask=700)
    [task] = {await lane.add_task(limit_price=600)}
    for number in range(TOLD_MAX + 3):
        await lane.sell(rounds=1)
        # As if one job had been sold in between.
        await lane.fetch(
            "INSERT INTO task_events (task_id, seq, kind, data) SELECT task_id, event_seq + 1, 'sold',"
            " jsonb_build_object('lane', $2::text) FROM tasks WHERE task_id = $1",
            task,
            LANE,
        )
        await lane.fetch("UPDATE tasks SET event_seq = event_seq + 1")
        assert await _no_sales(lane) == min(number + 1, TOLD_MAX)
