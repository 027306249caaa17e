"""Writes every number in the types that the engine reads: floats of 32 bits, and integers as they are.

What a circuit sees of a request is an integer over 2^scale, the same whether the model calls it 16, 32 or 64 bits.
Weights of 16 bits fit 32 exactly; those of 64 bits are rounded to 32, far finer than a circuit's scale.
Casts that change nothing then go:

    double -> Cast to float            becomes      float
    bool -> Cast to int64 -> to float  becomes      bool -> Cast to float
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.known import Known
from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of, subgraphs_of, with_nodes

_TO_FLOAT = frozenset([TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16])
_SMALL = frozenset([TensorProto.INT8, TensorProto.INT16, TensorProto.UINT8, TensorProto.UINT16])
_TYPE_ATTRIBUTES = frozenset(["to", "dtype", "stash_type"])
_MULTIPLYING = frozenset(["MatMul", "Gemm"])
_OF_BYTES = ("Quantize", "Dequantize", "QLinear", "Integer", "Bit")  #: in names of operators that need small integers

_BOOL_FITS = frozenset(range(1, TensorProto.BFLOAT16 + 1)) - {TensorProto.STRING, TensorProto.BOOL}
#: Which types hold every value of another type, itself not named.
_FITS: dict[int, frozenset[int]] = {
    TensorProto.BOOL: _BOOL_FITS,
    TensorProto.INT8: frozenset(
        [TensorProto.INT16, TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT, TensorProto.DOUBLE]
    ),
    TensorProto.UINT8: frozenset(
        [TensorProto.INT16, TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT, TensorProto.DOUBLE]
    ),
    TensorProto.INT16: frozenset([TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT, TensorProto.DOUBLE]),
    TensorProto.INT32: frozenset([TensorProto.INT64, TensorProto.DOUBLE]),
    TensorProto.FLOAT16: frozenset([TensorProto.FLOAT, TensorProto.DOUBLE]),
    TensorProto.FLOAT: frozenset([TensorProto.DOUBLE]),
}


def retype(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model of 32-bit floats and integers; raise InvalidProgram for a weight beyond 32 bits."""
    made = deepcopy(model)
    _write_types(made.graph, _TO_FLOAT, TensorProto.FLOAT, outside=True)
    if _multiplies_small_integers(made):
        # No version of ONNX has MatMul of int8, yet exporters of trees write it; the engine's integers have no size.
        _write_types(made.graph, _SMALL, TensorProto.INT32, outside=False)
    return _without_idle_casts(made)


def _write_types(graph: onnx.GraphProto, old: frozenset[int], new: int, *, outside: bool) -> None:
    """Replace types in weights, attributes, and (`outside`) in what the graph takes and puts out."""
    for weight in graph.initializer:
        _write_tensor(weight, old, new)
    for value in (*graph.input, *graph.output) if outside else ():
        if value.type.tensor_type.elem_type in old:
            value.type.tensor_type.elem_type = new
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in _TYPE_ATTRIBUTES and attribute.i in old:
                attribute.i = new
            if attribute.HasField("t"):
                _write_tensor(attribute.t, old, new)
        for inner in subgraphs_of(node):
            _write_types(inner, old, new, outside=outside)


def _write_tensor(tensor: onnx.TensorProto, old: frozenset[int], new: int) -> None:
    if tensor.data_type not in old:
        return
    values = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        converted = values.astype(onnx.helper.tensor_dtype_to_np_dtype(new))
    if np.any(np.isinf(converted) & ~np.isinf(values.astype(np.float64))):
        raise InvalidProgram(f"the weight {tensor.name!r} has numbers beyond 32-bit floats", field="model")
    tensor.CopyFrom(numpy_helper.from_array(converted, tensor.name))


def _multiplies_small_integers(model: onnx.ModelProto) -> bool:
    if any(word in node.op_type for node in model.graph.node for word in _OF_BYTES):
        return False
    if any(value.type.tensor_type.elem_type in _SMALL for value in (*model.graph.input, *model.graph.output)):
        return False
    known = Known(model)
    for node in model.graph.node:
        if node.op_type in _MULTIPLYING and known.element_type(node.input[0]) in _SMALL:
            return True
        known.learn(node)
    return False


def _without_idle_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop casts to a tensor's own type, and skip casts that only a later cast reads without loss."""
    known = Known(model)
    outputs = {value.name for value in model.graph.output}
    same: dict[str, str] = {}  #: tensor -> what it equals
    wide: dict[str, str] = {}  #: tensor -> what it was cast from without loss
    nodes = []
    for node in model.graph.node:
        made = deepcopy(node)
        _rename_inputs(made, same)
        if made.op_type == "Cast":
            source = made.input[0] = wide.get(made.input[0], made.input[0])
            target = attribute_of(made, "to", 0)
            own = known.element_type(source)
            if own == target and node.output[0] not in outputs:
                same[node.output[0]] = source
                continue
            if own == target:
                made = onnx.helper.make_node("Identity", [source], list(node.output), name=node.name)
            elif target in _FITS.get(own, ()):
                wide[node.output[0]] = source
        known.learn(made)
        nodes.append(made)
    return with_nodes(model, nodes)


def _rename_inputs(node: onnx.NodeProto, names: dict[str, str]) -> None:
    for place, name in enumerate(node.input):
        node.input[place] = names.get(name, name)
    for graph in subgraphs_of(node):
        for inner in graph.node:
            _rename_inputs(inner, names)
