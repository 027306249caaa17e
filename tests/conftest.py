"""Fixtures for every test: databases, and the toy proof system installed as a third party's package."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofgrid.proofs import registry

pytest_plugins = ["tests.databases"]


@pytest.fixture
def toy_system_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the proof system "toy" for this process and its children, the way pip would; return the folder."""
    site = tmp_path / "toy-site"
    info = site / "proofgrid_toy-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "toy_system.py", site / "proofgrid_toy.py")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: proofgrid-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[proofgrid.proof_systems]\ntoy = proofgrid_toy:ToySystem\n")
    monkeypatch.syspath_prepend(site)
    python_path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{python_path}" if python_path else str(site))
    importlib.invalidate_caches()
    registry.proof_system.cache_clear()
    yield site
    registry.proof_system.cache_clear()
