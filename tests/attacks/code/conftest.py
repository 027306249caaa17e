"""Fixtures of the attacks: what is there to be taken, and workers that must not get it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofgrid.proofs.confinement.files import version
from proofgrid.proofs.confinement.room import Room
from proofgrid.proofs.workers import ProofWorkers

MEMORY_BYTES = 256 << 20


needs_landlock = pytest.mark.skipif(version() == 0, reason="this kernel has no Landlock: files are not shut off")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where each worker has a folder of its own, which is all that it may write."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
async def confined(scratch: Path) -> AsyncIterator[ProofWorkers]:
    """A gateway's workers, as its bootstrap has them."""
    pool = ProofWorkers(1, memory_bytes=MEMORY_BYTES, room=Room(), scratch=scratch)
    yield pool
    await pool.close()
