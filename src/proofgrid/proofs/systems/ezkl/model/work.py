"""Estimates a node's share of a circuit, in cells; good enough to balance slices, not to price them."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel, Tensor
from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of
from proofgrid.proofs.systems.ezkl.settings import LOGROWS_MAX, SLICES_MAX

#: What the most slices of the most rows hold. A build passes over every cell many times, at some microseconds each.
COST_MAX = SLICES_MAX << LOGROWS_MAX
_COST_OF_A_NODE = 1_024  # in cells: about as long as a build spends on a node however small, some milliseconds

_CELLS_PER_PRODUCT = 2  # both factors of a multiplication stand in the circuit
_CELLS_PER_ELEMENT = 32  # rescaling, comparing and looking up decompose every number into legs
_MOVING = "Constant Dropout Expand Flatten Gather Identity Reshape Shape Slice Split Squeeze Transpose Unsqueeze"
_MOVES_ONLY = frozenset(_MOVING.split())


def check_cost(model: CheckedModel) -> None:
    """Raise InvalidProgram for a model that is too much to build, naming its heaviest node and how much is."""
    costs = [cells_of(node, model.tensors) + _COST_OF_A_NODE for node in model.nodes]
    total = sum(costs)
    if total <= COST_MAX:
        return
    heaviest = model.nodes[costs.index(max(costs))]
    raise InvalidProgram(
        f"the model is too much to build: about {total:,} cells with its {len(costs):,} nodes, at most {COST_MAX:,} are"
        f" built; its heaviest node {heaviest.name!r} ({heaviest.op_type}) has {max(costs):,}",
        field="model",
        hint="take smaller layers or a smaller input, or prove parts of the model as programs of their own",
    )


def cells_of(node: onnx.NodeProto, tensors: Mapping[str, Tensor]) -> int:
    """Return the estimated cells of a node; at least 1, so that no part of a model is free."""
    outputs = sum(tensors[name].elements for name in node.output if name in tensors)
    if node.op_type in _MOVES_ONLY:
        return max(1, outputs)
    return max(1, outputs * (_CELLS_PER_ELEMENT + _CELLS_PER_PRODUCT * _products_per_output(node, tensors)))


def _products_per_output(node: onnx.NodeProto, tensors: Mapping[str, Tensor]) -> int:
    shapes = [tensors[name].shape if name in tensors else () for name in node.input]
    if node.op_type in ("MatMul", "Einsum") and shapes[0]:
        return shapes[0][-1]
    if node.op_type == "Gemm" and shapes[0]:
        return shapes[0][0 if attribute_of(node, "transA", 0) else -1]
    if node.op_type == "Conv" and len(shapes[1]) > 2:
        return _product(shapes[1][1:])
    if node.op_type == "ConvTranspose" and len(shapes[1]) > 2:
        return shapes[1][0] * _product(shapes[1][2:])
    if node.op_type in ("MaxPool", "AveragePool"):
        return _product(tuple(attribute_of(node, "kernel_shape", [1])))
    return 0


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
