"""Which level of confinement holds on this machine: a child is sent into a cell to break out of it, and tells.

The highest level that this machine could have is tried first; one that does not even start is none.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from proofgrid.proofs.confinement.namespaces import find_bubblewrap, within
from proofgrid.roles.prover.cell import Cell
from proofgrid.roles.prover.process import child_environment
from proofgrid.rules.jobs.confinement import Confinement, Escape, level_of

TIMEOUT_SECONDS = 60.0
GONE_SECONDS = 20.0  #: what is killed with its namespace is gone long before
_SAID_BYTES_MAX = 1 << 12

log = structlog.get_logger(__name__)


async def measured(scratch: Path, wish: Confinement = Confinement.NAMESPACES) -> tuple[Confinement, str]:
    """Return the level that holds for children with cells in `scratch`, and the bubblewrap that makes it, if any.

    Namespaces are not tried where less is wished for.
    """
    bubblewrap = find_bubblewrap() if wish is Confinement.NAMESPACES else ""
    best = Confinement.UNKNOWN, ""
    for program in dict.fromkeys((bubblewrap, "")):
        try:
            escapes = await _escapes(scratch, program)
        except (OSError, ValueError) as reason:
            log.warning("confinement_not_there", bubblewrap=bool(program), reason=str(reason))
            continue
        if (level := level_of(escapes)) and not best[0].is_at_least(level):
            best = level, program
        if best[0] is wish:
            break
    log.info("confinement_measured", level=best[0].value)
    return best


async def _escapes(scratch: Path, bubblewrap: str) -> set[Escape]:
    """Return what a child that tries everything gets at. Raises OSError, and ValueError when nobody says anything."""
    cell, beside = await asyncio.to_thread(lambda: (Cell.made_below(scratch), Cell.made_below(scratch)))
    try:
        return await asyncio.to_thread(_tried, cell, beside.job, bubblewrap)
    finally:
        await asyncio.to_thread(cell.remove)
        await asyncio.to_thread(beside.remove)


def _tried(cell: Cell, sibling: Path, bubblewrap: str) -> set[Escape]:
    (sibling / "secret").write_text("of another job")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        targets = {
            "pid": os.getpid(),
            "command": _own_command().hex(),
            "folder": str(sibling),
            "port": listening.getsockname()[1],
            "leaves": bool(bubblewrap),
        }
        said, is_survived = _send_in(cell, targets, bubblewrap)
    try:
        found = {Escape(one) for one in json.loads(said)["escapes"]}
    except (ValueError, KeyError, TypeError):
        raise ValueError("the probe does not run") from None
    # Without namespaces only the child's own supervisor sees to survivors, which is no wall.
    return found | {Escape.SURVIVORS} if is_survived or not bubblewrap else found


def _send_in(cell: Cell, targets: Mapping[str, object], bubblewrap: str) -> tuple[bytes, bool]:
    """Return what the probe said, and whether something of it lives on when it was ended."""
    probe = [sys.executable, "-P", "-m", "proofgrid.proofs.confinement.escaping"]
    child = subprocess.Popen(
        within(bubblewrap, cell.room, [*probe, cell.room.to_text(), json.dumps(targets)]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=cell.home,
        env=child_environment(1, cell.home),
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101 - asked for above
    with child.stdout as answers:
        timer = threading.Timer(TIMEOUT_SECONDS, child.kill)
        timer.start()
        said = answers.readline(_SAID_BYTES_MAX)
        timer.cancel()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        readable, _, _ = select.select([answers], [], [], GONE_SECONDS if said and bubblewrap else 0)
        return said, bool(said) and not readable


def _own_command() -> bytes:
    with suppress(OSError):
        return Path("/proc/self/cmdline").read_bytes()
    return b""
