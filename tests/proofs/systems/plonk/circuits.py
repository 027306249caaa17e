"""Circuits and points for tests of PLONK; the circuits are those of Groth16's tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from proofgrid.proofs.base import JobOutput, ProgramFiles
from proofgrid.proofs.kit.rehearsal import build, unheard
from proofgrid.proofs.kit.samples import Source
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.systems.plonk.adapter import PlonkSystem
from tests.proofs.points import points_or_skip
from tests.proofs.systems.groth16.circom import engine_or_skip, files_of


@cache
def trust_or_skip() -> TrustRoots:
    """Return the points of Ignition; skip the test where they, or the engine, are not at hand."""
    engine_or_skip()
    return points_or_skip()


def built(name: str, folder: Path) -> ProgramFiles:
    """Build the program of a circuit."""
    return build(PlonkSystem(), Source(files=files_of(name)), trust_or_skip(), workdir=folder / "build")


def proven(files: ProgramFiles, value: Any, folder: Path) -> tuple[Any, JobOutput]:
    """Return facts and output of a job with one input."""
    system = PlonkSystem()
    job = system.normalise(files, [value], workdir=folder / "normalise").jobs[0]
    output = system.run_job(files, 0, job.input, cache=folder / "cache", workdir=folder / "job", report=unheard)
    return job.facts, output
