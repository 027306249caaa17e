"""A child that proves several jobs of one program: it is renewed within bounds; a job leaves nothing for the next."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField, InvalidInput, JobCrashed, JobTimedOut
from proofgrid.proofs.base import NormalisedRequest, ProgramFiles
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, run_child
from proofgrid.roles.prover.warmth import (
    SLACK_BYTES,
    Isolation,
    Rest,
    WarmBounds,
    count_to_end,
    may_go_on,
    read_isolation,
)
from tests.roles.prover.test_sandbox import LIMITS, a_toy_job, children, has_ended, until
from tests.toy_system import ToySystem

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


class Jobs:
    """Jobs of one program; each may behave in its own way, and has a directory of its own."""

    def __init__(self, folder: Path, **settings: object) -> None:
        folder.mkdir()
        self.folder = folder
        self._spec, self.files, self.request = a_toy_job(folder, **settings)
        self._count = 0

    def next(self, behaviour: str = "ok") -> ChildSpec:
        self._count += 1
        folder = self.folder / f"job-{self._count}"
        folder.mkdir()
        (folder / "cache").mkdir()
        (folder / "cache" / "toy-behaviour").write_text(behaviour)
        (folder / "work").mkdir()
        job_input = folder / "work" / "input"
        job_input.write_bytes(self.request.jobs[0].input)
        return replace(self._spec, job_input=job_input, cache=folder / "cache", workdir=folder / "work")


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "program")


@asynccontextmanager
async def a_nursery(tmp_path: Path, **bounds: int) -> AsyncIterator[Nursery]:
    home = tmp_path / "home"
    home.mkdir()
    async with Nursery.open(home, bounds=WarmBounds(**bounds)) as nursery:
        yield nursery


@pytest.fixture
async def nursery(tmp_path: Path) -> AsyncIterator[Nursery]:
    async with a_nursery(tmp_path) as opened:
        yield opened


async def proves(nursery: Nursery, jobs: Jobs, behaviour: str = "ok", *, limits: ChildLimits = LIMITS) -> None:
    spec = jobs.next(behaviour)
    output = await run_child(spec, limits=limits, on_progress=lambda stage, share: None, nursery=nursery)
    assert_right(jobs.files, jobs.request, output, spec)


def assert_right(files: ProgramFiles, request: NormalisedRequest, output: object, spec: ChildSpec) -> None:
    ToySystem().verify_partial(files, 0, request.jobs[0].facts, output, workdir=spec.workdir)  # type: ignore[arg-type]


async def warmed(nursery: Nursery, jobs: Jobs) -> psutil.Process:
    """Let a new child prove a job, and return it."""
    before = children()
    await proves(nursery, jobs)
    (child,) = children() - before
    return child


def engine_of(child: psutil.Process) -> psutil.Process:
    (engine,) = child.children()
    return engine


async def test_one_child_proves_several_jobs_of_a_program(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)
    engine = engine_of(child)

    for _ in range(3):
        await proves(nursery, jobs)

    assert children() == {child}
    assert engine_of(child) == engine


async def test_it_is_taken_before_one_that_has_seen_no_job(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)
    await nursery.prepare("toy", cores=LIMITS.cores)
    (fresh,) = children() - {child}

    await proves(nursery, jobs)

    assert children() == {child, fresh}
    taken = nursery.take(jobs.files.program.digest, cores=LIMITS.cores, memory_bytes=0)
    assert taken is not None
    assert (taken.process.pid, taken.jobs) == (child.pid, 2)
    nursery.discard(taken)


async def test_after_so_many_jobs_it_is_renewed(tmp_path: Path, jobs: Jobs) -> None:
    async with a_nursery(tmp_path, jobs_max=2) as nursery:
        child = await warmed(nursery, jobs)
        await proves(nursery, jobs)
        await until(lambda: has_ended(child.pid))

        assert await warmed(nursery, jobs) != child


async def test_a_child_that_waits_too_long_is_ended(tmp_path: Path, jobs: Jobs) -> None:
    async with a_nursery(tmp_path, seconds_max=1) as nursery:
        await proves(nursery, jobs)

        await until(lambda: not children())
        await proves(nursery, jobs)


async def test_a_child_too_old_when_its_job_is_over_is_ended(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "slow", sleep_ms=1_100)
    async with a_nursery(tmp_path, seconds_max=1) as nursery:
        await proves(nursery, jobs, "slow")
        await until(lambda: not children())


async def test_a_child_that_has_too_much_memory_is_renewed(tmp_path: Path, jobs: Jobs) -> None:
    async with a_nursery(tmp_path, bytes_max=1 << 20) as nursery:
        await proves(nursery, jobs)
        await until(lambda: not children())


async def test_of_several_that_wait_the_longest_unused_goes_when_together_they_have_too_much(tmp_path: Path) -> None:
    one, two = Jobs(tmp_path / "one", rounds=5), Jobs(tmp_path / "two", rounds=6)
    async with a_nursery(tmp_path) as nursery:
        size = engine_of(await warmed(nursery, one)).memory_info().rss
    (tmp_path / "home").rmdir()
    async with a_nursery(tmp_path, bytes_max=size * 3 // 2) as nursery:
        first = await warmed(nursery, one)
        second = await warmed(nursery, two)
        await until(lambda: has_ended(first.pid))

        assert children() == {second}


async def test_a_job_of_another_program_never_gets_it(tmp_path: Path, nursery: Nursery, jobs: Jobs) -> None:
    other = Jobs(tmp_path / "other", rounds=77)
    child = await warmed(nursery, jobs)

    another = await warmed(nursery, other)
    await proves(nursery, jobs)

    assert children() == {child, another}


async def test_a_job_that_may_take_more_memory_than_any_of_its_first_order_gets_another(
    nursery: Nursery, jobs: Jobs
) -> None:
    first = await warmed(nursery, jobs)

    await proves(nursery, jobs, limits=replace(LIMITS, memory_bytes=LIMITS.memory_bytes + 1))

    assert len(children() - {first}) == 1


async def test_the_next_job_has_its_own_memory_limit(nursery: Nursery, jobs: Jobs) -> None:
    small = replace(LIMITS, memory_bytes=300 << 20, memory_bytes_max=600 << 20)
    child = await warmed_with(nursery, jobs, small)
    assert engine_of(child).rlimit(psutil.RLIMIT_DATA) == (300 << 20, 600 << 20)

    larger = replace(small, memory_bytes=400 << 20)
    with pytest.raises(JobCrashed, match=r"out of memory, memory limit 400 MiB"):
        await proves(nursery, jobs, "memory", limits=larger)

    assert has_ended(child.pid)


async def warmed_with(nursery: Nursery, jobs: Jobs, limits: ChildLimits) -> psutil.Process:
    await proves(nursery, jobs, limits=limits)
    (child,) = children()
    return child


@pytest.mark.parametrize("whom", ["supervisor", "engine"])
async def test_killed_between_two_jobs_it_costs_nothing_but_a_new_start(
    nursery: Nursery, jobs: Jobs, whom: str
) -> None:
    child = await warmed(nursery, jobs)
    (child if whom == "supervisor" else engine_of(child)).kill()  # and perhaps nobody has noticed when the job comes

    assert await warmed(nursery, jobs) != child


async def test_killed_during_a_job_it_says_how_and_the_next_job_has_another(nursery: Nursery, tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "hangs")
    child = await warmed(nursery, jobs)
    engine = engine_of(child)
    running = asyncio.ensure_future(
        run_child(jobs.next("hang"), limits=LIMITS, on_progress=lambda *said: engine.kill(), nursery=nursery)
    )

    with pytest.raises(JobCrashed, match="SIGKILL"):
        await running

    assert await warmed(nursery, jobs) != child


async def test_a_time_limit_ends_it_with_all_that_it_started(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)

    with pytest.raises(JobTimedOut, match=r"0\.7 s"):
        await proves(nursery, jobs, "hang", limits=replace(LIMITS, timeout_seconds=0.7))

    assert has_ended(child.pid)
    assert await warmed(nursery, jobs) != child


async def test_a_job_that_is_stopped_ends_it_with_all_that_it_started(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)
    helpers: asyncio.Queue[int] = asyncio.Queue()
    running = asyncio.ensure_future(
        run_child(
            jobs.next("orphan"),
            limits=LIMITS,
            on_progress=lambda stage, share: helpers.put_nowait(share) if stage == "orphan" else None,
            nursery=nursery,
        )
    )
    helper = await helpers.get()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await until(lambda: has_ended(helper) and has_ended(child.pid))


async def test_a_job_that_fails_ends_it(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)

    with pytest.raises(InvalidInput, match="the toy refuses"):
        await proves(nursery, jobs, "refuse")

    assert await warmed(nursery, jobs) != child


async def test_a_job_that_leaves_a_process_behind_ends_it(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)
    helpers: list[int] = []

    await run_child(
        jobs.next("helper"),
        limits=LIMITS,
        on_progress=lambda stage, share: helpers.append(share) if stage == "helper" else None,
        nursery=nursery,
    )

    await until(lambda: has_ended(child.pid) and has_ended(helpers[0]))


async def test_nothing_of_a_job_is_left_where_the_next_one_could_read_it(nursery: Nursery, jobs: Jobs) -> None:
    spec = jobs.next("fill")
    await run_child(spec, limits=LIMITS, on_progress=lambda *said: None, nursery=nursery)
    (child,) = children()

    (cell,) = nursery.home.iterdir()
    assert engine_of(child).cwd() == str(cell / "work" / "home")
    left = {path.relative_to(cell).as_posix() for path in cell.rglob("*") if not path.is_dir()}
    keys = {"given/keys/toy-behaviour", "work/keys/toy-behaviour"}
    assert left == {f"given/files/{spec.program.files[name]}" for name in spec.paths} | keys


async def test_the_last_words_of_a_job_are_not_those_of_the_one_before(nursery: Nursery, jobs: Jobs) -> None:
    await proves(nursery, jobs, "noise")  # a megabyte of "y" on stderr

    with pytest.raises(JobCrashed, match="SIGSEGV") as caught:
        await proves(nursery, jobs, "crash")

    assert "yyy" not in caught.value.detail


async def test_its_own_last_words_are_told(nursery: Nursery, jobs: Jobs) -> None:
    await proves(nursery, jobs, "noise")

    with pytest.raises(JobCrashed, match=r"complaint number 4999$") as caught:
        await proves(nursery, jobs, "stderr")

    assert "yyy" not in caught.value.detail


async def test_with_a_process_for_every_job_none_stays(tmp_path: Path, jobs: Jobs) -> None:
    async with Nursery.open(tmp_path) as nursery:
        await proves(nursery, jobs)
        await until(lambda: not children())


async def test_none_is_left_when_a_nursery_closes(tmp_path: Path, jobs: Jobs) -> None:
    async with a_nursery(tmp_path) as nursery:
        child = await warmed(nursery, jobs)
        engine = engine_of(child)

    assert has_ended(child.pid)
    assert has_ended(engine.pid)


async def test_a_child_that_stopped_saying_anything_is_stopped_by_the_time_limit(nursery: Nursery, jobs: Jobs) -> None:
    child = await warmed(nursery, jobs)
    os.kill(engine_of(child).pid, signal.SIGSTOP)

    with pytest.raises(JobTimedOut):
        await proves(nursery, jobs, limits=replace(LIMITS, timeout_seconds=0.5))

    assert has_ended(child.pid)


def test_a_level_of_isolation_has_a_name() -> None:
    assert [read_isolation(text) for text in ("program", "job")] == [Isolation.PROGRAM, Isolation.JOB]
    with pytest.raises(InvalidField, match="program or job"):
        read_isolation("client")


BOUNDS = WarmBounds(jobs_max=3, seconds_max=60, bytes_max=1_000)


@pytest.mark.parametrize(
    ("rest", "jobs", "age_seconds"),
    [
        (Rest(), 1, 1.0),
        (Rest(stays=True), 3, 1.0),
        (Rest(stays=True), 1, 60.0),
        (Rest(stays=True, resident_bytes=1_001), 1, 1.0),
        (Rest(stays=True, data_bytes=SLACK_BYTES + 1), 1, 1.0),
    ],
)
def test_a_child_beyond_any_bound_does_not_go_on(rest: Rest, jobs: int, age_seconds: float) -> None:
    assert not may_go_on(rest, jobs=jobs, age_seconds=age_seconds, bounds=BOUNDS)


def test_a_child_within_all_bounds_goes_on() -> None:
    rest = Rest(stays=True, resident_bytes=1_000, data_bytes=SLACK_BYTES)

    assert may_go_on(rest, jobs=2, age_seconds=59.9, bounds=BOUNDS)


@given(st.lists(st.integers(0, 100)), st.integers(0, 500))
def test_no_more_go_than_have_to(sizes: list[int], bytes_max: int) -> None:
    count = count_to_end(sizes, bytes_max)

    assert sum(sizes[count:]) <= bytes_max
    assert count == 0 or sum(sizes[count - 1 :]) > bytes_max


async def test_a_warm_child_tells_the_peak_of_each_of_its_jobs(nursery: Nursery, jobs: Jobs) -> None:
    peaks: list[int] = []
    for _ in range(2):
        spec = jobs.next("ok")
        await run_child(
            spec, limits=LIMITS, on_progress=lambda stage, share: None, nursery=nursery, on_peak=peaks.append
        )
    assert len(peaks) == 2
    assert min(peaks) > 4 << 20
