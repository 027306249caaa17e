"""The result of a request: combined from verified parts, and checked from public data alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, BrokenLink
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.kit.batches import arranged, same_json
from proofgrid.proofs.kit.files import require
from proofgrid.proofs.systems.ezkl.felts import decimal_of, quantise
from proofgrid.proofs.systems.ezkl.identity import FORMAT, Layout, check_program, layout_of
from proofgrid.proofs.systems.ezkl.proving.verify import check_proof, claimed_outputs, head_of, is_integers


def combine(files: ProgramFiles, statement: Mapping[str, Json], parts: list[PartialProof]) -> Mapping[str, Json]:
    """Do what ProofSystem.combine promises."""
    layout = layout_of(files.program)
    rows = arranged(parts, inputs=len(_inputs(statement)), slices=layout.slices)
    return _result(layout, rows, [claimed_outputs(row[-1]) for row in rows])


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
    public_inputs = _check_statement(layout, statement)
    rows = arranged(parts, inputs=len(_inputs(statement)), slices=layout.slices)
    outputs = _outputs_in(layout, result, len(rows))
    _check_links(layout, rows)
    _check_input_commitments(layout, statement, rows)
    for index, row in enumerate(rows):
        for position, output in enumerate(row):
            shown = public_inputs[index] if position == 0 else []
            claimed = outputs[index] if position == layout.slices - 1 else []
            _check_part(files, index, position, output, shown, claimed, workdir)
    if not same_json(dict(result), _result(layout, rows, outputs)):
        raise BadProof("the result's values or links are not those of the proofs", field="result")
    return _sentences(layout, rows)


def _result(layout: Layout, rows: list[list[JobOutput]], outputs: list[list[int]]) -> dict[str, Json]:
    return {
        "format": FORMAT,
        "outputs": [
            {
                "shape": list(layout.output_shape),
                "scale": layout.output_scale,
                "integers": integers,
                "values": [decimal_of(integer, layout.output_scale) for integer in integers],
            }
            for integers in outputs
        ],
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


def _check_statement(layout: Layout, statement: Mapping[str, Json]) -> list[list[int]]:
    """Return the public integers of each input, quantised anew from what was given."""
    expected = {
        "format": FORMAT,
        "input_visibility": "committed" if layout.commits_input else "public",
        "scale": layout.input_scale,
    }
    inputs = _inputs(statement)
    rest = {name: value for name, value in statement.items() if name != "inputs"}
    if not same_json(rest, expected) or not inputs:
        raise BadProof("the statement is not one of this program", field="statement")
    if layout.commits_input:
        return [[] for _ in inputs]
    return [_quantised(layout, shown, f"statement.inputs[{index}]") for index, shown in enumerate(inputs)]


def _inputs(statement: Mapping[str, Json]) -> list[Json]:
    inputs = statement.get("inputs")
    if not isinstance(inputs, list):
        raise BadProof("the statement is not one of this program", field="statement")
    return inputs


def _quantised(layout: Layout, shown: Json, field: str) -> list[int]:
    values = shown.get("values") if isinstance(shown, dict) else None
    if not isinstance(values, list) or len(values) != layout.input_elements:
        raise BadProof(f"an input has {layout.input_elements} values", field=field)
    try:
        integers = [quantise(value, layout.input_scale) for value in values]
    except (ValueError, TypeError) as reason:
        raise BadProof(f"a value is malformed: {reason}", field=field) from None
    if not same_json(shown, {"values": values, "integers": integers}):
        raise BadProof("the integers are not the values, quantised", field=field)
    return integers


def _outputs_in(layout: Layout, result: Mapping[str, Json], inputs: int) -> list[list[int]]:
    outputs = result.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != inputs:
        raise BadProof(f"the result must have {inputs} outputs, one per input", field="result.outputs")
    found = [entry.get("integers") if isinstance(entry, dict) else None for entry in outputs]
    for index, integers in enumerate(found):
        if not is_integers(integers) or len(integers or []) != layout.output_elements:
            raise BadProof(f"an output is {layout.output_elements} integers", field=f"result.outputs[{index}]")
    return [list(integers or []) for integers in found]


def _check_links(layout: Layout, rows: list[list[JobOutput]]) -> None:
    for index, row in enumerate(rows):
        heads = [head_of(layout, position, output.proof) for position, output in enumerate(row)]
        for position in range(layout.slices - 1):
            if heads[position].output_commitment != heads[position + 1].input_commitment:
                raise BrokenLink(
                    f"input {index}: slice {position} puts out another tensor than slice {position + 1} takes in",
                    field=f"links[{index}][{position}]",
                )


def _check_input_commitments(layout: Layout, statement: Mapping[str, Json], rows: list[list[JobOutput]]) -> None:
    if not layout.commits_input:
        return
    for index, (shown, row) in enumerate(zip(_inputs(statement), rows, strict=True)):
        found = head_of(layout, 0, row[0].proof).input_commitment
        if not same_json(shown, {"commitment": found}):
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
