"""A model of a few bytes that unfolds to gigabytes, in any way that one can take memory: the worker ends, named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from proofgrid.primitives.errors import JobTookTooMuch
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.confinement.room import Room
from proofgrid.proofs.pool.process import PROCESSES_MAX
from proofgrid.proofs.workers import ProofWorkers
from tests.attacks.code import attempts
from tests.attacks.code.conftest import MEMORY_BYTES


@pytest.mark.parametrize(
    ("attempt", "args"),
    [
        (attempts.eat_memory, (2 * MEMORY_BYTES,)),
        (attempts.eat_memory, (8 * MEMORY_BYTES,)),
        (attempts.eat_shared_memory, (2 * MEMORY_BYTES,)),
        (attempts.eat_memory_in_children, (2 * MEMORY_BYTES, 4)),
        (attempts.eat_processes, (2 * PROCESSES_MAX,)),
    ],
)
async def test_it_is_ended_with_all_that_it_started_and_the_next_call_runs(
    confined: ProofWorkers, attempt: Callable[..., object], args: tuple[object, ...]
) -> None:
    await confined.call(attempts.say_hello, timeout_seconds=60, urgency=Urgency.ADMISSION)
    before = len(psutil.Process().children(recursive=True))  # the pool's workers are among them

    with pytest.raises(JobTookTooMuch) as ended:
        await confined.call(attempt, *args, timeout_seconds=600, urgency=Urgency.ADMISSION)

    assert ended.value.code == "PG-322"
    assert "more memory than it may" in ended.value.detail or "it took more than" in ended.value.detail
    hello = await confined.call(attempts.say_hello, timeout_seconds=60, urgency=Urgency.ADMISSION)
    assert hello == "hello"
    while len(psutil.Process().children(recursive=True)) > before:  # noqa: ASYNC110  # what was ended was replaced
        await asyncio.sleep(0.01)


async def test_nothing_survives_a_worker(scratch: Path) -> None:
    pool = ProofWorkers(1, room=Room(writes=(scratch,)))
    survivor = await pool.call(
        attempts.leave_a_survivor, str(scratch), "", timeout_seconds=60, urgency=Urgency.ADMISSION
    )
    assert isinstance(survivor, int)
    assert psutil.pid_exists(survivor)

    await pool.close()

    while psutil.pid_exists(survivor) and psutil.Process(survivor).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
