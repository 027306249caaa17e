"""Weights are numbers: a circuit has no NaN and no infinity, and the engine takes them for 0 without a word."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from proofgrid.primitives.errors import InvalidProgram

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)


def check_finite(graph: onnx.GraphProto) -> None:
    """Raise InvalidProgram naming the first weight or constant that holds NaN or infinity."""
    for name, tensor in _tensors(graph):
        if tensor.data_type in _FLOATS:
            values = numpy_helper.to_array(tensor)
            if not np.isfinite(values).all():
                what = "NaN" if np.isnan(values).any() else "infinity"
                raise InvalidProgram(
                    f"the weight {name!r} holds {what}, which a circuit cannot hold",
                    field="model",
                    hint="train or export the model again; for a mask, take a large number in place of infinity",
                )


def _tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    for weight in graph.initializer:
        yield weight.name, weight
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield node.output[0], attribute.t
