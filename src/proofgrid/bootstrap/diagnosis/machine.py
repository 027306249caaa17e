"""Looks at the machine itself: what it has, how fast its disk is, what its limits are."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

import psutil

import proofgrid
from proofgrid.primitives.clock import Clock
from proofgrid.rules.diagnosis.machine import DiskFacts, MachineFacts

WRITTEN_BYTES = 16 << 20
FLUSHES = 9
_LIMITS_OF_CONTAINERS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_NO_LIMIT = 1 << 60


def look_at_machine(folder: Path, clock: Clock) -> MachineFacts:
    """Return what the machine is; `folder`: where data lies or will lie."""
    soft, hard = _open_files()
    return MachineFacts(
        python=(sys.version_info.major, sys.version_info.minor),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        memory_limit_bytes=_container_limit(),
        files_max=soft,
        files_may=hard,
        now_ms=clock.now_ms(),
        newest_file_ms=_newest_file_ms(),
        disk=_disk(folder, clock),
    )


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _open_files() -> tuple[int, int]:
    if sys.platform == "win32":
        return 1 << 20, 1 << 20
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (1 << 30 if one == resource.RLIM_INFINITY else one for one in (soft, hard))  # type: ignore[return-value]


def _container_limit() -> int:
    for path in _LIMITS_OF_CONTAINERS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        return int(text) if text.isdigit() and int(text) < _NO_LIMIT else 0
    return 0


def _newest_file_ms() -> int:
    """When the package was written here: a clock that is behind that is wrong."""
    paths = Path(proofgrid.__file__).parent.glob("*.py")
    return max((path.stat().st_mtime_ns // 1_000_000 for path in paths), default=0)


def _disk(folder: Path, clock: Clock) -> DiskFacts | None:
    place = existing(folder)
    try:
        free = psutil.disk_usage(str(place)).free
        with tempfile.TemporaryFile(dir=place) as file:
            began = clock.running_seconds()
            file.write(os.urandom(WRITTEN_BYTES))
            file.flush()
            os.fsync(file.fileno())
            seconds = clock.running_seconds() - began
            flushes = []
            for _ in range(FLUSHES):
                began = clock.running_seconds()
                file.write(b"x" * 4_096)
                file.flush()
                os.fsync(file.fileno())
                flushes.append(clock.running_seconds() - began)
    except OSError:
        return None
    return DiskFacts(
        folder=str(place),
        free_bytes=free,
        write_bytes_per_second=int(WRITTEN_BYTES / max(seconds, 1e-6)),
        flush_ms=1_000 * statistics.median(flushes),
    )
