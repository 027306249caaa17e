"""Sums, products, powers and contractions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tools.operators.cells.kinds import IMAGE, SHAPES, drawn, f32, i64, scalar
from tools.operators.forms import Form, chain, over


def arithmetic() -> Iterator[Form]:
    """Yield the forms of sums, products, powers and contractions."""
    yield from broadcasting()
    yield from over("Add Sub Mul Max Min", SHAPES, "x z")
    for k in (
        scalar(0.5),
        scalar(2),
        scalar(-1.25),
        scalar(0.0),
        scalar(-0.5),
        f32(0.3),
        f32(0.5, -1.5, 2, 0.25),
        f32(1, 0, 1, 0)[None, :],
        drawn(2, 1),
    ):
        yield from over("Add Sub Mul Max Min", SHAPES[1:2], "x k", constants={"k": k})
        yield from over("Add Sub Mul Max Min", SHAPES[1:2], "k x", constants={"k": k})
        if np.all(k != 0):
            yield from over("Div", SHAPES[1:2], "x k", constants={"k": k})
            yield from over("Div", SHAPES[1:2], "k x", constants={"k": k}, values=(0.5, 2))
    yield from over("Div", SHAPES[1:3], "x z", values=(0.5, 2))
    yield from over("Max Min Sum Mean", SHAPES[1:3], "x")
    yield from over("Sum Mean", SHAPES[1:3], "x z")
    yield from over("Sum Mean Max Min", SHAPES[1:3], "x z w")
    yield from over(
        "Sum Mean Max Min", SHAPES[1:2], "x k l", constants={"k": f32(0.5, -1.5, 2, 0.25), "l": scalar(0.25)}
    )
    for e in (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0):
        low, high = (0.5, 2.0) if e < 0 or e % 1 else (-2.0, 2.0)
        yield from over("Pow", SHAPES[1:3], "x e", constants={"e": scalar(e)}, values=(low, high))
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": f32(2)})
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": i64(2)})
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": i64(-1)}, values=(0.5, 2))
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": f32(0, 1, 2, 3)})
    yield from over("Pow", SHAPES[1:2], "x e", constants={"e": f32(-1, 1, 0.5, 3)}, values=(0.5, 2))
    yield from products()


def products() -> Iterator[Form]:
    """Yield the forms of products and contractions."""
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
                given: dict[str, Any] = {
                    k: [v] for k, v in {"transA": ta, "transB": tb, "alpha": alpha, "beta": beta}.items()
                }
                for c in (drawn(3), drawn(1, 3), scalar(0.5)):
                    yield from over("Gemm", [shape], "x w c", constants={"w": w, "c": c}, **given)
                yield from over("Gemm", [shape], "x w", constants={"w": w}, **given)
    yield from over("Gemm", [(2, 2)], "x z v")
    for equation, w in (
        ("ij,jk->ik", drawn(4, 3)),
        ("ij,kj->ik", drawn(3, 4)),
        ("ij,jk->ki", drawn(4, 3)),
        ("ij,jk", drawn(4, 3)),
        ("ij,j->i", drawn(4)),
    ):
        yield from over("Einsum", [(2, 4)], "x w", constants={"w": w}, equation=[equation])
    yield from over("Einsum", [(2, 4)], "x", equation=["ij->ji", "ij->i", "ij->", "i...->...i", "ij"])
    yield from over("Einsum", [(3, 3)], "x", equation=["ii->i", "ii"])
    yield from over(
        "Einsum", [(2, 3, 4)], "x w", constants={"w": drawn(2, 4, 2)}, equation=["bij,bjk->bik", "...ij,...jk->...ik"]
    )
    yield from over("Einsum", [(2, 4)], "x z", equation=["ij,ij->ij", "ij,kj->ik", "i j, k j -> i k"])


def broadcasting() -> Iterator[Form]:
    """Yield sums and products of tensors of different shapes."""
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((4,), (2, 4)),
        ((2, 1), (1, 4)),
        ((4,), (1, 2, 4)),
        ((1, 1, 4), (2, 3, 1)),
        ((2, 3, 4), (3, 1)),
    ]
    for name in ("Add", "Sub", "Mul", "Max", "Min", "Div"):
        for left, right in pairs:
            yield chain(name, (name, "x z", "y", {}), inputs={"x": left, "z": right}, values=(0.5, 2))
        for k in (drawn(2, 1, 4) + 2, drawn(3, 2, 1) + 2):
            yield from over(name, [(1, 4), (4,)], "x k", constants={"k": k})
    products: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((2, 3, 4), (4, 2)),
        ((3, 4), (2, 4, 2)),
        ((1, 2, 3, 4), (2, 4, 2)),
    ]
    for left, right in products:
        yield chain("MatMul", ("MatMul", "x z", "y", {}), inputs={"x": left, "z": right})
