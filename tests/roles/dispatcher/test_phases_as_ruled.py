"""What the roles write into a lease's row is what the rules say, whatever happens to the lease and whenever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from proofgrid.primitives.ids import Address
from proofgrid.roles.dispatcher.hearing import lease_times
from proofgrid.rules.jobs.lifecycle import LeaseEvent, lease_sources
from proofgrid.rules.jobs.phases import (
    LeaseTimes,
    PhasePolicy,
    after_coming_back,
    after_cut,
    after_grant,
    after_heartbeat,
    after_lateness,
    after_offer,
    after_progress,
    after_report,
    check_lease,
)
from proofgrid.rules.jobs.speed import Speed
from proofgrid.store.database import Database
from proofgrid.store.embedded import EmbeddedPostgres
from proofgrid.store.leases import EXPIRED_LEASES, LOCK_LEASE
from proofgrid.store.settlement import REPORT_LEASES
from proofgrid.store.transactions import Transaction
from tests.databases import temporary_database
from tests.makers import NOW_MS, OWN, some_terms
from tests.roles.lanes import UNITS, LaneUnderTest, held

PHASES = PhasePolicy()
seldom = st.sampled_from([True, False, False, False])  #: what ends most of a lease's life comes late in it
OWN_CLOCK = """
    CREATE TABLE clock_of_test (at_ms bigint);
    INSERT INTO clock_of_test VALUES (0);
    CREATE OR REPLACE FUNCTION now_ms() RETURNS bigint LANGUAGE sql AS $$ SELECT at_ms FROM clock_of_test $$;
"""


class LeaseRow:
    """A lease in a database whose clock stands still until it is told to go on."""

    def __init__(self, lane: LaneUnderTest) -> None:
        self.lane = lane
        self.desk = lane.desk

    async def at(self, now_ms: int) -> None:
        """Set the clock."""
        await self.lane.fetch("UPDATE clock_of_test SET at_ms = $1", now_ms)

    async def grant(self, speed: Speed) -> None:
        """Let a prover of this speed come and be sold a job."""
        await self.lane.fetch("TRUNCATE tasks, jobs, leases, sessions, provers, prover_speeds, rounds CASCADE")
        self.session = await self.desk.open_session(Address("alice"), some_terms(name="p"), OWN)
        measured = (speed.units, speed.wall_ms, speed.samples)
        await self.lane.fetch("INSERT INTO prover_speeds VALUES ('alice/p', 'toy', 'small', $1, $2, $3)", *measured)
        await self.lane.add_task()
        assert await self.lane.sell() == 1

    async def read(self) -> Any:
        """Return the row."""
        [row] = await self.lane.leases()
        return row

    async def timers(self) -> LeaseTimes:
        """Return the row's timers, as the watch reads them."""
        [lease] = await self.lane.ask(LOCK_LEASE, lease_id=(await self.read())["lease_id"])
        return lease_times(lease)

    async def offer(self) -> None:
        """Tell the prover."""
        await self.lane.offer(self.session.session_id)

    async def heartbeat(self) -> None:
        """Hear that the prover lives and holds the lease."""
        async with self.lane.running_desk() as desk:
            await desk.heartbeat(self.session, [held(await self.read())])

    async def progress(self, permille: int) -> None:
        """Hear how far the prover is."""
        async with self.lane.running_desk() as desk:
            await self.lane.say(desk, await self.read(), permille)

    async def report(self) -> None:
        """Get a result that waits to be judged."""
        lease_ids = [(await self.read())["lease_id"]]
        sources = lease_sources(LeaseEvent.REPORTED)
        await self.lane.database.write(
            Transaction.NOTE_REPORTS,
            REPORT_LEASES,
            lease_ids=lease_ids,
            report_ms=PHASES.report_ms,
            sources=sources,
        )

    async def cut(self) -> None:
        """Let the stream end."""
        await self.desk.close_session(self.session)

    async def come_back(self) -> None:
        """Let the prover come with a new session."""
        row = await self.read()
        terms = some_terms(name="p", held=() if row["state"] == "granted" else (held(row),))
        self.session = await self.desk.open_session(Address("alice"), terms, OWN)

    async def stop_clock(self) -> None:
        """Let its gateway be late with a word about it."""
        with self.lane.in_hand.last_words([held(await self.read())]):
            await self.lane.clocks.stop()

    async def has_expired(self) -> bool:
        """Does the watch look at it?"""
        return bool(await self.lane.ask(EXPIRED_LEASES))


class RowAndRules(RuleBasedStateMachine):
    """The same happens to a row and to a value; they stay alike."""

    def __init__(self, runner: asyncio.Runner, row: LeaseRow) -> None:
        super().__init__()
        self.runner, self.row = runner, row

    @initialize(
        speed=st.builds(
            Speed, units=st.integers(10**4, 10**6), wall_ms=st.integers(10**3, 10**4), samples=st.integers(0, 4)
        ),
        is_begun=st.booleans(),
    )
    def grant(self, speed: Speed, is_begun: bool) -> None:
        self.now_ms, self.is_cut = NOW_MS, False
        self.runner.run(self.row.at(NOW_MS))
        self.runner.run(self.row.grant(speed))
        self.lease = after_grant(units=UNITS, memory_bytes=1, speed=speed, policy=PHASES, now_ms=NOW_MS)
        if is_begun:
            self.offer()
            self.progress(0)

    @rule(milliseconds=st.integers(0, 2_500), is_long=seldom)
    def time_passes(self, milliseconds: int, is_long: bool) -> None:
        self.now_ms += milliseconds * (20 if is_long else 1)
        self.runner.run(self.row.at(self.now_ms))

    @rule()
    def offer(self) -> None:
        self.runner.run(self.row.offer())
        self.lease = after_offer(self.lease, policy=PHASES, now_ms=self.now_ms)

    @rule()
    def heartbeat(self) -> None:
        self.runner.run(self.row.heartbeat())
        self.lease = after_heartbeat(self.lease, policy=PHASES, now_ms=self.now_ms)

    @rule(permille=st.integers(0, 1_200))
    def progress(self, permille: int) -> None:
        self.runner.run(self.row.progress(permille))
        self.lease = after_progress(self.lease, permille, policy=PHASES, now_ms=self.now_ms)

    @rule(is_done=seldom)
    def report(self, is_done: bool) -> None:
        if not is_done:
            return
        self.runner.run(self.row.report())
        self.lease = after_report(self.lease, policy=PHASES, now_ms=self.now_ms)

    @rule(is_lost=seldom)
    def cut(self, is_lost: bool) -> None:
        if not is_lost:
            return
        self.runner.run(self.row.cut())
        if not self.is_cut:  # a stream ends once
            grace_ms = self.row.lane.settings.reconnect_grace_ms
            self.lease = after_cut(self.lease, grace_ms=grace_ms, now_ms=self.now_ms)
        self.is_cut = True

    @rule()
    def be_late(self) -> None:
        self.runner.run(self.row.stop_clock())
        grace_ms = max(PHASES.silent_ms, PHASES.pick_up_ms)
        self.lease = after_lateness(self.lease, grace_ms=grace_ms, now_ms=self.now_ms)

    @rule()
    def come_back(self) -> None:
        self.runner.run(self.row.come_back())
        self.lease, self.is_cut = after_coming_back(self.lease, policy=PHASES, now_ms=self.now_ms), False

    @invariant()
    def the_row_has_the_timers_of_the_rules(self) -> None:
        assert self.timers() == self.lease

    @invariant()
    def the_watch_looks_when_the_rules_say_that_something_has_happened(self) -> None:
        looks = self.runner.run(self.row.has_expired())
        assert looks == (check_lease(self.lease, now_ms=self.now_ms) is not None)

    def timers(self) -> LeaseTimes:
        return self.runner.run(self.row.timers())


@pytest.fixture
def row_of_a_lease(
    embedded_postgres: EmbeddedPostgres, template_database: str
) -> Iterator[tuple[asyncio.Runner, LeaseRow]]:
    """A row in a database of this test's own, and what runs its statements one by one."""
    dsns = temporary_database(embedded_postgres, template=template_database)

    async def open_lane() -> LaneUnderTest:
        lane = LaneUnderTest(await Database.connect(await anext(dsns), size=2))
        await lane.open()
        async with lane.database.connection() as connection:
            await connection.raw.execute(OWN_CLOCK)
        return lane

    async def close_lane(lane: LaneUnderTest) -> None:
        await lane.database.close()
        await anext(dsns, None)

    with asyncio.Runner() as runner:
        lane = runner.run(open_lane())
        yield runner, LeaseRow(lane)
        runner.run(close_lane(lane))


@pytest.mark.thorough
def test_a_lease_has_the_timers_of_the_rules_whatever_happens_to_it(
    row_of_a_lease: tuple[asyncio.Runner, LeaseRow],
) -> None:
    def machine() -> RowAndRules:
        return RowAndRules(*row_of_a_lease)

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]  # whatever makes one will do
        # Nobody waits for a shorter example: each step is a transaction.
        settings=settings(
            deadline=None, derandomize=True, max_examples=60, stateful_step_count=40, phases=[Phase.generate]
        ),
    )
