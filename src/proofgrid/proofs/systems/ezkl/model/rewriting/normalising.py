"""Normalisations that the engine lacks or reads rightly in one batch only."""

from __future__ import annotations

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.arithmetic import number
from proofgrid.proofs.systems.ezkl.model.rewriting.averaging import over_deviation
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Site


@rule("LogSoftmax", "x - max - log(sum(exp(x - max))): a logarithm of small shares would lose them")
def _log_softmax(at: Site) -> str | None:
    axis = at.attribute("axis", -1)
    least = at.put("Sub", at.input(0), at.put("ReduceMax", at.input(0), axes=[axis], keepdims=1))
    total = at.put("ReduceSum", at.put("Exp", least), np.array([axis], np.int64), keepdims=1)
    return at.put("Sub", least, at.put("Log", total))


@rule("InstanceNormalization", "several instances are each centred and divided by their deviation")
def _instances(at: Site) -> str | None:
    shape, scale, bias = at.shape(), at.constant(1), at.constant(2)
    if shape is None or scale is None or bias is None or shape[0] == 1:
        return None
    axes = list(range(2, len(shape)))
    normal = over_deviation(at, axes)
    per_channel = (1, -1, *[1] * len(axes))
    scaled = at.put("Mul", normal, scale.reshape(per_channel))
    return at.put("Add", scaled, bias.reshape(per_channel))


@rule("LRN", "squares of the neighbouring channels are summed by a convolution")
def _local_response(at: Site) -> str | None:
    shape = at.shape()
    if shape is None or len(shape) != 4:
        return None
    channels, size = shape[1], at.attribute("size")
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    band = [[float(-before <= i - c <= after) for i in range(channels)] for c in range(channels)]
    squares = at.put("Mul", at.input(0), at.input(0))
    sums = at.put("Conv", squares, np.array(band, np.float32)[:, :, None, None], strides=[1, 1], kernel_shape=[1, 1])
    share = at.put("Div", sums, number(size / at.attribute("alpha", 1e-4)))
    base = at.put("Add", share, number(at.attribute("bias", 1.0)))
    return at.put("Mul", at.input(0), at.put("Pow", base, number(-at.attribute("beta", 0.75))))


@rule("LpNormalization", "a row is multiplied by the reciprocal of its norm")
def _unit_norm(at: Site) -> str | None:
    name = {1: "ReduceL1", 2: "ReduceL2"}[at.attribute("p", 2)]
    norm = at.put(name, at.input(0), axes=[at.attribute("axis", -1)], keepdims=1)
    return at.put("Mul", at.input(0), at.put("Reciprocal", norm))


RULES: tuple[Rule, ...] = (_log_softmax, _instances, _local_response, _unit_norm)
