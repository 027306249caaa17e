"""Who used the processor: the gateway, its workers, PostgreSQL, and the load that asks them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PARTS = ("gateway", "workers", "postgresql", "load")


@dataclass(frozen=True, slots=True)
class Parts:
    """The processes of one network on this machine; what they used can be read again and again."""

    gateways: tuple[int, ...]  #: numbers of processes, like the next
    postmaster: int

    def seconds(self) -> dict[str, float]:
        """Return the processor seconds of each of PARTS so far. Of processes that ended nothing is known."""
        gateways = [psutil.Process(pid) for pid in self.gateways]
        postmaster = psutil.Process(self.postmaster)
        return {
            "gateway": _used(gateways),
            "workers": _used(child for gateway in gateways for child in gateway.children(recursive=True)),
            "postgresql": _used([postmaster, *postmaster.children(recursive=True)]),
            "load": _used([psutil.Process(os.getpid())]),
        }

    def ms_per_task(self, before: dict[str, float], tasks: int) -> dict[str, float]:
        """Return the milliseconds of each of PARTS since `before`, per task."""
        after = self.seconds()
        return {f"{part}_ms": (after[part] - before[part]) * 1000 / tasks for part in PARTS}


def postmaster_of(data_dir: Path) -> int:
    """Return the number of the first process of the PostgreSQL that lives in a directory."""
    return int((data_dir / "postmaster.pid").read_text().split()[0])


def used_by_trees(roots: Iterable[int]) -> float:
    """Return the processor seconds so far of processes and of all that they started, what ended included."""
    known = [psutil.Process(pid) for pid in roots]
    total = 0.0
    for process in {*known, *(child for root in known for child in root.children(recursive=True))}:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)  # those that ended
    return total


def _used(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total
