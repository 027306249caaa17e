"""What administrators see of engines, stop, resume, and find that was accepted."""

from __future__ import annotations

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.engine_errors import EngineStopped
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address, Engine
from proofgrid.roles.intake.engines import Engines
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.rules.access.roles import Caller, Role
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest

OLD, NEW = Engine("toy@1.0"), Engine("toy@2.0")
LANE = f"default/{OLD}/small"
ADMIN = Caller(a_key(8).address, frozenset({Role.ADMIN}))
CLIENT = Caller(a_key(9).address, frozenset({Role.CLIENT}))


def engines(lane: LaneUnderTest) -> Engines:
    known = KnownEngines(lane.database, {"toy": NEW}, clock=ManualClock())
    return Engines(lane.database, known, here=[NEW, Engine("toy")])


async def test_every_engine_is_listed_with_its_provers_and_its_work(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", systems=[OLD], slots=3)
    await lane.add_prover("bob", systems=[OLD, NEW])
    await lane.fetch("UPDATE sessions SET draining = true WHERE operator = 'bob'")
    await lane.add_task(lane=LANE, jobs=2)
    assert await lane.sell(stack=f"default/{OLD}") >= 1

    old, new = [one.shown for one in await engines(lane).list_all(CLIENT)]

    assert (old.engine, old.is_here, old.provers, old.provers_draining, old.slots) == (OLD, False, 1, 1, 3)
    assert (old.tasks_open, old.jobs_open, old.slots_busy >= 1) == (1, 2, True)
    assert (new.engine, new.is_here, new.provers, new.provers_draining, new.tasks_open) == (NEW, True, 0, 1, 0)


async def test_a_stop_is_written_down_once_and_says_who_and_why(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", systems=[OLD])
    desk = engines(lane)
    await desk.stop(ADMIN, OLD, "  unsound ")
    again = await desk.stop(ADMIN, OLD, "another reason")
    assert [(stop.reason, stop.stopped_by, stop.resumed_ms) for stop in again.stops] == [("unsound", ADMIN.address, 0)]
    assert (again.shown.stopped_reason, again.shown.stopped_by) == ("unsound", ADMIN.address)

    resumed = await desk.resume(ADMIN, OLD)
    assert (resumed.shown.stopped_ms, resumed.stops[0].resumed_by) == (0, ADMIN.address)
    assert len((await desk.resume(ADMIN, OLD)).stops) == 1
    assert len((await desk.stop(ADMIN, OLD, "once more")).stops) == 2
    # Others see that it is stopped and why, not the book of stops.
    [seen, _] = await desk.list_all(CLIENT)
    assert (seen.shown.stopped_reason, seen.stops) == ("once more", [])


@pytest.mark.parametrize(
    ("engine", "reason", "field"),
    [("toy@9", "why", "engine"), ("no engine", "why", "engine"), (OLD, " ", "reason"), (OLD, "x" * 501, "reason")],
)
async def test_a_slip_of_the_pen_stops_nothing(lane: LaneUnderTest, engine: str, reason: str, field: str) -> None:
    await lane.add_prover("alice", systems=[OLD])
    with pytest.raises(InvalidField) as caught:
        await engines(lane).stop(ADMIN, engine, reason)
    assert caught.value.field == field
    assert await lane.fetch("SELECT FROM engine_stops") == []


async def test_what_needs_a_stopped_engine_is_refused_by_its_reason(lane: LaneUnderTest) -> None:
    await lane.add_prover("alice", systems=[NEW])
    known = KnownEngines(lane.database, {"toy": NEW}, clock=ManualClock())
    await Engines(lane.database, known, here=[NEW]).stop(ADMIN, NEW, "unsound")
    with pytest.raises(EngineStopped, match=r"toy 2\.0 was stopped by an administrator: unsound"):
        await known.check_runs(OLD, NEW, field="source")
    await known.check_runs(OLD, field="source")


async def test_all_that_was_accepted_of_an_engine_is_listed_page_by_page(lane: LaneUnderTest) -> None:
    session = await lane.add_prover("alice", systems=[OLD, NEW], slots=8)
    tasks = [await lane.add_task(lane=LANE) for _ in range(3)]
    other = await lane.add_task(lane=f"default/{NEW}/small")
    for stack in (f"default/{OLD}", f"default/{NEW}"):
        while await lane.sell(stack=stack):
            pass
    await lane.offer(session)
    await lane.pay(*await lane.leases())

    desk = engines(lane)
    first = await desk.accepted(OLD, limit=2, below=0)
    rest = await desk.accepted(OLD, limit=2, below=first[-1].fence)

    assert sorted(one.task_id for one in (*first, *rest)) == sorted(tasks)
    assert (len(first), len(rest)) == (2, 1)
    assert all(one.operator == Address("alice") and one.paid > 0 and one.proof_digest for one in first)
    assert [one.task_id for one in await desk.accepted(NEW, limit=0, below=0)] == [other]
    assert await desk.accepted(Engine("toy@3"), limit=0, below=0) == []
