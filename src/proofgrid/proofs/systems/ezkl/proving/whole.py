"""The result of a request: combined from verified parts, and checked from public data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, BrokenLink
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.kit.batches import arranged, same_json
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.systems.ezkl.identity import check_program
from proofgrid.proofs.systems.ezkl.layout import FORMAT_1, Layout, ProgramTensor, layout_of
from proofgrid.proofs.systems.ezkl.proving.saying import (
    ShownOutputs,
    ShownTensor,
    commitments_in,
    inputs_in,
    make_outputs,
    read_statement,
)
from proofgrid.proofs.systems.ezkl.proving.verify import (
    Claim,
    check_proof,
    claim_of,
    head_of,
    instances_of,
    is_hashes,
    is_integers,
)
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, HASHED, PRIVATE, PUBLIC, VISIBILITIES


def combine(files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof]) -> Mapping[str, Json]:
    """Do what ProofSystem.combine promises."""
    layout = layout_of(files.program)
    rows = arranged(parts, inputs=len(inputs_in(statement)), slices=layout.slices)
    return _result(layout, rows, [claim_of(row[-1]) for row in rows])


def verify_whole(
    files: ProgramFiles,
    statement: Mapping[str, Json],
    result: Mapping[str, Json],
    parts: list[PartialProof],
    *,
    workdir: Path,
) -> list[str]:
    """Do what ProofSystem.verify_whole promises."""
    layout = layout_of(files.program)
    require(files, *files.program.verifying_files)
    check_program(files)
    inputs = read_statement(layout, statement)
    rows = arranged(parts, inputs=len(inputs), slices=layout.slices)
    outputs = _outputs_in(layout, result, len(rows))
    _check_links(layout, rows)
    _check_input_commitments(layout, inputs, rows)
    for index, row in enumerate(rows):
        for position, output in enumerate(row):
            claim = outputs[index] if position == layout.slices - 1 else Claim()
            shown = inputs[index] if position == 0 else []
            _check_part(files, index, position, output, public_values(layout, shown, claim), claim, workdir)
    if not same_json(dict(result), _result(layout, rows, outputs)):
        raise BadProof("the result's values or links are not those of the proofs", field="result")
    return _sentences(layout, rows)


def public_values(layout: Layout, shown: Sequence[ShownTensor], claim: Claim) -> list[str]:
    """Return the public values of a slice's proof: `shown` of the inputs, where it is the first, and its claim."""
    integers = [integer for tensor in shown for integer in tensor.integers]
    hashes = [tensor.hash for tensor in shown if tensor.hash is not None]
    return instances_of(layout, integers, hashes, claim)


def _result(layout: Layout, rows: list[list[JobOutput]], claims: list[Claim]) -> dict[str, Json]:
    last = layout.slices - 1
    commits = layout.output_visibility == COMMITTED
    commitments = [commitments_in(head_of(layout, last, row[last].proof).output_commitment) for row in rows]
    shown = [
        ShownOutputs(claim=claim, commitments=points if commits else ())
        for claim, points in zip(claims, commitments, strict=True)
    ]
    return {
        "format": layout.format,
        "outputs": make_outputs(layout, shown),
        "links": [
            {
                "input": index,
                "from_slice": position,
                "to_slice": position + 1,
                "commitment": head_of(layout, position, row[position].proof).output_commitment,
            }
            for index, row in enumerate(rows)
            for position in range(layout.slices - 1)
        ],
    }


def _outputs_in(layout: Layout, result: Mapping[str, Json], inputs: int) -> list[Claim]:
    """Return what the result says of the outputs, as a prover would claim it."""
    outputs = result.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != inputs:
        raise BadProof(f"the result must have {inputs} outputs, one per input", field="result.outputs")
    return [
        _claim_in(layout, _tensors_in(layout, entry), f"result.outputs[{index}]") for index, entry in enumerate(outputs)
    ]


def _claim_in(layout: Layout, said: list[Json], field: str) -> Claim:
    match layout.output_visibility:
        case "public":
            pairs = zip(layout.outputs, said, strict=True)
            return Claim(outputs=[integer for tensor, one in pairs for integer in _integers_of(tensor, one, field)])
        case "hashed":
            hashes = [one.get("hash") if isinstance(one, dict) else None for one in said]
            if not is_hashes(hashes):
                raise BadProof("an output is said by its hash", field=field)
            return Claim(hashes=tuple(hashes))
    return Claim()  # its commitment is taken from the proof


def _tensors_in(layout: Layout, entry: Json) -> list[Json]:
    if layout.format == FORMAT_1:
        return [entry]
    return [entry.get(tensor.name) if isinstance(entry, dict) else None for tensor in layout.outputs]


def _integers_of(tensor: ProgramTensor, said: Json, field: str) -> list[int]:
    integers = said.get("integers") if isinstance(said, dict) else None
    if not is_integers(integers) or len(integers) != tensor.elements:
        raise BadProof(f"an output {tensor.name} is {tensor.elements} integers", field=field)
    return integers


def _check_links(layout: Layout, rows: list[list[JobOutput]]) -> None:
    for index, row in enumerate(rows):
        heads = [head_of(layout, position, output.proof) for position, output in enumerate(row)]
        for position in range(layout.slices - 1):
            if heads[position].output_commitment != heads[position + 1].input_commitment:
                raise BrokenLink(
                    f"input {index}: slice {position} puts out another tensor than slice {position + 1} takes in",
                    field=f"links[{index}][{position}]",
                )


def _check_input_commitments(
    layout: Layout, inputs: Sequence[Sequence[ShownTensor]], rows: list[list[JobOutput]]
) -> None:
    if layout.input_visibility != COMMITTED:
        return
    for index, (shown, row) in enumerate(zip(inputs, rows, strict=True)):
        found = commitments_in(head_of(layout, 0, row[0].proof).input_commitment)
        if [tensor.commitment for tensor in shown] != found:
            raise BadProof(
                "the proof commits to another input than the statement", field=f"statement.inputs[{index}].commitment"
            )


def _check_part(
    files: ProgramFiles,
    index: int,
    position: int,
    output: JobOutput,
    public: list[str],
    claim: Claim,
    workdir: Path,
) -> None:
    field = f"proofs[{index}][{position}]"
    if claim_of(output) != claim:
        raise BadProof("the outputs stored with the proof are not those of the result", field=field)
    try:
        check_proof(files, position, output.proof, public, workdir=workdir)
    except BadProof as reason:
        raise BadProof(f"input {index}: {reason.detail}", field=field) from None


def _sentences(layout: Layout, rows: list[list[JobOutput]]) -> list[str]:
    inputs, links = len(rows), len(rows) * (layout.slices - 1)
    said = [
        f"the verifying keys, settings and reference string are those that the program names ({layout.slices} slices)"
    ]
    by_visibility = {
        visibility: sum(tensor.visibility == visibility for tensor in layout.inputs) * inputs
        for visibility in VISIBILITIES
    }
    if count := by_visibility[PUBLIC]:
        said.append(f"the public inputs, quantised again, are those of the proofs ({count})")
    if count := by_visibility[COMMITTED]:
        said.append(f"the proofs are about the committed inputs of the statement ({count})")
    if count := by_visibility[HASHED]:
        said.append(f"the proofs are about the inputs whose hashes the statement gives ({count})")
    if count := by_visibility[PRIVATE]:
        said.append(f"of private inputs the proofs say only that there are such numbers ({count})")
    said.append(f"every slice of every input is proven, exactly once ({inputs * layout.slices})")
    if links:
        said.append(f"neighbouring proofs commit to the same tensor ({links})")
    said.append(f"every proof verifies ({inputs * layout.slices})")
    how = {PUBLIC: "outputs", COMMITTED: "commitments to outputs", HASHED: "hashes of outputs"}[
        layout.output_visibility
    ]
    said.append(f"the {how} of the result are those of the proofs ({inputs * len(layout.outputs)})")
    return said
