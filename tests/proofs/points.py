"""The points of Aztec's Ignition ceremony for tests: they lie where CRS_PATH says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proofgrid.proofs.kit.ignition import IGNITION_BN254, POINTS_FILE
from proofgrid.proofs.setup import TrustRoots

POINTS = Path(os.environ.get("CRS_PATH") or Path(__file__).parents[3] / "shared" / "crs")


def points_or_skip() -> TrustRoots:
    """Return the points as a trust root; skip the test where there are none."""
    if not (POINTS / POINTS_FILE).is_file():
        pytest.skip("the points of Ignition are not here: CRS_PATH names their folder")
    return {IGNITION_BN254: POINTS}
