"""Whose turn it is for a worker, what workers hold, and that a worker may be killed at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import JobCrashed
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.pool.child import HELD_MAX
from proofgrid.proofs.workers import LONG_PLACES, ProofWorkers
from tests.proofs.called import LOOK_SECONDS, own_pid, place_of, reverse, stay

BIG_BYTES = 24 << 20


class Unreadable:
    def __reduce__(self) -> tuple[object, ...]:
        return (int, ("no number",))


@pytest.fixture
async def workers() -> AsyncIterator[ProofWorkers]:
    pool = ProofWorkers(2)
    yield pool
    await pool.close()


@pytest.fixture
async def one() -> AsyncIterator[ProofWorkers]:
    pool = ProofWorkers(1)
    yield pool
    await pool.close()


def staying(pool: ProofWorkers, folder: Path, name: str, urgency: Urgency, *, client: str = "") -> asyncio.Future[int]:
    return asyncio.ensure_future(pool.call(stay, folder, name, timeout_seconds=60, urgency=urgency, client=client))


async def until_runs(folder: Path, name: str) -> None:
    while not (folder / f"{name}.runs").exists():  # noqa: ASYNC110  # the worker sends no event
        await asyncio.sleep(LOOK_SECONDS)


async def pid_of_worker(pool: ProofWorkers) -> int:
    return await pool.call(own_pid, timeout_seconds=60, urgency=Urgency.ADMISSION)


# --- whose turn ---------------------------------------------------------------------------------------


async def test_a_flood_of_everything_else_cannot_delay_a_verification(workers: ProofWorkers, tmp_path: Path) -> None:
    flood = [
        staying(workers, tmp_path, f"{urgency.name}-{number}", urgency)
        for urgency in Urgency
        if urgency is not Urgency.MONEY
        for number in range(4)
    ]
    await until_runs(tmp_path, "ROUNDS-0")
    await until_runs(tmp_path, "ROUNDS-1")  # all places but the one that is kept

    # None of the flood ends before this has: it waits for nobody.
    assert await workers.call(own_pid, timeout_seconds=60, urgency=Urgency.MONEY)

    assert not any(call.done() for call in flood)
    assert set(workers.waiting_seconds()) == set(Urgency) - {Urgency.MONEY}
    assert min(workers.waiting_seconds().values()) > 0
    (tmp_path / "go").touch()
    await asyncio.gather(*flood)
    assert workers.waiting_seconds() == {}


async def test_sealing_and_builds_leave_a_place_for_admission(workers: ProofWorkers, tmp_path: Path) -> None:
    calls = [staying(workers, tmp_path, f"seal-{number}", Urgency.SEALING) for number in range(3)]
    calls += [staying(workers, tmp_path, f"build-{number}", Urgency.BUILDING) for number in range(LONG_PLACES + 1)]
    await until_runs(tmp_path, "seal-0")
    await until_runs(tmp_path, "build-0")

    assert await pid_of_worker(workers)

    assert not any(call.done() for call in calls)
    (tmp_path / "go").touch()
    await asyncio.gather(*calls)


async def test_who_is_more_urgent_is_served_first_and_clients_in_turn(one: ProofWorkers, tmp_path: Path) -> None:
    first = staying(one, tmp_path, "first", Urgency.SEALING)
    await until_runs(tmp_path, "first")
    later = [
        staying(one, tmp_path, "read", Urgency.READING),
        staying(one, tmp_path, "admit a1", Urgency.ADMISSION, client="a"),
        staying(one, tmp_path, "admit a2", Urgency.ADMISSION, client="a"),
        staying(one, tmp_path, "admit b1", Urgency.ADMISSION, client="b"),
        staying(one, tmp_path, "lease", Urgency.ROUNDS),
    ]
    await asyncio.sleep(0)  # all of them stand in line
    (tmp_path / "go").touch()
    await asyncio.gather(first, *later)

    order = (tmp_path / "order").read_text().splitlines()
    assert order == ["first", "lease", "admit a1", "admit b1", "admit a2", "read"]


async def test_a_call_that_was_cancelled_while_it_waited_costs_no_worker(one: ProofWorkers, tmp_path: Path) -> None:
    first = staying(one, tmp_path, "first", Urgency.ADMISSION)
    await until_runs(tmp_path, "first")
    second = staying(one, tmp_path, "second", Urgency.ADMISSION)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    (tmp_path / "go").touch()

    pid = await first

    assert await pid_of_worker(one) == pid
    assert not (tmp_path / "second.runs").exists()


async def test_a_short_call_that_was_cancelled_while_it_ran_costs_no_worker(one: ProofWorkers, tmp_path: Path) -> None:
    pid = await pid_of_worker(one)
    (tmp_path / "go").touch()
    call = staying(one, tmp_path, "short", Urgency.ADMISSION)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert await pid_of_worker(one) == pid


# --- what workers hold --------------------------------------------------------------------------------


def program_files(number: int = 0) -> ProgramFiles:
    program = Program(
        proof_system="toy",
        identity={"number": number},
        files={"model": digest_of(b"model")},
        verifying_files=(),
        slices=(),
    )
    return ProgramFiles(program, {"model": Path(f"/model-{number}")})


async def test_a_programs_files_are_sent_to_a_worker_once(one: ProofWorkers) -> None:
    files = program_files()
    again = ProgramFiles(files.program, dict(files.paths))  # as the library hands them out, each time anew

    places = [
        await one.call(place_of, each, timeout_seconds=60, urgency=Urgency.ADMISSION) for each in (files, again, files)
    ]

    assert len(set(places)) == 1  # one object, wherever the call came from


async def test_another_place_of_the_same_files_is_another_value(one: ProofWorkers) -> None:
    files = program_files()
    elsewhere = ProgramFiles(files.program, {"model": Path("/elsewhere")})
    for each in (files, elsewhere, files):
        _, path = await one.call(place_of, each, timeout_seconds=60, urgency=Urgency.ADMISSION)
        assert path == str(each.path("model"))


async def test_more_programs_than_a_worker_holds_all_work_also_after_it_was_killed(one: ProofWorkers) -> None:
    programs = [program_files(number) for number in range(HELD_MAX + 3)]
    for turn in range(2):
        for files in programs + programs[:2]:
            _, path = await one.call(place_of, files, timeout_seconds=60, urgency=Urgency.ADMISSION)
            assert path == str(files.path("model"))
        if not turn:
            os.kill(await pid_of_worker(one), signal.SIGKILL)


# --- kill -9 -----------------------------------------------------------------------------------------


async def test_a_worker_killed_at_work_fails_that_call_only(workers: ProofWorkers, tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    calls = [staying(workers, tmp_path, name, Urgency.ADMISSION) for name in ("a", "b")]
    for name in ("a", "b"):
        await until_runs(tmp_path, name)
    waiting = staying(workers, tmp_path, "c", Urgency.ADMISSION)
    await asyncio.sleep(0)
    for child in set(psutil.Process().children()) - before:
        if "resource_tracker" not in " ".join(child.cmdline()):
            child.kill()

    for call in calls:
        with pytest.raises(JobCrashed, match="SIGKILL"):
            await call
    (tmp_path / "go").touch()
    assert await waiting


@pytest.mark.parametrize("size_bytes", [10, BIG_BYTES], ids=["small", "more than the socket takes"])
async def test_a_call_that_a_killed_worker_left_unread_goes_to_another_one(one: ProofWorkers, size_bytes: int) -> None:
    pid = await pid_of_worker(one)
    os.kill(pid, signal.SIGSTOP)  # alive, and reads nothing
    content = os.urandom(size_bytes)
    call = asyncio.ensure_future(one.call(reverse, content, timeout_seconds=60, urgency=Urgency.ADMISSION))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)

    assert await call == content[::-1]


async def test_workers_killed_while_they_start_are_started_again(one: ProofWorkers) -> None:
    before = set(psutil.Process().children())
    call = asyncio.ensure_future(pid_of_worker(one))
    await asyncio.sleep(0)
    started = [
        child
        for child in set(psutil.Process().children()) - before
        if "resource_tracker" not in " ".join(child.cmdline())
    ]
    for child in started:
        child.kill()

    assert await call not in {child.pid for child in started}
    assert started


async def test_workers_that_cannot_start_fail_the_calls_that_wait(tmp_path: Path) -> None:
    pool = ProofWorkers(1, complaints=tmp_path / "no such folder" / "complaints")
    try:
        with pytest.raises(JobCrashed, match="die as fast as they are started"):
            await pid_of_worker(pool)
        (tmp_path / "no such folder").mkdir()
        assert await pid_of_worker(pool)
    finally:
        await pool.close()


async def test_an_argument_that_cannot_be_read_there_fails_its_call_only(one: ProofWorkers) -> None:
    pid = await pid_of_worker(one)
    with pytest.raises(JobCrashed, match="ValueError"):
        await one.call(reverse, Unreadable(), timeout_seconds=60, urgency=Urgency.ADMISSION)  # type: ignore[arg-type]

    assert await pid_of_worker(one) == pid


async def test_workers_die_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, pathlib
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.workers import ProofWorkers
from tests.proofs.called import stay

async def main():
    await ProofWorkers(1).call(stay, pathlib.Path({str(tmp_path)!r}), "x", timeout_seconds=60, urgency=Urgency.MONEY)

if __name__ == "__main__":
    asyncio.run(main())
"""
    path = tmp_path / "parent.py"
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = await asyncio.to_thread(subprocess.Popen, [sys.executable, str(path)], env=environment)
    await until_runs(tmp_path, "x")
    workers = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    await asyncio.to_thread(parent.wait)

    gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, 30)

    assert gone
    assert not alive
