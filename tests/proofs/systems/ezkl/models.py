"""Small ONNX models for tests; seeded, valid unless a test breaks them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

Shape = Sequence[int | str]


def weights(name: str, *shape: int, seed: int = 0) -> onnx.TensorProto:
    """Return seeded weights from -1 to 1."""
    values = np.random.RandomState(seed + len(name)).uniform(-1, 1, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def constant(name: str, values: Any) -> onnx.TensorProto:
    """Return an initializer with these values."""
    return numpy_helper.from_array(np.asarray(values), name)


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node named after its first output."""
    first = outputs.split()[0]
    return helper.make_node(operator, inputs.split(), outputs.split(), name=f"make_{first}", **attributes)


def a_model(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    *,
    inputs: Sequence[tuple[str, Shape]] = (("x", (1, 6)),),
    outputs: Sequence[str] = ("y",),
    domains: Sequence[str] = ("",),
) -> onnx.ModelProto:
    """Return a model of float tensors; output shapes are left to inference."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(initializers),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 17) for domain in domains])
    model.ir_version = 8
    inferred: onnx.ModelProto = shape_inference.infer_shapes(model)
    return inferred


def an_mlp(*widths: int, seed: int = 0, batch: int | str = 1) -> onnx.ModelProto:
    """Return a chain of Gemm and Relu nodes of these widths."""
    nodes, initializers = [], []
    current, last = "x", len(widths) - 2
    for i, (wide, narrow) in enumerate(pairwise(widths)):
        dense = "y" if i == last else f"dense{i}"
        nodes.append(node("Gemm", f"{current} w{i} b{i}", dense))
        initializers += [weights(f"w{i}", wide, narrow, seed=seed + i), weights(f"b{i}", narrow, seed=seed + i)]
        current = f"relu{i}"
        if i < last:
            nodes.append(node("Relu", dense, current))
    return a_model(nodes, initializers, inputs=[("x", (batch, widths[0]))])


def a_residual_model() -> onnx.ModelProto:
    """Return two Gemms with a connection around the second: no single tensor crosses inside that."""
    return a_model(
        [
            node("MatMul", "x w", "first"),
            node("Relu", "first", "bent"),
            node("MatMul", "bent v", "second"),
            node("Add", "second bent", "y"),
        ],
        [weights("w", 6, 6), weights("v", 6, 6, seed=1)],
    )


def a_convolutional_model() -> onnx.ModelProto:
    """Return a network with several kinds of lookups, and a Conv that leaves its strides to the default."""
    return a_model(
        [
            node("Conv", "x k", "maps"),
            node("Sigmoid", "maps", "soft"),
            node("MaxPool", "soft", "pooled", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", "pooled", "flat"),
            node("Gemm", "flat w", "scores"),
            node("Tanh", "scores", "y"),
        ],
        [weights("k", 2, 1, 3, 3), weights("w", 8, 3)],
        inputs=[("x", (1, 1, 6, 6))],
    )


def renamed(model: onnx.ModelProto, **names: str) -> onnx.ModelProto:
    """Return the model with inputs and outputs of other names."""
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    for one in model.graph.node:
        one.input[:] = [names.get(name, name) for name in one.input]
        one.output[:] = [names.get(name, name) for name in one.output]
    return model


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Write the model and return the path."""
    path.write_bytes(model.SerializeToString())
    return path
