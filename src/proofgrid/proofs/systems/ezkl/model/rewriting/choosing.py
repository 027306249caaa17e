"""ArgMax, OneHot and TopK in the forms that the engine knows."""

from __future__ import annotations

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Site


@rule("ArgMax ArgMin", "the last of equal elements is the first one from behind")
def _last_index(at: Site) -> str | None:
    shape = at.shape()
    if not at.attribute("select_last_index", 0) or shape is None:
        return None
    axis = at.attribute("axis", 0)
    size = shape[axis]
    turned = at.put("Gather", at.input(0), np.arange(size - 1, -1, -1), axis=axis)
    found = at.put(at.node.op_type, turned, axis=axis, keepdims=at.attribute("keepdims", 1))
    return at.put("Sub", np.array(size - 1, np.int64), found)


@rule("OneHot", "other values than 0 and 1 are a line through 0 and 1")
def _one_hot(at: Site) -> str | None:
    depth, values = at.constant(1), at.constant(2)
    if depth is None or values is None or values.dtype != np.float32:
        return None
    off, on = (float(value) for value in values)
    if (off, on) == (0, 1):
        return None
    hot = at.put("OneHot", at.input(0), at.input(1), np.array([0, 1], np.float32), axis=at.attribute("axis", -1))
    # The hot tensor is of integers to the engine: products and sums with constants give it their scale.
    scaled = at.put("Mul", hot, np.array(on - off, np.float32))
    return at.put("Add", scaled, np.array(off, np.float32)) if off else scaled


RULES: tuple[Rule, ...] = (_last_index, _one_hot)
