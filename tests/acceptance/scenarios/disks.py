"""A disk of a few MiB that only one process sees: a tmpfs in a mount namespace of its own, gone when the process is."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.networks import Process

PIECE_BYTES = 64 << 10


def on_a_small_disk(place: Path, size_bytes: int) -> list[str]:
    """Return the command under which a process finds an empty disk of this size at `place`."""
    script = f'mount -t tmpfs -o size={size_bytes} none "$0" && exec "$@"'
    # Root needs no namespace of users, and would not be root over other users' files inside.
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--map-root-user", "--mount"]
    return ["unshare", *namespaces, "sh", "-c", script, str(place)]


def seen_by(process: Process, place: Path) -> Path:
    """Return where this process's view of `place` is for us."""
    return Path(f"/proc/{process.pid}/root{place}")


def fill(folder: Path) -> Path:
    """Leave no room on the disk of `folder`; return the file that takes it all."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for piece_bytes in (PIECE_BYTES, 1):
            try:
                while file.write(bytes(piece_bytes)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return ballast


@cache
def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [*on_a_small_disk(Path(folder), 1 << 20), "true"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_small_disks = pytest.mark.skipif(
    not _can_mount(), reason="no tmpfs can be mounted in a namespace here (unshare --mount, as root or --map-root-user)"
)
