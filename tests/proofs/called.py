"""What tests call in workers: apart, so that a worker loads no more than it needs."""

from __future__ import annotations

import os
import time
from pathlib import Path

from proofgrid.proofs.base import ProgramFiles

LOOK_SECONDS = 0.01


def own_pid() -> int:
    return os.getpid()


def stay(folder: Path, name: str) -> int:
    """Say that we run, and do until the folder has a file `go`."""
    (folder / f"{name}.runs").touch()
    while not (folder / "go").exists():
        time.sleep(LOOK_SECONDS)
    with (folder / "order").open("a") as file:
        file.write(f"{name}\n")
    return os.getpid()


def reverse(content: bytes) -> bytes:
    return content[::-1]


def place_of(files: ProgramFiles) -> tuple[int, str]:
    return id(files), str(files.path("model"))
