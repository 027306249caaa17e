"""Programs and tasks by the first digits of their names."""

from __future__ import annotations

from uuid import UUID

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.pages import before_uuid
from proofgrid.roles.intake.programs import Programs
from proofgrid.roles.intake.tasks import selecting
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.filters import TaskFilter
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.store.database import Database
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.task_views import TASKS_BETWEEN
from tests.makers import a_program
from tests.roles.lanes import CLIENT, LaneUnderTest


async def test_programs_are_found_by_the_beginning_of_their_digest(database: Database) -> None:
    digests = [beginning.ljust(64, "0") for beginning in ("3f9a", "3f9af", "3f9b", "3fff", "4")]
    async with database.connection() as connection:
        for digest in digests:
            await connection.run(INSERT_PROGRAM, **a_program(digest=digest))
    programs, caller = Programs(database), Caller(CLIENT, frozenset({Role.CLIENT}))

    async def found(begins: str) -> set[str]:
        return {str(one.digest) for one in await programs.list_for(caller, limit=10, begins=begins)}

    assert await found("3f9a") == set(digests[:2])
    assert await found("3f") == set(digests[:4])
    assert await found("") == set(digests)
    assert await found("5") == set()
    assert len(await programs.list_for(caller, limit=1, begins="3f")) == 1
    with pytest.raises(InvalidField):
        await found("3F%")


async def test_tasks_are_found_by_the_beginning_of_their_id_and_only_ones_own(lane: LaneUnderTest) -> None:
    task_id = UUID(str(await lane.add_task(jobs=1)))
    wanted = {"first": UUID(int=0), "last": UUID(int=2**128 - 1), "limit": 10, **before_uuid("", "tasks")}
    async with lane.database.connection() as connection:
        for client, state, count in ((CLIENT, "", 1), (CLIENT, TaskState.DONE, 0), (Address("0xother"), "", 0)):
            asked = selecting(Caller(client, frozenset()), TaskFilter(state=state))
            rows = await connection.fetch(TASKS_BETWEEN, **asked, **wanted)
            assert [row.task_id for row in rows] == [task_id] * count
