"""What a statement and a result say, spelled in the format of the program: the one place that knows both.

             statement, of each input                    result, for each input
format 1     {"values", "integers"}                      {"shape", "scale", "integers", "values"}
format 2     {name: {"values", "integers"}, ...}         {name: {"shape", "scale", "integers", "values"}, ...}

Of a committed tensor a statement says {"commitment"} instead. Verifying makes both anew and compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.kit.batches import same_json
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.felts import decimal_of
from proofgrid.proofs.systems.ezkl.layout import FORMAT_1, Layout, ProgramTensor, quantised, split


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTensor:
    """What is public of one input tensor: its numbers, or the commitment to them."""

    values: Sequence[str] | None = None  #: decimal numbers, exactly as given
    integers: Sequence[int] = ()
    commitment: str | None = None

    def json(self) -> dict[str, Json]:
        """Return what a statement says of it."""
        if self.values is None:
            return {"commitment": self.commitment}
        return {"values": list(self.values), "integers": list(self.integers)}


def make_statement(layout: Layout, inputs: Sequence[Sequence[ShownTensor]]) -> dict[str, Json]:
    """Return the statement about these inputs, each its tensors in the program's order."""
    if layout.format == FORMAT_1:
        return {
            "format": FORMAT_1,
            "input_visibility": layout.inputs[0].visibility,
            "scale": layout.inputs[0].scale,
            "inputs": [shown.json() for (shown,) in inputs],
        }
    return {
        "format": layout.format,
        "inputs": [
            {tensor.name: shown.json() for tensor, shown in zip(layout.inputs, one, strict=True)} for one in inputs
        ],
    }


def read_statement(layout: Layout, statement: Mapping[str, Json]) -> list[list[ShownTensor]]:
    """Return what is public of each input, quantised anew from what was given; raise BadProof if anything is odd."""
    inputs = inputs_in(statement)
    shown = [_shown(layout, one, f"statement.inputs[{index}]") for index, one in enumerate(inputs)]
    if not inputs or not same_json(dict(statement), make_statement(layout, shown)):
        raise BadProof("the statement is not one of this program", field="statement")
    return shown


def inputs_in(statement: Mapping[str, Json]) -> list[Json]:
    """Return a statement's inputs, whatever they are."""
    inputs = statement.get("inputs")
    if not isinstance(inputs, list):
        raise BadProof("the statement is not one of this program", field="statement")
    return inputs


def make_outputs(layout: Layout, outputs: Sequence[Sequence[int]]) -> list[Json]:
    """Return the outputs of a result, given the integers of each input's output tensors, one after the other."""
    rows = [split(integers, layout.outputs) for integers in outputs]
    if layout.format == FORMAT_1:
        return [_output(layout.outputs[0], integers) for (integers,) in rows]
    return [
        {tensor.name: _output(tensor, integers) for tensor, integers in zip(layout.outputs, row, strict=True)}
        for row in rows
    ]


def commitments_in(head: str | None) -> list[str]:
    """Return the commitments that follow each other at the head of a proof, in hex, one by one."""
    digits = 2 * COMMITMENT_BYTES
    return [] if head is None else [head[at : at + digits] for at in range(0, len(head), digits)]


def _output(tensor: ProgramTensor, integers: Sequence[int]) -> dict[str, Json]:
    return {
        "shape": list(tensor.shape),
        "scale": tensor.scale,
        "integers": list(integers),
        "values": [decimal_of(integer, tensor.scale) for integer in integers],
    }


def _shown(layout: Layout, one: Json, field: str) -> list[ShownTensor]:
    if layout.format == FORMAT_1:
        return [_shown_tensor(layout.inputs[0], one, field)]
    names = [tensor.name for tensor in layout.inputs]
    if not isinstance(one, dict) or set(one) != set(names):
        raise BadProof(f"an input has the tensors {', '.join(names)}", field=field)
    return [_shown_tensor(tensor, one[tensor.name], f"{field}.{tensor.name}") for tensor in layout.inputs]


def _shown_tensor(tensor: ProgramTensor, shown: Json, field: str) -> ShownTensor:
    if not isinstance(shown, dict):
        raise BadProof("a tensor is said as an object", field=field)
    if tensor.is_committed:
        commitment = shown.get("commitment")
        if not isinstance(commitment, str):
            raise BadProof("a committed tensor has a commitment", field=field)
        return ShownTensor(commitment=commitment)
    values = shown.get("values")
    if not isinstance(values, list) or len(values) != tensor.elements:
        raise BadProof(f"an input has {tensor.elements} values", field=field)
    try:
        integers = [quantised(value, tensor) for value in values]
    except (ValueError, TypeError) as reason:
        raise BadProof(f"a value is malformed: {reason}", field=field) from None
    if not same_json(shown, {"values": values, "integers": integers}):
        raise BadProof("the integers are not the values, quantised", field=field)
    return ShownTensor(values=values, integers=integers)
