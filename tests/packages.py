"""Packages of third parties, written into a folder as pip would: plug-ins for the processes that have it on path."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proofgrid.proofs import registry

HERE = Path(__file__).parent


def install_package(site: Path, name: str, source: Path, *, group: str, entry: str) -> None:
    """Install one file as the package `proofgrid-<name>`, whose module is `proofgrid_<name>`, with one entry point."""
    info = site / f"proofgrid_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(source, site / f"proofgrid_{name}.py")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: proofgrid-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = proofgrid_{name}:{entry}\n")


@contextmanager
def toy_system_installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The proof system "toy", for this process and its children."""
    install_package(site, "toy", HERE / "toy_system.py", group=registry.GROUP, entry="ToySystem")
    monkeypatch.syspath_prepend(site)
    python_path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{python_path}" if python_path else str(site))
    importlib.invalidate_caches()
    registry.proof_system.cache_clear()
    yield site
    registry.proof_system.cache_clear()
