"""From a request's inputs to a public statement and one independent job per input and slice.

statement   the input as given and as integers, or only the commitment to it
job input   the integers that go into the slice, one tensor after the other;
            known to the prover of this slice, whatever the visibility
facts       what the right proof of this job shows: public integers, and commitments at its head
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.base import JobDraft, NormalisedRequest, ProgramFiles
from proofgrid.proofs.kit.batches import check_count
from proofgrid.proofs.systems.ezkl.layout import FORMAT_1, Layout, layout_of
from proofgrid.proofs.systems.ezkl.model.inputs import QuantisedInput, quantised_inputs
from proofgrid.proofs.systems.ezkl.proving.forward import SliceFailed, SlicePass, forward
from proofgrid.proofs.systems.ezkl.proving.saying import ShownTensor, commitments_in, make_statement
from proofgrid.proofs.systems.ezkl.proving.unproven import place_of
from proofgrid.proofs.systems.ezkl.proving.verify import public_of, shown_by
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, HASHED, PUBLIC

if TYPE_CHECKING:
    from proofgrid.proofs.systems.ezkl.proving.beyond import Beyond

_JOB_FORMAT = 1  #: of a job's input


def normalise(files: ProgramFiles, inputs: list[Json], *, workdir: Path) -> NormalisedRequest:
    """Do what ProofSystem.normalise promises."""
    layout = layout_of(files.program)
    quantised = [
        quantised_inputs(value, layout.inputs, field=f"inputs[{i}]") for i, value in enumerate(check_count(inputs))
    ]  # all of them, before the first forward pass: refusing is cheap
    workdir.mkdir(parents=True, exist_ok=True)
    beyond = _beyond(files, layout)
    shown: list[list[ShownTensor]] = []
    jobs: list[JobDraft] = []
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:  # passes share files there, refused or not
        for index, one in enumerate(quantised):
            integers = [tensor.integers for tensor in one]
            passes = _forward(files, integers, index, Path(scratch))
            if beyond is not None:
                beyond.check(integers, passes[-1].witness.outputs, field=f"inputs[{index}]")
            shown.append(_shown(one, passes[0], layout))
            jobs.extend(_job(files, layout, index, position, part) for position, part in enumerate(passes))
    return NormalisedRequest(statement=make_statement(layout, shown), jobs=tuple(jobs))


def _beyond(files: ProgramFiles, layout: Layout) -> Beyond | None:
    if layout.format == FORMAT_1:  # which was never compared
        return None
    # Imported late: it needs NumPy, and this module is loaded by provers too.
    from proofgrid.proofs.systems.ezkl.proving.beyond import Beyond

    return Beyond(files, layout)


def _forward(files: ProgramFiles, inputs: list[list[int]], index: int, workdir: Path) -> list[SlicePass]:
    try:
        return forward(files, inputs, workdir=workdir)
    except SliceFailed as reason:
        raise InvalidInput(
            f"the program cannot prove this input{place_of(reason, files, workdir=workdir)}: {reason}",
            field=f"inputs[{index}]",
            hint="the program was calibrated for other values; build it with a wider input_range or calibration file",
        ) from None


def _shown(one: list[QuantisedInput], first: SlicePass, layout: Layout) -> list[ShownTensor]:
    hidden = layout.input_visibility
    commitments = commitments_in(_hex(first.witness.input_commitment)) if hidden == COMMITTED else [None] * len(one)
    hashes = first.witness.input_hashes if hidden == HASHED else [None] * len(one)
    shown = []
    for tensor, given, commitment, hashed in zip(layout.inputs, one, commitments, hashes, strict=True):
        public = (given.values, given.integers) if tensor.visibility == PUBLIC else (None, ())
        shown.append(ShownTensor(values=public[0], integers=public[1], commitment=commitment, hash=hashed))
    return shown


def _job(files: ProgramFiles, layout: Layout, input_index: int, position: int, part: SlicePass) -> JobDraft:
    spec = files.program.slices[position]
    integers = [integer for tensor in part.inputs for integer in tensor]
    claim = shown_by(layout, position, part.witness)
    facts: dict[str, Json] = {
        "public_input": public_of(layout, part.inputs) if position == 0 else [],
        "input_hashes": list(part.witness.input_hashes),
        "public_output": claim.outputs,
        "output_hashes": list(claim.hashes),
        "input_commitment": _hex(part.witness.input_commitment),
        "output_commitment": _hex(part.witness.output_commitment),
    }
    return JobDraft(
        slice_index=position,
        input_index=input_index,
        units=spec.units,
        memory_bytes=spec.memory_bytes,
        depends_on=(),  # the forward pass gives every slice its input, so all of them can be proven at once
        input=json.dumps({"format": _JOB_FORMAT, "integers": integers}, separators=(",", ":")).encode(),
        facts=facts,
    )


def _hex(commitment: bytes | None) -> str | None:
    return None if commitment is None else commitment.hex()
