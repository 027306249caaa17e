"""A client's tasks, many at a time: found by tags and filters, page by page; cancelled and replayed, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from proofgrid.primitives.account_errors import SpendLimitReached
from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField, TooManyOpen
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.roles.intake.bulk_acts import Acted, AskedAct, BulkActs
from proofgrid.roles.intake.replaying import Replaying
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.rules.access.api_keys import ApiKey, Scope
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.filters import TaskFilter, parse_filter
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.market.quote import LaneQuote
from proofgrid.store.replays import LaneOfReplay
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from tests.roles.intake.test_api_keys import Desk, spent_today
from tests.roles.lanes import CLIENT, UNITS, LaneUnderTest

ME = Caller(CLIENT, frozenset({Role.CLIENT}))
OTHER = Caller(Address("0xother"), frozenset({Role.CLIENT}))
MARKET_PRICE = 1_000


class AnybodysPrograms:
    """Whoever asks may use every program."""

    async def check_may_use(self, *_: object, **__: object) -> None:
        pass


async def price(jobs: Sequence[LaneOfReplay], _program: str, _constraints: Constraints) -> list[LaneQuote]:
    units = sum(one.units for one in jobs)
    said: dict[str, Any] = {"lane": jobs[0].lane, "jobs": len(jobs), "units": units, "memory_bytes_max": 1}
    said |= {"price_now": MARKET_PRICE, "prices": {}, "provers": 1, "free_slots": 1, "wait_ms": 0, "prove_ms": 1}
    return [LaneQuote(**said)]


def acts_of(lane: LaneUnderTest, *, open_tasks: int = 1_000) -> BulkActs:
    programs: Any = AnybodysPrograms()
    limits = Limits(open_tasks=open_tasks)
    return BulkActs(lane.database, Replaying(lane.database, programs, price, SystemClock(), limits=limits))


def tasks_of(lane: LaneUnderTest) -> Tasks:
    nobody: Any = None
    return Tasks(lane.database, nobody, nobody, why_waiting=nobody)


def asked(key: str = "k", **how: Any) -> AskedAct:
    return AskedAct(idempotency_key=key, **how)


async def failed(lane: LaneUnderTest, count: int, **how: Any) -> list[UUID]:
    """Return so many tasks that failed, newest first."""
    made = [await lane.add_task(**how) for _ in range(count)]
    await lane.fetch("UPDATE jobs SET small_input = 'x'")
    for task_id in made:
        async with lane.database.transaction(Transaction.END_TASK) as connection:
            await end_task(connection, TaskId(task_id), TaskEvent.GAVE_UP, code="PG-511", detail="late")
    return made[::-1]


def outcomes(acted: Acted) -> dict[UUID, str]:
    return {one.task_id: one.outcome for one in acted.outcomes}


# --- found ----------------------------------------------------------------------------------------


async def test_a_task_is_found_by_its_tag_its_state_its_program_and_its_time(lane: LaneUnderTest) -> None:
    nightly = await lane.add_task(tags=("env=prod", "nightly"))
    plain = await lane.add_task()
    theirs = await lane.add_task(tags=("nightly",))
    await lane.fetch("UPDATE tasks SET client = '0xother' WHERE task_id = $1", theirs)
    await lane.fetch("UPDATE task_tags SET client = '0xother' WHERE task_id = $1", theirs)
    tasks = tasks_of(lane)

    async def found(**wanted: Any) -> list[UUID]:
        return [one.task_id for one in await tasks.list_own(ME, TaskFilter(**wanted), limit=9)]

    assert await found(tag="nightly") == await found(tag="env=prod") == [nightly]
    assert await found(tag="night") == await found(tag="nightly", state="done") == []
    assert set(await found()) == {nightly, plain}
    assert await found(program_digest="another") == await found(tag="nightly", program_digest="another") == []
    assert len(await found(program_digest="p", state="open")) == 2
    [shown] = await tasks.list_own(ME, TaskFilter(tag="nightly"), limit=9)
    assert shown.tags == ("env=prod", "nightly")
    made_ms = shown.created_ms
    assert await found(tag="nightly", since_ms=made_ms, until_ms=made_ms + 1) == [nightly]
    assert await found(tag="nightly", since_ms=made_ms + 1) == await found(tag="nightly", until_ms=made_ms) == []
    with pytest.raises(InvalidField, match="leave one of them out"):
        await tasks.list_own(ME, TaskFilter(tag="nightly"), limit=9, begins="0198")


async def test_pages_hold_while_tasks_come_and_have_the_same_moment(lane: LaneUnderTest) -> None:
    made = {await lane.add_task(tags=("t",)) for _ in range(5)}
    await lane.fetch("UPDATE tasks SET created_ms = 5")
    await lane.fetch("UPDATE task_tags SET created_ms = 5")
    tasks = tasks_of(lane)
    for wanted in (TaskFilter(until_ms=6), TaskFilter(until_ms=6, tag="t"), TaskFilter(), TaskFilter(tag="t")):
        made |= {one.task_id for one in await tasks.list_own(ME, wanted, limit=99)}
        found: list[UUID] = []
        cursor = ""
        for _ in range(99):
            page = await tasks.list_own(ME, wanted, limit=2, cursor=cursor)
            found += [one.task_id for one in page]
            await lane.add_task(tags=("t",))  # newer: on no page that follows
            cursor = page.next_cursor
            if not cursor:
                break
        assert (set(found), len(found)) == (made, len(made))
    with pytest.raises(InvalidField):
        await tasks.list_own(ME, limit=2, cursor="nonsense")


@pytest.mark.parametrize(
    "said",
    [
        {"state": "lost"},
        {"tag": "two words"},
        {"tag": "a=b=c"},
        {"program_digest": "p"},
        {"since_ms": 5, "until_ms": 5},
        {"since_ms": -1},
    ],
)
def test_what_is_no_filter_is_refused(said: dict[str, Any]) -> None:
    nothing: dict[str, Any] = {"state": "", "program_digest": "", "tag": "", "since_ms": 0, "until_ms": 0}
    with pytest.raises(InvalidField):
        parse_filter(**nothing | said)


# --- cancelled ------------------------------------------------------------------------------------


async def test_what_a_filter_finds_is_cancelled_once_and_a_dry_run_counts(lane: LaneUnderTest) -> None:
    wanted = [await lane.add_task(tags=("t",)) for _ in range(3)][::-1]
    kept = await lane.add_task()
    acts = acts_of(lane)
    tagged = TaskFilter(tag="t")

    dry = await acts.cancel(ME, tagged, AskedAct(dry_run=True, limit=2))
    assert (dry.matching, outcomes(dry)) == (3, dict.fromkeys(wanted[:2], "would_be_acted_on"))

    first = await acts.cancel(ME, tagged, asked(limit=2))
    again = await acts.cancel(ME, tagged, asked(limit=2))
    assert first == again == Acted(matching=3, outcomes=first.outcomes)
    assert outcomes(first) == dict.fromkeys(wanted[:2], "cancelled")
    assert (await acts.cancel(OTHER, tagged, asked())).matching == 0
    with pytest.raises(IdempotencyConflict):
        await acts.cancel(ME, TaskFilter(), asked(limit=2))
    with pytest.raises(IdempotencyConflict):
        await acts.replay(ME, tagged, asked(limit=2), limit_price=0)
    with pytest.raises(InvalidField, match="idempotency_key"):
        await acts.cancel(ME, tagged, asked(key=""))

    rows = await lane.fetch("SELECT task_id FROM tasks WHERE state = 'open'")
    assert {row["task_id"] for row in rows} == {wanted[2], kept}
    entries = await lane.fetch("SELECT spelled FROM audit_entries")
    assert len(entries) == 2  # mine once, and the other's, which found nothing
    await lane.check_money()


async def test_what_ended_meanwhile_is_told(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task()
    acts = acts_of(lane)
    await lane.fetch(
        "INSERT INTO bulk_acts (client, idempotency_key, request_digest, matching, task_ids)"
        " VALUES ($1, 'k', $2, 1, $3)",
        CLIENT,
        await digest_of_act(lane),
        [task_id],
    )
    await lane.fetch("UPDATE tasks SET state = 'done', finished_ms = now_ms()")
    assert outcomes(await acts.cancel(ME, TaskFilter(), asked())) == {task_id: "had_ended"}


async def digest_of_act(lane: LaneUnderTest) -> str:
    """What a cancel of everything is spelled as: another client's, taken over."""
    await acts_of(lane).cancel(OTHER, TaskFilter(), asked(key="digest"))
    [row] = await lane.fetch("SELECT request_digest FROM bulk_acts WHERE idempotency_key = 'digest'")
    return str(row["request_digest"])


# --- replayed -------------------------------------------------------------------------------------


async def test_what_failed_is_submitted_again_at_todays_price_each_once(lane: LaneUnderTest) -> None:
    dead = await failed(lane, 2, jobs=2, tags=("t",))
    acts = acts_of(lane)

    first, again = await asyncio.gather(
        *(acts.replay(ME, TaskFilter(tag="t"), asked(), limit_price=0) for _ in range(2)), return_exceptions=False
    )
    assert outcomes(first) == outcomes(again) == dict.fromkeys(dead, "replayed")
    assert {one.replayed_as for one in first.outcomes} == {one.replayed_as for one in again.outcomes}

    found = await tasks_of(lane).list_own(ME, TaskFilter(tag="t", state="open"), limit=9)
    assert {one.replay_of for one in found} == set(dead)
    assert {(one.limit_price, one.escrow, one.tags) for one in found} == {(1_200, 1_200 * 2 * UNITS, ("t",))}
    jobs = await lane.fetch("SELECT limit_price, small_input, state FROM jobs WHERE task_id = $1", found[0].task_id)
    assert [tuple(one) for one in jobs] == [(1_200, b"x", "ready")] * 2
    nothing = await acts.replay(ME, TaskFilter(tag="t"), asked(key="later"), limit_price=0)
    assert (nothing.matching, nothing.outcomes) == (0, [])
    await lane.check_money()


async def test_what_cannot_be_replayed_says_why_and_holds_nothing_up(lane: LaneUnderTest) -> None:
    forgotten, sealed, gone, good = await failed(lane, 4)
    await lane.fetch("UPDATE jobs SET small_input = '' WHERE task_id = $1", forgotten)
    await lane.fetch("UPDATE jobs SET small_input = NULL WHERE task_id = $1", gone)
    await lane.fetch("UPDATE tasks SET seal = '{}' WHERE task_id = $1", sealed)

    acted = await acts_of(lane).replay(ME, TaskFilter(), asked(), limit_price=1_500)

    assert outcomes(acted) == dict.fromkeys((forgotten, sealed, gone), "refused") | {good: "replayed"}
    assert {one.code for one in acted.outcomes if one.code} == {InvalidField.code}
    assert len(await lane.fetch("SELECT FROM tasks WHERE state = 'open'")) == 1
    await lane.check_money()


async def test_inputs_that_are_artifacts_are_kept_by_a_replay(lane: LaneUnderTest) -> None:
    [task_id] = await failed(lane, 1)
    await lane.fetch("UPDATE jobs SET small_input = NULL")
    await lane.fetch(
        "INSERT INTO artifacts (digest, owner, size_bytes, created_ms, released) VALUES ('d', $1, 1, 5, true)", CLIENT
    )
    acted = await acts_of(lane).replay(ME, TaskFilter(), asked(), limit_price=1_500)
    assert outcomes(acted) == {task_id: "replayed"}
    [row] = await lane.fetch("SELECT created_ms, released FROM artifacts WHERE digest = 'd'")
    assert row["created_ms"] > 5
    assert not row["released"]


async def test_a_replay_is_paid_like_a_submission(lane: LaneUnderTest) -> None:
    dead = await failed(lane, 3)
    desk = Desk(lane.database)
    made, _ = await desk.make(spend_per_day=1_500 * UNITS)
    key = ApiKey(key_id=made.key_id, owner=CLIENT, scopes=frozenset(Scope), spend_per_day=1_500 * UNITS)

    by_key = await acts_of(lane).replay(replace(ME, api_key=key), TaskFilter(), asked(), limit_price=1_500)
    assert [one.code for one in by_key.outcomes] == ["", SpendLimitReached.code, SpendLimitReached.code]
    assert await spent_today(desk) == {made.key_id: 1_500 * UNITS}

    crowded = await acts_of(lane, open_tasks=1).replay(ME, TaskFilter(), asked(key="2"), limit_price=1_500)
    assert {one.code for one in crowded.outcomes} == {TooManyOpen.code}
    dear = await acts_of(lane).replay(ME, TaskFilter(), asked(key="3"), limit_price=10**9)
    assert {one.code for one in dear.outcomes} == {InsufficientFunds.code}
    assert {one.task_id for one in dear.outcomes} == set(dead[1:])
    await lane.check_money()
