"""Means: the engine takes a sum times 1/n, and 1/n on a grid of 2^-7 is off by 15 percent for 49 elements."""

from __future__ import annotations

from math import prod

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.arithmetic import number
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import FLOAT, Site

_STEP_BITS = 4  #: a factor of 2^-4 lies on every grid that is of use


@rule("ReduceMean GlobalAveragePool", "a mean of n is a sum times 2^k/n, which lies between 1 and 2, then times 2^-k")
def _mean(at: Site) -> str | None:
    shape = at.shape()
    if shape is None or at.kind() != FLOAT:
        return None
    is_pool = at.node.op_type == "GlobalAveragePool"
    axes = list(range(2, len(shape))) if is_pool else list(at.attribute("axes", range(len(shape))))
    count = prod(shape[axis] for axis in axes)
    bits = (count - 1).bit_length()
    keepdims = 1 if is_pool else at.attribute("keepdims", 1)
    if count == 1 << bits and bits <= _STEP_BITS:
        return at.put("ReduceMean", at.input(0), axes=axes, keepdims=1) if is_pool else None
    current = at.put("ReduceSum", at.input(0), np.array(axes, np.int64), keepdims=keepdims)
    if count != 1 << bits:
        current = at.put("Mul", current, np.array(2.0**bits / count, np.float32))
    while bits:
        step = min(bits, _STEP_BITS)
        current = at.put("Mul", current, np.array(2.0**-step, np.float32))
        bits -= step
    return current


@rule("LayerNormalization InstanceNormalization", "means of n are written apart, unless 1/n is exact")
def _normalised(at: Site) -> str | None:
    shape, scale = at.shape(), at.constant(1)
    bias = at.constant(2) if len(at.node.input) > 2 and at.node.input[2] else np.zeros(1, np.float32)
    if shape is None or scale is None or bias is None or any(at.node.output[1:]):
        return None
    is_layer = at.node.op_type == "LayerNormalization"
    first = at.attribute("axis", -1) % len(shape) if is_layer else 2
    axes = list(range(first, len(shape)))
    count = prod(shape[axis] for axis in axes)
    if count & (count - 1) == 0:
        return None
    normal = over_deviation(at, axes)
    if not is_layer:
        scale, bias = (one.reshape(-1, *[1] * len(axes)) for one in (scale, bias))
    return at.put("Add", at.put("Mul", normal, scale), bias)


def over_deviation(at: Site, axes: list[int]) -> str:
    """Write the input, less its mean along the axes, over its deviation."""
    centred = at.put("Sub", at.input(0), at.put("ReduceMean", at.input(0), axes=axes, keepdims=1))
    variance = at.put("ReduceMean", at.put("Mul", centred, centred), axes=axes, keepdims=1)
    deviation = at.put("Sqrt", at.put("Add", variance, number(at.attribute("epsilon", 1e-5))))
    return at.put("Mul", centred, at.put("Reciprocal", deviation))


RULES: tuple[Rule, ...] = (_mean, _normalised)
