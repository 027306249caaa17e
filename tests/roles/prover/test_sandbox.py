"""A job's child process: what it hands back, how it is limited, and that nothing of it survives."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from proofgrid.primitives.errors import InvalidInput, JobCrashed, JobTimedOut
from proofgrid.proofs.base import NormalisedRequest, ProgramFiles
from proofgrid.roles.prover.process import STDERR_KEPT_BYTES
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, run_child
from tests.toy_system import ToySystem

LIMITS = ChildLimits(memory_bytes=1 << 30, timeout_seconds=60, cores=1)

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


def a_toy_job(folder: Path, **settings: Any) -> tuple[ChildSpec, ProgramFiles, NormalisedRequest]:
    """Return a child's order for slice 0, with its program and request."""
    workdir = folder / "job"
    for path in (workdir, folder / "program", folder / "cache"):
        path.mkdir()
    toy = ToySystem()
    files = toy.build_program({}, settings, trust={}, workdir=folder / "program", report=lambda stage, share: None)
    request = toy.normalise(files, ["seven"], workdir=workdir)
    job_input = workdir / "input"
    job_input.write_bytes(request.jobs[0].input)
    spec = ChildSpec(
        proof_system="toy",
        program=files.program,
        paths=files.paths,
        slice_index=0,
        job_input=job_input,
        cache=folder / "cache",
        workdir=workdir,
    )
    return spec, files, request


async def run(spec: ChildSpec, limits: ChildLimits = LIMITS) -> Any:
    return await run_child(spec, limits=limits, on_progress=lambda stage, share: None)


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def children() -> set[psutil.Process]:
    """Return the children that live, but for the one that `multiprocessing` leaves behind in tests before this one."""
    found = set()
    for child in psutil.Process().children():
        try:
            is_left = any("multiprocessing" in word for word in child.cmdline())
        except psutil.Error:
            continue
        if not is_left and not has_ended(child.pid):
            found.add(child)
    return found


def runs_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # a process that dies sends us no event
        await asyncio.sleep(0.01)


async def test_a_job_hands_in_a_proof_that_verifies_and_reports_its_progress_in_order(tmp_path: Path) -> None:
    spec, files, request = a_toy_job(tmp_path, behaviour="slow", sleep_ms=100)
    seen: list[tuple[str, int]] = []

    output = await run_child(spec, limits=LIMITS, on_progress=lambda stage, share: seen.append((stage, share)))

    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)
    assert seen[0] == ("prove", 0)
    assert seen[-1] == ("prove", 1000)
    assert seen == sorted(seen, key=lambda item: item[1])


async def test_a_job_tells_the_most_that_it_held(tmp_path: Path) -> None:
    peaks: list[int] = []
    for thickness in (0, 32 << 20):
        folder = tmp_path / str(thickness)
        folder.mkdir()
        spec, _, _ = a_toy_job(folder, thickness=thickness)
        await run_child(spec, limits=LIMITS, on_progress=lambda stage, share: None, on_peak=peaks.append)
    thin, thick = peaks
    assert 4 << 20 < thin < 512 << 20  # an interpreter with little in it
    assert thick >= thin + (24 << 20)


async def test_an_engine_that_prints_megabytes_disturbs_nothing(tmp_path: Path) -> None:
    spec, files, request = a_toy_job(tmp_path, behaviour="noise")

    output = await run(spec)

    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)


async def test_an_error_of_ours_comes_back_as_it_was_raised(tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="refuse")

    with pytest.raises(InvalidInput) as caught:
        await run(spec)

    assert (caught.value.detail, caught.value.field, caught.value.hint) == (
        "the toy refuses",
        "inputs[0]",
        "ask nicely",
    )


@pytest.mark.parametrize(
    ("behaviour", "words"), [("crash", "SIGSEGV"), ("exit", "exit status 7"), ("panic", "explicit panic")]
)
async def test_a_crash_says_how_the_child_died(tmp_path: Path, behaviour: str, words: str) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour=behaviour)

    with pytest.raises(JobCrashed, match=words) as caught:
        await run(spec)

    assert behaviour == "panic" or "last words" not in caught.value.detail  # it had none


async def test_a_crash_report_holds_the_end_of_stderr_and_not_the_jobs_input(tmp_path: Path) -> None:
    spec, _, request = a_toy_job(tmp_path, behaviour="stderr")

    with pytest.raises(JobCrashed) as caught:
        await run(spec)

    assert caught.value.detail.startswith("exit status 3")
    assert caught.value.detail.endswith("complaint number 4999")
    assert len(caught.value.detail) < STDERR_KEPT_BYTES + 200
    assert json.loads(request.jobs[0].input)["start"] not in caught.value.detail


async def test_a_job_that_takes_too_much_memory_dies_and_the_limit_is_named(tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="memory")
    limits = ChildLimits(memory_bytes=300 << 20, timeout_seconds=60, cores=1)

    with pytest.raises(JobCrashed, match=r"out of memory, memory limit 300 MiB"):
        await run(spec, limits)


async def test_a_job_that_hangs_and_ignores_sigterm_is_killed_at_its_time_limit(tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="hang")
    before = children()

    with pytest.raises(JobTimedOut, match=r"0\.7 s"):
        await run(spec, ChildLimits(memory_bytes=1 << 30, timeout_seconds=0.7, cores=1))

    assert children() <= before
    assert not [process for process in psutil.process_iter() if runs_in(process, spec.workdir)]


async def test_cancelling_kills_the_child_and_what_it_started(tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path, behaviour="orphan")
    grandchild: list[int] = []

    def note(stage: str, share: int) -> None:
        if stage == "orphan":
            grandchild.append(share)

    job = asyncio.ensure_future(run_child(spec, limits=LIMITS, on_progress=note))
    await until(lambda: bool(grandchild))
    child = psutil.Process(grandchild[0]).ppid()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job

    await until(lambda: has_ended(child) and has_ended(grandchild[0]))


async def test_the_child_sees_no_secret_of_the_prover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFGRID_KEY", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    spec, _, _ = a_toy_job(tmp_path, behaviour="orphan")
    environments: list[dict[str, str]] = []

    def look(stage: str, share: int) -> None:
        if stage == "orphan":
            environments.append(psutil.Process(share).parent().environ())  # type: ignore[union-attr]

    job = asyncio.ensure_future(
        run_child(spec, limits=ChildLimits(memory_bytes=1 << 30, timeout_seconds=60, cores=3), on_progress=look)
    )
    await until(lambda: bool(environments))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job

    assert "hunter2" not in " ".join(environments[0].values())
    assert environments[0]["RAYON_NUM_THREADS"] == "3"
    home = Path(environments[0]["HOME"])
    assert (home.name, home.parents[2]) == ("home", spec.workdir)  # in the child's cell


async def test_a_module_in_the_workdir_is_not_imported(tmp_path: Path) -> None:
    spec, _, _ = a_toy_job(tmp_path)
    (spec.workdir / "json.py").write_text("raise SystemExit('imported from the workdir')")

    output = await run(spec)

    assert output.public["end"]


async def test_two_jobs_run_side_by_side_without_mixing_their_answers(tmp_path: Path) -> None:
    jobs = []
    for name, rounds in (("one", 5), ("two", 6)):
        (tmp_path / name).mkdir()
        jobs.append(a_toy_job(tmp_path / name, rounds=rounds, behaviour="slow", sleep_ms=50))

    outputs = await asyncio.gather(*(run(spec) for spec, _, _ in jobs))

    for (_, files, request), output in zip(jobs, outputs, strict=True):
        ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=tmp_path)
    assert outputs[0].public != outputs[1].public


async def test_no_child_outlives_a_prover_killed_with_sigkill(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from tests.roles.prover.test_sandbox import LIMITS, a_toy_job
        from proofgrid.roles.prover.sandbox import run_child

        spec, _, _ = a_toy_job(Path(sys.argv[1]), behaviour="orphan")
        tell = lambda stage, share: print(share, flush=True) if stage == "orphan" else None
        asyncio.run(run_child(spec, limits=LIMITS, on_progress=tell))
        """
    )
    (tmp_path / "prover").mkdir()
    prover = subprocess.Popen(  # noqa: ASYNC220  # the test needs its pid at once
        [sys.executable, "-c", script, str(tmp_path / "prover")], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert prover.stdout is not None
    grandchild = int(await asyncio.to_thread(prover.stdout.readline))
    child = psutil.Process(grandchild).ppid()

    os.kill(prover.pid, signal.SIGKILL)

    prover.wait()
    prover.stdout.close()
    await until(lambda: has_ended(child) and has_ended(grandchild))
