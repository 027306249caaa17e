"""Worker processes: what they give back, and that no call can hang or kill the pool."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidInput, JobCrashed, JobTimedOut
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as calls
from proofgrid.proofs.base import JobOutput, NormalisedRequest, PartialProof
from proofgrid.proofs.bundles.sealing import combine_tasks
from proofgrid.proofs.workers import ProofWorkers
from tests.toy_system import ToySystem


class Unknowable(BaseException):
    """A panic: no Exception, and its module cannot be imported where it arrives."""


Unknowable.__module__ = "pyo3_runtime"


def add(left: int, right: int) -> int:
    return left + right


def own_pid() -> int:
    return os.getpid()


def environment_of(name: str) -> str | None:
    return os.environ.get(name)


def is_imported(module: str) -> bool:
    return module in sys.modules


def nap(folder: Path, seconds: float) -> None:
    (folder / "started").write_text(str(os.getpid()))
    time.sleep(seconds)
    (folder / "finished").touch()


def die_by_signal() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def panic() -> None:
    raise Unknowable("index out of bounds")


def leave() -> None:
    sys.exit(3)


def refuse() -> None:
    raise InvalidInput("too short", field="inputs[1]", hint="send more")


def stumble() -> None:
    raise ValueError("no such thing")


def hand_back_a_lambda() -> object:
    return lambda: None


@pytest.fixture
async def workers() -> AsyncIterator[ProofWorkers]:
    pool = ProofWorkers(1, threads_each=3)
    yield pool
    await pool.close()


async def still_works(workers: ProofWorkers) -> bool:
    return await workers.call(add, 20, 22, timeout_seconds=30, urgency=Urgency.ADMISSION) == 42


async def test_a_call_runs_in_another_process_with_its_thread_budget(workers: ProofWorkers) -> None:
    assert await workers.call(own_pid, timeout_seconds=30, urgency=Urgency.ADMISSION) != os.getpid()
    assert await workers.call(environment_of, "RAYON_NUM_THREADS", timeout_seconds=30, urgency=Urgency.ADMISSION) == "3"
    assert not await workers.call(is_imported, "ezkl", timeout_seconds=30, urgency=Urgency.ADMISSION)


async def test_an_error_of_ours_crosses_whole(workers: ProofWorkers) -> None:
    with pytest.raises(InvalidInput) as caught:
        await workers.call(refuse, timeout_seconds=30, urgency=Urgency.ADMISSION)

    assert (caught.value.detail, caught.value.field, caught.value.hint) == ("too short", "inputs[1]", "send more")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (panic, "an unexpected Unknowable.*index out of bounds"),
        (leave, "SystemExit"),
        (stumble, "an unexpected ValueError.*no such thing"),
        (die_by_signal, "SIGKILL"),
        (hand_back_a_lambda, "pickle"),
    ],
)
async def test_whatever_a_worker_does_to_itself_becomes_a_crash_and_the_pool_lives(
    workers: ProofWorkers, function: object, words: str
) -> None:
    with pytest.raises(JobCrashed, match=words):
        await workers.call(function, timeout_seconds=30, urgency=Urgency.ADMISSION)  # type: ignore[arg-type]

    assert await still_works(workers)


async def test_a_call_that_takes_too_long_is_killed(workers: ProofWorkers, tmp_path: Path) -> None:
    assert await still_works(workers)  # started, and this module imported: the time is the nap's
    with pytest.raises(JobTimedOut):
        await workers.call(nap, tmp_path, 3600.0, timeout_seconds=0.3, urgency=Urgency.ADMISSION)

    assert not psutil.pid_exists(int((tmp_path / "started").read_text()))
    assert await still_works(workers)


async def test_a_cancelled_call_stops_the_work(workers: ProofWorkers, tmp_path: Path) -> None:
    call = asyncio.ensure_future(workers.call(nap, tmp_path, 3600.0, timeout_seconds=7200, urgency=Urgency.ADMISSION))
    while not (tmp_path / "started").exists():  # noqa: ASYNC110  # the worker sends no event
        await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    # One worker only: that it takes the next call shows that it was freed.
    assert await still_works(workers)
    assert not (tmp_path / "finished").exists()


async def test_a_pool_whose_idle_worker_was_killed_still_serves(workers: ProofWorkers) -> None:
    pid = await workers.call(own_pid, timeout_seconds=30, urgency=Urgency.ADMISSION)
    os.kill(pid, signal.SIGKILL)

    assert await still_works(workers)
    assert await workers.call(own_pid, timeout_seconds=30, urgency=Urgency.ADMISSION) != pid


async def test_closing_ends_calls_under_way_and_their_processes(tmp_path: Path) -> None:
    pool = ProofWorkers(1)
    call = asyncio.ensure_future(pool.call(nap, tmp_path, 3600.0, timeout_seconds=7200, urgency=Urgency.ADMISSION))
    while not (tmp_path / "started").exists():  # noqa: ASYNC110  # the worker sends no event
        await asyncio.sleep(0.02)
    pid = int((tmp_path / "started").read_text() or "0")
    await pool.close()

    with pytest.raises(JobCrashed, match="closed"):
        await call
    with pytest.raises(JobCrashed, match="closed"):
        await pool.call(own_pid, timeout_seconds=30, urgency=Urgency.ADMISSION)
    assert pid == 0 or not psutil.pid_exists(pid)


@pytest.mark.usefixtures("toy_system_on_path")
async def test_every_call_of_a_proof_system_works_by_its_name(workers: ProofWorkers, tmp_path: Path) -> None:
    files = await workers.call(
        calls.build_program,
        "toy",
        {},
        {"rounds": 3, "slices": 2},
        {},
        tmp_path,
        timeout_seconds=30,
        urgency=Urgency.ADMISSION,
    )
    await workers.call(calls.check_program, "toy", files, timeout_seconds=30, urgency=Urgency.ADMISSION)
    inputs: list[Json] = ["a", "b"]
    requests: list[list[Json]] = [inputs, [7], inputs]
    normalised, _ = await workers.call(
        calls.normalise_many, "toy", files, requests, tmp_path, False, timeout_seconds=30, urgency=Urgency.ADMISSION
    )
    request, refused, again = normalised
    assert isinstance(request, NormalisedRequest)
    assert (again, type(refused)) == (request, InvalidInput)
    parts = []
    for job in request.jobs:
        ends = [other.facts["start"] for other in request.jobs[request.jobs.index(job) + 1 :][:1]]
        output = honest_output(str(job.facts["start"]), rounds=3)
        if job.slice_index == 0:
            assert output.public["end"] == ends[0]
        claim = (job.slice_index, job.facts, output)
        assert await workers.call(
            calls.verify_partials, "toy", files, [claim, claim], tmp_path, timeout_seconds=30, urgency=Urgency.ADMISSION
        ) == [None, None]
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    [result] = await workers.call(
        combine_tasks,
        "toy",
        files,
        [(request.statement, parts)],
        tmp_path,
        timeout_seconds=30,
        urgency=Urgency.SEALING,
    )

    assert ToySystem().verify_whole(files, request.statement, result, parts, workdir=tmp_path)  # type: ignore[arg-type]
    forged = JobOutput(proof=parts[0].output.proof, public={"end": "0" * 64})
    claims = [(0, request.jobs[0].facts, output) for output in (parts[0].output, forged)]
    verdicts = await workers.call(
        calls.verify_partials, "toy", files, claims, tmp_path, timeout_seconds=30, urgency=Urgency.ADMISSION
    )
    assert [type(verdict) for verdict in verdicts] == [type(None), BadProof]


def honest_output(start: str, *, rounds: int) -> JobOutput:
    import hashlib

    from proofgrid.primitives.canonical import canonical_json

    state = bytes.fromhex(start)
    for _ in range(rounds):
        state = hashlib.sha256(state).digest()
    return JobOutput(proof=canonical_json({"start": start, "end": state.hex()}), public={"end": state.hex()})
