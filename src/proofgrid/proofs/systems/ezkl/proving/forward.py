"""One cheap pass through all slices: what goes in and out of each, and which commitments its proof must carry.

slice      0        1        2        3         Every other slice commits to both of its ends, so each tensor that
tensor   a    [b]      [c]      [d]    e        crosses is committed to once; that its other neighbour would say the
           `---^        ^---'`---^              same was seen when the program was built.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.srs import committing_srs
from proofgrid.proofs.systems.ezkl.identity import slice_file
from proofgrid.proofs.systems.ezkl.layout import layout_of
from proofgrid.proofs.systems.ezkl.settings import COMMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePass:
    """One slice's part of a forward pass."""

    inputs: list[list[int]]  #: tensor by tensor
    witness: engine.Witness


class SliceFailed(engine.EngineFailed):
    """A slice cannot be run, or not be proven, on what goes into it."""

    def __init__(self, slice_index: int, inputs: list[list[int]], reason: engine.EngineFailed) -> None:
        self.slice_index = slice_index
        self.inputs = inputs
        super().__init__(f"slice {slice_index}: {reason}", step=reason.step, said=reason.said)


def forward(files: ProgramFiles, inputs: list[list[int]], *, workdir: Path) -> list[SlicePass]:
    """Run quantised tensors through all slices; raise SliceFailed unless each can be proven."""
    passes: list[SlicePass] = []
    for index in range(len(files.program.slices)):
        try:
            witness = _own(files, index, _witness(files, index, inputs, workdir))
        except engine.EngineFailed as reason:
            raise SliceFailed(index, inputs, reason) from None
        passes.append(SlicePass(inputs=inputs, witness=witness))
        inputs = witness.outputs
    return [_completed(passes, index) for index in range(len(passes))]


def try_forward(files: ProgramFiles, inputs: list[list[int]], *, workdir: Path) -> list[SlicePass]:
    """Run every slice with the whole reference string; raise EngineFailed unless `forward` finds exactly the same."""
    found = forward(files, inputs, workdir=workdir)
    for index, one in enumerate(found):
        if _own(files, index, _committed(files, index, one.inputs, files.path("srs"), workdir)) != one.witness:
            raise engine.EngineFailed(f"slice {index} and its neighbours commit to one tensor in two ways")
    return found


def _witness(files: ProgramFiles, index: int, inputs: list[list[int]], workdir: Path) -> engine.Witness:
    settings_file = files.path(slice_file(index, "settings"))
    settings = json.loads(settings_file.read_bytes())
    sizes: Sequence[int] = settings["module_sizes"]["polycommit"]
    layout = layout_of(files.program)
    is_last_of_committed = index == layout.slices - 1 and layout.output_visibility == COMMITTED
    if (index % 2 and not is_last_of_committed) or not sizes:
        compiled = files.path(slice_file(index, "compiled"))
        return engine.witness_of(inputs, compiled, workdir=workdir, settings=settings_file)
    logrows = settings["run_args"]["logrows"]
    srs = committing_srs(files.path("srs"), logrows=logrows, elements=max(sizes), workdir=workdir)
    return _committed(files, index, inputs, srs, workdir)


def _committed(files: ProgramFiles, index: int, inputs: list[list[int]], srs: Path, workdir: Path) -> engine.Witness:
    compiled, vk, settings = (files.path(slice_file(index, name)) for name in ("compiled", "vk", "settings"))
    return engine.witness_of(inputs, compiled, commit_with=(vk, srs), workdir=workdir, settings=settings)


def _own(files: ProgramFiles, index: int, witness: engine.Witness) -> engine.Witness:
    """Return the witness without the public inputs that the last circuit may put out again after its outputs."""
    layout = layout_of(files.program)
    if index < layout.slices - 1 or not layout.shown_again:
        return witness
    return replace(witness, outputs=witness.outputs[: len(layout.outputs)])


def _completed(passes: Sequence[SlicePass], index: int) -> SlicePass:
    """Give a slice that committed to nothing what its neighbours found."""
    one = passes[index]
    if index % 2 == 0:
        return one
    witness = replace(one.witness, input_commitment=passes[index - 1].witness.output_commitment)
    if index + 1 < len(passes):
        witness = replace(witness, output_commitment=passes[index + 1].witness.input_commitment)
    return replace(one, witness=witness)
