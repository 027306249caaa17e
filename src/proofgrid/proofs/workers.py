"""Worker processes for the blocking calls of proof systems, so that no engine can block, leak into or kill a gateway.

    await workers.call(normalise, "ezkl", files, inputs, workdir, timeout_seconds=30)

What a worker does to itself stays there: a panic, a crash, a hang end as JobCrashed or JobTimedOut and the worker
is replaced. Errors of proofgrid cross whole.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple, cast

import pebble

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import JobCrashed, JobTimedOut, ProofgridError
from proofgrid.primitives.last_words import with_last_words
from proofgrid.proofs.base import JobOutput, NormalisedRequest, ProgramFiles, TriesInputs
from proofgrid.proofs.kit.engine import ENGINE_THREADS, exit_text
from proofgrid.proofs.kit.workdirs import EmptyFolders
from proofgrid.proofs.registry import proof_system
from proofgrid.proofs.setup import TrustRoots

Arguments = TypeVarTuple("Arguments")
T = TypeVar("T")

# An engine deep in native code never sees SIGTERM; three seconds of waiting for it would stall the whole pool.
pebble.CONSTS.term_timeout = 0.5

PROGRESS_FILE = "progress"

Verifiable = tuple[int, Mapping[str, Json], JobOutput]  #: slice, facts, what its prover handed in

_ATTEMPTS = 3
_TEXT_MAX = 2000


class ProofWorkers:
    """A pool of `count` worker processes with `threads_each` engine threads.

    What engines print, their panics above all, goes where our standard error goes, or into the file `complaints`.
    """

    def __init__(self, count: int, *, threads_each: int = 1, complaints: Path | None = None) -> None:
        self.count = count
        self._threads_each = threads_each
        self._complaints = complaints
        self._closed = False
        self._waiters: set[asyncio.Future[tuple[bool, bytes]]] = set()
        self._pool = self._new_pool()

    async def call(self, function: Callable[[*Arguments], T], /, *args: *Arguments, timeout_seconds: float) -> T:
        """Run an importable function in a worker; cancelling this call cancels the work.

        `timeout_seconds` counts from when a worker takes the call. Raises JobCrashed, JobTimedOut, or what was raised
        there if it is one of our errors.
        """
        content = await self._run(pickle.dumps((function, args)), timeout_seconds)
        return cast(T, pickle.loads(content))  # noqa: S301

    async def close(self) -> None:
        """Kill all workers; calls under way end with JobCrashed."""
        self._closed = True
        for waiter in self._waiters:
            waiter.cancel()
        await asyncio.to_thread(_stop, self._pool)

    async def _run(self, payload: bytes, timeout_seconds: float) -> bytes:
        for _ in range(_ATTEMPTS):
            waiter = asyncio.wrap_future(self._schedule(payload, timeout_seconds))
            self._waiters.add(waiter)
            try:
                is_result, content = await waiter
            except TimeoutError:
                raise JobTimedOut(f"the call took longer than {timeout_seconds:g} s and was killed") from None
            except pebble.ProcessExpired as reason:
                raise JobCrashed(f"the worker process died: {exit_text(reason.exitcode)}") from None
            except BrokenProcessPool:
                continue  # an idle worker died, and pebble gives up on the whole pool: this call is not to blame
            except asyncio.CancelledError:
                if self._closed and not _is_being_cancelled():
                    raise JobCrashed("the workers were closed") from None
                raise
            finally:
                self._waiters.discard(waiter)
            if is_result:
                return content
            raise pickle.loads(content)  # noqa: S301
        raise JobCrashed("the worker processes die as fast as they are started")

    def _schedule(self, payload: bytes, timeout_seconds: float) -> Future[tuple[bool, bytes]]:
        if self._closed:
            raise JobCrashed("the workers were closed")
        if not self._pool.active:
            threading.Thread(target=_stop, args=(self._pool,), daemon=True).start()
            self._pool = self._new_pool()
        future: Future[tuple[bool, bytes]] = self._pool.schedule(_guarded, args=(payload,), timeout=timeout_seconds)
        return future

    def _new_pool(self) -> Any:
        return pebble.ProcessPool(
            max_workers=self.count,
            # spawn: a fork of a process with threads and an event loop inherits their locks, not their threads.
            context=multiprocessing.get_context("spawn"),
            initializer=_prepare_worker,
            initargs=(self._threads_each, self._complaints),
        )


# --- the calls of proofs.base, by the name of the proof system ----------------------------------------


def build_program(
    name: str, source: Mapping[str, Path], settings: Mapping[str, Json], trust: TrustRoots, workdir: Path
) -> ProgramFiles:
    """See ProofSystem.build_program. How far it is stands in `workdir / PROGRESS_FILE`: "<stage> <share in 1/1000>"."""

    def report(stage: str, permille: int) -> None:
        writing = workdir / f"{PROGRESS_FILE}.new"
        writing.write_text(f"{stage} {permille}")
        writing.replace(workdir / PROGRESS_FILE)  # whoever reads it finds one or the other, whole

    return proof_system(name).build_program(source, settings, trust=trust, workdir=workdir, report=report)


async def progress_of(
    building: asyncio.Future[ProgramFiles], workdir: Path, *, every_seconds: float
) -> AsyncIterator[tuple[str, int]]:
    """Yield how far a call of `build_program` in a worker is, (stage, share in 1/1000), until it is over."""
    seen = ""
    while not building.done():
        await asyncio.wait([building], timeout=every_seconds)
        text = await asyncio.to_thread(_read_if_there, workdir / PROGRESS_FILE)
        if text and text != seen:
            seen = text
            stage, _, permille = text.rpartition(" ")
            yield stage, int(permille)


def _read_if_there(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def check_program(name: str, files: ProgramFiles) -> None:
    """See ProofSystem.check_program."""
    proof_system(name).check_program(files)


def normalise(name: str, files: ProgramFiles, inputs: list[Json], scratch: Path) -> NormalisedRequest:
    """See ProofSystem.normalise."""
    with tempfile.TemporaryDirectory(dir=scratch) as workdir:
        return proof_system(name).normalise(files, inputs, workdir=Path(workdir))


def can_be_proven(name: str, files: ProgramFiles, slice_index: int, job_input: bytes, scratch: Path) -> bool | None:
    """See TriesInputs.can_be_proven; None where the proof system does not offer it."""
    system = proof_system(name)
    if not isinstance(system, TriesInputs):
        return None
    with tempfile.TemporaryDirectory(dir=scratch) as workdir:
        return system.can_be_proven(files, slice_index, job_input, workdir=Path(workdir))


def verify_partials(
    name: str, files: ProgramFiles, proofs: list[Verifiable], scratch: Path
) -> list[ProofgridError | None]:
    """See ProofSystem.verify_partial; say of each proof what is wrong with it."""
    system = proof_system(name)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        workdirs = EmptyFolders(Path(folder))
        verdicts: list[ProofgridError | None] = []
        for slice_index, facts, output in proofs:
            try:
                system.verify_partial(files, slice_index, facts, output, workdir=workdirs.next())
            except ProofgridError as error:
                verdicts.append(error)
            else:
                verdicts.append(None)
    return verdicts


# --- inside a worker ----------------------------------------------------------------------------------


def _prepare_worker(threads_each: int, complaints: Path | None) -> None:
    if complaints is not None:
        with complaints.open("ab") as file:
            os.dup2(file.fileno(), 2)
    # Before any engine is imported: they read these once.
    for name in ENGINE_THREADS:
        os.environ[name] = str(threads_each)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)


def _guarded(payload: bytes) -> tuple[bool, bytes]:
    """Run the pickled call; return (True, pickled result) or (False, pickled error of ours).

    Everything crosses as bytes: one object that cannot be unpickled, such as a pyo3 panic, would break pebble's pool.
    """
    try:
        function, args = pickle.loads(payload)  # noqa: S301  # written by the parent
        return True, pickle.dumps(function(*args))
    except ProofgridError as error:
        return False, pickle.dumps(error)
    except BaseException as error:  # a panic is no Exception
        return False, pickle.dumps(JobCrashed(_crash_text(error)))


def _crash_text(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return with_last_words(f"an unexpected {type(error).__name__}{where}", str(error)[:_TEXT_MAX])


# --- helpers ------------------------------------------------------------------------------------------


def _stop(pool: Any) -> None:
    pool.stop()
    pool.join()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
