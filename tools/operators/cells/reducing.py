"""Reductions, running sums and normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tools.operators.cells.kinds import F, drawn, f32, i64, scalar
from tools.operators.forms import Form, chain, over


def reducing() -> Iterator[Form]:
    """Yield the forms of reductions, places of the largest, running sums."""
    names = (
        "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax "
        "ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"
    )
    for name in names.split():
        values = (0.5, 2.0) if name == "ReduceLogSum" else (-2.0, 2.0)
        for keep in (None, 0, 1):
            yield from over(
                name, [(1, 4), (2, 3), (2, 3, 2)], keepdims=[keep], axes=[None, [0], [1], [-1], [0, 1]], values=values
            )
            for axes in ([1], [-1], [0, 1]):
                yield from over(
                    name, [(1, 4), (2, 3, 2)], "x a", constants={"a": i64(*axes)}, keepdims=[keep], values=values
                )
        yield from over(name, [(1, 4)], "x a", constants={"a": i64()}, noop_with_empty_axes=[None, 0, 1], values=values)
        yield from over(name, [(1, 4)], noop_with_empty_axes=[None, 0, 1], values=values)
    for name in ("ArgMax", "ArgMin"):
        for axis in (None, 0, 1, -1):
            for keep in (None, 0, 1):
                given: dict[str, Any] = {k: v for k, v in {"axis": axis, "keepdims": keep}.items() if v is not None}
                for shape in ((1, 4), (3, 4), (2, 3, 2)):
                    yield chain(name, (name, "x", "i", given), ("Cast", "i", "y", {"to": F}), inputs={"x": shape})
        for last in (0, 1):
            given = {"axis": 1, "select_last_index": last}
            yield chain(name, (name, "x", "i", given), ("Cast", "i", "y", {"to": F}))
            yield chain(
                name,
                ("Round", "x", "r", {}),
                (name, "r", "i", given),
                ("Cast", "i", "y", {"to": F}),
                inputs={"x": (2, 6)},
            )
        yield chain(
            name, (name, "x", "i", {"axis": 1}), ("Cast", "i", "c", {"to": F}), ("Mul", "c m", "y", {}), m=scalar(0.3)
        )
        yield chain(name, (name, "x", "i", {"axis": 1}), ("Cast", "i", "c", {"to": F}), ("Add", "c x", "y", {}))
    yield from more_reducing()


def more_reducing() -> Iterator[Form]:
    """Yield the forms of running sums and the largest elements."""
    for exclusive in (None, 0, 1):
        for reverse in (None, 0, 1):
            for axis, shape in ((0, (3, 2)), (1, (2, 4)), (-1, (1, 2, 3)), (1, (1, 3, 2))):
                yield from over(
                    "CumSum",
                    [shape],
                    "x a",
                    constants={"a": np.array(axis, np.int64)},
                    exclusive=[exclusive],
                    reverse=[reverse],
                )
    yield from over("CumSum", [(2, 4)], "x a", constants={"a": i64(1)})
    yield from over("CumSum", [(2, 4)], "x a", constants={"a": np.array([1], np.int32)})
    yield from over("CumSum", [(4,)], "x a", constants={"a": i64(0)})
    yield from over("CumProd", [(2, 4)], "x a", constants={"a": np.array(1, np.int64)})
    for k in (1, 2, 4):
        for largest in (None, 0, 1):
            for order in (None, 0, 1):
                yield from over(
                    "TopK",
                    [(1, 4), (2, 4)],
                    "x k",
                    outputs="y i",
                    constants={"k": i64(k)},
                    axis=[None, 1],
                    largest=[largest],
                    sorted=[order],
                )
    yield from over("TopK", [(4, 2)], "x k", outputs="y i", constants={"k": i64(2)}, axis=[0])
    yield chain("TopK", ("TopK", "x k", "v i", {}), ("Cast", "i", "y", {"to": F}), k=i64(2))


def normalising() -> Iterator[Form]:
    """Yield the forms of normalisations."""
    yield from over(
        "Softmax LogSoftmax Hardmax",
        [(4,), (1, 4), (2, 3), (1, 2, 3), (2, 2, 3), (1, 2, 2, 2)],
        axis=[None, 0, 1, 2, -1, -2],
    )
    for eps in (None, 1e-3, 0.1):
        for shape in ((2, 3), (1, 3, 2), (1, 3, 2, 2)):
            yield from over(
                "BatchNormalization",
                [shape],
                "x s b m v",
                epsilon=[eps],
                momentum=[None, 0.5],
                constants={"s": f32(0.5, 1, 2), "b": f32(0, 0.5, -1), "m": f32(0.1, -0.2, 0.3), "v": f32(0.5, 1, 2)},
            )
    yield from over(
        "BatchNormalization",
        [(1, 3, 2)],
        "x s b m v",
        training_mode=[0, 1],
        constants={"s": f32(0.5, 1, 2), "b": f32(0, 0.5, -1), "m": f32(0.1, -0.2, 0.3), "v": f32(0.5, 1, 2)},
    )
    yield from over(
        "BatchNormalization",
        [(1, 3, 2)],
        "x s b m v",
        spatial=[0, 1],
        constants={"s": f32(0.5, 1, 2), "b": f32(0, 0.5, -1), "m": f32(0.1, -0.2, 0.3), "v": f32(0.5, 1, 2)},
    )
    yield from more_normalising()


def more_normalising() -> Iterator[Form]:
    """Yield the forms of normalisations by layer, group and norm."""
    yield from over(
        "InstanceNormalization",
        [(1, 2, 4), (2, 2, 3), (1, 2, 2, 3)],
        "x s b",
        epsilon=[None, 1e-2],
        constants={"s": f32(0.5, 2), "b": f32(0.25, -1)},
    )
    for axis, n in ((None, 4), (-1, 4), (1, (2, 4)), (2, 4)):
        weight = n if isinstance(n, tuple) else (n,)
        for eps in (None, 1e-2):
            yield from over(
                "LayerNormalization",
                [(1, 2, 4)],
                "x s b",
                axis=[axis],
                epsilon=[eps],
                constants={"s": drawn(*weight), "b": drawn(*weight, seed=2)},
            )
            yield from over(
                "LayerNormalization", [(1, 2, 4)], "x s", axis=[axis], epsilon=[eps], constants={"s": drawn(*weight)}
            )
    yield from over("LayerNormalization", [(2, 4)], "x s", constants={"s": drawn(4)}, stash_type=[1])
    yield from over(
        "GroupNormalization", [(1, 4, 2, 2)], "x s b", num_groups=[2], constants={"s": drawn(4), "b": drawn(4, seed=2)}
    )
    yield from over(
        "GroupNormalization", [(1, 4, 2, 2)], "x s b", num_groups=[2], constants={"s": drawn(2), "b": drawn(2, seed=2)}
    )
    yield from over("RMSNormalization", [(1, 2, 4)], "x s", constants={"s": drawn(4)}, axis=[None, -1])
    yield from over("MeanVarianceNormalization", [(1, 2, 3, 3)], axes=[None, [0, 2, 3], [2, 3]])
    yield from over("LRN", [(1, 3, 2, 2)], size=[1, 3], alpha=[None, 0.5], beta=[None, 0.5], bias=[None, 2.0])
    yield from over("LpNormalization", [(2, 3)], axis=[None, 0, 1], p=[None, 1, 2])
