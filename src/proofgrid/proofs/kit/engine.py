"""An engine that is a program of its own: started with limits, listened to, ended with everything that it started.

    we --- watch: a shell that holds a pipe from us; when we die, it kills its group
     |       |
     `---- engine --- what it starts        (in the watch's process group)
             `  stdin: `content`; stdout: what is returned; stderr: progress, and complaints whose end is kept

Blocks, as every call of a proof system does. A line "progress STAGE PERMILLE" on stderr is a report.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from proofgrid.primitives.last_words import with_last_words
from proofgrid.proofs.base import Report

#: What engines and their libraries read once, at import, to learn how many threads they may start.
ENGINE_THREADS = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

#: Where engines lie that were built on this machine (kit/engine_programs.py).
ENGINES_FOLDER = "PROOFGRID_ENGINES"

#: Which services prove for this machine's operator (kit/services.py).
SERVICES = "PROOFGRID_SERVICES"

#: What a child may know of our environment: where programs lie, and in which language people are told.
KEPT_ENVIRONMENT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "TRACEPARENT",
    ENGINES_FOLDER,
    SERVICES,
)
_STDERR_KEPT_BYTES = 4 << 10
_LINE_MAX_BYTES = 1 << 16
_GRACE_SECONDS = 1.0
_BLOCK_BYTES = 512  #: of `ulimit -f`, as POSIX has it
_LIMITED = 'ulimit -c 0; ulimit -d "$1"; ulimit -f "$2"; shift 2; exec "$@"'
_WATCH = "read -r nothing; kill -9 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """What an engine may take."""

    timeout_seconds: float
    memory_bytes: int  #: RLIMIT_DATA of each of its processes: private writable memory, reserved or used
    file_bytes_max: int  #: of its output, and of each file that it writes


class EngineFailed(Exception):
    """The engine refused, died or broke a limit; the text says how. Callers know whose fault that is."""


def run_engine(
    command: Sequence[str], *, limits: EngineLimits, workdir: Path, content: bytes = b"", report: Report | None = None
) -> bytes:
    """Run a program in `workdir` and return what it printed; whatever happens, nothing of it runs on afterwards.

    It sees little of our environment, and `workdir` as its home. Raises EngineFailed unless it ends well in time.
    """
    with tempfile.TemporaryDirectory(dir=workdir) as scratch, _watched_group() as group:
        given, printed = Path(scratch) / "stdin", Path(scratch) / "stdout"
        given.write_bytes(content)
        with given.open("rb") as stdin, printed.open("wb") as stdout:
            process = _start(command, limits, workdir, group, stdin, stdout)
        listener = _Listener(process, report)
        try:
            listener.wait(limits.timeout_seconds)
        finally:
            os.killpg(group, signal.SIGKILL)
            listener.close()
        if reason := _complaint(process.returncode, limits, printed, listener.timed_out):
            raise EngineFailed(with_last_words(f"{Path(command[0]).name}: {reason}", listener.tail_text()))
        return printed.read_bytes()


def quiet_environment(home: Path) -> dict[str, str]:
    """Return what a child may know of our environment: where programs lie, and how many threads; no secrets."""
    names = (*KEPT_ENVIRONMENT, *ENGINE_THREADS)
    place = str(home.absolute())
    return {**{name: os.environ[name] for name in names if name in os.environ}, "HOME": place, "TMPDIR": place}


def exit_text(exit_code: int) -> str:
    """Say how a process ended, for people; `exit_code` as in subprocess: negative for signals."""
    if exit_code >= 0:
        return f"exit status {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def _start(
    command: Sequence[str], limits: EngineLimits, workdir: Path, group: int, stdin: IO[bytes], stdout: IO[bytes]
) -> subprocess.Popen[bytes]:
    # A shell sets the limits: preexec_fn may not be used where threads are, and prlimit is Linux's alone.
    numbers = str(limits.memory_bytes >> 10), str(_blocks(limits))
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _LIMITED, "sh", *numbers, *command],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=workdir,
            env=quiet_environment(workdir),
            process_group=group,
        )
    except OSError as reason:
        raise EngineFailed(f"it cannot be started: {reason}") from reason


@contextmanager
def _watched_group() -> Iterator[int]:
    """Yield a process group that ends when we leave, and when we die: whoever kills our group does not know it."""
    watch = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield watch.pid
    finally:
        os.killpg(watch.pid, signal.SIGKILL)  # unreaped as it is, nobody else has its number
        watch.communicate()


class _Listener:
    """Waits for an engine and hears what it says meanwhile, each on a thread of its own."""

    def __init__(self, process: subprocess.Popen[bytes], report: Report | None) -> None:
        self.timed_out = False
        self._process = process
        self._report = report
        self._tail = bytearray()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._hear, self._reap)]
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_seconds: float) -> None:
        """Wait until the engine has ended, or its time is over."""
        self.timed_out = not self._ended.wait(timeout_seconds)

    def close(self) -> None:
        """Wait for the end of an engine that was killed, and for its last words."""
        self._ended.wait()
        for thread in self._threads:
            thread.join(_GRACE_SECONDS)  # a helper that fled into another session may hold stderr for ever
        if not self._threads[0].is_alive() and self._process.stderr is not None:
            self._process.stderr.close()

    def tail_text(self) -> str:
        """Return the end of what it complained of, for an error's text."""
        return bytes(self._tail).decode(errors="replace")

    def _reap(self) -> None:
        self._process.wait()
        self._ended.set()

    def _hear(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - asked for above
        while line := self._process.stderr.readline(_LINE_MAX_BYTES):
            match line.split():
                case [b"progress", stage, permille] if permille.isdigit():
                    if self._report is not None:
                        self._report(stage.decode(errors="replace"), min(1000, int(permille)))
                case _:
                    self._tail += line
                    del self._tail[:-_STDERR_KEPT_BYTES]


def _complaint(exit_code: int, limits: EngineLimits, printed: Path, timed_out: bool) -> str:
    if timed_out:
        return f"it took longer than {limits.timeout_seconds:g} s and was killed"
    if exit_code == -signal.SIGXFSZ or printed.stat().st_size >= _blocks(limits) * _BLOCK_BYTES:
        return f"it wrote more than {limits.file_bytes_max} bytes"
    return exit_text(exit_code) if exit_code else ""


def _blocks(limits: EngineLimits) -> int:
    return limits.file_bytes_max // _BLOCK_BYTES + 1
