"""Runs one job in a child process: limited, watched, killed cleanly, and never trusted with our secrets.

run_child --> a child of the nursery, or a new one --> order --> progress ... --> last word
    |             output: files in the workdir, read as soon as the last word is said; then the workdir is emptied
    |-- last word: the nursery keeps the child for the next job of this program, or sees it off; its helpers are killed
    `-- timeout or cancellation: the whole group is ended, and reaped, before this returns
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.error_codes import error_of_code
from proofgrid.primitives.errors import InvalidField, JobCrashed, JobTimedOut, ProofgridError
from proofgrid.primitives.last_words import with_last_words
from proofgrid.primitives.reading import read_json, read_mapping
from proofgrid.proofs.base import JobOutput, Program, Report
from proofgrid.proofs.confinement.taking import taken_by
from proofgrid.proofs.kit.engine import exit_text
from proofgrid.proofs.manifest import program_to_json
from proofgrid.roles.prover.cell import FILES_MAX, Cell, TakenIn, read_plain
from proofgrid.roles.prover.child import PROOF_FILE, PUBLIC_FILE
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.process import GRACE_SECONDS, Child
from proofgrid.roles.prover.warmth import Rest
from proofgrid.rules.jobs.sizes import MEMORY_MAX

PROOF_MAX_BYTES = 256 << 20
PUBLIC_MAX_BYTES = 16 << 20
FILE_BYTES_LEAST = 1 << 30
PROCESSES_MAX = 256
LOOK_SECONDS = 0.25  #: between two looks at what a child takes

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PartFile:
    """A proof that a wrap takes, on this machine's disk."""

    slice_index: int
    input_index: int
    path: Path
    public: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One job, with everything it needs on this machine's disk."""

    proof_system: str
    program: Program
    paths: Mapping[str, Path]  #: the program's files that the slice needs
    slice_index: int
    job_input: Path
    parts: Sequence[PartFile] = ()  #: of a wrap: what it takes
    trace_context: str = ""  #: for engines that speak OpenTelemetry, as TRACEPARENT; empty: nobody traces it
    #: of a sealed input, what its client says of the right proof; its child ends with the job. None: it is not sealed
    facts: Mapping[str, Json] | None = None
    cache: Path  #: outlives the job: proving keys and the like, by program
    workdir: (
        Path  #: of this job alone, and the prover's: where its input lies; a child without a nursery has its cell there
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What a child may take."""

    memory_bytes: int  #: RLIMIT_DATA: private writable memory, reserved or used
    timeout_seconds: float
    cores: int
    memory_bytes_max: int = 0  #: of any job of the program, where that is more: one child may prove them all

    @property
    def file_bytes(self) -> int:
        """What it may write: a key that it derives is not much larger than the memory that it has for that."""
        return 2 * self.memory_bytes + FILE_BYTES_LEAST

    @property
    def cpu_seconds(self) -> int:
        """Of its engine's own process: all its cores for all its time, and some for a machine that counts otherwise."""
        return int(self.timeout_seconds * self.cores * 2) + 60


OnPeak = Callable[[int], None]  #: the most bytes that a job held; 0: not known


async def run_child(
    spec: ChildSpec,
    *,
    limits: ChildLimits,
    on_progress: Report,
    nursery: Nursery | None = None,
    on_peak: OnPeak = lambda peak_bytes: None,
) -> JobOutput:
    """Run the job and return its output; cancelling this call kills the child.

    Raises JobTimedOut, JobCrashed with exit status and the tail of stderr, or the error of ours that the job raised.
    `on_progress` and `on_peak` are called on the event loop. With a nursery, a child that waits there is taken, and one
    that has handed in its output stays or goes on its own while the prover goes on already.
    """
    program = spec.program.digest
    while nursery is not None:
        child = nursery.take(program, cores=limits.cores, memory_bytes=limits.memory_bytes)
        if child is None:
            break
        output = await _serve(child, spec, limits, on_progress, on_peak, nursery)
        if output is not None:
            return output
        # It died while it waited, or a moment later: no fault of the job, which it has not seen.
    home = spec.workdir if nursery is None else nursery.home
    bubblewrap = "" if nursery is None else nursery.bubblewrap
    child = await Child.start(spec.proof_system, cores=limits.cores, home=home, bubblewrap=bubblewrap)
    output = await _serve(child, spec, limits, on_progress, on_peak, nursery)
    if output is None:
        raise JobCrashed(_crash_text(limits, child, {}))
    return output


async def _serve(
    child: Child,
    spec: ChildSpec,
    limits: ChildLimits,
    on_progress: Report,
    on_peak: OnPeak,
    nursery: Nursery | None,
) -> JobOutput | None:
    """Give the child its order and return its output, None when it died before it took the order.

    Whatever happens, somebody sees to the child's end.
    """
    answer = _Answer(on_progress)
    is_emptied = False
    try:
        await _run(
            child, spec, limits, answer, stays=nursery is not None and spec.facts is None and nursery.keeps(child)
        )
        if not answer.took_order and not answer.took_too_much:
            return None
        output = await _outcome(limits, child, answer)
        on_peak(answer.peak_bytes)
        await asyncio.to_thread(child.cell.leave_keys, spec.cache, spec.program.digest)
        is_emptied = await asyncio.to_thread(_emptied, child.cell)
        return output
    except TimeoutError:
        raise JobTimedOut(f"the job took longer than {limits.timeout_seconds:g} s and was killed") from None
    finally:
        if not answer.is_output:
            await child.end()
        elif nursery is None:
            await child.end_after_work()
        else:
            nursery.part_with(child, answer.rest if is_emptied else Rest())


async def _run(child: Child, spec: ChildSpec, limits: ChildLimits, answer: _Answer, *, stays: bool) -> None:
    """Return when the child has handed in its output, or is gone."""
    taken_in = await asyncio.to_thread(
        child.cell.take_in,
        spec.paths,
        spec.job_input,
        [one.path for one in spec.parts],
        spec.cache,
        spec.program,
    )
    order = child.begin(
        _order(spec, limits, child.cell, taken_in),
        program=spec.program.digest,
        memory_bytes_max=max(limits.memory_bytes, limits.memory_bytes_max if stays else 0),
        stays=stays,
    )
    async with asyncio.timeout(limits.timeout_seconds), asyncio.TaskGroup() as group:
        readers = [group.create_task(answer.read(child)), group.create_task(child.keep_tail_of_stderr())]
        over = [group.create_task(child.exited.wait()), group.create_task(answer.over.wait())]
        watching = group.create_task(_watch(child, limits, answer))
        await child.give(order)
        await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
        if not answer.is_output:
            await child.exited.wait()
            child.kill_rest()  # the job is over, so is what the engine started for it
            # A helper that fled into a session of its own may hold our pipes open for ever.
            await asyncio.wait(readers, timeout=GRACE_SECONDS)
        for task in (*readers, *over, watching):
            task.cancel()


async def _watch(child: Child, limits: ChildLimits, answer: _Answer) -> None:
    """End a child that takes too much, all that it started included: no limit of a single process counts that."""
    while not answer.took_too_much:
        await asyncio.sleep(LOOK_SECONDS)
        taken = taken_by(child.process.pid)
        written_bytes, files = await asyncio.to_thread(child.cell.written)
        if taken.memory_bytes > limits.memory_bytes:
            answer.took_too_much = f"out of memory, memory limit {limits.memory_bytes >> 20} MiB"
        elif taken.processes > PROCESSES_MAX:
            answer.took_too_much = f"it started more than {PROCESSES_MAX} processes"
        elif written_bytes > limits.file_bytes or files > FILES_MAX:
            answer.took_too_much = f"it wrote more than {limits.file_bytes >> 20} MiB, or {FILES_MAX} files"
    await child.end()


class _Answer:
    """What the child said on its pipe."""

    def __init__(self, on_progress: Report) -> None:
        self._on_progress = on_progress
        self.last: dict[str, Any] = {}
        self.took_order = False
        self.took_too_much = ""  #: of what, in words; its child was ended for that
        self.over = asyncio.Event()  #: the output is there, whole

    @property
    def is_output(self) -> bool:
        return self.over.is_set()

    @property
    def rest(self) -> Rest:
        """What it said of itself with its last word; that it does not stay, unless it said so in full."""
        stays, resident, data = (self.last.get(name) for name in ("stays", "resident_bytes", "data_bytes"))
        if stays is not True or not isinstance(resident, int) or not isinstance(data, int):
            return Rest()
        return Rest(stays=True, resident_bytes=resident, data_bytes=data)

    @property
    def peak_bytes(self) -> int:
        """The most that it held, as it says; 0 where it does not."""
        peak = self.last.get("peak_bytes")
        return peak if isinstance(peak, int) and 0 <= peak <= MEMORY_MAX else 0

    async def read(self, child: Child) -> None:
        with suppress(ValueError):  # a line without end
            while line := await child.answers.readline():
                self._take(line)

    def _take(self, line: bytes) -> None:
        # A killed child may leave half a line, and a mad one anything: what cannot be read was not said.
        try:
            said: dict[str, Any] = dict(read_mapping(read_json(line, field="answer"), "answer"))
            progress = (str(said["stage"]), int(said["share"])) if "stage" in said else None
        except (InvalidField, ValueError, KeyError, TypeError):
            return
        if progress is not None:
            self._on_progress(*progress)
            return
        self.took_order = True  # {"took_order"} is the first word
        self.last = said
        if said.get("done") is True:
            self.over.set()


def _order(spec: ChildSpec, limits: ChildLimits, cell: Cell, taken_in: TakenIn) -> dict[str, object]:
    return {
        "proof_system": spec.proof_system,
        "program": program_to_json(spec.program),
        "paths": {name: str(path) for name, path in taken_in.paths.items()},
        "slice_index": spec.slice_index,
        "job_input": str(taken_in.job_input),
        "parts": [
            {"slice": one.slice_index, "input": one.input_index, "path": str(path), "public": one.public}
            for one, path in zip(spec.parts, taken_in.parts, strict=True)
        ],
        "facts": spec.facts,
        "cache": str(cell.keys),
        "workdir": str(cell.job),
        "trace_context": spec.trace_context,
        "memory_bytes": limits.memory_bytes,
        "file_bytes": limits.file_bytes,
        "cpu_seconds": limits.cpu_seconds,
    }


async def _outcome(limits: ChildLimits, child: Child, answer: _Answer) -> JobOutput:
    if error := answer.last.get("error"):
        raise _error_from(error)
    if answer.is_output:
        return await asyncio.to_thread(_output_in, child.cell.job)
    if answer.took_too_much:
        raise JobCrashed(with_last_words(answer.took_too_much, child.last_words))
    raise JobCrashed(_crash_text(limits, child, answer.last))


def _error_from(error: Mapping[str, Any]) -> ProofgridError:
    return error_of_code(
        str(error.get("code")), str(error.get("detail")), field=str(error.get("field")), hint=str(error.get("hint"))
    )


def _output_in(folder: Path) -> JobOutput:
    try:
        public = read_json(read_plain(folder / PUBLIC_FILE, PUBLIC_MAX_BYTES), field="public")
        return JobOutput(proof=read_plain(folder / PROOF_FILE, PROOF_MAX_BYTES), public=read_mapping(public, "public"))
    except (InvalidField, OSError, ValueError) as reason:
        raise JobCrashed(f"the job's output cannot be read: {reason}") from reason


def _emptied(cell: Cell) -> bool:
    """Empty the cell of a job that is over; return whether nothing is left."""
    try:
        cell.empty()
    except OSError as error:
        log.warning("scratch_not_emptied", reason=f"{type(error).__name__}: {error.strerror}")
        return False
    return True


def _crash_text(limits: ChildLimits, child: Child, last: Mapping[str, object]) -> str:
    tail = child.last_words
    limit = f"memory limit {limits.memory_bytes >> 20} MiB"
    how = exit_text(child.exit_code)
    if last.get("out_of_memory") or _speaks_of_memory(tail):
        how = f"out of memory, {limit} ({how})"
    elif child.exit_code < 0:
        how = f"{how} ({limit})"
    return with_last_words(how, tail)


def _speaks_of_memory(text: str) -> bool:
    # Rust's abort, glibc++'s, Python's and pthread's words for the same thing.
    words = ("memory allocation of", "bad_alloc", "MemoryError", "Cannot allocate memory", "WouldBlock")
    return any(word in text for word in words)
