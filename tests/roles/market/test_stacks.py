"""Rounds of a whole stack on a real database: who gets which lane's jobs, at which price."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from proofgrid.primitives.ids import Address, GatewayId
from proofgrid.roles.market import collecting
from proofgrid.roles.market.collecting import book_tasks
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.ledger.settlement import deposit
from proofgrid.rules.market.draw_record import check_drawn, read_table
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.roles.lanes import LANE, STACK, UNITS, LaneUnderTest

LARGE = "default/toy/large"
ALL = ("small", "medium", "large")
IN_EU = Constraints(regions=frozenset({"eu"}))
FLOODER = Address("0xf1")


async def a_stack(database: Database) -> LaneUnderTest:
    lane = LaneUnderTest(database)
    await lane.open()
    return lane


async def rich(lane: LaneUnderTest, client: Address) -> None:
    async with lane.database.transaction(Transaction.JOIN_NETWORK) as connection:
        await post_transfers(connection, deposit(deposit_id=client, client=client, amount=10**12))


async def hold(lane: LaneUnderTest, rounds: int) -> None:
    market = lane.market
    for _ in range(rounds):
        await market.hold_rounds(STACK)


async def test_a_large_prover_serves_small_while_nobody_wants_large(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("op", classes=ALL)
    await lane.add_task()

    assert await lane.sell() == 1

    [lease] = await lane.leases()
    assert lease["lane"] == LANE
    assert lease["prover_id"] == "op/p"


async def test_provers_of_large_serve_large_and_small_each_in_one_lane_of_a_round(database: Database) -> None:
    lane = await a_stack(database)
    for operator in ("a", "b", "c"):
        await lane.add_prover(operator, classes=ALL, slots=4)
    await lane.add_prover("d", ask=900, slots=2)
    await lane.add_task(lane=LARGE, jobs=2, limit_price=3_000)
    await lane.add_task(jobs=5, limit_price=3_000)

    for _ in range(40):
        await lane.sell(rounds=1)
    leases = await lane.leases()

    assert Counter(lease["lane"] for lease in leases) == {LARGE: 2, LANE: 5}
    records = [row["transcript"] for row in await lane.fetch("SELECT transcript::jsonb FROM rounds ORDER BY at_ms")]
    drawn = 0
    for upper in (record for record in records if record["lane"] == LARGE and record["draw"] is not None):
        digest = upper["draw"]["digest"]
        lanes = read_table(upper["draw"]["table"], digest=digest, beacon=bytes.fromhex(upper["beacon"]))
        for record in records:
            if record["draw"] is not None and record["draw"]["digest"] == digest:
                check_drawn(record, lanes)
                drawn += 1
    assert drawn
    owed = sorted(record["result"]["sell_price"] for record in records for _ in record["result"]["placements"])
    assert sorted(lease["sell_price"] for lease in leases) == owed
    sessions = {lease["session_id"] for lease in leases}
    await lane.offer(*sessions)
    await lane.pay(*leases)
    paid = {(who, amount) for reason, who, amount in await lane.payments() if reason == "proof"}
    assert paid >= {(lease["operator"], lease["sell_price"] * UNITS) for lease in leases}
    await lane.check_money()


async def test_a_lane_with_constraints_holds_only_the_provers_that_it_accepts(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("far", region="us", slots=8)
    for operator in ("near", "by"):
        await lane.add_prover(operator, region="eu", ask=900, slots=2)
    await lane.add_task(jobs=2, constraints=IN_EU, limit_price=2_000)

    await hold(lane, 20)
    leases = await lane.leases()

    assert leases
    assert {lease["lane"] for lease in leases} == {f"{LANE}/{IN_EU.name}"}
    assert {lease["operator"] for lease in leases} <= {"near", "by"}
    await lane.offer(*{lease["session_id"] for lease in leases})
    assert len(await lane.pay(*leases)) == len(leases)
    assert ("proof", leases[0]["operator"], leases[0]["sell_price"] * UNITS) in await lane.payments()
    await lane.check_money()


async def test_a_task_whose_constraints_nobody_meets_is_told_so_once(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("far", region="us")
    await lane.add_task(constraints=IN_EU)

    await hold(lane, 3)

    told = [data for kind, data in await lane.events() if kind == "no_sale"]
    lane_name = f"{LANE}/{IN_EU.name}"
    assert told == [{"lane": lane_name, "nobody": True, "unmet": ["region"], "limit_price": 1_500}]


async def test_nobody_is_told_while_a_prover_that_is_merely_busy_meets_the_constraints(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("near", region="eu")
    await lane.add_task()
    assert await lane.sell() == 1
    await lane.add_task(constraints=IN_EU)

    await hold(lane, 3)

    assert not [kind for kind, _ in await lane.events() if kind == "no_sale"]


async def test_a_task_is_told_that_nobody_meets_its_constraints_while_other_lanes_trade(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("far", region="us")
    await lane.add_task(constraints=IN_EU)
    await lane.add_task()

    assert await lane.sell() == 1

    assert sorted(kind for kind, _ in await lane.events() if kind in ("no_sale", "sold")) == ["no_sale", "sold"]


@pytest.mark.parametrize(("wanted", "ask"), [(LARGE, 2_000), (LANE, 700)])
async def test_an_ask_for_a_class_counts_where_jobs_of_the_class_wait(
    database: Database, wanted: str, ask: int
) -> None:
    lane = await a_stack(database)
    await lane.add_prover("op", classes=ALL, ask=700, slots=2, class_asks={"large": 2_000})
    await lane.add_task(lane=wanted, limit_price=600)

    await hold(lane, 1)

    [said] = [data for kind, data in await lane.events() if kind == "no_sale"]
    assert (said["lane"], said["cheapest_ask"]) == (wanted, ask)


async def test_a_prover_gets_no_job_that_it_would_need_longer_for_than_the_horizon(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("slow", ask=1)
    await lane.add_prover("fresh", ask=900)
    # A unit a second: the job of 1,000 units would take more than a quarter of an hour.
    await lane.fetch(
        "INSERT INTO prover_speeds (prover_id, proof_system, class, units, wall_ms, samples)"
        " VALUES ('slow/p', 'toy', 'small', 1000, 1000000, 100)"
    )
    await lane.add_task()

    await lane.sell()

    assert [lease["operator"] for lease in await lane.leases()] == ["fresh"]


async def test_a_prover_that_is_fast_without_measure_breaks_no_round(database: Database) -> None:
    lane = await a_stack(database)
    await lane.add_prover("ready", ask=1)
    # Proofs that were kept ready: a million units in three milliseconds.
    await lane.fetch(
        "INSERT INTO prover_speeds (prover_id, proof_system, class, units, wall_ms, samples)"
        " VALUES ('ready/p', 'toy', 'small', 1000000, 3, 3)"
    )
    await lane.add_task()

    assert await lane.sell() == 1


@pytest.mark.parametrize("start", ["10", "d0", "f8"])  # before both clients, between them, after both
async def test_a_flood_of_one_client_does_not_keep_the_single_task_of_another_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    lane = await a_stack(database)
    await rich(lane, FLOODER)
    for operator in ("a", "b", "c"):
        await lane.add_prover(operator, slots=2)
    for _ in range(book_tasks(6) + 20):  # the book is full without the other client's task, which came last
        await lane.add_task(client=FLOODER)
    late = await lane.add_task()
    monkeypatch.setattr(collecting, "fresh_bytes", lambda count: bytes.fromhex(start) * count)

    await lane.sell()

    assert late in [lease["task_id"] for lease in await lane.leases()]


async def test_two_gateways_at_one_stack_sell_every_job_once(database: Database) -> None:
    one = await a_stack(database)
    other = replace(one, gateway_id=GatewayId(uuid4()))
    await one.fetch("INSERT INTO gateways (gateway_id) VALUES ($1)", other.gateway_id)
    for operator in ("a", "b", "c"):
        await one.add_prover(operator, classes=ALL, slots=4)
    for _ in range(3):
        await one.add_task(lane=LARGE)
        await one.add_task()

    await asyncio.gather(hold(one, 15), hold(other, 15))
    await hold(one, 15)

    leases = await one.leases()
    assert len({lease["job_id"] for lease in leases}) == len(leases) == 6
    numbers = Counter((row["lane"], row["number"]) for row in await one.fetch("SELECT lane, number FROM rounds"))
    assert set(numbers.values()) == {1}


async def attacked_market(database: Database) -> LaneUnderTest:
    """Four honest provers, two slots each, and eight honest jobs."""
    lane = await a_stack(database)
    for number, operator in enumerate(("a", "b", "c", "d")):
        await lane.add_prover(operator, ask=700 + 50 * number, slots=2, region="eu")
    for number in range(8):
        await lane.add_task(limit_price=1_500 + number)
    return lane


async def records_of(lane: LaneUnderTest, name: str = LANE) -> list[dict[str, Any]]:
    rows = await lane.fetch("SELECT transcript::jsonb FROM rounds WHERE lane = $1 ORDER BY number", name)
    return [row["transcript"] for row in rows]


async def test_a_hopeless_bid_with_constraints_stops_no_market(database: Database) -> None:
    """Its lane's reference sank, its ceiling with it, and who was above a ceiling was out of all lanes below."""
    lane = await attacked_market(database)
    await lane.add_task(limit_price=1, constraints=IN_EU)

    await hold(lane, 20)

    assert Counter(lease["lane"] for lease in await lane.leases()) == {LANE: 8}
    narrow = await records_of(lane, f"{LANE}/{IN_EU.name}")
    assert min(record["next_reference"] for record in narrow) >= 1_000
    assert all(record["idle_bids"] and not record["asks"] for record in narrow)


async def test_a_junk_large_job_at_the_floor_puts_no_two_jobs_on_a_slot(database: Database) -> None:
    lane = await attacked_market(database)
    junk = await lane.add_task(limit_price=250)
    await lane.fetch("UPDATE jobs SET units = 60000 WHERE task_id = $1", junk)

    await hold(lane, 20)

    leases = await lane.leases()
    assert len(leases) == 8
    assert junk not in [lease["task_id"] for lease in leases]
    assert set(Counter(lease["prover_id"] for lease in leases).values()) == {2}


async def test_junk_exclusions_send_nobody_out(database: Database) -> None:
    lane = await attacked_market(database)
    junk = await lane.add_task(limit_price=1)
    barred = {f"{operator}/p": 2**52 for operator in "abc"}
    await lane.fetch("UPDATE jobs SET excluded = $2::jsonb WHERE task_id = $1", junk, barred)

    await hold(lane, 20)

    assert len(await lane.leases()) == 8
    assert all(record["absent"] == [] for record in await records_of(lane))


async def test_slots_that_no_waiting_job_may_use_are_no_supply(database: Database) -> None:
    """A hundred slots for jobs larger than any that waits drove the price down to the cheapest prover's."""
    lane = await attacked_market(database)
    await lane.add_prover("phantom", ask=0, slots=100)
    await lane.fetch("UPDATE sessions SET units_min = 1000000 WHERE operator = 'phantom'")

    await hold(lane, 20)

    assert len(await lane.leases()) == 8
    records = await records_of(lane)
    assert all(ask["operator"] for record in records for ask in record["asks"])
    assert max(len(record["asks"]) for record in records) == 4
    assert all(len(record["idle_asks"]) == 1 for record in records if record["asks"])
