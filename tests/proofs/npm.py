"""Tools of tests that npm brings: pinned by a lock file, installed once into the user's cache."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import pytest

from proofgrid.primitives.digests import digest_of

LOCK = "package-lock.json"


def installed(sources: Path, *names: str) -> Path:
    """Return a folder with the packages of `sources`' lock file and copies of its files `names` in it.

    Other content is another folder. Skips the test where there is no npm.
    """
    if shutil.which("npm") is None:
        pytest.skip("this needs Node.js and npm")
    content = b"\0".join((sources / name).read_bytes() for name in (LOCK, *names))
    digest = digest_of(content).rpartition(":")[2][:16]
    place = platformdirs.user_cache_path("proofgrid-tests") / f"{sources.name}-{digest}"
    place.mkdir(parents=True, exist_ok=True)
    with alone_in(place):
        if not (place / "node_modules").is_dir():
            for name in (LOCK, *names):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(sources / name, place / name)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, check=True)
    return place


@contextmanager
def alone_in(place: Path) -> Iterator[None]:
    """Hold a folder: test files run side by side."""
    with (place / "lock").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
