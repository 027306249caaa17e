"""What a worker does for bundles: it combines what was proven, and verifies what was sealed, a verdict for each.

The network's key never comes here: workers read what strangers wrote. The gateway composes and signs in between.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.proofs.base import PartialProof, ProgramFiles
from proofgrid.proofs.bundles.bundle import Workbench, verify_bundle
from proofgrid.proofs.bundles.container import Content
from proofgrid.proofs.kit.verdicts import verdicts_of
from proofgrid.proofs.kit.workdirs import KeptPlaces, empty_folders
from proofgrid.proofs.registry import proof_system

Combinable = tuple[Mapping[str, Json], list[PartialProof]]  #: a task's statement, and all its proofs
Combined = Mapping[str, Json]  #: the public result of a task

_benches = KeptPlaces(Workbench)  #: by program


def combine_tasks(
    name: str, files: ProgramFiles, tasks: Sequence[Combinable], scratch: Path
) -> list[Combined | ProofgridError]:
    """See ProofSystem.combine; return the result of each task of one program, or what is wrong with it."""
    system = proof_system(name)
    with empty_folders(scratch) as workdirs:
        return verdicts_of(lambda task: system.combine(files, *task, workdir=workdirs.next()), tasks)


def verify_sealed(
    bundles: Sequence[Content], program: Digest, network: Address, scratch: Path
) -> tuple[list[ProofgridError | None], float]:
    """Verify bundles that are about to be handed out as any client would; say of each what is wrong with it.

    Return also how many seconds of the processor that took, engines in processes of their own with it: where many wait
    for the processor, everything seems slow by the clock.
    """
    before = _processor_seconds()
    with _benches.place(scratch, program) as bench:

        def verify(bundle: Content) -> None:
            verify_bundle(bundle, expect_program=program, expect_network=network, workdir=bench)

        verdicts = verdicts_of(verify, bundles)
    return verdicts, _processor_seconds() - before


def _processor_seconds() -> float:
    return sum(os.times()[:4])
