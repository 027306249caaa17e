"""The grid: every form of every operator that is compared with ONNX, or known to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain as joined

import numpy as np
from onnx import TensorProto

from tools.operators.forms import Form, chain, over

F, I, B, D = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.DOUBLE

VECTOR, MATRIX, CUBE, IMAGE = (4,), (1, 4), (1, 2, 3), (1, 2, 4, 4)
SHAPES = ((4,), (1, 4), (2, 3), (1, 2, 3), (2, 1, 2, 2))


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def drawn(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype(np.float32)


def all_forms() -> list[Form]:
    """Return the whole grid, without its opsets."""
    return list(joined(elementwise(), arithmetic(), comparing(), reducing(), normalising(), moving(), choosing(), windows()))


def elementwise() -> Iterator[Form]:
    plain = "Abs Atan Ceil Cos Erf Exp Floor HardSwish Identity Mish Neg Relu Round Sigmoid Sign Sin Sinh Cosh Asinh Softplus Softsign Tanh"
    yield from over(plain, SHAPES)
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
    for kind in (TensorProto.INT64, TensorProto.INT32, TensorProto.INT8, TensorProto.BOOL, D, TensorProto.FLOAT16):
        yield chain("Cast", ("Cast", "x", "c", {"to": kind}), ("Cast", "c", "y", {"to": F}))
    yield from over("Clip", SHAPES[1:3])
    yield from over("Clip", SHAPES[1:3], min=[None, -1.0, 0.0], max=[None, 1.0, 6.0])
    for low, high in ((-1.0, 1.0), (0.0, 6.0), (0.5, 0.5)):
        yield from over("Clip", SHAPES[1:3], "x lo hi", constants={"lo": scalar(low), "hi": scalar(high)})
    yield from over("Clip", SHAPES[1:2], "x lo", constants={"lo": scalar(-0.5)})
    yield from over("Clip", SHAPES[1:2], "x  hi", constants={"hi": scalar(0.5)})


def arithmetic() -> Iterator[Form]:
    yield from over("Add Sub Mul Max Min", SHAPES, "x z")
    for k in (scalar(0.5), scalar(2), scalar(-1.25), scalar(0.0), scalar(-0.5), f32(0.3), f32(0.5, -1.5, 2, 0.25), f32(1, 0, 1, 0)[None, :], drawn(2, 1)):
        yield from over("Add Sub Mul Max Min", SHAPES[1:2], "x k", constants={"k": k})
        yield from over("Add Sub Mul Max Min", SHAPES[1:2], "k x", constants={"k": k})
        if np.all(k != 0):
            yield from over("Div", SHAPES[1:2], "x k", constants={"k": k})
            yield from over("Div", SHAPES[1:2], "k x", constants={"k": k}, values=(0.5, 2))
    yield from over("Div", SHAPES[1:3], "x z", values=(0.5, 2))
    yield from over("Max Min Sum Mean", SHAPES[1:3], "x")
    yield from over("Sum Mean", SHAPES[1:3], "x z")
    yield from over("Sum Mean Max Min", SHAPES[1:3], "x z w")
    yield from over("Sum Mean Max Min", SHAPES[1:2], "x k l", constants={"k": f32(0.5, -1.5, 2, 0.25), "l": scalar(0.25)})
    for e in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0):
        low, high = (0.5, 2.0) if e < 0 or e % 1 else (-2.0, 2.0)
        yield from over("Pow", SHAPES[1:3], "x e", constants={"e": scalar(e)}, values=(low, high))
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": f32(2)})
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": i64(2)})
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": i64(-1)}, values=(0.5, 2))
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": f32(0, 1, 2, 3)})
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": f32(-1, 1, 0.5, 3)}, values=(0.5, 2))
    yield from over("Pow", SHAPES[1:2], "k x", constants={"k": scalar(2)})
    yield from over("Pow", SHAPES[1:2], "x z", values=(0.5, 2))
    yield from over("PRelu", SHAPES[1:2], "x s", constants={"s": f32(0.25)})
    yield from over("PRelu", SHAPES[1:2], "x s", constants={"s": f32(0.25, 0.5, -0.5, 2)})
    yield from over("PRelu", [IMAGE], "x s", constants={"s": f32(0.25, 0.5).reshape(2, 1, 1)})
    yield from over("PRelu", [IMAGE], "x s", constants={"s": f32(0.25).reshape(1, 1, 1)})
    yield from over("Mod", SHAPES[1:2], "x k", constants={"k": scalar(0.75)}, fmod=[1])
    yield from over("MatMul", [(2, 2), (1, 2, 2)], "x z")
    yield from over("MatMul", [(1, 4), (2, 4), (1, 2, 4)], "x w", constants={"w": drawn(4, 3)})
    yield from over("MatMul", [(4,)], "x w", constants={"w": drawn(4, 3)})
    yield from over("MatMul", [(1, 4)], "x w", constants={"w": drawn(4)})
    yield from over("MatMul", [(4, 2)], "w x", constants={"w": drawn(3, 4)})
    yield from over("MatMul", [(2, 3, 4)], "x w", constants={"w": drawn(2, 4, 2)})
    for ta, shape in ((None, (2, 4)), (0, (1, 4)), (1, (4, 2))):
        for tb, w in ((None, drawn(4, 3)), (1, drawn(3, 4))):
            for alpha, beta in ((None, None), (0.5, None), (None, 0.5), (2.0, 0.0)):
                given = {k: [v] for k, v in {"transA": ta, "transB": tb, "alpha": alpha, "beta": beta}.items()}
                for c in (drawn(3), drawn(1, 3), scalar(0.5)):
                    yield from over("Gemm", [shape], "x w c", constants={"w": w, "c": c}, **given)
                yield from over("Gemm", [shape], "x w", constants={"w": w}, **given)
    yield from over("Gemm", [(2, 2)], "x z v")
    for equation, w in (("ij,jk->ik", drawn(4, 3)), ("ij,kj->ik", drawn(3, 4)), ("ij,jk->ki", drawn(4, 3)), ("ij,jk", drawn(4, 3)), ("ij,j->i", drawn(4))):
        yield from over("Einsum", [(2, 4)], "x w", constants={"w": w}, equation=[equation])
    yield from over("Einsum", [(2, 4)], "x", equation=["ij->ji", "ij->i", "ij->", "i...->...i", "ij"])
    yield from over("Einsum", [(3, 3)], "x", equation=["ii->i", "ii"])
    yield from over("Einsum", [(2, 3, 4)], "x w", constants={"w": drawn(2, 4, 2)}, equation=["bij,bjk->bik", "...ij,...jk->...ik"])
    yield from over("Einsum", [(2, 4)], "x z", equation=["ij,ij->ij", "ij,kj->ik", "i j, k j -> i k"])


def comparing() -> Iterator[Form]:
    to = ("Cast", "c", "y", {"to": F})
    two = {"x": (1, 4), "z": (1, 4)}
    for name in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        for k in (scalar(0.5), scalar(1.0), scalar(-1), f32(0.5, -0.5, 1, 0)):
            yield chain(name, ("Round", "x", "r", {}), (name, "r k", "c", {}), to, k=k)
            yield chain(name, (name, "x k", "c", {}), to, k=k)
            yield chain(name, (name, "k x", "c", {}), to, k=k)
        yield chain(name, (name, "x z", "c", {}), to, inputs=two)
        yield chain(name, ("Round", "x", "r", {}), ("Round", "z", "s", {}), (name, "r s", "c", {}), to, inputs=two)
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Mul", "f m", "y", {}), k=scalar(0), m=scalar(2.5))
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Mul", "f x", "y", {}), k=scalar(0))
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Add", "f m", "y", {}), k=scalar(0), m=scalar(2.5))
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("MatMul", "f m", "y", {}), k=scalar(0), m=drawn(4, 2))
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("ReduceMean", "f", "y", {}), k=scalar(0))
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Sigmoid", "f", "y", {}), k=scalar(0))
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Div", "f m", "y", {}), k=scalar(0), m=scalar(3))
        yield chain(name, (name, "x k", "c", {}), ("Where", "c x m", "y", {}), k=scalar(0), m=scalar(2.5))
        yield chain(name, (name, "x k", "c", {}), ("Where", "c m l", "y", {}), k=scalar(0), m=scalar(2.5), l=scalar(-1))
        yield chain(name, (name, "x k", "c", {}), ("Where", "c x z", "y", {}), k=scalar(0), inputs=two)
        yield chain(name, (name, "x k", "c", {}), ("Not", "c", "d", {}), ("Cast", "d", "y", {"to": F}), k=scalar(0))
    for name in ("And", "Or", "Xor"):
        yield chain(name, ("Greater", "x k", "a", {}), ("Less", "x l", "b", {}), (name, "a b", "c", {}), to, k=scalar(0), l=scalar(1))
        yield chain(name, ("Greater", "x k", "a", {}), (name, "a b", "c", {}), to, k=scalar(0), b=np.array([True, False, True, False]))
    yield chain("Where", ("Where", "c x z", "y", {}), inputs=two, c=np.array([[True, False, True, False]]))
    yield chain("Where", ("Where", "c x m", "y", {}), c=np.array([[True, False, True, False]]), m=scalar(0.5))
    yield chain("Where", ("Where", "c m x", "y", {}), c=np.array([[True, False, True, False]]), m=scalar(-1e9))
    yield chain("Where", ("Where", "c m x", "y", {}), c=np.array([[True], [False]]), m=scalar(0.5))
    yield chain("Where", ("Where", "c m x", "y", {}), c=np.array([[True, False, True, False]]), m=f32(1, 2, 0.3, 4))
    yield chain("IsNaN", ("IsNaN", "x", "c", {}), to)
    yield chain("IsInf", ("IsInf", "x", "c", {}), to)


def reducing() -> Iterator[Form]:
    names = "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"
    for name in names.split():
        values = (0.5, 2.0) if name == "ReduceLogSum" else (-2.0, 2.0)
        for keep in (None, 0, 1):
            yield from over(name, [(1, 4), (2, 3), (2, 3, 2)], keepdims=[keep], axes=[None, [0], [1], [-1], [0, 1]], values=values)
            for axes in ([1], [-1], [0, 1]):
                yield from over(name, [(1, 4), (2, 3, 2)], "x a", constants={"a": i64(*axes)}, keepdims=[keep], values=values)
        yield from over(name, [(1, 4)], "x a", constants={"a": i64()}, noop_with_empty_axes=[None, 0, 1], values=values)
        yield from over(name, [(1, 4)], noop_with_empty_axes=[None, 0, 1], values=values)
    for name in ("ArgMax", "ArgMin"):
        for axis in (None, 0, 1, -1):
            for keep in (None, 0, 1):
                given = {k: v for k, v in {"axis": axis, "keepdims": keep}.items() if v is not None}
                for shape in ((1, 4), (3, 4), (2, 3, 2)):
                    yield chain(name, (name, "x", "i", given), ("Cast", "i", "y", {"to": F}), inputs={"x": shape})
        for last in (0, 1):
            given = {"axis": 1, "select_last_index": last}
            yield chain(name, (name, "x", "i", given), ("Cast", "i", "y", {"to": F}))
            yield chain(name, ("Round", "x", "r", {}), (name, "r", "i", given), ("Cast", "i", "y", {"to": F}), inputs={"x": (2, 6)})
        yield chain(name, (name, "x", "i", {"axis": 1}), ("Cast", "i", "c", {"to": F}), ("Mul", "c m", "y", {}), m=scalar(0.3))
        yield chain(name, (name, "x", "i", {"axis": 1}), ("Cast", "i", "c", {"to": F}), ("Add", "c x", "y", {}))
    for exclusive in (None, 0, 1):
        for reverse in (None, 0, 1):
            for axis, shape in ((0, (3, 2)), (1, (2, 4)), (-1, (1, 2, 3)), (1, (1, 3, 2))):
                yield from over("CumSum", [shape], "x a", constants={"a": np.array(axis, np.int64)}, exclusive=[exclusive], reverse=[reverse])
    yield from over("CumSum", [(2, 4)], "x a", constants={"a": i64(1)})
    yield from over("CumSum", [(2, 4)], "x a", constants={"a": np.array([1], np.int32)})
    yield from over("CumSum", [(4,)], "x a", constants={"a": i64(0)})
    yield from over("CumProd", [(2, 4)], "x a", constants={"a": np.array(1, np.int64)})
    for k in (1, 2, 4):
        for largest in (None, 0, 1):
            for order in (None, 0, 1):
                yield from over("TopK", [(1, 4), (2, 4)], "x k", outputs="y i", constants={"k": i64(k)}, axis=[None, 1], largest=[largest], sorted=[order])
    yield from over("TopK", [(4, 2)], "x k", outputs="y i", constants={"k": i64(2)}, axis=[0])
    yield chain("TopK", ("TopK", "x k", "v i", {}), ("Cast", "i", "y", {"to": F}), k=i64(2))


def normalising() -> Iterator[Form]:
    yield from over("Softmax LogSoftmax Hardmax", [(4,), (1, 4), (2, 3), (1, 2, 3), (2, 2, 3), (1, 2, 2, 2)], axis=[None, 0, 1, 2, -1, -2])
    for eps in (None, 1e-3, 0.1):
        for shape in ((2, 3), (1, 3, 2), (1, 3, 2, 2)):
            yield from over(
                "BatchNormalization", [shape], "x s b m v", epsilon=[eps], momentum=[None, 0.5],
                constants={"s": f32(0.5, 1, 2), "b": f32(0, 0.5, -1), "m": f32(0.1, -0.2, 0.3), "v": f32(0.5, 1, 2)},
            )
    yield from over("BatchNormalization", [(1, 3, 2)], "x s b m v", training_mode=[0, 1], constants={"s": f32(0.5, 1, 2), "b": f32(0, 0.5, -1), "m": f32(0.1, -0.2, 0.3), "v": f32(0.5, 1, 2)})
    yield from over("BatchNormalization", [(1, 3, 2)], "x s b m v", spatial=[0, 1], constants={"s": f32(0.5, 1, 2), "b": f32(0, 0.5, -1), "m": f32(0.1, -0.2, 0.3), "v": f32(0.5, 1, 2)})
    yield from over("InstanceNormalization", [(1, 2, 4), (2, 2, 3), (1, 2, 2, 3)], "x s b", epsilon=[None, 1e-2], constants={"s": f32(0.5, 2), "b": f32(0.25, -1)})
    for axis, n in ((None, 4), (-1, 4), (1, (2, 4)), (2, 4)):
        shape = n if isinstance(n, tuple) else (n,)
        for eps in (None, 1e-2):
            yield from over("LayerNormalization", [(1, 2, 4)], "x s b", axis=[axis], epsilon=[eps], constants={"s": drawn(*shape), "b": drawn(*shape, seed=2)})
            yield from over("LayerNormalization", [(1, 2, 4)], "x s", axis=[axis], epsilon=[eps], constants={"s": drawn(*shape)})
    yield from over("LayerNormalization", [(2, 4)], "x s", constants={"s": drawn(4)}, stash_type=[1])
    yield from over("GroupNormalization", [(1, 4, 2, 2)], "x s b", num_groups=[2], constants={"s": drawn(4), "b": drawn(4, seed=2)})
    yield from over("GroupNormalization", [(1, 4, 2, 2)], "x s b", num_groups=[2], constants={"s": drawn(2), "b": drawn(2, seed=2)})
    yield from over("RMSNormalization", [(1, 2, 4)], "x s", constants={"s": drawn(4)}, axis=[None, -1])
    yield from over("MeanVarianceNormalization", [(1, 2, 3, 3)], axes=[None, [0, 2, 3], [2, 3]])
    yield from over("LRN", [(1, 3, 2, 2)], size=[1, 3], alpha=[None, 0.5], beta=[None, 0.5], bias=[None, 2.0])
    yield from over("LpNormalization", [(2, 3)], axis=[None, 0, 1], p=[None, 1, 2])


def moving() -> Iterator[Form]:
    yield from over("Flatten", [(4,), (2, 3), (1, 2, 3), (2, 3, 2)], axis=[None, 0, 1, 2, -1])
    yield from over("Transpose", [(2, 3)], perm=[None, [1, 0], [0, 1]])
    yield from over("Transpose", [(1, 2, 3)], perm=[None, [0, 2, 1], [2, 0, 1]])
    for target in ((4, 1), (-1,), (0, 2, 2), (2, -1), (1, 1, 4)):
        yield from over("Reshape", [(1, 4)], "x s", constants={"s": i64(*target)}, allowzero=[None, 0, 1])
    yield from over("Squeeze", [(1, 2, 1, 3)], axes=[None, [0], [2], [0, 2], [-2]])
    yield from over("Unsqueeze", [(2, 3)], axes=[[0], [1], [0, 3], [-1]])
    for axes in ([0], [2], [0, 2], [-2]):
        yield from over("Squeeze", [(1, 2, 1, 3)], "x a", constants={"a": i64(*axes)})
    for axes in ([0], [1], [0, 3], [-1]):
        yield from over("Unsqueeze", [(2, 3)], "x a", constants={"a": i64(*axes)})
    yield from over("Concat", [(2, 3)], "x z", axis=[0, 1, -1, -2])
    yield from over("Concat", [(2, 3)], "x", axis=[0])
    yield from over("Concat", [(2, 3)], "x k z x", axis=[0, -1], constants={"k": drawn(2, 3)})
    yield from over("Split", [(2, 4)], outputs="y z", axis=[1, -1, 0])
    yield from over("Split", [(2, 4)], outputs="y z", axis=[1, -1], split=[[2, 2], [1, 3]])
    yield from over("Split", [(2, 5)], outputs="y z", axis=[1], num_outputs=[2])
    yield from over("Split", [(2, 4)], outputs="y z", axis=[1], num_outputs=[2])
    for sizes in ((2, 2), (1, 3), (3, 1)):
        yield from over("Split", [(2, 4)], "x s", outputs="y z", axis=[1, -1], constants={"s": i64(*sizes)})
        yield from over("Split", [(2, 4)], "x s", outputs="z y", axis=[1], constants={"s": i64(*sizes)})
    for starts, ends, axes, steps in (
        ([0], [2], None, None), ([1], [3], [1], None), ([-2], [100], [1], None), ([0, 1], [1, 4], [0, 1], None),
        ([0], [4], [1], [2]), ([1], [4], [1], [2]), ([3], [-100], [1], [-1]), ([-1], [-100], [-1], [-2]), ([1], [-1], [-1], [1]), ([0], [9223372036854775807], [1], [1]),
    ):
        given = {"starts": i64(*starts), "ends": i64(*ends)}
        if axes is not None:
            given["axes"] = i64(*axes)
        if steps is not None:
            given["steps"] = i64(*steps)
        yield from over("Slice", [(2, 4)], " ".join(["x", *given]), constants=given)
        if steps is None:
            yield from over("Slice", [(2, 4)], starts=[starts], ends=[ends], axes=[axes])
    for shape in ((2, 4), (1, 4), (3, 1, 4)):
        yield from over("Expand", [(1, 4)], "x s", constants={"s": i64(*shape)})
    yield from over("Tile", [(1, 4)], "x r", constants={"r": i64(1, 2)})
    yield from over("Tile", [(2, 2)], "x r", constants={"r": i64(2, 3)})
    for mode in (None, "constant", "edge", "reflect", "wrap"):
        for pads in ((0, 0, 1, 1, 0, 0, 1, 1), (0, 0, 1, 0, 0, 0, 2, 1), (0, 1, 0, 0, 0, 0, 0, 0), (0, 0, -1, -1, 0, 0, -1, 0)):
            yield from over("Pad", [(1, 2, 3, 3)], "x p", mode=[mode], constants={"p": i64(*pads)})
            yield from over("Pad", [(1, 2, 3, 3)], mode=[mode], pads=[list(pads)], value=[None, 2.0])
    for value in (0.0, 2.0, -1.5):
        yield from over("Pad", [(1, 1, 3, 3)], "x p v", constants={"p": i64(0, 0, 1, 1, 0, 0, 1, 1), "v": scalar(value)})
    yield from over("Pad", [(2, 3)], "x p v a", constants={"p": i64(1, 2), "v": scalar(0), "a": i64(1)})
    yield from over("DepthToSpace", [(1, 8, 2, 2)], blocksize=[2], mode=[None, "DCR", "CRD"])
    yield from over("SpaceToDepth", [(1, 2, 4, 4)], blocksize=[2])
    yield from over("Trilu", [(3, 3), (1, 2, 3)], upper=[None, 0, 1])
    yield from over("Trilu", [(3, 3)], "x k", constants={"k": np.array(1, np.int64)}, upper=[None, 0, 1])
    yield from over("Trilu", [(3, 3)], "x k", constants={"k": np.array(-1, np.int64)}, upper=[None, 0, 1])
    yield from over("ReverseSequence", [(3, 2)], "x l", constants={"l": i64(2, 3)}, batch_axis=[1], time_axis=[0])
    yield from over("Compress", [(2, 3)], "x c", constants={"c": np.array([True, False, True])}, axis=[1])
    for mode in (None, "nearest", "linear", "bilinear"):
        for scales in ((1, 1, 2, 2), (1, 1, 3, 2)):
            yield from over("Upsample", [(1, 1, 2, 2)], "x s", mode=[mode], constants={"s": f32(*scales)})
            yield from over("Upsample", [(1, 1, 2, 2)], mode=[mode], scales=[[float(s) for s in scales]])
    yield from resizing()
    yield chain("Shape", ("Shape", "x", "s", {}), ("Cast", "s", "f", {"to": F}), ("ReduceSum", "f", "r", {}), ("Mul", "x r", "y", {}))
    yield chain("Shape", ("Shape", "x", "s", {}), ("Reshape", "z s", "y", {}), inputs={"x": (2, 2), "z": (1, 4)})
    yield chain("ConstantOfShape", ("ConstantOfShape", "s", "c", {}), ("Add", "x c", "y", {}), s=i64(1, 4))


def resizing() -> Iterator[Form]:
    for mode in ("nearest", "linear", "cubic"):
        for way in (None, "asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
            for near in (None, "floor", "ceil", "round_prefer_floor", "round_prefer_ceil") if mode == "nearest" else (None,):
                given = {"mode": [mode], "coordinate_transformation_mode": [way], "nearest_mode": [near]}
                yield from over("Resize", [(1, 1, 3, 2)], "x  s", constants={"s": f32(1, 1, 2, 2)}, **given)
                yield from over("Resize", [(1, 1, 3, 2)], "x   t", constants={"t": i64(1, 1, 6, 4)}, **given)
    yield from over("Resize", [(1, 1, 2, 2)], "x s", constants={"s": f32(1, 1, 2, 2)}, mode=[None, "nearest", "linear"])
    yield from over("Resize", [(1, 1, 4, 4)], "x  s", constants={"s": f32(1, 1, 0.5, 0.5)}, mode=["nearest", "linear"], antialias=[None, 0, 1])
    yield from over("Resize", [(1, 1, 3, 2)], "x  s", constants={"s": f32(2, 2)}, mode=["nearest"], axes=[[2, 3]])
    yield from over("Resize", [(1, 1, 3, 2)], "x r s", constants={"s": f32(1, 1, 2, 2), "r": f32()}, mode=["nearest"])
    yield from over("Resize", [(1, 1, 3, 2)], "x r  t", constants={"t": i64(1, 1, 5, 3), "r": f32()}, mode=["nearest", "linear"], coordinate_transformation_mode=["asymmetric"])
    yield from over("Resize", [(1, 1, 3, 2)], "x   t", constants={"t": i64(6, 6)}, mode=["nearest"], axes=[[2, 3]], keep_aspect_ratio_policy=["stretch", "not_larger", "not_smaller"])


def choosing() -> Iterator[Form]:
    for axis in (None, 0, 1, -1):
        for index in (np.array(1, np.int64), np.array(-1, np.int64), i64(0, 1), i64(-1, -2, 0), np.array([[0, 1], [-1, 0]], np.int64), np.array([1, 0], np.int32)):
            yield from over("Gather", [(3, 4), (2, 3, 2)], "x i", axis=[axis], constants={"i": index})
    yield from over("Gather", [(4,)], "x i", constants={"i": i64(-2, 3)})
    for index in (i64(0, 1, 1, 0).reshape(2, 2), i64(-1, 0, 0, -2).reshape(2, 2)):
        yield from over("GatherElements", [(2, 2), (3, 2)], "x i", axis=[None, 0, 1, -1], constants={"i": index})
    yield from over("GatherND", [(2, 3)], "x i", constants={"i": i64(0, 1, 1, 2).reshape(2, 2)})
    yield from over("GatherND", [(2, 3)], "x i", constants={"i": i64(0, -1, -1, 0).reshape(2, 2)})
    yield from over("GatherND", [(2, 3)], "x i", constants={"i": i64(1, 0).reshape(2, 1)})
    yield from over("GatherND", [(2, 3, 2)], "x i", constants={"i": i64(1, 0).reshape(2, 1)}, batch_dims=[1])
    yield from over("ScatterElements", [(2, 3)], "x i u", constants={"i": i64(0, 1, 1, 0).reshape(2, 2), "u": drawn(2, 2)}, axis=[None, 0, 1, -1])
    yield from over("ScatterElements", [(2, 3)], "x i u", constants={"i": i64(0, -1, 1, 0).reshape(2, 2), "u": drawn(2, 2)}, axis=[1], reduction=[None, "add"])
    yield from over("ScatterND", [(2, 3)], "x i u", constants={"i": i64(0, 1, 1, 2).reshape(2, 2), "u": f32(1.5, -0.5)}, reduction=[None, "add"])
    yield from over("ScatterND", [(3, 2)], "x i u", constants={"i": i64(2, 0).reshape(2, 1), "u": drawn(2, 2)})
    yield from over("ScatterND", [(3, 2)], "x i u", constants={"i": i64(-1).reshape(1, 1), "u": drawn(1, 2)})
    one = ("ArgMax", "x", "a", {"axis": 1, "keepdims": 0})
    for axis in (None, 0, 1, -1):
        given = {} if axis is None else {"axis": axis}
        yield chain("OneHot", one, ("OneHot", "a d v", "y", given), d=np.array(4, np.int64), v=f32(0, 1))
    yield chain("OneHot", one, ("OneHot", "a d v", "y", {}), d=i64(4), v=f32(-0.5, 2))
    yield chain("Gather", one, ("Gather", "t a", "y", {}), t=drawn(4, 2))
    yield chain("GatherElements", ("ArgMax", "x", "a", {"axis": 1, "keepdims": 1}), ("GatherElements", "x a", "y", {"axis": 1}))
    yield chain("NonZero", ("NonZero", "x", "n", {}), ("Cast", "n", "y", {"to": F}))
    yield from over("Max", [(1, 4)], "x")


def windows() -> Iterator[Form]:
    square = [(1, 1, 5, 5)]
    for kernel in ([2, 2], [3, 3]):
        for strides in (None, [1, 1], [2, 2], [1, 2]):
            for pads in (None, [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 0]):
                given = {"kernel_shape": [kernel], "strides": [strides], "pads": [pads]}
                yield from over("MaxPool", square, **given)
                yield from over("AveragePool", square, count_include_pad=[None, 0, 1], **given)
            for auto in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
                yield from over("MaxPool AveragePool", square, kernel_shape=[kernel], strides=[strides], auto_pad=[auto])
        for ceil in (0, 1):
            yield from over("MaxPool AveragePool", square, kernel_shape=[kernel], strides=[[2, 2]], ceil_mode=[ceil])
            yield from over("AveragePool", square, kernel_shape=[kernel], strides=[[2, 2]], ceil_mode=[ceil], pads=[[1, 1, 1, 1]], count_include_pad=[0, 1])
            yield from over("MaxPool", square, kernel_shape=[kernel], strides=[[2, 2]], ceil_mode=[ceil], pads=[[1, 1, 1, 1]])
        yield from over("MaxPool AveragePool", [(1, 1, 6, 6)], kernel_shape=[kernel], dilations=[[1, 1], [2, 2], [1, 2]], strides=[None, [2, 2]])
        yield from over("LpPool", square, kernel_shape=[kernel], p=[None, 1, 2], strides=[None, [2, 2]], pads=[None, [1, 1, 1, 1]])
    yield from over("MaxPool", square, kernel_shape=[[2, 2]], storage_order=[0, 1])
    yield from over("MaxPool", square, outputs="y i", kernel_shape=[[2, 2]])
    yield from over("MaxPool AveragePool", [(1, 2, 6)], kernel_shape=[[2]], strides=[None, [2]], pads=[None, [1, 1]])
    yield from over("MaxPool AveragePool", [(1, 1, 3, 3, 3)], kernel_shape=[[2, 2, 2]])
    yield from over("MaxPool AveragePool", [(2, 2, 3, 3)], kernel_shape=[[2, 2]])
    yield from over("GlobalAveragePool GlobalMaxPool GlobalLpPool", [(1, 2, 3, 3), (1, 2, 4), (2, 2, 2, 2)])
    for name in ("Conv", "ConvTranspose"):
        for strides in (None, [1, 1], [2, 2], [2, 1]):
            for pads in (None, [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]):
                yield from over(name, square, "x w", constants={"w": drawn(1, 1, 3, 3)}, strides=[strides], pads=[pads])
            for auto in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
                yield from over(name, square, "x w", constants={"w": drawn(1, 1, 3, 3)}, strides=[strides], auto_pad=[auto], kernel_shape=[None, [3, 3]])
                yield from over(name, square, "x w", constants={"w": drawn(1, 1, 2, 2)}, strides=[strides], auto_pad=[auto])
        yield from over(name, square, "x w", constants={"w": drawn(1, 1, 2, 2)}, dilations=[[1, 1], [2, 2], [1, 2]], strides=[None, [2, 2]], pads=[None, [1, 1, 1, 1]])
        yield from over(name, [(1, 2, 4, 4)], "x w b", constants={"w": drawn(2, 2, 2, 2), "b": f32(0.5, -0.25)})
        yield from over(name, [(1, 2, 4, 4)], "x w b", constants={"w": drawn(2, 1, 2, 2), "b": f32(0.5, -0.25)}, group=[2])
        yield from over(name, [(1, 4, 4, 4)], "x w", constants={"w": drawn(4, 2, 2, 2)}, group=[2])
        yield from over(name, [(1, 4, 4, 4)], "x w", constants={"w": drawn(4, 1, 2, 2)}, group=[4])
        yield from over(name, [(2, 2, 3, 3)], "x w", constants={"w": drawn(2, 2, 2, 2)})
        yield from over(name, [(1, 2, 6)], "x w", constants={"w": drawn(2, 2, 3)}, strides=[None, [2]], pads=[None, [1, 1], [0, 2]])
        yield from over(name, [(1, 2, 6)], "x w b", constants={"w": drawn(2, 2, 3), "b": f32(0.5, -0.25)}, dilations=[None, [2]])
        yield from over(name, [(1, 1, 3, 3, 3)], "x w", constants={"w": drawn(1, 1, 2, 2, 2)})
    for shape in ([6, 6], [11, 11], [10, 9]):
        yield from over("ConvTranspose", square, "x w", constants={"w": drawn(1, 1, 3, 3)}, strides=[[2, 2]], output_shape=[shape], auto_pad=[None, "SAME_UPPER", "SAME_LOWER"])
    yield from over("ConvTranspose", square, "x w", constants={"w": drawn(1, 1, 3, 3)}, strides=[[2, 2]], output_padding=[[0, 0], [1, 1], [1, 0]], pads=[None, [1, 1, 1, 1]])
