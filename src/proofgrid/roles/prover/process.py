"""One child process of the prover, seen from outside: started, given its order, ended with everything it started.

Child.start --> child.py in its own session --> engine threads, perhaps processes
    |             |  orders: lines of JSON on stdin
    |             |  progress and errors: JSON lines on a pipe of their own, because engines print on stdout
    |             `  stderr: the last 8 KiB of a job are kept for its report
    `-- end: SIGTERM to the group, a short grace, SIGKILL to the group, reaped
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import JobCrashed
from proofgrid.primitives.event_loop import read_from
from proofgrid.proofs.confinement.namespaces import exit_code_of, within
from proofgrid.proofs.kit.engine import ENGINE_THREADS, quiet_environment
from proofgrid.roles.prover.cell import Cell

STDERR_KEPT_BYTES = 8 << 10
LINE_MAX_BYTES = 1 << 16
GRACE_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Child:
    """A process for jobs of one program, one at a time. Whoever starts or takes it must `end` it."""

    process: subprocess.Popen[bytes]
    cores: int
    exited: asyncio.Event
    answers: asyncio.StreamReader
    stderr: asyncio.StreamReader
    cell: Cell
    bubblewrap: str
    started_at: float  #: by the event loop's clock
    program: Digest | None = None  #: whose jobs it proves; None before its first
    jobs: int = 0  #: orders that it was given
    memory_bytes_max: int = 0  #: of all its jobs, once it has an order; it cannot be given more afterwards
    _is_gone: bool = False
    _tail: bytearray = field(default_factory=bytearray)
    _mark: str = ""  #: what stands on stderr before this job's complaints; empty: all that follows is this job's
    _transports: list[asyncio.BaseTransport] = field(default_factory=list)

    @classmethod
    async def start(cls, proof_system: str, *, cores: int, home: Path, bubblewrap: str = "") -> Child:
        """Start a child that loads a proof system and waits for its order, in a cell of its own below `home`.

        `bubblewrap`: the program that makes namespaces of its own for it; empty: it has none.

        Raises JobCrashed when that cannot be.
        """
        try:
            cell = await asyncio.to_thread(Cell.made_below, home)
        except OSError as reason:
            raise JobCrashed(f"there is no place for a child process: {reason}") from reason
        answers_fd, child_fd = os.pipe()
        pipe = os.fdopen(answers_fd, "rb")
        try:
            process = _start(proof_system, cores, cell, child_fd, bubblewrap)
        except OSError as reason:
            pipe.close()
            cell.remove()
            raise JobCrashed(f"the child process cannot be started: {reason}") from reason
        finally:
            os.close(child_fd)
        readers = asyncio.StreamReader(limit=LINE_MAX_BYTES), asyncio.StreamReader(limit=LINE_MAX_BYTES)
        now = asyncio.get_running_loop().time()
        child = cls(process, cores, _watch(process), *readers, cell=cell, bubblewrap=bubblewrap, started_at=now)
        try:
            files = [file for file in (pipe, process.stderr) if file is not None]
            child._transports = [await read_from(file, reader) for file, reader in zip(files, readers, strict=True)]
        except BaseException:
            await child.end()
            raise
        return child

    def begin(self, order: Mapping[str, object], *, program: Digest, memory_bytes_max: int, stays: bool) -> bytes:
        """Note that the child's next job begins; return its order as the child reads it, for `give`.

        `memory_bytes_max` counts with the first order: the most that any job of this child may take.
        """
        self._mark = f"{fresh_bytes(16).hex()}\n" if self.jobs else ""
        self._tail.clear()
        if not self.jobs:
            self.memory_bytes_max = memory_bytes_max
        self.program, self.jobs = program, self.jobs + 1
        own = {"memory_bytes_max": self.memory_bytes_max, "home": str(self.cell.home), "mark": self._mark}
        return json.dumps({**order, **own, "stays": stays}).encode() + b"\n"

    async def give(self, order: bytes) -> None:
        """Tell the child what to do."""
        with suppress(BrokenPipeError):  # it died at once; its exit status says more
            await asyncio.to_thread(_write_all, self.process.stdin, order)

    async def keep_tail_of_stderr(self) -> None:
        """Read what the child complains of in this job, and keep the end; what came before is another client's."""
        while piece := await self.stderr.read(LINE_MAX_BYTES):
            self._tail += piece
            if self._mark and (found := self._tail.find(self._mark.encode())) >= 0:
                del self._tail[: found + len(self._mark)]
                self._mark = ""
            del self._tail[:-STDERR_KEPT_BYTES]

    @property
    def exit_code(self) -> int:
        """How it ended; negative for signals."""
        return exit_code_of(self.process.returncode or 0, is_within=bool(self.bubblewrap))

    @property
    def last_words(self) -> str:
        """The end of what it complained of in this job."""
        return "" if self._mark else self._tail.decode(errors="replace").strip()

    def kill_rest(self) -> None:
        """Kill what the engine started and left behind."""
        self._signal(signal.SIGKILL)

    async def end(self) -> None:
        """Make sure that the child's whole group is gone and the child reaped, also when we are cancelled meanwhile."""
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._kill_and_reap())
            cancelled = False
            while not ending.done():
                try:
                    await asyncio.shield(ending)
                except asyncio.CancelledError:
                    cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def end_after_work(self) -> None:
        """The same for a child that has said its last word and is about to go by itself."""
        try:
            await self._wait_a_little()
        finally:
            await self.end()

    async def _kill_and_reap(self) -> None:
        if self._is_gone:
            return
        if not self.exited.is_set():
            self._signal(signal.SIGTERM)
            await self._wait_a_little()
        if self.process.stdin is not None:
            self.process.stdin.close()  # the supervisor kills and reaps the engine, then the group
        await self._wait_a_little()
        self._signal(signal.SIGKILL)
        await self.exited.wait()
        for transport in self._transports:
            transport.close()
        await asyncio.to_thread(self.cell.remove)
        self._is_gone = True

    async def _wait_a_little(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self.exited.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _start(proof_system: str, cores: int, cell: Cell, child_fd: int, bubblewrap: str) -> subprocess.Popen[bytes]:
    # -P: no modules from the workdir
    child = [sys.executable, "-P", "-m", "proofgrid.roles.prover.child", str(child_fd), proof_system]
    return subprocess.Popen(
        within(bubblewrap, cell.room, [*child, cell.room.to_text()]),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=cell.home,
        env=child_environment(cores, cell.home),
        pass_fds=(child_fd,),
        start_new_session=True,
    )


def child_environment(cores: int, home: Path) -> dict[str, str]:
    """Return what a child may know of our environment: no secrets, and how many threads its engine may take."""
    threads = {name: str(cores) for name in ENGINE_THREADS}
    return {**quiet_environment(home), **threads, "PYTHONUNBUFFERED": "1"}


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


def _write_all(pipe: Any, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[pipe.write(rest) :]
