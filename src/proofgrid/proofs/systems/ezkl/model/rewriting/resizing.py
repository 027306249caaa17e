"""Resize and Upsample, axis by axis: nearest chooses elements; linear and cubic are products with constant matrices.

What is chosen, and the matrix, is what ONNX itself makes of one axis alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.rewriting.moving import product_along
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Site, evaluate

_OLD = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}  #: all that there was below opset 11
_OPSET = 19  #: in which the forms of below opset 11 are asked
_KEPT = ("mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside", "antialias")


@rule("Resize Upsample", "nearest chooses elements; linear and cubic are products with constant matrices")
def _resized(at: Site) -> str | None:
    shape = at.shape()
    if shape is None:
        return None
    old = at.facts.opset < 11
    mode = str(at.attribute("mode", "nearest")).replace("bilinear", "linear")
    attributes = {name: at.attribute(name) for name in _KEPT if at.attribute(name) is not None}
    attributes = {**(_OLD if old else attributes), "mode": mode}
    current = at.input(0)
    for axis, (name, factor) in sorted(_factors(at, len(shape)).items()):
        size = shape[axis]
        if (factor == 1) if name == "scales" else (factor == size):
            continue
        along = _Axis(attributes, name, factor, _OPSET if old else at.facts.opset)
        if mode == "nearest":
            current = at.put("Gather", current, along.of(np.arange(size)).astype(np.int64), axis=axis)
        else:
            matrix = np.stack([along.of(unit) for unit in np.eye(size)])
            current = product_along(at, current, matrix, axis, len(shape))
    return current


def _factors(at: Site, rank: int) -> dict[int, tuple[str, Any]]:
    """Return for each axis what the node says: its scale, or its size."""
    if at.attribute("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise at.refused("coordinate_transformation_mode=tf_crop_and_resize", "crop with Slice, then Resize")
    if at.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise at.refused("keep_aspect_ratio_policy is not 'stretch'", "give scales, or the sizes that are meant")
    axes = [axis % rank for axis in at.attribute("axes", list(range(rank)))]
    for name, index in (("scales", 1 if at.facts.opset < 11 else 2), ("sizes", 3)):
        found = np.array(at.attribute("scales")) if at.attribute("scales") is not None else at.constant(index)
        if at.has(index) and found is None:
            raise at.refused(f"its {name} are computed", "make them a constant of the model")
        if found is not None and found.size:
            return {axis: (name, value) for axis, value in zip(axes, found.reshape(-1).tolist(), strict=True)}
    return {}


class _Axis:
    """ONNX's Resize of one axis alone."""

    def __init__(self, attributes: dict[str, Any], name: str, factor: float, opset: int) -> None:
        inputs = ["x", "", "f"] if name == "scales" else ["x", "", "", "f"]
        self._node = onnx.helper.make_node("Resize", inputs, ["y"], **attributes)
        self._factor = np.array([factor], np.float32 if name == "scales" else np.int64)
        self._opset = opset

    def of(self, values: Array) -> Array:
        return evaluate(self._node, {"x": values.astype(np.float32), "f": self._factor}, self._opset)


RULES: tuple[Rule, ...] = (_resized,)
