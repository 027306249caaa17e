"""A proof for an input that nobody has looked at: checked where it was made, against what its client says of it.

Who hands in a proof that does not fit the facts pays for it, so whoever cannot make one that fits says so instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidRequest, Unprovable
from proofgrid.proofs.base import JobOutput, ProgramFiles, ProofSystem


def prove_sealed(
    prove: Callable[[], JobOutput],
    system: ProofSystem,
    files: ProgramFiles,
    slice_index: int,
    facts: Mapping[str, Json],
    *,
    workdir: Path,
) -> JobOutput:
    """Return what `prove` makes, where it fits the facts; raise Unprovable, which says nothing of the input."""
    try:
        output = prove()
    except (Unprovable, InvalidRequest) as error:
        raise Unprovable(f"the sealed input is none that the program can prove ({error.code})") from None
    try:
        system.verify_partial(files, slice_index, facts, output, workdir=workdir)
    except (BadProof, InvalidRequest) as error:
        raise Unprovable(f"the sealed input is not what its client says of it ({error.code})") from None
    return output
