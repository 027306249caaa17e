"""Whether the engine of Miden is here: `make test-zkvm` builds it, which takes ten minutes of processor time."""

from __future__ import annotations

import pytest

from proofgrid.proofs.kit.engine_programs import MIDEN


def engine_or_skip() -> None:
    """Skip the test where the engine is not built."""
    if not MIDEN.is_here():
        pytest.skip("the engine miden is not built here: make test-zkvm")
