"""Runs one job in a child process of its own: limited, watched, killed cleanly, and never trusted with our secrets.

run_child --> child.py in its own session --> engine threads, perhaps processes
    |             |  order: JSON on stdin
    |             |  progress and errors: JSON lines on a pipe of their own, because engines print on stdout
    |             |  output: files in the workdir
    |             `  stderr: the last 8 KiB are kept for the report
    `-- timeout or cancellation: SIGTERM to the group, a short grace, SIGKILL to the group, reaped
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofgrid.primitives.errors import InvalidField, JobCrashed, JobTimedOut, ProofgridError, error_of_code
from proofgrid.proofs.base import JobOutput, Program, Report
from proofgrid.proofs.manifest import program_to_json
from proofgrid.proofs.reading import read_json, read_mapping
from proofgrid.proofs.workers import ENGINE_THREADS, exit_text
from proofgrid.roles.prover.child import PROOF_FILE, PUBLIC_FILE

STDERR_KEPT_BYTES = 8 << 10
PROOF_MAX_BYTES = 256 << 20
PUBLIC_MAX_BYTES = 16 << 20
_LINE_MAX_BYTES = 1 << 16
_GRACE_SECONDS = 1.0
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One job, with everything it needs on this machine's disk."""

    proof_system: str
    program: Program
    paths: Mapping[str, Path]  #: the program's files that the slice needs
    slice_index: int
    job_input: Path
    cache: Path  #: outlives the job: proving keys and the like
    workdir: Path  #: of this job alone; its home and scratch place, the output lands here


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What a child may take."""

    memory_bytes: int  #: RLIMIT_DATA: private writable memory, reserved or used
    timeout_seconds: float
    cores: int


async def run_child(spec: ChildSpec, *, limits: ChildLimits, on_progress: Report) -> JobOutput:
    """Run the job and return its output; cancelling this call kills the child.

    Raises JobTimedOut, JobCrashed with exit status and the tail of stderr, or the error of ours that the job raised.
    `on_progress` is called on the event loop.
    """
    answer = _Answer(on_progress)
    async with _child_process(spec, limits) as child:
        try:
            async with asyncio.timeout(limits.timeout_seconds), asyncio.TaskGroup() as group:
                readers = [group.create_task(answer.read(child)), group.create_task(child.keep_tail_of_stderr())]
                await child.give_order(_order(spec, limits, child.answers_fd))
                await child.exited.wait()
                _signal_group(child.process, signal.SIGKILL)  # the job is over, so is what the engine started for it
                # A helper that fled into a session of its own may hold our pipes open for ever.
                await asyncio.wait(readers, timeout=_GRACE_SECONDS)
                for reader in readers:
                    reader.cancel()
        except TimeoutError:
            raise JobTimedOut(f"the job took longer than {limits.timeout_seconds:g} s and was killed") from None
    return _outcome(spec, limits, child, answer)


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    exited: asyncio.Event
    answers_fd: int  #: as the child knows it
    answers: asyncio.StreamReader
    stderr: asyncio.StreamReader
    tail: bytearray = field(default_factory=bytearray)

    async def give_order(self, order: Mapping[str, Any]) -> None:
        content = json.dumps(order).encode() + b"\n"
        with suppress(BrokenPipeError):  # it died at once; its exit status says more
            await asyncio.to_thread(_write_all, self.process.stdin, content)

    async def keep_tail_of_stderr(self) -> None:
        while piece := await self.stderr.read(_LINE_MAX_BYTES):
            self.tail += piece
            del self.tail[:-STDERR_KEPT_BYTES]


class _Answer:
    """What the child said on its pipe."""

    def __init__(self, on_progress: Report) -> None:
        self._on_progress = on_progress
        self.last: dict[str, Any] = {}

    async def read(self, child: _Child) -> None:
        with suppress(ValueError):  # a line without end
            while line := await child.answers.readline():
                self._take(line)

    def _take(self, line: bytes) -> None:
        # A killed child may leave half a line, and a mad one anything: what cannot be read was not said.
        try:
            said = dict(read_json(line, field="answer"))
            progress = (str(said["stage"]), int(said["share"])) if "stage" in said else None
        except (InvalidField, ValueError, KeyError, TypeError):
            return
        if progress is None:
            self.last = said
        else:
            self._on_progress(*progress)


@asynccontextmanager
async def _child_process(spec: ChildSpec, limits: ChildLimits) -> AsyncIterator[_Child]:
    answers_fd, child_fd = os.pipe()
    answers = os.fdopen(answers_fd, "rb")
    try:
        process = _start(spec, limits, child_fd)
    except OSError as reason:
        answers.close()
        raise JobCrashed(f"the child process cannot be started: {reason}") from reason
    finally:
        os.close(child_fd)
    exited = _watch(process)
    try:
        async with _reader_of(answers) as answers_reader, _reader_of(process.stderr) as stderr_reader:
            yield _Child(process, exited, child_fd, answers_reader, stderr_reader)
    finally:
        await _end(process, exited)


def _start(spec: ChildSpec, limits: ChildLimits, child_fd: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "proofgrid.roles.prover.child"],  # -P: no modules from the workdir
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=spec.workdir,
        env=_environment(spec, limits),
        pass_fds=(child_fd,),
        start_new_session=True,
    )


def _watch(process: subprocess.Popen[bytes]) -> asyncio.Event:
    """Return an event that is set when the process is reaped.

    asyncio's own `wait` also waits for the pipes to close (Python 3.11), which a helper of the engine can prevent.
    """
    loop = asyncio.get_running_loop()
    exited = asyncio.Event()

    def wait() -> None:
        process.wait()
        with suppress(RuntimeError):  # the loop is closed, nobody waits any more
            loop.call_soon_threadsafe(exited.set)

    threading.Thread(target=wait, name=f"wait-{process.pid}", daemon=True).start()
    return exited


@asynccontextmanager
async def _reader_of(pipe: Any) -> AsyncIterator[asyncio.StreamReader]:
    reader = asyncio.StreamReader(limit=_LINE_MAX_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield reader
    finally:
        transport.close()


def _write_all(pipe: Any, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[pipe.write(rest) :]


def _order(spec: ChildSpec, limits: ChildLimits, child_fd: int) -> dict[str, Any]:
    return {
        "proof_system": spec.proof_system,
        "program": program_to_json(spec.program),
        "paths": {name: str(path.absolute()) for name, path in spec.paths.items()},
        "slice_index": spec.slice_index,
        "job_input": str(spec.job_input.absolute()),
        "cache": str(spec.cache.absolute()),
        "workdir": str(spec.workdir.absolute()),
        "memory_bytes": limits.memory_bytes,
        "fd": child_fd,
    }


def _environment(spec: ChildSpec, limits: ChildLimits) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    threads = {name: str(limits.cores) for name in ENGINE_THREADS}
    place = str(spec.workdir.absolute())
    return {**kept, **threads, "HOME": place, "TMPDIR": place, "PYTHONUNBUFFERED": "1"}


async def _end(process: subprocess.Popen[bytes], exited: asyncio.Event) -> None:
    """Make sure that the child's whole group is gone and the child reaped, also when we are cancelled meanwhile."""
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(_kill_and_reap(process, exited))
        cancelled = False
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                cancelled = True
    if cancelled:
        raise asyncio.CancelledError


async def _kill_and_reap(process: subprocess.Popen[bytes], exited: asyncio.Event) -> None:
    if not exited.is_set():
        _signal_group(process, signal.SIGTERM)
        await _wait_a_little(exited)
    if process.stdin is not None:
        process.stdin.close()  # the supervisor kills and reaps the engine, then the group
    await _wait_a_little(exited)
    _signal_group(process, signal.SIGKILL)
    await exited.wait()


async def _wait_a_little(exited: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_SECONDS):
            await exited.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _outcome(spec: ChildSpec, limits: ChildLimits, child: _Child, answer: _Answer) -> JobOutput:
    if error := answer.last.get("error"):
        raise _error_from(error)
    if child.process.returncode == 0 and answer.last.get("done"):
        return _output_in(spec.workdir)
    raise JobCrashed(_crash_text(limits, child, answer))


def _error_from(error: Mapping[str, Any]) -> ProofgridError:
    return error_of_code(
        str(error.get("code")), str(error.get("detail")), field=str(error.get("field")), hint=str(error.get("hint"))
    )


def _output_in(workdir: Path) -> JobOutput:
    try:
        public = read_mapping(read_json(_read(workdir / PUBLIC_FILE, PUBLIC_MAX_BYTES), field="public"), "public")
        return JobOutput(proof=_read(workdir / PROOF_FILE, PROOF_MAX_BYTES), public=public)
    except (InvalidField, OSError, ValueError) as reason:
        raise JobCrashed(f"the job's output cannot be read: {reason}") from reason


def _read(path: Path, max_bytes: int) -> bytes:
    if path.stat().st_size > max_bytes:
        raise ValueError(f"{path.name} is larger than {max_bytes} bytes")
    return path.read_bytes()


def _crash_text(limits: ChildLimits, child: _Child, answer: _Answer) -> str:
    tail = child.tail.decode(errors="replace").strip()
    limit = f"memory limit {limits.memory_bytes >> 20} MiB"
    how = exit_text(child.process.returncode or 0)
    if answer.last.get("out_of_memory") or _speaks_of_memory(tail):
        how = f"out of memory, {limit} ({how})"
    elif child.process.returncode and child.process.returncode < 0:
        how = f"{how} ({limit})"
    return f"{how}; stderr ends: {tail}" if tail else how


def _speaks_of_memory(text: str) -> bool:
    # Rust's abort, glibc++'s, Python's and pthread's words for the same thing.
    words = ("memory allocation of", "bad_alloc", "MemoryError", "Cannot allocate memory", "WouldBlock")
    return any(word in text for word in words)
