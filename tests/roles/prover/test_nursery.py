"""A child that waits for its job: it is as limited as any other, serves one job, and never outlives its prover."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from proofgrid.primitives.errors import JobCrashed, JobTimedOut
from proofgrid.proofs.base import JobOutput
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, run_child
from tests.roles.prover.test_sandbox import LIMITS, a_toy_job, children, has_ended, runs_in, until
from tests.toy_system import ToySystem

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


@pytest.fixture
async def nursery(tmp_path: Path) -> AsyncIterator[Nursery]:
    home = tmp_path / "home"
    home.mkdir()
    async with Nursery.open(home) as opened:
        yield opened


async def prepared(nursery: Nursery, proof_system: str = "toy") -> psutil.Process:
    """Return the child that waits now."""
    before = children()
    await nursery.prepare(proof_system, cores=LIMITS.cores)
    (child,) = children() - before
    return child


@asynccontextmanager
async def helper_of_a_running_job(
    nursery: Nursery, spec: ChildSpec, limits: ChildLimits = LIMITS
) -> AsyncIterator[psutil.Process]:
    """Yield what the engine of an "orphan" job has started; it inherited all that the engine has."""
    helpers: asyncio.Queue[psutil.Process] = asyncio.Queue()

    def look(stage: str, share: int) -> None:
        if stage == "orphan":
            helpers.put_nowait(psutil.Process(share))

    job = asyncio.ensure_future(run_child(spec, limits=limits, on_progress=look, nursery=nursery))
    helper = await helpers.get()
    await until(lambda: "HOME" in helper.environ())  # not before it has become another program
    yield helper
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def run(nursery: Nursery, spec: ChildSpec, limits: ChildLimits = LIMITS) -> tuple[JobOutput, list[int]]:
    """Return the job's output and, for each helper its engine started, the pid of the child it was started in.

    A helper may be gone with its child before it is looked at: then nothing is known of it.
    """
    seen: list[int] = []

    def look(stage: str, share: int) -> None:
        if stage == "helper":
            with suppress(ProcessLookupError):
                seen.append(os.getpgid(share))

    output = await run_child(spec, limits=limits, on_progress=look, nursery=nursery)
    return output, seen


async def test_a_child_that_waits_becomes_the_child_of_the_next_job_and_of_no_other(
    nursery: Nursery, tmp_path: Path
) -> None:
    served = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        spec, files, request = a_toy_job(tmp_path / name, behaviour="helper")
        seen: list[int] = []
        while not seen:
            waiting = await prepared(nursery)
            output, seen = await run(nursery, spec)

        ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)
        assert seen == [waiting.pid]
        served.append(waiting)
        await until(lambda pid=waiting.pid: has_ended(pid))  # type: ignore[misc]
    assert served[0] != served[1]


async def test_preparing_twice_keeps_one_child_waiting(nursery: Nursery) -> None:
    await prepared(nursery)
    before = children()

    await nursery.prepare("toy", cores=LIMITS.cores)

    assert children() == before


async def test_a_waiting_child_killed_with_sigkill_costs_nothing_but_a_new_start(
    nursery: Nursery, tmp_path: Path
) -> None:
    spec, files, request = a_toy_job(tmp_path, behaviour="helper")
    waiting = await prepared(nursery)

    waiting.kill()  # and nobody has noticed when the job comes
    output, seen = await run(nursery, spec)

    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)
    assert len(seen) == 1
    assert seen != [waiting.pid]


async def test_a_waiting_engine_killed_with_sigkill_costs_nothing_but_a_new_start(
    nursery: Nursery, tmp_path: Path
) -> None:
    spec, files, request = a_toy_job(tmp_path)
    waiting = await prepared(nursery)
    await until(lambda: bool(waiting.children()))

    waiting.children()[0].kill()
    await until(lambda: has_ended(waiting.pid))
    output, _ = await run(nursery, spec)

    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)


@pytest.mark.parametrize("other", ["ezkl", "nobody-knows-it"])
async def test_a_child_that_waits_with_another_proof_system_does_the_job_too(
    nursery: Nursery, tmp_path: Path, other: str
) -> None:
    spec, files, request = a_toy_job(tmp_path, behaviour="helper")
    waiting = await prepared(nursery, other)

    output, seen = await run(nursery, spec)

    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)
    assert seen == [waiting.pid]


async def test_a_child_that_waits_with_another_number_of_cores_is_replaced(nursery: Nursery, tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="orphan")
    waiting = await prepared(nursery)
    limits = ChildLimits(memory_bytes=1 << 30, timeout_seconds=60, cores=3)

    async with helper_of_a_running_job(nursery, spec, limits) as helper:
        assert helper.environ()["RAYON_NUM_THREADS"] == "3"
        await until(lambda: has_ended(waiting.pid))


async def test_a_child_that_waited_has_the_jobs_memory_limit(nursery: Nursery, tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="memory")
    await prepared(nursery)

    with pytest.raises(JobCrashed, match=r"out of memory, memory limit 300 MiB"):
        await run(nursery, spec, ChildLimits(memory_bytes=300 << 20, timeout_seconds=60, cores=1))


async def test_a_child_that_waited_is_killed_at_the_jobs_time_limit(nursery: Nursery, tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="hang")
    waiting = await prepared(nursery)

    with pytest.raises(JobTimedOut, match=r"0\.7 s"):
        await run(nursery, spec, ChildLimits(memory_bytes=1 << 30, timeout_seconds=0.7, cores=1))

    assert has_ended(waiting.pid)
    assert not [process for process in psutil.process_iter() if runs_in(process, spec.workdir)]


async def test_a_child_that_waited_works_in_the_jobs_directory_and_knows_no_secret(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFGRID_KEY", "hunter2")
    spec, _, _ = a_toy_job(tmp_path, behaviour="orphan")
    waiting = await prepared(nursery)

    async with helper_of_a_running_job(nursery, spec) as helper:
        environment = helper.environ()
        assert os.getpgid(helper.pid) == waiting.pid
        assert helper.cwd() == environment["HOME"] == environment["TMPDIR"]
        assert Path(helper.cwd()).is_relative_to(nursery.home)
        assert "hunter2" not in " ".join([*environment.values(), *waiting.environ().values()])


async def test_what_an_engine_started_ends_after_its_last_word(nursery: Nursery, tmp_path: Path) -> None:
    spec, files, request = a_toy_job(tmp_path, behaviour="helper")
    helpers: list[int] = []

    output = await run_child(
        spec,
        limits=LIMITS,
        on_progress=lambda stage, share: helpers.append(share) if stage == "helper" else None,
        nursery=nursery,
    )

    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)
    await until(lambda: has_ended(helpers[0]))


async def test_no_child_is_left_when_a_nursery_closes(tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="helper")
    before = children()

    async with Nursery.open(tmp_path) as nursery:
        await run(nursery, spec)  # its child is seen off while the next one waits
        await prepared(nursery)

    assert children() <= before


async def test_no_waiting_child_outlives_a_prover_killed_with_sigkill(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from proofgrid.roles.prover.nursery import Nursery

        async def main():
            async with Nursery.open(Path(sys.argv[1])) as nursery:
                await nursery.prepare("toy", cores=1)
                print("ready", flush=True)
                await asyncio.sleep(3600)

        asyncio.run(main())
        """
    )
    prover = subprocess.Popen(  # noqa: ASYNC220  # the test needs its pid at once
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert prover.stdout is not None
    await asyncio.to_thread(prover.stdout.readline)
    (supervisor,) = psutil.Process(prover.pid).children()
    await until(lambda: bool(supervisor.children()))
    engine = supervisor.children()[0]

    os.kill(prover.pid, signal.SIGKILL)

    prover.wait()
    prover.stdout.close()
    await until(lambda: has_ended(supervisor.pid) and has_ended(engine.pid))
