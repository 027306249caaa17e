"""A probe of confinement: `python -m proofgrid.proofs.confinement.escaping ROOM TARGETS` enters the room, and tries.

It writes one line of JSON, {"escapes": [...]}, by the names of `rules.jobs.confinement.Escape`; where it is told to it
leaves a process behind in a session of its own, which holds its standard output open for a minute.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from proofgrid.proofs.confinement.room import Room, enter

_SURVIVES = "import os, time; os.setsid(); time.sleep(60)"


def main() -> None:
    """Try everything once; whatever is not refused is an escape."""
    room, targets = Room.from_text(sys.argv[1]), json.loads(sys.argv[2])
    prover, folder = int(targets["pid"]), Path(targets["folder"])
    enter(room)
    attempts: dict[str, Callable[[], object]] = {
        "environment": Path(f"/proc/{prover}/environ").read_bytes,
        "files": (folder / "secret").read_bytes,
        "writing": (folder / "written").touch,
        "network": lambda: socket.create_connection(("127.0.0.1", targets["port"]), timeout=5).close(),
    }
    escapes = [name for name, attempt in attempts.items() if _succeeds(attempt)]
    if not _is_hidden(prover, targets["command"]):
        escapes.append("processes")
    if targets["leaves"]:
        subprocess.Popen([sys.executable, "-S", "-c", _SURVIVES], stdin=subprocess.DEVNULL)
    sys.stdout.write(json.dumps({"escapes": escapes}) + "\n")
    sys.stdout.flush()
    os._exit(0)


def _is_hidden(prover: int, command: str) -> bool:
    """Is the prover's process not to be seen? Another one may have its number in here."""
    try:
        return Path(f"/proc/{prover}/cmdline").read_bytes().hex() != command
    except OSError:
        return True


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
