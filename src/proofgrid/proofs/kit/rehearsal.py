"""What a whole network does with a request, in one process: every call of a proof system, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.base import NormalisedRequest, PartialProof, ProgramFiles, ProofSystem
from proofgrid.proofs.kit.samples import OffersSamples, Source
from proofgrid.proofs.setup import TrustRoots


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A request, proven and combined."""

    request: NormalisedRequest
    parts: list[PartialProof]
    result: Mapping[str, Json]


def build(system: ProofSystem, source: Source, trust: TrustRoots, *, workdir: Path) -> ProgramFiles:
    """Build a program below `workdir`."""
    workdir.mkdir(parents=True, exist_ok=True)
    return system.build_program(source.files, source.settings, trust=trust, workdir=workdir, report=unheard)


def rehearse(
    system: ProofSystem, files: ProgramFiles, inputs: Sequence[Json], *, cache: Path, workdir: Path
) -> Rehearsed:
    """Normalise, prove and verify job after job, combine; raise whatever goes wrong."""
    request = system.normalise(files, list(inputs), workdir=workdir)
    parts = []
    for number, job in enumerate(request.jobs):
        place = workdir / str(number)
        place.mkdir(parents=True, exist_ok=True)
        output = system.run_job(files, job.slice_index, job.input, cache=cache, workdir=place, report=unheard)
        system.verify_partial(files, job.slice_index, job.facts, output, workdir=place)
        parts.append(PartialProof(slice_index=job.slice_index, input_index=job.input_index, output=output))
    return Rehearsed(request, parts, system.combine(files, request.statement, parts, workdir=workdir))


def self_check(system: OffersSamples, *, workdir: Path) -> str:
    """Do what SelfChecking.self_check promises, with the first of the system's own samples."""
    folder = workdir / "samples"
    folder.mkdir()
    samples = system.samples(folder)
    files = build(system, samples.source, samples.trust, workdir=workdir / "build")
    done = rehearse(system, files, samples.inputs[:1], cache=workdir / "cache", workdir=workdir / "jobs")
    system.verify_whole(files, done.request.statement, done.result, done.parts, workdir=workdir / "jobs")
    units = sum(job.units for job in done.request.jobs)
    return f"proved and verified {len(done.parts)} job of {units} PU"


def unheard(stage: str, permille: int) -> None:
    """Take a report to nobody."""
