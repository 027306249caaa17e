"""What all benchmarks share: a result with its target, how it is told, and a folder that never stays behind."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import psutil

from proofgrid.proofs.systems.ezkl.engine import ENGINE

BUSY_SAMPLE_SECONDS = 2.0
BUSY_NOTICE_PERCENT = 10.0  #: of all cores; above, the README says to repeat the measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a benchmark should reach, in words, and whether it did."""

    text: str
    met: bool


@dataclass(frozen=True, slots=True)
class Ratio:
    """What `make bench-check` compares with what is stored in ratios.json."""

    value: float
    better: Literal["more", "less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One benchmark's outcome: a ratio of two things measured in the same run."""

    name: str
    measured: str  #: what the ratio's upper half is
    against: str  #: what its lower half is
    ratio: float
    targets: tuple[Target, ...]
    table: tuple[Mapping[str, Any], ...]  #: the single measurements; the keys carry the unit
    busy_before_percent: float  #: how busy others kept the machine when the run began
    ratios: Mapping[str, Ratio] = field(default_factory=dict)  #: those that are watched from commit to commit, by name

    @property
    def command(self) -> str:
        """How to repeat it."""
        return f"python -m benchmarks {self.name}"

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {**asdict(self), "command": self.command, "machine": machine(), "commit": commit()}


def machine() -> dict[str, Any]:
    """Return what the numbers depend on; no host name."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "engine": ENGINE,
    }


def commit() -> str:
    """Return the commit that is measured, with a plus behind it when the tree differs from it; "" outside git."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=8", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.strip()


def busy_percent() -> float:
    """Return how busy the machine is while this benchmark does nothing yet."""
    return float(psutil.cpu_percent(interval=BUSY_SAMPLE_SECONDS))


@dataclass(slots=True)
class Stopwatch:
    """Wall time, and how many cores the whole machine kept busy meanwhile: more than the work needs is others'."""

    seconds: float = 0.0
    busy_cores: float = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measure the block."""
    watch = Stopwatch()
    busy_before, started_at = _busy_seconds(), time.perf_counter()
    yield watch
    watch.seconds = round(time.perf_counter() - started_at, 3)
    watch.busy_cores = round((_busy_seconds() - busy_before) / watch.seconds, 2)


def median(seconds: Sequence[float]) -> float:
    """Return the median, to the millisecond."""
    return round(statistics.median(seconds), 3)


def say(text: str) -> None:
    """Tell a waiting person what is going on; standard output is for results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Tell what begins and, when it is over, how long it took: what goes before a measurement may take minutes."""
    say(f"{text} …")
    started_at = time.perf_counter()
    yield
    say(f"{text}: {time.perf_counter() - started_at:.0f} s")


def print_result(result: Result) -> None:
    """Print a result for people."""
    print(f"\n{result.name}: {result.measured}\n  against {result.against}\n")
    columns = list(dict.fromkeys(column for row in result.table for column in row))
    rows = [columns, *([_cell(row.get(column, "")) for column in columns] for row in result.table)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    for row in rows:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    print(f"\n  ratio {result.ratio:.3f}")
    for name, ratio in result.ratios.items():
        print(f"  {name}: {ratio.value:.3f} ({ratio.better} is better)")
    for target in result.targets:
        print(f"  target {'met' if target.met else 'MISSED'}: {target.text}")
    if result.busy_before_percent > BUSY_NOTICE_PERCENT:
        print(f"  note: others kept the machine {result.busy_before_percent:.0f}% busy at the start; repeat it")
    print(f"  again: {result.command}   (commit {commit()})")


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone in the end, also after Ctrl-C or SIGTERM."""
    # Short, because a PostgreSQL lives below it and its Unix socket's path is limited.
    folder = Path(tempfile.mkdtemp(prefix="pg-bench-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM clean up as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        os.kill(os.getpid(), signal.SIGINT)  # asyncio has its own way with this one

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no second Ctrl-C stop the cleaning up after the first; blocking code only."""
    before: Callable[[int, FrameType | None], Any] | int | None = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
