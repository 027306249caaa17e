"""A NUL in one client's region failed 44 of 200 submits of others: nothing of one is another's fate.

Pins down: in every batch one poisoned item fails alone, with its own error, and all others get what they came for.
The text that did it is refused at the wire now (test_hostile_text.py); here what a batch does with what nobody foresaw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import Recoverable, Unavailable
from proofgrid.primitives.ids import SessionId, TaskId
from proofgrid.proofs.base import JobDraft
from proofgrid.roles.apart import each_alone, together
from proofgrid.roles.dispatcher.hearing import Hearing
from proofgrid.roles.dispatcher.ladders import raise_limits
from proofgrid.roles.intake.drafts import Draft, DraftedJob
from proofgrid.roles.intake.looking_around import LookingAround
from proofgrid.roles.intake.sizing import PlacedJob, SizedJob
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.roles.intake.writing_down import MarketHere, write_down
from proofgrid.rules.jobs.offers import StageReport
from proofgrid.store.batches import Batches, each_in_the_end
from tests.makers import a_request
from tests.roles.lanes import CLIENT, LANE, UNITS, LaneUnderTest, held

PLACE = 3  #: of seven; the property above tries all places


class Poisoned(Exception):
    """What one item does to a statement for all."""


def run(work: Callable[[list[int]], Awaitable[Sequence[Any]]], items: list[int]) -> Sequence[Any]:
    return asyncio.run(each_in_the_end(work, items))


@given(
    size=st.integers(1, 40),
    poisoned=st.sets(st.integers(0, 39)),
    refused=st.sets(st.integers(0, 39)),
)
def test_in_every_batch_poisoned_items_fail_alone(size: int, poisoned: set[int], refused: set[int]) -> None:
    calls: list[list[int]] = []

    async def carry_out(items: list[int]) -> list[int | BaseException]:
        calls.append(items)
        if bad := poisoned.intersection(items):
            raise Poisoned(min(bad))
        return [KeyError(item) if item in refused else 2 * item for item in items]

    for item, outcome in enumerate(run(carry_out, list(range(size)))):
        if item in poisoned:
            assert isinstance(outcome, Poisoned)
            assert outcome.args == (item,)
        elif item in refused:
            assert isinstance(outcome, KeyError)
        else:
            assert outcome == 2 * item
    bad = len(poisoned.intersection(range(size)))
    assert len(calls) <= 1 + bad * 2 * size.bit_length()


@given(size=st.integers(2, 40), place=st.integers(0, 39))
def test_one_item_that_looks_like_the_weather_fails_alone_as_well(size: int, place: int) -> None:
    place %= size

    async def carry_out(items: list[int]) -> list[int]:
        if place in items:
            raise Unavailable("no answer in time")
        return items

    outcomes = run(carry_out, list(range(size)))
    assert [isinstance(one, Unavailable) for one in outcomes] == [item == place for item in range(size)]


@given(size=st.integers(3, 200), passes_after=st.integers(0, 5))
def test_weather_is_everybody_s_after_four_calls_and_what_has_passed_is_nobody_s(size: int, passes_after: int) -> None:
    calls = 0

    async def carry_out(items: list[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls <= passes_after:
            raise Unavailable("away")
        return items

    outcomes = run(carry_out, list(range(size)))
    failed = sum(isinstance(one, Unavailable) for one in outcomes)
    # All, the first alone, the others, the second alone.
    expected = [(0, 1), (0, 3), (1, 3), (1, 3 + size - 1), (size, 4), (size, 4)]
    assert (failed, calls) == expected[passes_after]


async def test_a_caller_of_batches_hears_of_its_own_items_only() -> None:
    async def carry_out(items: list[int]) -> list[int]:
        if 5 in items:
            raise Poisoned(5)
        return items

    batches: Batches[int, int] = Batches(carry_out, size_max=100)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(batches.run())
        bad, good, both = await asyncio.gather(
            batches.add(5), batches.add(6), batches.add_all([1, 5, 2]), return_exceptions=True
        )
        running.cancel()
    assert isinstance(bad, Poisoned)
    assert good == 6
    assert isinstance(both, list)
    assert [type(one) for one in both] == [int, Poisoned, int]


# --- every place that batches, on the real database ---------------------------------------------------


async def seven(run: Awaitable[None], calls: Sequence[Awaitable[Any]]) -> list[Any]:
    """Make the calls at the same moment; return what came of each."""
    running = asyncio.ensure_future(run)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return outcomes


def only(outcomes: Sequence[Any], place: int) -> bool:
    """Did the one at this place fail, and no other?"""
    return [isinstance(one, BaseException) for one in outcomes] == [at == place for at in range(7)]


async def seven_leases(lane: LaneUnderTest) -> list[Any]:
    session = await lane.add_prover("0xalice", slots=7)
    for _ in range(7):
        await lane.add_task()
    while len(await lane.leases()) < 7:
        assert await lane.sell()
    await lane.offer(session)
    return await lane.leases()


async def test_heartbeats(lane: LaneUnderTest, place: int = PLACE) -> None:
    leases = [held(lease) for lease in await seven_leases(lane)]
    session = SessionId((await lane.leases())[0]["session_id"])
    leases[place] = replace(leases[place], fence=2**70)
    hearing = Hearing(lane.database, lane.settings.phases)
    outcomes = await seven(hearing.run(), [hearing.heartbeat(session, [lease]) for lease in leases])
    assert only(outcomes, place)
    assert [one for one in outcomes if not isinstance(one, BaseException)] == [[]] * 6


async def test_progress(lane: LaneUnderTest, place: int = PLACE) -> None:
    leases = await seven_leases(lane)
    session = SessionId(leases[0]["session_id"])
    said = [StageReport(held=held(lease), stage="prove", permille=500) for lease in leases]
    said[place] = replace(said[place], stage="pro\x00ve")
    hearing = Hearing(lane.database, lane.settings.phases)
    outcomes = await seven(hearing.run(), [hearing.progress(session, report) for report in said])
    assert only(outcomes, place)
    permilles = {lease["lease_id"]: lease["permille"] for lease in await lane.leases()}
    assert [permilles[lease["lease_id"]] for lease in leases] == [0 if at == place else 500 for at in range(7)]


def a_draft(**request: Any) -> Draft:
    job = JobDraft(slice_index=0, input_index=0, units=UNITS, memory_bytes=1, input=b"x", facts={}, depends_on=())
    sized = SizedJob(proof_system="toy", content=job, said=job, correction=0)
    return Draft(
        task_id=TaskId(uuid4()),
        client=CLIENT,
        request=a_request(idempotency_key=str(uuid4()), program_digest="p", limit_price=1_500)
        if not request
        else a_request(program_digest="p", limit_price=1_500, **request),
        subnetwork="default",
        statement={},
        jobs=[DraftedJob(job_id=uuid4(), input_digest=digest_of(b"x"), placed=PlacedJob(lane=LANE, sized=sized))],
        escrow=1_500 * UNITS,
        quote=None,
    )


async def test_submissions(lane: LaneUnderTest, place: int = PLACE) -> None:
    drafts = [a_draft() for _ in range(7)]
    drafts[place] = a_draft(idempotency_key="nul\x00")
    market = MarketHere(origin="", wake=lambda _: None)
    outcomes = await each_in_the_end(lambda some: write_down(lane.database, market, some), drafts)
    assert only(outcomes, place)
    assert len(await lane.fetch("SELECT FROM tasks")) == 6
    await lane.check_money()


async def test_looks_around(lane: LaneUnderTest, place: int = PLACE) -> None:
    around = LookingAround(lane.database, open_tasks_max=10, clock=ManualClock())
    keys = [f"key {at}" for at in range(7)]
    keys[place] += "\x00"
    assert only(await seven(around.run(), [around.look(CLIENT, key) for key in keys]), place)


async def test_watchers(lane: LaneUnderTest, place: int = PLACE) -> None:
    watch = TaskWatch(lane.database)
    cursors = [2**64 - 1 if at == place else 0 for at in range(7)]
    tasks = [TaskId(await lane.add_task()) for _ in cursors]
    first = [anext(watch.follow(task, cursor)) for task, cursor in zip(tasks, cursors, strict=True)]
    assert only(await seven(watch.run(), first), place)


async def test_reports_of_leases(lane: LaneUnderTest, place: int = PLACE) -> None:
    from proofgrid.store.settlement import LEASES_OF_REPORTS

    ids: list[Any] = [lease["lease_id"] for lease in await seven_leases(lane)]
    ids[place] = "no id"

    async def read(some: list[Any]) -> list[Any]:
        return await lane.ask(LEASES_OF_REPORTS, lease_ids=some)

    assert only(await each_in_the_end(read, ids), place)


async def test_limits_that_rise(lane: LaneUnderTest, place: int = PLACE) -> None:
    tasks = [await lane.add_task(raises=(100, 1, 3_000)) for _ in range(7)]
    await lane.fetch("UPDATE tasks SET raise_at_ms = 0")
    await refuse(lane, "tasks", tasks[place])
    await raise_limits(lane.database)
    raised = await lane.fetch("SELECT task_id FROM tasks WHERE limit_price > 1500")
    assert {row["task_id"] for row in raised} == set(tasks) - {tasks[place]}


async def test_leases_that_ran_out_and_tasks_that_are_overdue(lane: LaneUnderTest, place: int = PLACE) -> None:
    leases = await seven_leases(lane)
    tasks = [lease["task_id"] for lease in leases]
    await lane.fetch("UPDATE leases SET expires_ms = 1, phase_until_ms = 1, until_ms = 1")
    await refuse(lane, "leases", leases[place]["lease_id"])
    await lane.watch.take_back_expired()
    assert [lease["state"] for lease in await lane.leases()].count("offered") == 1

    await lane.fetch("UPDATE tasks SET deadline_ms = 1")
    await refuse(lane, "tasks", tasks[place])
    await lane.watch.end_overdue()
    ended = await lane.fetch("SELECT task_id FROM tasks WHERE state = 'failed'")
    assert {row["task_id"] for row in ended} == set(tasks) - {tasks[place]}
    await lane.check_money()


async def refuse(lane: LaneUnderTest, table: str, key: UUID, *, column: str = "") -> None:
    """Let the database refuse every change of one row, for a reason that nobody foresaw."""
    column = column or f"{table[:-1]}_id"
    await lane.fetch(
        f"CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'check_violation'; END $$"
    )
    await lane.fetch(
        f"CREATE TRIGGER refuse_{table} BEFORE UPDATE ON {table} FOR EACH ROW"
        f" WHEN (old.{column} = '{key}') EXECUTE FUNCTION refuse_{table}()"
    )


# --- work that is nobody's call -------------------------------------------------------------------------


async def test_what_fails_of_one_is_logged_and_the_rest_is_done() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        if item == 2:
            raise asyncpg.DataError("poisoned")
        done.append(item)

    await each_alone([1, 2, 3], work, trouble="not_done")

    async def for_all(items: list[int]) -> int:
        if 2 in items:
            raise asyncpg.DataError("poisoned")
        done.extend(items)
        return len(items)

    assert sum(await together([1, 2, 3], for_all, trouble="not_done")) == 2
    assert await together([], for_all, trouble="not_done") == []
    assert done == [1, 3, 1, 3]


async def test_weather_that_two_meet_ends_the_work_and_of_one_waits_for_the_others() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        if item in away:
            raise Unavailable("away")
        done.append(item)

    away = {2}
    with pytest.raises(Recoverable):
        await each_alone([1, 2, 3], work, trouble="not_done")
    assert done == [1, 3]
    away = {2, 3}
    with pytest.raises(Recoverable):
        await each_alone([1, 2, 3, 4], work, trouble="not_done")
    assert done == [1, 3, 1]
