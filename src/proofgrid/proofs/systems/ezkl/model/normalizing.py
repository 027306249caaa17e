"""Writes GroupNormalization and MeanVarianceNormalization in operators that the engine computes well.

ONNX's own bodies take the variance as E[x^2] - E[x]^2, which in a circuit's few bits may come out negative.
GroupNormalization is InstanceNormalization over groups; the other is written with the mean of squared differences.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.known import Known
from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of, attributes_of
from proofgrid.proofs.systems.ezkl.model.writing import Writer, replace_nodes

_PER_CHANNEL = 21  #: from this opset on GroupNormalization has scale and bias per channel, before per group
_DIVISOR_LEAST = 1e-9  #: what ONNX adds to the deviation in MeanVarianceNormalization


def write_normalizations(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without GroupNormalization and MeanVarianceNormalization of known shapes."""
    if not any(node.op_type in _WRITERS for node in model.graph.node):
        return model
    known = Known(model)

    def write(writer: Writer, node: onnx.NodeProto) -> bool:
        has_writer = node.op_type in _WRITERS and bool(known.shape(node.input[0]))
        return has_writer and _WRITERS[node.op_type](writer, node, known)

    return replace_nodes(model, known, write)


def _write_group(writer: Writer, node: onnx.NodeProto, known: Known) -> bool:
    """x [N, C, ...] is normalised as [N, groups, C per group, rest], then scaled."""
    attributes = attributes_of(node)
    shape = known.shape(node.input[0]) or ()
    scale, bias = (known.constant(name) for name in node.input[1:3])
    groups = attributes.get("num_groups", 0)  # onnx.checker does not look at operators that are deprecated
    if scale is None or bias is None or len(shape) < 2 or groups < 1 or shape[1] % groups:
        return False
    if known.version() < _PER_CHANNEL:
        scale, bias = (np.repeat(values, shape[1] // groups) for values in (scale, bias))
    kind = scale.dtype
    ones, zeros = (writer.constant(np.full(groups, value, kind)) for value in (1, 0))
    grouped = writer.reshape(node.input[0], [shape[0], groups, shape[1] // groups, prod(shape[2:])])
    epsilon = attributes.get("epsilon", 1e-5)
    normal = writer.op("InstanceNormalization", grouped, ones, zeros, epsilon=epsilon)
    back = writer.reshape(normal, shape)
    channels = (1, shape[1], *[1] * (len(shape) - 2))
    scaled = writer.op("Mul", back, writer.constant(scale.reshape(channels)))
    writer.op("Add", scaled, writer.constant(bias.reshape(channels)), into=node.output[0])
    return True


def _write_mean_variance(writer: Writer, node: onnx.NodeProto, known: Known) -> bool:
    axes = attribute_of(node, "axes", [0, 2, 3])
    kind = onnx.helper.tensor_dtype_to_np_dtype(known.element_type(node.input[0]))
    far = writer.op("Sub", node.input[0], _mean(writer, known, node.input[0], axes))
    variance = _mean(writer, known, writer.op("Mul", far, far), axes)
    divisor = writer.op("Add", writer.op("Sqrt", variance), writer.constant(np.array(_DIVISOR_LEAST, kind)))
    writer.op("Div", far, divisor, into=node.output[0])
    return True


def _mean(writer: Writer, known: Known, name: str, axes: list[int]) -> str:
    if known.version() < 18:  # axes became an input
        return writer.op("ReduceMean", name, axes=axes, keepdims=1)
    return writer.op("ReduceMean", name, writer.constant(np.array(axes, np.int64)), keepdims=1)


_WRITERS: dict[str, Callable[[Writer, onnx.NodeProto, Known], bool]] = {
    "GroupNormalization": _write_group,
    "MeanVarianceNormalization": _write_mean_variance,
}
