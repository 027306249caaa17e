"""Pools and convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.operators.cells.kinds import drawn, f32
from tools.operators.forms import Form, over


def windows() -> Iterator[Form]:
    """Yield the forms of pools and convolutions."""
    square = [(1, 1, 5, 5)]
    for kernel in ([2, 2], [3, 3]):
        for strides in (None, [1, 1], [2, 2], [1, 2]):
            for pads in (None, [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 0]):
                given: dict[str, Any] = {"kernel_shape": [kernel], "strides": [strides], "pads": [pads]}
                yield from over("MaxPool", square, **given)
                yield from over("AveragePool", square, count_include_pad=[None, 0, 1], **given)
            for auto in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
                yield from over(
                    "MaxPool AveragePool", square, kernel_shape=[kernel], strides=[strides], auto_pad=[auto]
                )
        for ceil in (0, 1):
            yield from over("MaxPool AveragePool", square, kernel_shape=[kernel], strides=[[2, 2]], ceil_mode=[ceil])
            yield from over(
                "AveragePool",
                square,
                kernel_shape=[kernel],
                strides=[[2, 2]],
                ceil_mode=[ceil],
                pads=[[1, 1, 1, 1]],
                count_include_pad=[0, 1],
            )
            yield from over(
                "MaxPool", square, kernel_shape=[kernel], strides=[[2, 2]], ceil_mode=[ceil], pads=[[1, 1, 1, 1]]
            )
        yield from over(
            "MaxPool AveragePool",
            [(1, 1, 6, 6)],
            kernel_shape=[kernel],
            dilations=[[1, 1], [2, 2], [1, 2]],
            strides=[None, [2, 2]],
        )
        yield from over(
            "LpPool", square, kernel_shape=[kernel], p=[None, 1, 2], strides=[None, [2, 2]], pads=[None, [1, 1, 1, 1]]
        )
    yield from over("MaxPool", square, kernel_shape=[[2, 2]], storage_order=[0, 1])
    yield from over("MaxPool", square, outputs="y i", kernel_shape=[[2, 2]])
    yield from over("MaxPool AveragePool", [(1, 2, 6)], kernel_shape=[[2]], strides=[None, [2]], pads=[None, [1, 1]])
    yield from over("MaxPool AveragePool", [(1, 1, 3, 3, 3)], kernel_shape=[[2, 2, 2]])
    yield from over("MaxPool AveragePool", [(2, 2, 3, 3)], kernel_shape=[[2, 2]])
    yield from over("GlobalAveragePool GlobalMaxPool GlobalLpPool", [(1, 2, 3, 3), (1, 2, 4), (2, 2, 2, 2)])
    yield from convolutions()


def convolutions() -> Iterator[Form]:
    """Yield the forms of convolutions."""
    square = [(1, 1, 5, 5)]
    for name in ("Conv", "ConvTranspose"):
        for strides in (None, [1, 1], [2, 2], [2, 1]):
            for pads in (None, [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]):
                yield from over(name, square, "x w", constants={"w": drawn(1, 1, 3, 3)}, strides=[strides], pads=[pads])
            for auto in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
                yield from over(
                    name,
                    square,
                    "x w",
                    constants={"w": drawn(1, 1, 3, 3)},
                    strides=[strides],
                    auto_pad=[auto],
                    kernel_shape=[None, [3, 3]],
                )
                yield from over(
                    name, square, "x w", constants={"w": drawn(1, 1, 2, 2)}, strides=[strides], auto_pad=[auto]
                )
        yield from over(
            name,
            square,
            "x w",
            constants={"w": drawn(1, 1, 2, 2)},
            dilations=[[1, 1], [2, 2], [1, 2]],
            strides=[None, [2, 2]],
            pads=[None, [1, 1, 1, 1]],
        )
        yield from over(name, [(1, 2, 4, 4)], "x w b", constants={"w": drawn(2, 2, 2, 2), "b": f32(0.5, -0.25)})
        yield from over(
            name, [(1, 2, 4, 4)], "x w b", constants={"w": drawn(2, 1, 2, 2), "b": f32(0.5, -0.25)}, group=[2]
        )
        yield from over(name, [(1, 4, 4, 4)], "x w", constants={"w": drawn(4, 2, 2, 2)}, group=[2])
        yield from over(name, [(1, 4, 4, 4)], "x w", constants={"w": drawn(4, 1, 2, 2)}, group=[4])
        yield from over(name, [(2, 2, 3, 3)], "x w", constants={"w": drawn(2, 2, 2, 2)})
        yield from over(
            name, [(1, 2, 6)], "x w", constants={"w": drawn(2, 2, 3)}, strides=[None, [2]], pads=[None, [1, 1], [0, 2]]
        )
        yield from over(
            name, [(1, 2, 6)], "x w b", constants={"w": drawn(2, 2, 3), "b": f32(0.5, -0.25)}, dilations=[None, [2]]
        )
        yield from over(name, [(1, 1, 3, 3, 3)], "x w", constants={"w": drawn(1, 1, 2, 2, 2)})
    yield from transposed()


def transposed() -> Iterator[Form]:
    """Yield the forms of transposed convolutions."""
    square = [(1, 1, 5, 5)]
    for shape in ([6, 6], [11, 11], [10, 9]):
        yield from over(
            "ConvTranspose",
            square,
            "x w",
            constants={"w": drawn(1, 1, 3, 3)},
            strides=[[2, 2]],
            output_shape=[shape],
            auto_pad=[None, "SAME_UPPER", "SAME_LOWER"],
        )
    yield from over(
        "ConvTranspose",
        square,
        "x w",
        constants={"w": drawn(1, 1, 3, 3)},
        strides=[[2, 2]],
        output_padding=[[0, 0], [1, 1], [1, 0]],
        pads=[None, [1, 1, 1, 1]],
    )
