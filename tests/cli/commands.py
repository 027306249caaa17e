"""Runs the command line as people do: a process, its output, its complaints, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def proofgrid(
    *arguments: str, home: Path, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `proofgrid …` with nobody's settings but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROOFGRID_")}
    places = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
    return subprocess.run(
        [python, "-m", "proofgrid.cli.main", *arguments],
        env={**kept, **places, **environment},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
