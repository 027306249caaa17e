"""Cuts a model into consecutive slices where exactly one tensor crosses, after all inputs have joined.

    image --[Gemm Relu]-- relu0 --[Gemm Relu]-- relu1 --[Gemm]-- scores
             slice 0        |      slice 1        |     slice 2
                          a cut                 a cut

Weights, and whatever is computed from weights alone, belong to every slice that uses them and never cross.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise

import onnx

from proofgrid.primitives.errors import InvalidField, InvalidProgram
from proofgrid.proofs.systems.ezkl.model.loading import ELEMENTS_MAX, CheckedModel, Tensor
from proofgrid.proofs.systems.ezkl.model.partition import partition, parts_needed
from proofgrid.proofs.systems.ezkl.model.work import cells_of
from proofgrid.proofs.systems.ezkl.settings import SLICES_MAX

CELLS_PER_SLICE = 8_192  #: what `slices: auto` aims at: circuits of about 2^12 rows, provable in a second or two


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSlice:
    """A part of the model that is proven on its own."""

    inputs: tuple[Tensor, ...]  #: the model's for the first slice, one tensor for every other
    outputs: tuple[Tensor, ...]  #: the model's for the last slice, one tensor for every other
    nodes: tuple[onnx.NodeProto, ...]
    cells: int  #: estimated work
    proto: onnx.ModelProto


@dataclass(frozen=True, slots=True)
class _Cut:
    position: int  #: before this node of the flow
    tensor: Tensor


def slice_model(
    model: CheckedModel,
    slices: int | None,
    *,
    without: Collection[str] = (),
    cells_max: int | None = None,
) -> list[ModelSlice]:
    """Return the model in `slices` slices of balanced work.

    None: as many as its size suggests, or as it takes that none has more than `cells_max` cells, if cuts allow that.
    `without` names tensors at which it must not be cut. Raises InvalidField when there are too few cuts.
    """
    flow = _flow_of(model)
    _check_outputs(model, flow)
    cuts = [cut for cut in _cuts_of(model, flow) if cut.tensor.name not in without]
    cells = [cells_of(node, model.tensors) for node in flow]
    bounds = [0, *(cut.position for cut in cuts), len(flow)]
    works = [sum(cells[begin:end]) for begin, end in pairwise(bounds)]
    count = _auto_count(works, cells_max) if slices is None else slices
    if count > len(works):
        raise InvalidField(
            f"the model can be cut into at most {len(works)} slices: only there does a single tensor cross",
            field="settings.slices",
            hint="take fewer slices, or 'auto'",
        )
    chosen = [cuts[begin - 1] for begin in partition(works, count)]
    return _slices_at(model, flow, cells, chosen)


def show_again(part: ModelSlice, names: Sequence[str]) -> ModelSlice:
    """Return a slice whose model also puts out these of its inputs, after its outputs, as they came in."""
    made = deepcopy(part.proto)
    taken = {name for node in made.graph.node for name in (*node.input, *node.output)}
    by_name = {tensor.name: tensor for tensor in part.inputs}
    for name in names:
        shown = f"{name}/shown"
        while shown in taken:
            shown += "_"
        made.graph.node.append(onnx.helper.make_node("Identity", [name], [shown], name=shown))
        made.graph.output.append(_value_info(replace(by_name[name], name=shown)))
    return replace(part, proto=made)


def _flow_of(model: CheckedModel) -> list[onnx.NodeProto]:
    """Return the nodes that depend on the model's inputs."""
    flowing = {tensor.name for tensor in model.inputs}
    flow = []
    for node in model.nodes:
        if flowing.intersection(node.input):
            flow.append(node)
            flowing.update(node.output)
    return flow


def _check_outputs(model: CheckedModel, flow: list[onnx.NodeProto]) -> None:
    computed = {name for node in flow for name in node.output}
    for output in model.outputs:
        if output.name not in computed:
            raise InvalidProgram(f"the output {output.name!r} does not depend on the input", field="model")


def _cuts_of(model: CheckedModel, flow: list[onnx.NodeProto]) -> list[_Cut]:
    inputs = {tensor.name for tensor in model.inputs}
    flowing = {*inputs, *(name for node in flow for name in node.output if name)}
    last_use = {name: position for position, node in enumerate(flow) for name in node.input if name in flowing}
    last_use.update({output.name: len(flow) for output in model.outputs})
    cuts = []
    crossing = {name for name in inputs if name in last_use}
    for position, node in enumerate(flow[:-1]):
        crossing.update(name for name in node.output if last_use.get(name, -1) > position)
        crossing = {name for name in crossing if last_use[name] > position}
        only = model.tensors.get(next(iter(crossing))) if len(crossing) == 1 else None
        if only is not None and only.element_type == onnx.TensorProto.FLOAT and 1 <= only.elements <= ELEMENTS_MAX:
            cuts.append(_Cut(position + 1, only))
    return cuts


def _auto_count(works: list[int], cells_max: int | None) -> int:
    # All slices have as many rows as the largest, so that light ones beside a heavy one only cost: where one piece
    # cannot be cut any further, the others are put together until they are as heavy.
    heaviest = max(CELLS_PER_SLICE, *works)
    usual = min(-(-sum(works) // CELLS_PER_SLICE), parts_needed(works, heaviest))
    least = 1 if cells_max is None else parts_needed(works, cells_max)
    return min(max(1, usual, least), len(works), SLICES_MAX)


def _slices_at(model: CheckedModel, flow: list[onnx.NodeProto], cells: list[int], cuts: list[_Cut]) -> list[ModelSlice]:
    bounds = [0, *(cut.position for cut in cuts), len(flow)]
    borders = [model.inputs, *((cut.tensor,) for cut in cuts), model.outputs]
    made = []
    for index, (begin, end) in enumerate(pairwise(bounds)):
        nodes = tuple(flow[begin:end])
        first, last = borders[index], borders[index + 1]
        proto = _model_of(model, nodes, first, last)
        made.append(ModelSlice(inputs=first, outputs=last, nodes=nodes, cells=sum(cells[begin:end]), proto=proto))
    return made


def _model_of(
    model: CheckedModel, nodes: tuple[onnx.NodeProto, ...], first: Sequence[Tensor], last: Sequence[Tensor]
) -> onnx.ModelProto:
    produced = {*(tensor.name for tensor in first), *(name for node in nodes for name in node.output)}
    needed = {name for node in nodes for name in node.input if name} - produced
    constants = []
    for node in reversed(model.nodes):  # what is computed from weights alone
        if needed.intersection(node.output):
            constants.append(node)
            needed.update(name for name in node.input if name)
    graph = onnx.helper.make_graph(
        [*reversed(constants), *nodes],
        "slice",
        [_value_info(tensor) for tensor in first],
        [_value_info(tensor) for tensor in last],
        [weight for weight in model.proto.graph.initializer if weight.name in needed],
    )
    made = onnx.helper.make_model(graph, opset_imports=model.proto.opset_import)
    made.ir_version = model.proto.ir_version
    return made


def _value_info(tensor: Tensor) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(tensor.name, tensor.element_type, tensor.shape)
