"""The model as circuits compute it: weights and results lie on a grid of 2^-scale. How far that moves its outputs is
what an honest circuit may differ from it.

    Div(a, b)     is Mul(a, Reciprocal(b)) to the engine, and 1/b has few digits when b is large
    Softmax       is ONNX's own function body: the maximum, exponentials, their sum, its reciprocal
    exact values  stay: what lies on the grid is not moved, so a comparison of equal numbers stays sure of itself

The moves are drawn: one run is one way in which all that rounding may turn out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.inliner import inline_selected_functions
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel
from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of
from proofgrid.proofs.systems.ezkl.model.reference import Numbers, Values, evaluate

_DOMAIN = "proofgrid"
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
_EXACT = 1 / 1024  #: of a quantum: what is nearer to the grid lies on it; more than the noise of floats
_COMPOSED = (
    "GroupNormalization",
    "LayerNormalization",
    "MeanVarianceNormalization",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
    "RMSNormalization",
    "Softmax",
)
_NOT_WEIGHTS = ("Resize", "Upsample")  #: what these take besides their data decides shapes


class Rounded:
    """A model that is evaluated on a grid."""

    def __init__(self, model: CheckedModel, scale: int) -> None:
        quantum = 2.0**-scale
        self._inputs = model.inputs
        self._chance = _Chance()
        proto = _on_a_grid(_decomposed(model.proto), quantum)
        self._evaluator = ReferenceEvaluator(proto, new_ops=[_move_operator(self._chance, quantum)])

    def values(self, inputs: Sequence[Numbers], names: Collection[str] | None = None, *, draw: int) -> Values:
        """Return the named tensors of one drawn run; raise Undefined when there are none.

        Equal draws give equal tensors.
        """
        feeds = {
            tensor.name: given.reshape(tensor.shape).astype(onnx.helper.tensor_dtype_to_np_dtype(tensor.element_type))
            for tensor, given in zip(self._inputs, inputs, strict=True)
        }
        self._chance.begin(draw)
        return evaluate(self._evaluator, feeds, names)


class _Chance:
    """Where the moves of a run come from."""

    def begin(self, draw: int) -> None:
        # Raw words, because NumPy promises that stream for ever, and the stream of Generator only for one version.
        self._stream = np.random.PCG64(draw)

    def steps(self, shape: tuple[int, ...]) -> Numbers:
        """Return numbers from -1/2 to 3/2."""
        words = np.asarray(self._stream.random_raw(prod(shape)), np.uint64) >> np.uint64(11)
        return words.reshape(shape).astype(np.float64) * 2.0**-52 - 0.5


def _move_operator(chance: _Chance, quantum: float) -> type:
    class Move(OpRun):
        """Moves what does not lie on the grid to one of the points of it that are near, the nearest most often."""

        op_domain = _DOMAIN

        def _run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any]]:
            places = np.asarray(tensor, np.float64) / quantum
            lies_between = np.abs(places - np.round(places)) > _EXACT
            moved = np.where(lies_between, np.floor(places + chance.steps(places.shape)), places)
            return (np.asarray(moved * quantum, tensor.dtype),)

    return Move


def _decomposed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the parts that the engine computes one after the other, and rounds between."""
    made = deepcopy(model)
    weights = {weight.name: weight for weight in made.graph.initializer}
    nodes = [part for node in made.graph.node for part in _apart(made.graph, weights, node)]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    if not any(node.op_type in _COMPOSED for node in made.graph.node):
        return made
    for weight in made.graph.initializer:  # the inliner asks for every type
        made.graph.value_info.append(onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    inlined: onnx.ModelProto = inline_selected_functions(
        made, [("", name) for name in _COMPOSED], exclude=False, inline_schema_functions=True
    )
    return inlined


def _apart(
    graph: onnx.GraphProto, weights: Mapping[str, onnx.TensorProto], node: onnx.NodeProto
) -> list[onnx.NodeProto]:
    """Return what the engine makes of a node that has no function body of ONNX's, or another one."""
    made = deepcopy(node)
    if node.op_type == "LogSoftmax":  # of a softmax that was rounded
        made.op_type = "Softmax"
        made.output[0] = f"{node.output[0]}/softmax"
        return [made, onnx.helper.make_node("Log", [made.output[0]], list(node.output))]
    if node.op_type == "InstanceNormalization" and all(name in weights for name in node.input[1:]):
        return _instance_normalization(graph, weights, node)
    return [made]


def _instance_normalization(
    graph: onnx.GraphProto, weights: Mapping[str, onnx.TensorProto], node: onnx.NodeProto
) -> list[onnx.NodeProto]:
    place = node.output[0]
    scale, bias = (numpy_helper.to_array(weights[name]) for name in node.input[1:])
    epsilon = attribute_of(node, "epsilon", 1e-5)
    constants = {"epsilon": np.array(epsilon), "scale": scale, "bias": bias}
    for name, value in constants.items():
        # GlobalAveragePool keeps its dimensions; a channel is the second of them.
        shaped = value.reshape([-1, 1, 1]) if value.ndim else value
        graph.initializer.append(numpy_helper.from_array(shaped.astype(scale.dtype), f"{place}/{name}"))

    def step(operator: str, inputs: str, output: str) -> onnx.NodeProto:
        names = [node.input[0] if name == "x" else f"{place}/{name}" for name in inputs.split()]
        return onnx.helper.make_node(operator, names, [place if output == "y" else f"{place}/{output}"])

    return [
        step("GlobalAveragePool", "x", "mean"),
        step("Sub", "x mean", "distance"),
        step("Mul", "distance distance", "square"),
        step("GlobalAveragePool", "square", "variance"),
        step("Add", "variance epsilon", "safe"),
        step("Sqrt", "safe", "deviation"),
        step("Reciprocal", "deviation", "inverse"),
        step("Mul", "distance inverse", "normal"),
        step("Mul", "normal scale", "scaled"),
        step("Add", "scaled bias", "y"),
    ]


def _on_a_grid(model: onnx.ModelProto, quantum: float) -> onnx.ModelProto:
    made = model
    types = _types(made)
    kept = {name for node in made.graph.node if node.op_type in _NOT_WEIGHTS for name in node.input}
    for weight in made.graph.initializer:
        if weight.data_type in _FLOATS and weight.name not in kept:
            values = numpy_helper.to_array(weight)
            weight.CopyFrom(numpy_helper.from_array(_nearest(values, quantum), weight.name))
    nodes = [moved for node in made.graph.node for part in _parts(node, types) for moved in _moved(part, types)]
    del made.graph.node[:]
    del made.graph.value_info[:]
    made.graph.node.extend(nodes)
    made.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    return made


def _nearest(values: NDArray[Any], quantum: float) -> NDArray[Any]:
    places = np.asarray(values, np.float64) / quantum
    return np.asarray(np.where(np.isfinite(places), np.round(places), places) * quantum, values.dtype)


def _types(model: onnx.ModelProto) -> Mapping[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model)
    graph = inferred.graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.value_info, *graph.output)}
    return {**types, **{weight.name: weight.data_type for weight in graph.initializer}}


def _parts(node: onnx.NodeProto, types: Mapping[str, int]) -> Iterable[onnx.NodeProto]:
    if node.op_type == "Div" and types.get(node.output[0]) in _FLOATS:
        inverse = f"{node.output[0]}/reciprocal"
        yield from _moved(onnx.helper.make_node("Reciprocal", [node.input[1]], [inverse]), {inverse: _FLOATS[0]})
        yield onnx.helper.make_node("Mul", [node.input[0], inverse], list(node.output))
    else:
        yield node


def _moved(node: onnx.NodeProto, types: Mapping[str, int]) -> Iterable[onnx.NodeProto]:
    """Yield the node and what moves its results."""
    made = deepcopy(node)
    moves = []
    for position, name in enumerate(node.output):
        if name and types.get(name) in _FLOATS and node.domain != _DOMAIN:
            made.output[position] = f"{name}/exact"
            moves.append(onnx.helper.make_node("Move", [f"{name}/exact"], [name], domain=_DOMAIN))
    yield made
    yield from moves
