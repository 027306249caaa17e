"""A network is counted by one process at a time, and what it shows is what is in the rows."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.roles.census.counting import BEAT_SECONDS, MONEY_SECONDS, Census
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.metrics import of_network as shown
from proofgrid.telemetry.metrics.kinds import Labels
from proofgrid.telemetry.metrics.of_gateway import JOBS_SOLD, LEASES_ENDED, QUEUE_SECONDS, UNITS_SOLD
from tests.roles.lanes import LANE, UNITS, LaneUnderTest

OTHER_LANE = "default/toy/medium"


def a_census(lane: LaneUnderTest, clock: ManualClock | None = None) -> Census:
    return Census(lane.database, clock or ManualClock(), silent_ms=lane.silent_ms)


async def counted(lane: LaneUnderTest) -> None:
    census = a_census(lane)
    await census.step()
    await census._turn.give_back()


async def test_what_waits_what_it_may_cost_and_what_runs_is_told_by_lane(lane: LaneUnderTest) -> None:
    await lane.add_prover("0xalice", ask=1_000, slots=2)
    await lane.add_task(jobs=3, limit_price=1_500)
    assert await lane.sell() + await lane.sell() == 2
    await lane.add_task(jobs=4, limit_price=900)
    await lane.add_task(jobs=1, lane=OTHER_LANE)
    await lane.fetch("UPDATE jobs SET not_before_ms = now_ms() - 90000, returns = 1 WHERE lane = $1", OTHER_LANE)
    await counted(lane)

    here: Labels = (LANE,)
    there: Labels = (OTHER_LANE,)
    assert (shown.LANE_RUNNING_JOBS.of(*here), shown.LANE_RUNNING.of(*here)) == (2, 2 * UNITS)
    assert (shown.LANE_WAITING_JOBS.of(*here), shown.LANE_WAITING.of(*here)) == (5, 5 * UNITS)
    assert shown.LANE_AFFORDABLE.of(*here) == UNITS, "four of the five bid less than anybody asks"
    assert shown.LANE_LOWEST_ASK.of(*here) == 1_000
    assert shown.LANE_PRICE.of(*here) > 0
    assert shown.LANE_AFFORDABLE.of(*there) == 0, "nobody serves it"
    assert there not in shown.LANE_LOWEST_ASK.read()
    assert 0 <= shown.LANE_OLDEST_WAIT.of(*here) < 60, "since its task came"
    assert 90 <= shown.LANE_OLDEST_WAIT.of(*there) < 150, "since it may be sold again"
    assert shown.OPEN_JOBS.read() == {("ready",): 6, ("leased",): 2, ("waiting",): 0}
    assert shown.OPEN_TASKS.read() == {("open",): 3, ("combining",): 0}


async def test_a_job_that_waited_for_others_has_waited_since_the_last_of_them(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("0xalice", slots=2)
    await lane.add_task(jobs=1, wraps=[(0,)])
    await lane.sell()
    await lane.offer(session)
    await lane.pay(*await lane.leases())
    await lane.fetch("UPDATE sessions SET draining = true")
    await lane.fetch("UPDATE leases SET ended_ms = now_ms() - 5000")
    await counted(lane)

    assert shown.OPEN_JOBS.of("ready") == 1
    assert 5 <= shown.LANE_OLDEST_WAIT.of(LANE) < 60
    assert shown.PROVERS.read() == {("serving",): 0, ("silent",): 0, ("draining",): 1, ("paused",): 0}


async def test_provers_slots_money_and_the_rest_are_counted(lane: LaneUnderTest) -> None:
    await lane.add_prover("0xalice", slots=3)
    await lane.add_task(jobs=1, limit_price=1_500)
    await lane.sell()
    await lane.fetch("INSERT INTO artifact_repairs (digest) VALUES ('a'), ('b')")
    await lane.fetch("INSERT INTO incidents (kind, subject, detail) VALUES ('sum', 'ledger', 'of a test')")
    await counted(lane)

    assert shown.PROVER_SLOTS.read() == {("busy",): 1, ("free",): 2}
    assert shown.PROVERS.of("serving") == shown.GATEWAYS.of() == 1
    assert shown.BALANCE.of("escrow") == 1_500 * UNITS
    assert shown.BALANCE.of("minted") == sum(
        value for (kind,), value in shown.BALANCE.read().items() if kind != "minted"
    )
    assert shown.REPAIRS_WAITING.of() == 2
    assert shown.INCIDENTS.read() == {("sum",): 1}
    assert shown.SETTLEMENT_STOPPED.of() == 1
    assert set(shown.SLASHES.read()) >= {("missed_deadline",), ("invalid_proof",)}, "zero before the first one"


async def test_one_process_counts_at_a_time_and_another_one_when_it_is_gone(lane: LaneUnderTest) -> None:
    first, second = a_census(lane), a_census(lane)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(first.run())
        while first._read_at is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        assert await second.step() == BEAT_SECONDS
        assert second._read_at is None, "it is the first one's turn"
        running.cancel()
    assert shown.GATEWAYS.read() == {}, "old facts would look like new ones"
    assert not shown.FACTS_AGE.read()
    while second._read_at is None:  # the server notices that a connection is gone when it likes
        await second.step()
    assert shown.GATEWAYS.of() == 1
    await second._turn.give_back()


async def test_a_lost_connection_is_one_census_less(lane: LaneUnderTest) -> None:
    census = a_census(lane)
    await census.step()
    await lane.fetch("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> $1", 0)
    with pytest.raises(Exception, match=r"."):
        while True:  # until the driver notices
            await census.step()
    await census._give_up()
    assert shown.GATEWAYS.read() == {}
    await census.step()
    assert shown.GATEWAYS.of() == 1
    await census._turn.give_back()


async def test_money_is_counted_once_a_minute_and_facts_tell_their_age(lane: LaneUnderTest) -> None:
    clock = ManualClock()
    census = a_census(lane, clock)
    await census.step()
    before = shown.BALANCE.of("escrow")
    await lane.add_task()
    await census.step()
    assert shown.BALANCE.of("escrow") == before
    await clock.sleep(MONEY_SECONDS)
    census.tell_age()
    assert shown.FACTS_AGE.of() == MONEY_SECONDS
    await census.step()
    assert shown.BALANCE.of("escrow") > before
    await census._give_up()


async def test_sales_waits_and_ends_are_counted_once_what_was_done_counts(lane: LaneUnderTest) -> None:
    def now() -> list[float]:
        numbers = [JOBS_SOLD.of(LANE), UNITS_SOLD.of(LANE), QUEUE_SECONDS.count()]
        return [*numbers, LEASES_ENDED.of("failed", "child_crashed"), LEASES_ENDED.of("settled", "proven")]

    sessions = [await lane.add_prover("0xalice"), await lane.add_prover("0xbob")]
    before = now()
    await lane.add_task(jobs=2)
    while await lane.sell():
        pass
    await lane.offer(*sessions)
    first, second = await lane.leases()
    await lane.give_back(first, ReturnReason.CHILD_CRASHED)
    await lane.pay(second)

    assert [after - then for after, then in zip(now(), before, strict=True)] == [2, 2 * UNITS, 2, 1, 1]


async def test_what_is_undone_is_not_counted(lane: LaneUnderTest) -> None:
    before = LEASES_ENDED.of("failed", "child_crashed")
    with pytest.raises(KeyError):
        async with lane.database.transaction(Transaction.RETURN_JOB) as connection:
            connection.once_committed(lambda: LEASES_ENDED.add(1, "failed", "child_crashed"))
            raise KeyError
    assert LEASES_ENDED.of("failed", "child_crashed") == before
