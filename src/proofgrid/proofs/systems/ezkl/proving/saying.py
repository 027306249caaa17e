"""What a statement and a result say, spelled in the format of the program: the one place that knows both.

             statement, of each input                    result, for each input
format 1     {"values", "integers"}                      {"shape", "scale", "integers", "values"}
format 2     {name: {"values", "integers"}, ...}         {name: {"shape", "scale", "integers", "values"}, ...}

Of a tensor that is not public they say {"commitment"} or {"hash"} instead, or, of a private one, {}.
A public input beside hidden ones has the commitment or hash as well. Verifying makes both anew and compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof
from proofgrid.proofs.kit.batches import same_json
from proofgrid.proofs.systems.ezkl.engine import COMMITMENT_BYTES
from proofgrid.proofs.systems.ezkl.felts import decimal_of, is_felt
from proofgrid.proofs.systems.ezkl.layout import FORMAT_1, Layout, ProgramTensor, quantised, split
from proofgrid.proofs.systems.ezkl.proving.verify import Claim
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, HASHED, PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTensor:
    """What is public of one input tensor: its numbers, the commitment to them, their hash, or nothing."""

    values: Sequence[str] | None = None  #: decimal numbers, exactly as given
    integers: Sequence[int] = ()
    commitment: str | None = None  #: hex
    hash: str | None = None  #: a field element, as the engine spells it

    def json(self) -> dict[str, Json]:
        """Return what a statement says of it."""
        said: dict[str, Json] = {}
        if self.values is not None:
            said |= {"values": list(self.values), "integers": list(self.integers)}
        if self.commitment is not None:
            said["commitment"] = self.commitment
        if self.hash is not None:
            said["hash"] = self.hash
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOutputs:
    """What the proofs of one input show of its outputs."""

    claim: Claim
    commitments: Sequence[str] = ()


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


def make_outputs(layout: Layout, outputs: Sequence[ShownOutputs]) -> list[Json]:
    """Return the outputs of a result; raise BadProof when they are not of the program's sizes."""
    rows = [_outputs_row(layout, shown) for shown in outputs]
    if layout.format == FORMAT_1:
        return [output for (output,) in rows]
    names = [tensor.name for tensor in layout.outputs]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _outputs_row(layout: Layout, shown: ShownOutputs) -> list[Json]:
    try:
        match layout.output_visibility:
            case "public":
                said: list[dict[str, Json]] = [
                    _numbers(tensor, integers)
                    for tensor, integers in zip(layout.outputs, split(shown.claim.outputs, layout.outputs), strict=True)
                ]
            case "hashed":
                said = [{"hash": one} for one in shown.claim.hashes]
            case _:
                said = [{"commitment": one} for one in shown.commitments]
        pairs = list(zip(layout.outputs, said, strict=True))
    except ValueError:
        raise BadProof("the outputs claimed are not those of the program") from None
    return [{"shape": list(tensor.shape), "scale": tensor.scale, **one} for tensor, one in pairs]


def commitments_in(head: str | None) -> list[str]:
    """Return the commitments that follow each other at the head of a proof, in hex, one by one."""
    digits = 2 * COMMITMENT_BYTES
    return [] if head is None else [head[at : at + digits] for at in range(0, len(head), digits)]


def _numbers(tensor: ProgramTensor, integers: Sequence[int]) -> dict[str, Json]:
    return {
        "integers": list(integers),
        "values": [decimal_of(integer, tensor.scale) for integer in integers],
    }


def _shown(layout: Layout, one: Json, field: str) -> list[ShownTensor]:
    if layout.format == FORMAT_1:
        return [_shown_tensor(layout, layout.inputs[0], one, field)]
    names = [tensor.name for tensor in layout.inputs]
    if not isinstance(one, dict) or set(one) != set(names):
        raise BadProof(f"an input has the tensors {', '.join(names)}", field=field)
    return [_shown_tensor(layout, tensor, one[tensor.name], f"{field}.{tensor.name}") for tensor in layout.inputs]


def _shown_tensor(layout: Layout, tensor: ProgramTensor, shown: Json, field: str) -> ShownTensor:
    if not isinstance(shown, dict):
        raise BadProof("a tensor is said as an object", field=field)
    commitment, hashed = shown.get("commitment"), shown.get("hash")
    if isinstance(commitment, str) != (layout.input_visibility == COMMITTED):
        raise BadProof("a tensor has a commitment where the program commits to its inputs, only there", field=field)
    if is_felt(hashed) != (layout.input_visibility == HASHED):
        raise BadProof("a tensor has a hash where the program hashes its inputs, only there", field=field)
    values, integers = _values(tensor, shown, field) if tensor.visibility == PUBLIC else (None, [])
    made = ShownTensor(values=values, integers=integers, commitment=commitment, hash=hashed)
    if not same_json(shown, made.json()):
        raise BadProof("the integers are not the values, quantised, or more is said than there is", field=field)
    return made


def _values(tensor: ProgramTensor, shown: Mapping[str, Json], field: str) -> tuple[list[str], list[int]]:
    values = shown.get("values")
    if not isinstance(values, list) or len(values) != tensor.elements:
        raise BadProof(f"an input has {tensor.elements} values", field=field)
    try:
        integers = [quantised(value, tensor) for value in values]
    except (ValueError, TypeError) as reason:
        raise BadProof(f"a value is malformed: {reason}", field=field) from None
    return values, integers
