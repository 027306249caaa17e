"""What a process and all that it started take, as the kernel tells it: memory and processes, seen from outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_OF_ITS_OWN = ("RssAnon:", "RssShmem:")  #: what it does not share with the files that it reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """By one process and its descendants, at a moment."""

    memory_bytes: int
    processes: int


def taken_by(pid: int) -> Taken:
    """Return what is taken now; nothing where there is no such process, or no kernel that tells."""
    sizes = [_memory_of(one) for one in family_of(pid)]
    return Taken(memory_bytes=sum(sizes), processes=len(sizes))


def family_of(pid: int) -> list[int]:
    """Return the process and those that it started, and they; whoever was left by its parent is another's."""
    found = [pid]
    for one in found:  # grows meanwhile
        found.extend(_children_of(one))
    return found


def end_family(pid: int) -> None:
    """Kill the process and all that it started, wherever they hid: none of them can start another meanwhile.

    The process itself adopts what its children leave behind (`adopt_orphans`), or some of them are not found.
    """
    stopped: dict[int, None] = {}
    while fresh := [one for one in family_of(pid) if one not in stopped]:
        for one in fresh:
            _signal(one, signal.SIGSTOP)
            stopped[one] = None
    for one in reversed(stopped):
        _signal(one, signal.SIGKILL)


def end_orphans() -> None:
    """End and reap all that this process started or adopted, in whatever session it hides."""
    ours = os.getpid()
    while left := [one for one in family_of(ours) if one != ours]:
        for one in left:
            end_family(one)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _children_of(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                yield from (int(child) for child in (task / "children").read_text().split())


def _memory_of(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(_OF_ITS_OWN))
    return 0
