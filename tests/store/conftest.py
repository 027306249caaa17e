"""Fixtures of the store's tests; the databases come from tests/databases.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.store.artifacts import ArtifactStore


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    """An empty store in a folder."""
    return ArtifactStore.open(str(tmp_path / "artifacts"))
