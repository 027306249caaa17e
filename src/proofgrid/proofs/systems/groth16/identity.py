"""What an identity of a circuit says, read by whoever believes nothing else."""

from __future__ import annotations

from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.base import ProgramFiles


def counts_of(files: ProgramFiles) -> tuple[int, int]:
    """Return how many outputs and public inputs a program has."""
    identity = files.program.identity
    counts = identity.get("outputs"), identity.get("public_inputs")
    if not all(type(count) is int and count >= 0 for count in counts):
        raise BadProof("the program's identity is malformed", field="program.identity")
    return counts  # type: ignore[return-value]
