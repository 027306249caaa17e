"""Comparisons, truths, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tools.operators.cells.kinds import F, drawn, f32, scalar
from tools.operators.forms import Form, chain


def comparing() -> Iterator[Form]:
    """Yield the forms of comparisons and truths."""
    to = ("Cast", "c", "y", {"to": F})
    two = {"x": (1, 4), "z": (1, 4)}
    for name in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        for k in (scalar(0.5), scalar(1.0), scalar(-1), f32(0.5, -0.5, 1, 0)):
            yield chain(name, ("Round", "x", "r", {}), (name, "r k", "c", {}), to, k=k)
            yield chain(name, (name, "x k", "c", {}), to, k=k)
            yield chain(name, (name, "k x", "c", {}), to, k=k)
        yield chain(name, (name, "x z", "c", {}), to, inputs=two)
        yield chain(name, ("Round", "x", "r", {}), ("Round", "z", "s", {}), (name, "r s", "c", {}), to, inputs=two)
        yield chain(
            name,
            (name, "x k", "c", {}),
            ("Cast", "c", "f", {"to": F}),
            ("Mul", "f m", "y", {}),
            k=scalar(0),
            m=scalar(2.5),
        )
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Mul", "f x", "y", {}), k=scalar(0))
        yield chain(
            name,
            (name, "x k", "c", {}),
            ("Cast", "c", "f", {"to": F}),
            ("Add", "f m", "y", {}),
            k=scalar(0),
            m=scalar(2.5),
        )
        yield chain(
            name,
            (name, "x k", "c", {}),
            ("Cast", "c", "f", {"to": F}),
            ("MatMul", "f m", "y", {}),
            k=scalar(0),
            m=drawn(4, 2),
        )
        yield chain(
            name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("ReduceMean", "f", "y", {}), k=scalar(0)
        )
        yield chain(name, (name, "x k", "c", {}), ("Cast", "c", "f", {"to": F}), ("Sigmoid", "f", "y", {}), k=scalar(0))
        yield chain(
            name,
            (name, "x k", "c", {}),
            ("Cast", "c", "f", {"to": F}),
            ("Div", "f m", "y", {}),
            k=scalar(0),
            m=scalar(3),
        )
        yield chain(name, (name, "x k", "c", {}), ("Where", "c x m", "y", {}), k=scalar(0), m=scalar(2.5))
        yield chain(name, (name, "x k", "c", {}), ("Where", "c m l", "y", {}), k=scalar(0), m=scalar(2.5), l=scalar(-1))
        yield chain(name, (name, "x k", "c", {}), ("Where", "c x z", "y", {}), k=scalar(0), inputs=two)
        yield chain(name, (name, "x k", "c", {}), ("Not", "c", "d", {}), ("Cast", "d", "y", {"to": F}), k=scalar(0))
    yield from more_comparing()


def more_comparing() -> Iterator[Form]:
    """Yield the forms of comparisons of several shapes, truths and choices."""
    to = ("Cast", "c", "y", {"to": F})
    two = {"x": (1, 4), "z": (1, 4)}
    for name in ("And", "Or", "Xor"):
        yield chain(
            name,
            ("Greater", "x k", "a", {}),
            ("Less", "x l", "b", {}),
            (name, "a b", "c", {}),
            to,
            k=scalar(0),
            l=scalar(1),
        )
        yield chain(
            name,
            ("Greater", "x k", "a", {}),
            (name, "a b", "c", {}),
            to,
            k=scalar(0),
            b=np.array([True, False, True, False]),
        )
    for name in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        yield chain(name, (name, "x z", "c", {}), to, inputs=two, step=0.5)
        yield chain(name, (name, "x z", "c", {}), to, inputs={"x": (2, 4), "z": (4,)}, step=0.5)
        yield chain(name, (name, "x z", "c", {}), to, inputs={"x": (2, 1), "z": (1, 4)}, step=0.5)
    yield chain("Where", ("Where", "c x z", "y", {}), inputs=two, c=np.array([[True, False, True, False]]))
    yield chain("Where", ("Where", "c x m", "y", {}), c=np.array([[True, False, True, False]]), m=scalar(0.5))
    yield chain("Where", ("Where", "c m x", "y", {}), c=np.array([[True, False, True, False]]), m=scalar(-1e9))
    yield chain("Where", ("Where", "c m x", "y", {}), c=np.array([[True], [False]]), m=scalar(0.5))
    yield chain("Where", ("Where", "c m x", "y", {}), c=np.array([[True, False, True, False]]), m=f32(1, 2, 0.3, 4))
    yield chain("IsNaN", ("IsNaN", "x", "c", {}), to)
    yield chain("IsInf", ("IsInf", "x", "c", {}), to)
