"""What a verifier reads from a program's identity: how many slices, and which tensors go in and come out.

format 1    one input, one output, of floats and without names; made until step 4, and still proven and verified
format 2    any number of each, by name, with type, scale and visibility

A reader per format, one Layout for whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField
from proofgrid.primitives.reading import read_list, read_mapping, read_text
from proofgrid.proofs.base import Program
from proofgrid.proofs.systems.ezkl.felts import INTEGER_BITS_MAX, quantise
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, PRIVATE, PUBLIC, VISIBILITIES

FORMAT = 2  #: of the programs that are built today
FORMAT_1 = 1
PROOF_SYSTEM = "ezkl"
FLOAT = "float32"
FLOATS = (FLOAT, "float16", "float64", "bfloat16")

_SCALE_SIZE_MAX = 256  # a hostile identity must not make us compute with numbers of a gigabyte
_TENSORS_MAX = 64
_WHOLE = re.compile(r"-?\d{1,400}")
_RANGES = {
    "bool": (0, 1),
    **{f"int{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
}
_TYPES = (*FLOATS, *_RANGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTensor:
    """An input or output of a program, as its identity tells of it."""

    name: str  #: "" in format 1, which names none
    shape: tuple[int, ...]
    element_type: str  #: as NumPy spells it: float32, int64, bool
    scale: int  #: what is proven are the numbers times 2^scale, rounded; 0 for integers
    visibility: str  #: "public", "committed", "hashed" or "private"

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def is_float(self) -> bool:
        return self.element_type in FLOATS


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a verifier reads from an identity."""

    format: int
    slices: int
    inputs: tuple[ProgramTensor, ...]
    outputs: tuple[ProgramTensor, ...]

    @property
    def input_visibility(self) -> str:
        """How the first circuit takes its inputs: in the one way in which some are hidden, else public."""
        return next((tensor.visibility for tensor in self.inputs if tensor.visibility != PUBLIC), PUBLIC)

    @property
    def output_visibility(self) -> str:
        return self.outputs[0].visibility

    @property
    def shown_again(self) -> tuple[ProgramTensor, ...]:
        """The public inputs beside hidden ones: their circuit hides all it takes, so it puts these out again."""
        if self.input_visibility == PUBLIC:
            return ()
        return tuple(tensor for tensor in self.inputs if tensor.visibility == PUBLIC)

    def committed_inputs_of(self, slice_index: int) -> int:
        """Return to how many of the tensors that go into a slice its proof commits: what crosses a cut is one."""
        return 1 if slice_index > 0 else len(self.inputs) * (self.input_visibility == COMMITTED)

    def committed_outputs_of(self, slice_index: int) -> int:
        """Return to how many of the tensors that come out of a slice its proof commits."""
        return 1 if slice_index < self.slices - 1 else len(self.outputs) * (self.output_visibility == COMMITTED)


def layout_of(program: Program) -> Layout:
    """Return what the identity says of slices and tensors; raise BadProof when it is no identity of ours."""
    identity = program.identity
    try:
        version = identity["format"]
        if type(version) is not int or version not in _READERS or identity["proof_system"] != PROOF_SYSTEM:
            raise BadProof("the program is of another format or proof system", field="program.identity")
        return _READERS[version](identity)
    except (KeyError, ValueError, TypeError, InvalidField) as reason:
        raise BadProof(f"the program's identity is malformed: {reason!r}", field="program.identity") from None


def tensor_json(tensor: ProgramTensor) -> dict[str, Json]:
    """Return a tensor as it stands in an identity of today's format."""
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "type": tensor.element_type,
        "scale": tensor.scale,
        "visibility": tensor.visibility,
    }


def quantised(text: str, tensor: ProgramTensor) -> int:
    """Return the integer that stands for the number `text` in a tensor; raise ValueError when there is none."""
    if tensor.is_float:
        return quantise(text, tensor.scale)
    if not _WHOLE.fullmatch(text):
        raise ValueError("not a whole number")
    low, high = _RANGES[tensor.element_type]
    if not low <= int(text) <= high:
        raise ValueError(f"{tensor.element_type} holds {low} to {high}")
    return quantise(text, tensor.scale)


def range_of(tensor: ProgramTensor) -> tuple[int, int]:
    """Return the least and the largest integer that can stand for a number of the tensor's type."""
    size = (1 << INTEGER_BITS_MAX) - 1
    low, high = _RANGES.get(tensor.element_type, (-size, size))
    return max(low, -size), min(high, size)


def split(flat: Sequence[int], tensors: Sequence[ProgramTensor]) -> list[list[int]]:
    """Return the elements of several tensors, one after the other, as a list for each; ValueError if they are not."""
    if len(flat) != sum(tensor.elements for tensor in tensors):
        raise ValueError("another number of elements than the tensors have")
    found, begin = [], 0
    for tensor in tensors:
        found.append(list(flat[begin : begin + tensor.elements]))
        begin += tensor.elements
    return found


def _read_format_1(identity: Mapping[str, Json]) -> Layout:
    commits = read_mapping(identity["settings"], "settings")["input_visibility"] == COMMITTED
    return Layout(
        format=FORMAT_1,
        slices=len(read_list(identity["slices"], "slices")),
        inputs=(_unnamed(identity["input"], COMMITTED if commits else PUBLIC),),
        outputs=(_unnamed(identity["output"], PUBLIC),),
    )


def _unnamed(value: Json, visibility: str) -> ProgramTensor:
    tensor = read_mapping(value, "tensor")
    return ProgramTensor(
        name="",
        shape=_shape(tensor["shape"]),
        element_type=FLOAT,
        scale=_scale(tensor["scale"]),
        visibility=visibility,
    )


def _read_format_2(identity: Mapping[str, Json]) -> Layout:
    inputs, outputs = (_tensors(identity[name], name) for name in ("inputs", "outputs"))
    layout = Layout(format=FORMAT, slices=len(read_list(identity["slices"], "slices")), inputs=inputs, outputs=outputs)
    if len({tensor.visibility for tensor in inputs} - {PUBLIC}) > 1:
        raise ValueError("inputs are hidden in different ways")
    if len({tensor.visibility for tensor in outputs}) > 1 or layout.output_visibility == PRIVATE:
        raise ValueError("outputs are shown in different ways, or not at all")
    if layout.shown_again and (layout.slices > 1 or layout.output_visibility != PUBLIC):
        raise ValueError("public inputs beside hidden ones need one slice of public outputs")
    return layout


def _tensors(value: Json, name: str) -> tuple[ProgramTensor, ...]:
    tensors = tuple(_tensor(item, name) for item in read_list(value, name))
    if not 1 <= len(tensors) <= _TENSORS_MAX or len({tensor.name for tensor in tensors}) != len(tensors):
        raise ValueError(f"{name} are 1 to {_TENSORS_MAX} tensors of different names")
    return tensors


def _tensor(value: Json, name: str) -> ProgramTensor:
    tensor = read_mapping(value, name)
    visibility, element_type = (read_text(tensor[member], member) for member in ("visibility", "type"))
    if visibility not in VISIBILITIES or element_type not in _TYPES:
        raise ValueError("no such visibility or type")
    return ProgramTensor(
        name=read_text(tensor["name"], "name"),
        shape=_shape(tensor["shape"]),
        element_type=element_type,
        scale=_scale(tensor["scale"]),
        visibility=visibility,
    )


def _shape(value: Json) -> tuple[int, ...]:
    return tuple(_positive(size) for size in read_list(value, "shape"))


def _positive(value: Json) -> int:
    if type(value) is not int or not 1 <= value < 1 << 32:
        raise ValueError("a dimension is a positive integer")
    return value


def _scale(value: Json) -> int:
    if type(value) is not int or not -_SCALE_SIZE_MAX <= value <= _SCALE_SIZE_MAX:
        raise ValueError("a scale is a small integer")
    return value


_READERS = {FORMAT_1: _read_format_1, FORMAT: _read_format_2}
