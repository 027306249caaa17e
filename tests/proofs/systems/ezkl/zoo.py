"""Little models of the kinds that people bring, as their exporters write them.

Made from what EZKL publishes of its example models, none of which is here: the same layers, our own sizes and weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.proofs.systems.ezkl.models import a_model, constant, node, weights
from tests.proofs.systems.ezkl.trees import a_forest

Nodes = list[onnx.NodeProto]
Tensors = list[onnx.TensorProto]


def _view(source: str, target: str) -> tuple[Nodes, Tensors]:
    """Return PyTorch's x.view(x.size(0), -1)."""
    n = [f"{target}_{i}" for i in range(5)]
    nodes = [
        node("Shape", source, n[0]),
        node("Gather", f"{n[0]} {n[1]}", n[2], axis=0),
        node("Unsqueeze", f"{n[2]} {n[3]}", f"{n[2]}u"),
        node("Concat", f"{n[2]}u {n[4]}", f"{n[0]}c", axis=0),
        node("Reshape", f"{source} {n[0]}c", target),
    ]
    return nodes, [constant(n[1], np.array(0)), constant(n[3], np.array([0])), constant(n[4], np.array([-1]))]


def cnn() -> onnx.ModelProto:
    """Convolution, batch normalisation, pooling, a view of an open batch, a dense layer."""
    view, shapes = _view("pooled", "flat")
    nodes = [
        node("Conv", "x k c", "maps", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "maps g b m v", "normal"),
        node("Relu", "normal", "bent"),
        node("MaxPool", "bent", "pooled", kernel_shape=[2, 2], strides=[2, 2]),
        *view,
        node("Gemm", "flat w d", "scores"),
        node("LogSoftmax", "scores", "y", axis=1),
    ]
    variance = constant("v", np.array([0.5, 1.5], np.float32))
    tensors = [weights("k", 2, 1, 3, 3), *(weights(name, 2, seed=ord(name)) for name in "cgbm"), variance]
    tensors += [weights("w", 8, 3), weights("d", 3)]
    return a_model(nodes, [*tensors, *shapes], inputs=[("x", ("batch", 1, 4, 4))])


def one_dimensional() -> onnx.ModelProto:
    """Convolution over a series."""
    nodes = [
        node("Conv", "x k", "maps", kernel_shape=[3], strides=[2]),
        node("LeakyRelu", "maps", "bent"),
        node("GlobalAveragePool", "bent", "y"),
    ]
    return a_model(nodes, [weights("k", 3, 2, 3)], inputs=[("x", (1, 2, 9))])


def autoencoder() -> onnx.ModelProto:
    """Down to two numbers and up again."""
    nodes, tensors, current = [], [], "x"
    widths = [6, 4, 2, 4, 6]
    for i, (wide, narrow) in enumerate(pairwise(widths)):
        nodes += [node("Gemm", f"{current} w{i} b{i}", f"d{i}"), node("Tanh", f"d{i}", f"t{i}")]
        tensors += [weights(f"w{i}", wide, narrow, seed=i), weights(f"b{i}", narrow, seed=i)]
        current = f"t{i}"
    return a_model([*nodes, node("Sigmoid", current, "y")], tensors)


def _normal(source: str, target: str) -> tuple[Nodes, Tensors]:
    """Return LayerNorm as PyTorch writes it before opset 17."""
    n = [f"{target}{i}" for i in range(8)]
    nodes = [
        node("ReduceMean", source, n[0], axes=[-1]),
        node("Sub", f"{source} {n[0]}", n[1]),
        node("Pow", f"{n[1]} {n[2]}", n[3]),
        node("ReduceMean", n[3], n[4], axes=[-1]),
        node("Add", f"{n[4]} {n[5]}", n[6]),
        node("Sqrt", n[6], n[7]),
        node("Div", f"{n[1]} {n[7]}", target),
    ]
    return nodes, [constant(n[2], np.float32(2)), constant(n[5], np.float32(1e-5))]


def transformer() -> onnx.ModelProto:
    """Words, one head of causal attention whose mask is made of shapes, a GELU between two dense layers."""
    first, some = _normal("e", "n")
    second, more = _normal("r", "m")
    nodes = [
        node("Gather", "words x", "e"),
        *first,
        *(node("MatMul", f"n w{part}", part) for part in "qkv"),
        node("Transpose", "k", "kt", perm=[0, 2, 1]),
        node("MatMul", "q kt", "s"),
        node("Mul", "s half", "scaled"),
        node("Shape", "scaled", "shape"),
        node("ConstantOfShape", "shape", "ones", value=constant("one", np.array([1], np.float32))),
        node("Trilu", "ones", "seen", upper=0),
        node("Equal", "seen none", "hidden"),
        node("Where", "hidden far scaled", "masked"),
        node("Softmax", "masked", "p", axis=-1),
        node("MatMul", "p v", "a"),
        node("Add", "a e", "r"),
        *second,
        node("MatMul", "m up", "u"),
        node("Div", "u root", "z"),
        node("Erf", "z", "erf"),
        node("Add", "erf one", "e1"),
        node("Mul", "u e1", "u2"),
        node("Mul", "u2 half", "gelu"),
        node("MatMul", "gelu down", "d"),
        node("Add", "d r", "y"),
    ]
    tensors = [weights("words", 5, 4), *(weights(f"w{part}", 4, 4, seed=ord(part)) for part in "qkv")]
    tensors += [weights("up", 4, 6), weights("down", 6, 4), constant("half", np.float32(0.5))]
    tensors += [constant("one", np.float32(1)), constant("none", np.float32(0)), constant("far", np.float32(-10000))]
    tensors.append(constant("root", np.float32(2**0.5)))
    model = a_model(nodes, [*tensors, *some, *more], inputs=[("x", (1, 3))])
    return _of_type(model, "x", TensorProto.INT64, opset=14)


def _of_type(model: onnx.ModelProto, name: str, kind: int, *, opset: int) -> onnx.ModelProto:
    for value in model.graph.input:
        if value.name == name:
            value.type.tensor_type.elem_type = kind
    del model.graph.value_info[:]
    model.opset_import[0].version = opset
    return model


def _recurrent(operator: str, gates: int, direction: str, outputs: Sequence[str]) -> onnx.ModelProto:
    """Return a layer over three steps and a dense one on its last state."""
    directions = 2 if direction == "bidirectional" else 1
    layer = helper.make_node(
        operator, ["x", "w", "r", "b"], ["", *outputs], name="layer", hidden_size=3, direction=direction
    )
    nodes = [layer, node("Transpose", outputs[0], "t", perm=[1, 0, 2]), node("Reshape", "t shape", "flat")]
    nodes.append(node("MatMul", "flat dense", "y"))
    tensors = [weights("w", directions, 3 * gates, 2), weights("r", directions, 3 * gates, 3)]
    tensors += [weights("b", directions, 6 * gates), weights("dense", 3 * directions, 2)]
    return a_model(nodes, [*tensors, constant("shape", np.array([1, -1]))], inputs=[("x", (3, 1, 2))])


def tree() -> onnx.ModelProto:
    """Return a decision tree as products: which tests hold, which leaf's path that is, what the leaf says."""
    nodes = [
        node("Gather", "x features", "tested", axis=1),
        node("Less", "tested thresholds", "holds"),
        node("Cast", "holds", "bits", to=TensorProto.INT32),
        node("MatMul", "bits paths", "sums"),
        node("Equal", "sums lengths", "reached"),
        node("Cast", "reached", "leaf", to=TensorProto.FLOAT),
        node("MatMul", "leaf values", "y"),
    ]
    tensors = [
        constant("features", np.array([0, 2, 1])),
        constant("thresholds", np.array([[0.1, -0.2, 0.4]], np.float32)),
        constant("paths", np.array([[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]], np.int32)),
        constant("lengths", np.array([[2, 1, 0, -1]], np.int32)),
        weights("values", 4, 2),
    ]
    return a_model(nodes, tensors, inputs=[("x", (1, 3))])


def bytes_() -> onnx.ModelProto:
    """Return a dense layer of 8-bit weights between quantisations."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "f"),
        node("DequantizeLinear", "wq ws wz", "w"),
        node("MatMul", "f w", "d"),
        node("Relu", "d", "y"),
    ]
    tensors = [
        constant("s", np.float32(0.03125)),
        constant("z", np.uint8(128)),
        constant("wq", np.arange(-6, 6).reshape(6, 2).astype(np.int8)),
        constant("ws", np.float32(0.1)),
        constant("wz", np.int8(0)),
    ]
    return a_model(nodes, tensors)


def several() -> onnx.ModelProto:
    """Two inputs, two outputs."""
    nodes = [node("Mul", "x w", "t"), node("Add", "t z", "y"), node("ReduceMax", "y", "top", axes=[1])]
    return a_model(nodes, [weights("w", 1, 6)], inputs=[("x", (1, 6)), ("z", (1, 6))], outputs=["y", "top"])


def wide() -> onnx.ModelProto:
    """An input of 64 bits, cast at once."""
    nodes = [node("Cast", "x", "f", to=TensorProto.FLOAT), node("Gemm", "f w", "y")]
    return _of_type(a_model(nodes, [weights("w", 6, 2)]), "x", TensorProto.DOUBLE, opset=13)


def modern() -> onnx.ModelProto:
    """Operators that came late: Gelu, Mish, GroupNormalization."""
    nodes = [
        node("GroupNormalization", "x s b", "n", num_groups=2),
        node("Gelu", "n", "g"),
        node("Mish", "g", "y"),
    ]
    model = a_model(nodes, [weights("s", 4), weights("b", 4, seed=9)], inputs=[("x", (1, 4, 2, 2))])
    model.opset_import[0].version = 21
    return model


ZOO: dict[str, Callable[[], onnx.ModelProto]] = {
    "cnn": cnn,
    "one-dimensional convolution": one_dimensional,
    "autoencoder": autoencoder,
    "transformer": transformer,
    "LSTM": lambda: _recurrent("LSTM", 4, "forward", ["h"]),
    "LSTM in both directions": lambda: _recurrent("LSTM", 4, "bidirectional", ["h"]),
    "GRU": lambda: _recurrent("GRU", 3, "forward", ["h"]),
    "RNN backwards": lambda: _recurrent("RNN", 1, "reverse", ["h"]),
    "tree": tree,
    "forest": a_forest,
    "forest of classes": lambda: a_forest(classes=3, trees=2, depth=2),
    "bytes": bytes_,
    "several tensors": several,
    "64 bits": wide,
    "late operators": modern,
}
