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
    ShownTensor,
    commitments_in,
    inputs_in,
    make_outputs,
    read_statement,
)
from proofgrid.proofs.systems.ezkl.proving.verify import check_proof, claimed_outputs, head_of, is_integers


def combine(files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof]) -> Mapping[str, Json]:
    """Do what ProofSystem.combine promises."""
    layout = layout_of(files.program)
    rows = arranged(parts, inputs=len(inputs_in(statement)), slices=layout.slices)
    outputs = [claimed_outputs(row[-1]) for row in rows]
    for index, integers in enumerate(outputs):
        if len(integers) != layout.output_elements:
            raise BadProof(f"the outputs claimed for input {index} are not {layout.output_elements} integers")
    return _result(layout, rows, outputs)


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
            public = [integer for tensor in inputs[index] for integer in tensor.integers] if position == 0 else []
            claimed = outputs[index] if position == layout.slices - 1 else []
            _check_part(files, index, position, output, public, claimed, workdir)
    if not same_json(dict(result), _result(layout, rows, outputs)):
        raise BadProof("the result's values or links are not those of the proofs", field="result")
    return _sentences(layout, rows)


def _result(layout: Layout, rows: list[list[JobOutput]], outputs: list[list[int]]) -> dict[str, Json]:
    return {
        "format": layout.format,
        "outputs": make_outputs(layout, outputs),
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


def _outputs_in(layout: Layout, result: Mapping[str, Json], inputs: int) -> list[list[int]]:
    outputs = result.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != inputs:
        raise BadProof(f"the result must have {inputs} outputs, one per input", field="result.outputs")
    return [
        [
            integer
            for tensor, said in zip(layout.outputs, _tensors_in(layout, entry), strict=True)
            for integer in _integers_of(tensor, said, f"result.outputs[{index}]")
        ]
        for index, entry in enumerate(outputs)
    ]


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
    if not layout.commits_input:
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
    shown: list[int],
    claimed: list[int],
    workdir: Path,
) -> None:
    field = f"proofs[{index}][{position}]"
    if claimed_outputs(output) != claimed:
        raise BadProof("the outputs stored with the proof are not those of the result", field=field)
    try:
        check_proof(files, position, output.proof, [*shown, *claimed], workdir=workdir)
    except BadProof as reason:
        raise BadProof(f"input {index}: {reason.detail}", field=field) from None


def _sentences(layout: Layout, rows: list[list[JobOutput]]) -> list[str]:
    inputs, links = len(rows), len(rows) * (layout.slices - 1)
    said = [
        f"the verifying keys, settings and reference string are those that the program names ({layout.slices} slices)"
    ]
    if layout.commits_input:
        said.append(f"the proofs are about the committed inputs of the statement ({inputs})")
    else:
        said.append(f"the public inputs, quantised again, are those of the proofs ({inputs})")
    said.append(f"every slice of every input is proven, exactly once ({inputs * layout.slices})")
    if links:
        said.append(f"neighbouring proofs commit to the same tensor ({links})")
    said.append(f"every proof verifies ({inputs * layout.slices})")
    said.append(f"the outputs of the result are those of the proofs ({inputs})")
    return said
