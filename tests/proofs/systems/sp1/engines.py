"""Whether the engine of SP1 is here (`make test-zkvm` builds it), and a real proof, which is not ours to ship."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from proofgrid.proofs.kit.engine_programs import SP1

#: A folder with what ere's own tests of its verifier read: program_vk.bin, proof.bin, public_values.bin.
REAL_PROOF = "SP1_REAL_PROOF"


@dataclass(frozen=True, slots=True)
class RealProof:
    """A compressed proof that SP1 made, as a service hands it over."""

    key: str
    said: bytes
    public_values: str


def engine_or_skip() -> None:
    """Skip the test where the engine is not built."""
    if not SP1.is_here():
        pytest.skip("the engine sp1 is not built here: make test-zkvm")


def real_proof_or_skip() -> RealProof:
    """Return the real proof that whoever runs the tests names; skip the test where there is none."""
    engine_or_skip()
    if REAL_PROOF not in os.environ:
        pytest.skip(f"{REAL_PROOF} names no folder with a real proof (docs/sp1.md)")
    folder = Path(os.environ[REAL_PROOF])
    key, said, shown = (
        folder.joinpath(f"{name}.bin").read_bytes() for name in ("program_vk", "proof", "public_values")
    )
    return RealProof(f"0x{key.hex()}", said, f"0x{shown.hex()}")
