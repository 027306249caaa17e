"""Circuits and points for tests of PLONK; the circuits are those of Groth16's tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.ignition import IGNITION_BN254, IgnitionBn254
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.plonk.adapter import PlonkSystem
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of


def unheard(_stage: str, _permille: int) -> None:
    pass


@cache
def trust_or_skip() -> TrustRoots:
    """Return the points of Ignition; skip the test where they, or the engine, are not at hand."""
    engine_or_skip()
    found = IgnitionBn254().find()
    if found is None:
        pytest.skip("the points of Ignition are not here: CRS_PATH names their folder")
    return {IGNITION_BN254: found}


def built(name: str, folder: Path) -> ProgramFiles:
    """Build the program of a circuit."""
    return PlonkSystem().build_program(
        files_of(name), {}, trust=trust_or_skip(), workdir=_made(folder / "build"), report=unheard
    )


def proven(files: ProgramFiles, value: Any, folder: Path) -> tuple[Any, JobOutput]:
    """Return facts and output of a job with one input."""
    system = PlonkSystem()
    job = system.normalise(files, [value], workdir=folder / "normalise").jobs[0]
    output = system.run_job(files, 0, job.input, cache=folder / "cache", workdir=folder / "job", report=unheard)
    return job.facts, output


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
