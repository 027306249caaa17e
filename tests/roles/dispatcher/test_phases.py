"""The timers in the rows are those of the rules, and a lease that overruns one goes back with its reason."""

from __future__ import annotations

import random
from functools import reduce
from typing import Any

import pytest

from proofgrid.primitives.ids import ProverId
from proofgrid.rules.jobs.hedging import us_per_unit
from proofgrid.rules.jobs.phases import OVERRUNS, Overrun, PhasePolicy, hard_limit_ms, prove_limit_ms
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.jobs.speed import UNMEASURED, Speed, add, of_leases, sum_of
from proofgrid.store.database import Database
from proofgrid.store.sessions import HEARTBEATS, REGISTER_PROVER
from proofgrid.store.settlement import REPORT_LEASES
from proofgrid.store.transactions import Transaction
from proofgrid.store.work import LANE_TIMES_KEPT, Work, note_work
from tests.roles.lanes import LANE, UNITS, LaneUnderTest

PHASES = PhasePolicy()


async def a_running_lease(lane: LaneUnderTest) -> Any:
    """One task, one prover of alice, told and begun."""
    session = await lane.add_prover("alice")
    await lane.add_task()
    await lane.sell()
    await lane.offer(session)
    (lease,) = await lane.leases()
    async with lane.running_desk() as desk:
        await lane.say(desk, lease, 0)
    return (await lane.leases())[0]


async def test_each_step_of_a_lease_sets_the_timers_of_its_phase(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice")
    await lane.add_task()
    await lane.sell()
    (granted,) = await lane.leases()
    await lane.offer(session)
    (offered,) = await lane.leases()
    async with lane.running_desk() as desk:
        await lane.say(desk, offered, 0)
        (running,) = await lane.leases()
        await lane.say(desk, running, 500)
        (halfway,) = await lane.leases()
    await lane.database.write(
        Transaction.NOTE_REPORTS,
        REPORT_LEASES,
        lease_ids=[running["lease_id"]],
        report_ms=PHASES.report_ms,
        sources=["running"],
    )
    (reported,) = await lane.leases()

    assert granted["expires_ms"] == granted["phase_until_ms"]
    assert granted["until_ms"] - granted["expires_ms"] == PHASES.pick_up_ms + hard_limit_ms(UNITS, PHASES)
    assert offered["expires_ms"] == offered["phase_until_ms"] >= granted["phase_until_ms"]
    assert running["state"] == "running"
    assert running["phase_until_ms"] == min(offered["until_ms"], running["started_ms"] + offered["prove_ms"])
    assert running["expires_ms"] <= running["now_ms"] + PHASES.silent_ms
    assert halfway["permille"] == 500
    assert halfway["started_ms"] == running["started_ms"]
    assert reported["expires_ms"] == reported["phase_until_ms"] == reported["reported_ms"] + PHASES.report_ms


async def test_a_measured_prover_gets_the_time_that_it_needs_and_an_unmeasured_one_the_hard_limit(
    lane: LaneUnderTest,
) -> None:
    await lane.add_prover("alice", slots=2)
    await lane.add_task()
    await lane.sell()
    speed = Speed(units=30_000, wall_ms=10_000, samples=5)
    await lane.fetch(
        "INSERT INTO prover_speeds VALUES ('alice/p', 'toy', 'small', $1, $2, $3)",
        speed.units,
        speed.wall_ms,
        speed.samples,
    )
    await lane.add_task()
    await lane.sell()

    unmeasured, measured = await lane.leases()
    assert unmeasured["prove_ms"] == hard_limit_ms(UNITS, PHASES)
    assert measured["prove_ms"] == prove_limit_ms(UNITS, 1, speed, PHASES) < unmeasured["prove_ms"]


async def test_heartbeats_end_with_the_phase(lane: LaneUnderTest) -> None:
    lease = await a_running_lease(lane)
    end_ms = lease["now_ms"] + 500
    await lane.fetch("UPDATE leases SET phase_until_ms = $1::bigint, expires_ms = $1::bigint - 200", end_ms)

    await lane.database.write(
        Transaction.HEARTBEAT,
        HEARTBEATS,
        session_ids=[lease["session_id"]],
        lease_ids=[lease["lease_id"]],
        fences=[lease["fence"]],
        lease_sessions=[lease["session_id"]],
        silent_ms=PHASES.silent_ms,
    )

    assert (await lane.leases())[0]["expires_ms"] == end_ms


#: what is made of a running lease's row so that it overruns
OVERRUN_ROWS = {
    Overrun.NOT_TOLD: "state = 'granted', expires_ms = now_ms() - 1",
    Overrun.NOT_PICKED_UP: "state = 'offered', expires_ms = now_ms() - 1, phase_until_ms = now_ms() - 1",
    Overrun.SILENT: "expires_ms = now_ms() - 1",
    Overrun.NO_PROGRESS: "expires_ms = now_ms() - 1, phase_until_ms = now_ms() - 1",
    Overrun.TOO_SLOW: "expires_ms = now_ms() - 1, phase_until_ms = now_ms() - 1, permille = 400",
    Overrun.HARD_LIMIT: "expires_ms = now_ms() - 1, phase_until_ms = now_ms() - 1, until_ms = now_ms() - 1",
    Overrun.NOT_JUDGED: "state = 'reported', expires_ms = now_ms() - 1",
}


@pytest.mark.parametrize("overrun", Overrun)
async def test_a_lease_that_overruns_goes_back_with_its_reason(lane: LaneUnderTest, overrun: Overrun) -> None:
    await a_running_lease(lane)
    await lane.watch.take_back_expired()
    assert (await lane.leases())[0]["state"] == "running"

    await lane.fetch(f"UPDATE leases SET {OVERRUN_ROWS[overrun]}")  # noqa: S608 - the text is above
    await lane.watch.take_back_expired()

    (lease,) = await lane.leases()
    reason, detail = OVERRUNS[overrun]
    assert (lease["reason"], lease["detail"]) == (reason, detail)
    returned = [data for kind, data in await lane.events() if kind == "returned"]
    assert [data["reason"] for data in returned] == [reason]
    (prover,) = await lane.fetch("SELECT jobs_failed FROM provers")
    blamed = reason in (ReturnReason.NOT_STARTED, ReturnReason.PROVER_LOST, ReturnReason.TIMED_OUT)
    assert prover["jobs_failed"] == (1 if blamed else 0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_speed_in_its_row_is_that_of_the_rules(database: Database, seed: int) -> None:
    """Leases end one by one and many at once, with a proof and without."""
    chance, speed, times, proven = random.Random(seed), UNMEASURED, list[int](), 0
    await database.write(Transaction.OPEN_SESSION, REGISTER_PROVER, prover_id="alice/p", operator="alice")
    for _ in range(40):
        works = [
            Work(
                prover_id=ProverId("alice/p"),
                lane=LANE,
                units=chance.choice([1, UNITS]),
                ran_ms=chance.choice([-1, 0, 7, 10**6]),
                proofs=chance.choice([0, 1, 1]),
            )
            for _ in range(chance.choice([1, 2, 5, 120]))
        ]
        async with database.transaction(Transaction.PAY_PROOFS) as connection:
            await note_work(connection, works)
        ended = [of_leases([(work.units, work.ran_ms, work.proofs)]) for work in works]
        speed = add(speed, reduce(sum_of, ended))
        proven += sum(work.proofs for work in works)
        times = ([us_per_unit(work.units, work.ran_ms) for work in works] + times)[:LANE_TIMES_KEPT]

        async with database.connection() as connection:
            row = await connection.raw.fetchrow("SELECT units, wall_ms, samples FROM prover_speeds")
        assert Speed(units=row["units"], wall_ms=row["wall_ms"], samples=row["samples"]) == speed

    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT us_per_unit FROM lane_times") == times
        assert await connection.raw.fetchval("SELECT jobs_proven FROM provers") == proven
