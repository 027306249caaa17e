"""One cheap pass through all slices: what goes in and out of each, and which commitments its proof must carry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.ezkl import engine
from proofgrid.proofs.ezkl.felts import to_felt
from proofgrid.proofs.ezkl.identity import slice_file


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePass:
    """One slice's part of a forward pass."""

    inputs: list[int]
    witness: engine.Witness


def forward(files: ProgramFiles, integers: list[int], *, workdir: Path) -> list[SlicePass]:
    """Run a quantised input through all slices; raise EngineFailed when a value leaves its calibrated range."""
    passes: list[SlicePass] = []
    for index in range(len(files.program.slices)):
        witness = engine.witness_of(
            [to_felt(integer) for integer in integers],
            files.path(slice_file(index, "compiled")),
            vk=files.path(slice_file(index, "vk")),
            srs=files.path("srs"),
            workdir=workdir,
        )
        if passes and passes[-1].witness.output_commitment != witness.input_commitment:
            raise engine.EngineFailed(f"slices {index - 1} and {index} commit to one tensor in two ways")
        passes.append(SlicePass(inputs=integers, witness=witness))
        integers = witness.outputs
    return passes
