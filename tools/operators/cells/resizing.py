"""Resize in all its modes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.operators.cells.kinds import f32, i64
from tools.operators.forms import Form, over


def resizing() -> Iterator[Form]:
    """Yield the forms of Resize."""
    for mode in ("nearest", "linear", "cubic"):
        for way in (None, "asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
            for near in (
                (None, "floor", "ceil", "round_prefer_floor", "round_prefer_ceil") if mode == "nearest" else (None,)
            ):
                given: dict[str, Any] = {
                    "mode": [mode],
                    "coordinate_transformation_mode": [way],
                    "nearest_mode": [near],
                }
                yield from over("Resize", [(1, 1, 3, 2)], "x  s", constants={"s": f32(1, 1, 2, 2)}, **given)
                yield from over("Resize", [(1, 1, 3, 2)], "x   t", constants={"t": i64(1, 1, 6, 4)}, **given)
    yield from over("Resize", [(1, 1, 2, 2)], "x s", constants={"s": f32(1, 1, 2, 2)}, mode=[None, "nearest", "linear"])
    yield from over(
        "Resize",
        [(1, 1, 4, 4)],
        "x  s",
        constants={"s": f32(1, 1, 0.5, 0.5)},
        mode=["nearest", "linear"],
        antialias=[None, 0, 1],
    )
    yield from over("Resize", [(1, 1, 3, 2)], "x  s", constants={"s": f32(2, 2)}, mode=["nearest"], axes=[[2, 3]])
    yield from over("Resize", [(1, 1, 3, 2)], "x r s", constants={"s": f32(1, 1, 2, 2), "r": f32()}, mode=["nearest"])
    yield from over(
        "Resize",
        [(1, 1, 3, 2)],
        "x r  t",
        constants={"t": i64(1, 1, 5, 3), "r": f32()},
        mode=["nearest", "linear"],
        coordinate_transformation_mode=["asymmetric"],
    )
    yield from over(
        "Resize",
        [(1, 1, 3, 2)],
        "x   t",
        constants={"t": i64(6, 6)},
        mode=["nearest"],
        axes=[[2, 3]],
        keep_aspect_ratio_policy=["stretch", "not_larger", "not_smaller"],
    )
