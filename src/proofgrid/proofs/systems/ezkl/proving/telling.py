"""What was proven, tensor by tensor: a statement and a result that verified, with the names of the model."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.reading import read_integer, read_list, read_mapping, read_text
from proofgrid.proofs.base import Program
from proofgrid.proofs.systems.ezkl.layout import FORMAT_1, ProgramTensor, layout_of
from proofgrid.proofs.systems.ezkl.proving.saying import ShownTensor, read_statement
from proofgrid.proofs.telling import ToldProof, ToldTensor


def tell_proofs(program: Program, statement: Mapping[str, Json], result: Mapping[str, Json]) -> list[ToldProof]:
    """Do what TellsTensors.tell_proofs promises."""
    layout = layout_of(program)
    outputs = read_list(result["outputs"], "outputs")
    told = []
    for shown, entry in zip(read_statement(layout, statement), outputs, strict=True):
        said = read_mapping(entry, "output")
        by_name = {"": said} if layout.format == FORMAT_1 else said
        told.append(
            ToldProof(
                inputs=tuple(_input(tensor, one) for tensor, one in zip(layout.inputs, shown, strict=True)),
                outputs=tuple(_output(tensor, by_name[tensor.name]) for tensor in layout.outputs),
            )
        )
    return told


def tell_agreement(program: Program) -> Mapping[str, Json]:
    """Do what TellsTensors.tell_agreement promises."""
    agreement = program.identity.get("agreement")
    if not isinstance(agreement, Mapping):
        return {}  # made before it was measured
    scales = {tensor.name: tensor.scale for tensor in layout_of(program).outputs}
    told: dict[str, Json] = {"samples": agreement["samples"]}
    for one in read_list(agreement["outputs"], "agreement.outputs"):
        said = read_mapping(one, "agreement.outputs")
        name = read_text(said["name"], "name")
        step = Fraction(1, 2) ** scales[name]
        off, explained = (float(read_integer(said[key], key) * step) for key in ("quanta", "quanta_allowed"))
        told[name] = f"off by at most {off:g} where rounding explains {explained:g}"
    return told


def _input(tensor: ProgramTensor, shown: ShownTensor) -> ToldTensor:
    return ToldTensor(
        name=tensor.name or "input",  # format 1 names none
        shape=tensor.shape,
        element_type=tensor.element_type,
        values=None if shown.values is None else tuple(shown.values),
        commitment=shown.commitment or "",
        hash=shown.hash or "",
    )


def _output(tensor: ProgramTensor, said: Json) -> ToldTensor:
    output = read_mapping(said, "output")
    values = read_list(output["values"], "values") if "values" in output else None
    return ToldTensor(
        name=tensor.name or "output",
        shape=tensor.shape,
        element_type=tensor.element_type,
        values=None if values is None else tuple(read_text(value, "values") for value in values),
        commitment=_text(output, "commitment"),
        hash=_text(output, "hash"),
    )


def _text(said: Mapping[str, Json], name: str) -> str:
    return read_text(said[name], name) if name in said else ""
