"""Finished tasks are sealed together, and each stands for itself: bundles in rows, one transaction, a verdict each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadProof
from proofgrid.primitives.ids import GatewayId, TaskId
from proofgrid.roles.settlement import sealing as sealing_module
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.rules.jobs.limits import SMALL_BUNDLE_BYTES
from proofgrid.rules.scheduling import calls as calls_module
from proofgrid.store.combining import CLAIM_COMBINING, ClaimedTask
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.tasks import end_task, give_back_all
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest
from tests.roles.settlement.finished import OWNER, Sealing, open_sealing

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


@pytest.fixture
async def sealing(
    lane: LaneUnderTest, tmp_path: Path, toy_system_on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sealing]:
    monkeypatch.setattr(sealing_module, "QUICK_SECONDS", 1e9)  # on whatever machine
    monkeypatch.setattr(calls_module, "CALL_SECONDS", 1e9)
    sealing = await open_sealing(lane, tmp_path)
    yield sealing
    await sealing.workers.close()


async def test_tasks_of_a_quick_program_are_sealed_in_one_call_and_finished_in_one_transaction(
    sealing: Sealing,
) -> None:
    program = await sealing.add_program()
    async with sealing.running() as combiner:
        [first] = await sealing.prove(program, "warm")
        combiner.wake()
        await sealing.until_done(first)
        sealing.workers.combined.clear()
        boundaries: Counter[str] = Counter()
        sealing.lane.database.on_boundary = lambda point: boundaries.update([point])
        tasks = await sealing.prove(program, *"abcde")
        combiner.wake()
        await sealing.until_done(*tasks)

    assert sealing.workers.combined == [5]
    assert boundaries["finish_task:after"] == 1
    for task_id in tasks:
        digest, content = await sealing.bundle(task_id)
        assert content is not None
        assert digest_of(content) == digest
        report = await sealing.verify(task_id, program)
        assert (report.manifest.task.task_id, report.manifest.task.client) == (task_id, OWNER)
    await sealing.lane.check_money()
    kinds = Counter(kind for kind, _ in await sealing.lane.events())
    assert kinds["done"] == 6
    stored = [path for path in (sealing.folder / "artifacts" / "sha256").rglob("*") if path.is_file()]
    assert len(stored) == 1  # the program's circuit, and no bundle
    assert not sealing.left_over()


async def tried_alone(sealing: Sealing, times: int) -> bool:
    return sealing.workers.combined.count(1) >= times


async def test_a_task_that_cannot_be_sealed_does_not_fail_its_neighbours(sealing: Sealing) -> None:
    program = await sealing.add_program()
    async with sealing.running() as combiner:
        await sealing.until_done(*await sealing.prove(program, "warm"))
        tasks = await sealing.prove(program, "a", "b", "c", lying=["b"])
        combiner.wake()
        await sealing.until_done(*tasks, states=("done", "failed"))

    assert await sealing.states(*tasks) == ["done", "failed", "done"]
    assert sealing.workers.combined == [1, 3]
    [failed] = await sealing.lane.fetch("SELECT failure_code, failure_detail FROM tasks WHERE state = 'failed'")
    assert failed["failure_code"] == BadProof.code
    await sealing.lane.check_money()


async def test_a_task_that_kills_the_worker_is_found_and_takes_no_others_along_again(sealing: Sealing) -> None:
    program = await sealing.add_program(behaviour="fragile")
    async with sealing.running() as combiner:
        await sealing.until_done(*await sealing.prove(program, "warm"))
        sealing.workers.combined.clear()
        [a, poison, c] = await sealing.prove(program, "a", "b", "c", poisoned=["b"])
        combiner.wake()
        await sealing.until_done(a, c)
        assert sealing.workers.combined[0] == 3
        await sealing.until(lambda: tried_alone(sealing, 4))  # the culprit is tried again, alone
        more = await sealing.prove(program, "d", "e")
        combiner.wake()
        await sealing.until_done(*more)

        assert max(sealing.workers.combined[1:]) <= 2
        assert await sealing.states(poison) == ["combining"]
        async with sealing.lane.database.transaction(Transaction.END_TASK) as connection:
            assert await end_task(connection, poison, TaskEvent.GAVE_UP)
    await sealing.lane.check_money()


async def test_a_task_that_the_database_refuses_fails_alone_and_is_tried_again(sealing: Sealing) -> None:
    program = await sealing.add_program()
    async with sealing.running() as combiner:
        [first] = await sealing.prove(program, "warm")
        combiner.wake()
        await sealing.until_done(first)
        tasks = await sealing.prove(program, *"abcde")
        await sealing.lane.fetch(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned'"
            " USING ERRCODE = 'check_violation'; END $$"
        )
        await sealing.lane.fetch(
            "CREATE TRIGGER refuse BEFORE UPDATE ON tasks FOR EACH ROW"
            f" WHEN (new.state = 'done' AND old.task_id = '{tasks[2]}') EXECUTE FUNCTION refuse()"
        )
        combiner.wake()
        await sealing.until_done(*(task for task in tasks if task != tasks[2]))
        assert await sealing.states(tasks[2]) == ["combining"]
        await sealing.lane.fetch("DROP TRIGGER refuse ON tasks")
        await sealing.until_done(*tasks)


async def test_a_task_that_is_cancelled_while_it_is_sealed_is_left_out(sealing: Sealing) -> None:
    program = await sealing.add_program()
    tasks: list[TaskId] = []

    async def cancel_one(call: str) -> None:
        if call == "verify_sealed" and len(tasks) == 3:
            async with sealing.lane.database.transaction(Transaction.END_TASK) as connection:
                await end_task(connection, tasks.pop(), TaskEvent.CANCELLED)

    sealing.workers.after = cancel_one
    async with sealing.running() as combiner:
        await sealing.until_done(*await sealing.prove(program, "warm"))
        tasks += await sealing.prove(program, "a", "b", "c")
        [*rest, cancelled] = tasks
        combiner.wake()
        await sealing.until_done(*rest)

    assert sealing.workers.combined == [1, 3]
    assert await sealing.states(cancelled) == ["cancelled"]
    assert [row["state"] for row in await sealing.lane.fetch("SELECT state FROM tasks")].count("done") == 3
    assert len(await sealing.lane.fetch("SELECT 1 FROM artifacts")) == 3
    await sealing.lane.check_money()


@pytest.mark.parametrize("in_memory_bytes", [1 << 30, 0])
async def test_a_large_bundle_is_an_artifact_of_the_store_made_in_memory_or_in_a_file(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch, in_memory_bytes: int
) -> None:
    monkeypatch.setattr(sealing_module, "IN_MEMORY_BYTES", in_memory_bytes)
    program = await sealing.add_program(bulk=SMALL_BUNDLE_BYTES)
    [task_id] = await sealing.prove(program, "a")

    async with sealing.running():
        await sealing.until_done(task_id)

    digest, content = await sealing.bundle(task_id)
    assert content is None
    assert (sealing.folder / "artifacts" / "sha256" / digest[:2] / digest).is_file()
    assert await sealing.verify(task_id, program)
    assert not sealing.left_over()


async def test_claims_are_bounded_by_kind_and_never_taken_from_a_gateway_that_lives(sealing: Sealing) -> None:
    quick, other = await sealing.add_program(), await sealing.add_program(rounds=11)
    await sealing.prove(quick, "a", "b", "c")
    await sealing.prove(other, "d", "e")

    async def claim(gateway_id: GatewayId, *running: TaskId, together: int, alone: int) -> list[ClaimedTask]:
        return await sealing.lane.database.write(
            Transaction.CLAIM_COMBINING,
            CLAIM_COMBINING,
            gateway_id=gateway_id,
            gateway_silent_ms=GATEWAY_SILENT_MS,
            quick=[quick],
            together=together,
            alone=alone,
            running=list(running),
            engines=None,
        )

    mine = await claim(sealing.lane.gateway_id, together=2, alone=1)
    theirs = await claim(GatewayId(uuid4()), together=9, alone=9)
    again = await claim(sealing.lane.gateway_id, *[task.task_id for task in mine], together=9, alone=9)

    assert Counter(task.program_digest for task in mine) == {quick: 2, other: 1}
    assert Counter(task.program_digest for task in theirs) == {quick: 1, other: 1}
    # The other gateway never registered: it does not live, and what it claimed is free.
    assert {task.task_id for task in again} == {task.task_id for task in theirs}
    assert all(task.size_bytes is not None and 1_024 < task.size_bytes < 2_048 for task in mine)


async def test_a_task_with_a_firm_quote_is_finished_alone(lane: LaneUnderTest) -> None:
    async with lane.database.transaction(Transaction.FINISH_TASK) as connection:
        with pytest.raises(ValueError, match="finished alone"):
            await give_back_all(connection, [a_claimed_task(quote=True), a_claimed_task(quote=False)])


def a_claimed_task(*, quote: bool) -> ClaimedTask:
    return ClaimedTask(
        task_id=TaskId(uuid4()),
        client=OWNER,
        program_digest=digest_of(b"p"),
        created_ms=0,
        escrow=1,
        quote_id=uuid4() if quote else None,
        size_bytes=1,
    )
