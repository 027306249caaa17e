"""Operators that move or choose elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tools.operators.cells.kinds import F, drawn, f32, i64, scalar
from tools.operators.forms import Form, chain, over


def moving() -> Iterator[Form]:
    """Yield the forms of operators that move elements."""
    yield from over("Flatten", [(4,), (2, 3), (1, 2, 3), (2, 3, 2)], axis=[None, 0, 1, 2, -1])
    yield from over("Transpose", [(2, 3)], perm=[None, [1, 0], [0, 1]])
    yield from over("Transpose", [(1, 2, 3)], perm=[None, [0, 2, 1], [2, 0, 1]])
    for target in ((4, 1), (-1,), (0, 2, 2), (2, -1), (1, 1, 4)):
        yield from over("Reshape", [(1, 4)], "x s", constants={"s": i64(*target)}, allowzero=[None, 0, 1])
    yield from over("Squeeze", [(1, 2, 1, 3)], axes=[None, [0], [2], [0, 2], [-2]])
    yield from over("Unsqueeze", [(2, 3)], axes=[[0], [1], [0, 3], [-1]])
    for named in ([0], [2], [0, 2], [-2]):
        yield from over("Squeeze", [(1, 2, 1, 3)], "x a", constants={"a": i64(*named)})
    for named in ([0], [1], [0, 3], [-1]):
        yield from over("Unsqueeze", [(2, 3)], "x a", constants={"a": i64(*named)})
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
    slices: list[tuple[list[int], list[int], list[int] | None, list[int] | None]] = [
        ([0], [2], None, None),
        ([1], [3], [1], None),
        ([-2], [100], [1], None),
        ([0, 1], [1, 4], [0, 1], None),
        ([0], [4], [1], [2]),
        ([1], [4], [1], [2]),
        ([3], [-100], [1], [-1]),
        ([-1], [-100], [-1], [-2]),
        ([1], [-1], [-1], [1]),
        ([0], [9223372036854775807], [1], [1]),
    ]
    for starts, ends, axes, steps in slices:
        given: dict[str, Any] = {"starts": i64(*starts), "ends": i64(*ends)}
        if axes is not None:
            given["axes"] = i64(*axes)
        if steps is not None:
            given["steps"] = i64(*steps)
        yield from over("Slice", [(2, 4)], " ".join(["x", *given]), constants=given)
        if steps is None:
            yield from over("Slice", [(2, 4)], starts=[starts], ends=[ends], axes=[axes])
    yield from more_moving()


def more_moving() -> Iterator[Form]:
    """Yield the forms of operators that cut, pad and repeat."""
    for shape in ((2, 4), (1, 4), (3, 1, 4)):
        yield from over("Expand", [(1, 4)], "x s", constants={"s": i64(*shape)})
    yield from over("Tile", [(1, 4)], "x r", constants={"r": i64(1, 2)})
    yield from over("Tile", [(2, 2)], "x r", constants={"r": i64(2, 3)})
    for mode in (None, "constant", "edge", "reflect", "wrap"):
        for pads in (
            (0, 0, 1, 1, 0, 0, 1, 1),
            (0, 0, 1, 0, 0, 0, 2, 1),
            (0, 1, 0, 0, 0, 0, 0, 0),
            (0, 0, -1, -1, 0, 0, -1, 0),
        ):
            yield from over("Pad", [(1, 2, 3, 3)], "x p", mode=[mode], constants={"p": i64(*pads)})
            yield from over("Pad", [(1, 2, 3, 3)], mode=[mode], pads=[list(pads)], value=[None, 2.0])
    for value in (0.0, 2.0, -1.5):
        yield from over(
            "Pad", [(1, 1, 3, 3)], "x p v", constants={"p": i64(0, 0, 1, 1, 0, 0, 1, 1), "v": scalar(value)}
        )
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
    yield chain(
        "Shape",
        ("Shape", "x", "s", {}),
        ("Cast", "s", "f", {"to": F}),
        ("ReduceSum", "f", "r", {}),
        ("Mul", "x r", "y", {}),
    )
    yield chain("Shape", ("Shape", "x", "s", {}), ("Reshape", "z s", "y", {}), inputs={"x": (2, 2), "z": (1, 4)})
    yield chain("ConstantOfShape", ("ConstantOfShape", "s", "c", {}), ("Add", "x c", "y", {}), s=i64(1, 4))


def choosing() -> Iterator[Form]:
    """Yield the forms of operators that choose elements by indices."""
    for axis in (None, 0, 1, -1):
        for index in (
            np.array(1, np.int64),
            np.array(-1, np.int64),
            i64(0, 1),
            i64(-1, -2, 0),
            np.array([[0, 1], [-1, 0]], np.int64),
            np.array([1, 0], np.int32),
        ):
            yield from over("Gather", [(3, 4), (2, 3, 2)], "x i", axis=[axis], constants={"i": index})
    yield from over("Gather", [(4,)], "x i", constants={"i": i64(-2, 3)})
    for index in (i64(0, 1, 1, 0).reshape(2, 2), i64(-1, 0, 0, -2).reshape(2, 2)):
        yield from over("GatherElements", [(2, 2), (3, 2)], "x i", axis=[None, 0, 1, -1], constants={"i": index})
    yield from over("GatherND", [(2, 3)], "x i", constants={"i": i64(0, 1, 1, 2).reshape(2, 2)})
    yield from over("GatherND", [(2, 3)], "x i", constants={"i": i64(0, -1, -1, 0).reshape(2, 2)})
    yield from over("GatherND", [(2, 3)], "x i", constants={"i": i64(1, 0).reshape(2, 1)})
    yield from over("GatherND", [(2, 3, 2)], "x i", constants={"i": i64(1, 0).reshape(2, 1)}, batch_dims=[1])
    yield from over(
        "ScatterElements",
        [(2, 3)],
        "x i u",
        constants={"i": i64(0, 1, 1, 0).reshape(2, 2), "u": drawn(2, 2)},
        axis=[None, 0, 1, -1],
    )
    yield from over(
        "ScatterElements",
        [(2, 3)],
        "x i u",
        constants={"i": i64(0, -1, 1, 0).reshape(2, 2), "u": drawn(2, 2)},
        axis=[1],
        reduction=[None, "add"],
    )
    yield from over(
        "ScatterND",
        [(2, 3)],
        "x i u",
        constants={"i": i64(0, 1, 1, 2).reshape(2, 2), "u": f32(1.5, -0.5)},
        reduction=[None, "add"],
    )
    yield from over("ScatterND", [(3, 2)], "x i u", constants={"i": i64(2, 0).reshape(2, 1), "u": drawn(2, 2)})
    yield from over("ScatterND", [(3, 2)], "x i u", constants={"i": i64(-1).reshape(1, 1), "u": drawn(1, 2)})
    one = ("ArgMax", "x", "a", {"axis": 1, "keepdims": 0})
    for axis in (None, 0, 1, -1):
        given: dict[str, Any] = {} if axis is None else {"axis": axis}
        yield chain("OneHot", one, ("OneHot", "a d v", "y", given), d=np.array(4, np.int64), v=f32(0, 1))
    yield chain("OneHot", one, ("OneHot", "a d v", "y", {}), d=i64(4), v=f32(-0.5, 2))
    yield chain("Gather", one, ("Gather", "t a", "y", {}), t=drawn(4, 2))
    yield chain(
        "GatherElements", ("ArgMax", "x", "a", {"axis": 1, "keepdims": 1}), ("GatherElements", "x a", "y", {"axis": 1})
    )
    yield chain("NonZero", ("NonZero", "x", "n", {}), ("Cast", "n", "y", {"to": F}))
    yield from over("Max", [(1, 4)], "x")
