"""Jobs in processes of their own, as provers run them: killed while they fill the cache, and two at once."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

from proofgrid.proofs.base import JobDraft, JobOutput, ProgramFiles, ProofSystem
from proofgrid.proofs.kit.rehearsal import build, unheard
from proofgrid.proofs.kit.samples import Samples
from proofgrid.proofs.offers import Preloading

TIMEOUT_SECONDS = 300.0
_LOOK_SECONDS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One job, to be run in another process."""

    system: ProofSystem
    files: ProgramFiles
    job: JobDraft
    cache: Path
    workdir: Path


def run_to_the_end(trials: list[Trial]) -> list[JobOutput]:
    """Run jobs in as many processes, all begun at once; raise RuntimeError when one does not hand in anything."""
    with _running(trials) as processes:
        for trial in trials:
            (trial.workdir / "go").touch()
        for process in processes:
            process.join(TIMEOUT_SECONDS)
            if process.exitcode is None:
                raise RuntimeError(f"a job did not end within {TIMEOUT_SECONDS:g} s")
    return [_output_of(trial) for trial in trials]


def kill_while_filling(trial: Trial, *, after_seconds: float | None) -> bool:
    """Run a job and kill it with SIGKILL; say whether it was killed, or faster than us.

    It is killed `after_seconds`, or as soon as there is something in its cache.
    """
    with _running([trial]) as (process,):
        (trial.workdir / "go").touch()
        began = time.monotonic()
        while process.is_alive() and not _is_due(trial.cache, time.monotonic() - began, after_seconds):
            time.sleep(_LOOK_SECONDS)
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
    return process.exitcode == -signal.SIGKILL


def digest_elsewhere(system: ProofSystem, samples: Samples, workdir: Path) -> str:
    """Build the sample in another process, where hashes have another seed; return the program's digest."""
    workdir.mkdir(parents=True)
    process = _context().Process(target=_build, args=(pickle.dumps((system, samples, workdir)),))
    process.start()
    process.join(TIMEOUT_SECONDS)
    process.kill()
    return (workdir / "digest").read_text() if (workdir / "digest").exists() else "none: the build failed"


def _context() -> SpawnContext:
    return multiprocessing.get_context("spawn")


@contextmanager
def _running(trials: list[Trial]) -> Iterator[list[SpawnProcess]]:
    """Start processes; go on when each is ready to begin its job; leave none behind."""
    processes: list[SpawnProcess] = []
    try:
        for trial in trials:
            trial.workdir.mkdir(parents=True)
            process = _context().Process(target=_run, args=(pickle.dumps(trial),))
            process.start()
            processes.append(process)
        for trial, process in zip(trials, processes, strict=True):
            while process.is_alive() and not (trial.workdir / "ready").exists():
                time.sleep(_LOOK_SECONDS)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def _is_due(cache: Path, passed_seconds: float, after_seconds: float | None) -> bool:
    if after_seconds is not None:
        return passed_seconds >= after_seconds
    return cache.is_dir() and any(cache.iterdir())


def _output_of(trial: Trial) -> JobOutput:
    try:
        said = pickle.loads((trial.workdir / "said").read_bytes())  # noqa: S301 - written by our own process
    except FileNotFoundError:
        raise RuntimeError("the process of a job died") from None
    if isinstance(said, JobOutput):
        return said
    raise RuntimeError(str(said))


# --- inside the processes ------------------------------------------------------------------------------


def _run(content: bytes) -> None:
    trial: Trial = pickle.loads(content)  # noqa: S301 - written by our parent
    if isinstance(trial.system, Preloading):
        trial.system.preload()
    (trial.workdir / "ready").touch()
    while not (trial.workdir / "go").exists():
        time.sleep(_LOOK_SECONDS)
    try:
        said: JobOutput | str = trial.system.run_job(
            trial.files,
            trial.job.slice_index,
            trial.job.input,
            cache=trial.cache,
            workdir=trial.workdir,
            report=unheard,
        )
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    (trial.workdir / "said").write_bytes(pickle.dumps(said))


def _build(content: bytes) -> None:
    system, samples, workdir = pickle.loads(content)  # noqa: S301 - written by our parent
    files = build(system, samples.source, samples.trust, workdir=workdir / "build")
    (workdir / "digest").write_text(files.program.digest)
