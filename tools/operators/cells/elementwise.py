"""Functions of single elements."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import TensorProto

from tools.operators.cells.kinds import BOOL, INT, SHAPES, D, F, scalar
from tools.operators.forms import Form, chain, over


def elementwise() -> Iterator[Form]:
    """Yield the forms of functions of single elements."""
    plain = (
        "Abs Atan Ceil Cos Erf Exp Floor HardSwish Identity Mish Neg "
        "Relu Round Sigmoid Sign Sin Sinh Cosh Asinh Softplus Softsign Tanh"
    )
    yield from over(plain, SHAPES)
    for name in ("Round", "Floor", "Ceil", "Sign", "Abs", "Relu"):
        yield chain(name, (name, "x", "y", {}), inputs={"x": (2, 6)}, values=(-3, 3), step=0.5)
    for kind in (INT, BOOL):
        halves = (("Cast", "x", "c", {"to": kind}), ("Cast", "c", "y", {"to": F}))
        yield chain("Cast", *halves, inputs={"x": (2, 6)}, values=(-3, 3), step=0.5)
    yield from over("Tan", SHAPES, values=(-1, 1))
    yield from over("Acos Asin Atanh", SHAPES, values=(-0.9, 0.9))
    yield from over("Acosh", SHAPES, values=(1.1, 3))
    yield from over("Log Reciprocal Sqrt", SHAPES, values=(0.5, 3))
    yield from over("Celu Elu", SHAPES[1:3], alpha=[None, 0.5, 1.0, 2.0])
    yield from over("LeakyRelu", SHAPES[1:3], alpha=[None, 0.0, 0.1, 0.5, 2.0, -0.5])
    yield from over("ThresholdedRelu", SHAPES[1:3], alpha=[None, 0.0, 0.5, 2.0])
    yield from over("Selu", SHAPES[1:3], alpha=[None, 1.0], gamma=[None, 1.0])
    yield from over("HardSigmoid", SHAPES[1:3], alpha=[None, 0.1666667, 0.5], beta=[None, 0.1], values=(-6, 6))
    yield from over("Shrink", SHAPES[1:2], lambd=[None, 0.75], bias=[None, 0.25])
    yield from over("Gelu", SHAPES[1:3], approximate=[None, "none", "tanh"])
    yield from over("Swish", SHAPES[1:3], alpha=[None, 0.5])
    yield from over("Dropout", SHAPES[1:3])
    yield from over("Dropout", SHAPES[1:2], ratio=[0.3])
    yield from over("Dropout", SHAPES[1:2], "x r", constants={"r": scalar(0.3)})
    yield from over("Dropout", SHAPES[1:2], "x r t", constants={"r": scalar(0.3), "t": np.array(False)})
    yield from over("Cast", SHAPES[1:3], to=[F])
    for kind in (INT, TensorProto.INT32, TensorProto.INT8, BOOL, D, TensorProto.FLOAT16):
        yield chain("Cast", ("Cast", "x", "c", {"to": kind}), ("Cast", "c", "y", {"to": F}))
    yield from over("Clip", SHAPES[1:3])
    yield from over("Clip", SHAPES[1:3], min=[None, -1.0, 0.0], max=[None, 1.0, 6.0])
    for low, high in ((-1.0, 1.0), (0.0, 6.0), (0.5, 0.5)):
        yield from over("Clip", SHAPES[1:3], "x lo hi", constants={"lo": scalar(low), "hi": scalar(high)})
    yield from over("Clip", SHAPES[1:2], "x lo", constants={"lo": scalar(-0.5)})
    yield from over("Clip", SHAPES[1:2], "x  hi", constants={"hi": scalar(0.5)})
