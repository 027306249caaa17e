"""Convolutions with dilations, groups and paddings that the engine does not read."""

from __future__ import annotations

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Site


@rule("Conv ConvTranspose", "a dilated kernel is a larger one with zeros between")
def _dilated(at: Site) -> str | None:
    weight, dilations = at.constant(1), at.attribute("dilations")
    if weight is None or dilations is None:
        return None
    if all(d == 1 for d in dilations):
        return at.again(without="dilations")
    large = np.zeros((*weight.shape[:2], *((k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations, strict=True))))
    large[(slice(None), slice(None), *(slice(None, None, d) for d in dilations))] = weight
    inputs: list[str | Array] = [at.input(0), large.astype(weight.dtype), *at.node.input[2:]]
    return at.again("", *inputs, without="dilations", kernel_shape=list(large.shape[2:]))


@rule("Conv ConvTranspose", "strides that are left out are written down as 1")
def _strides(at: Site) -> str | None:
    shape = at.shape(1)
    if at.attribute("strides") is not None or shape is None:
        return None
    return at.again(strides=[1] * (len(shape) - 2))


@rule("ConvTranspose", "groups are convolved one by one")
def _groups(at: Site) -> str | None:
    group, shape, weight = at.attribute("group", 1), at.shape(), at.constant(1)
    bias = at.constant(2) if at.has(2) else None
    if group == 1 or shape is None or weight is None or (at.has(2) and bias is None):
        return None
    size, made = shape[1] // group, []
    for i in range(group):
        part = at.put("Gather", at.input(0), np.arange(i * size, (i + 1) * size), axis=1)
        inputs: list[str | Array] = [part, weight[i * size : (i + 1) * size]]
        if bias is not None:
            inputs.append(np.split(bias, group)[i])
        made.append(at.again("ConvTranspose", *inputs, without="group"))
    return at.put("Concat", *made, axis=1)


@rule("ConvTranspose", "everything is computed without padding, then cropped to what ONNX keeps")
def _cropped(at: Site) -> str | None:
    shape, target, weight = at.shape(), at.output_shape(), at.constant(1)
    told = at.attribute("auto_pad", "NOTSET") != "NOTSET" or any(at.attribute("output_padding", []))
    if shape is None or target is None or weight is None or not (told or at.attribute("output_shape")):
        return None
    rank = len(shape) - 2
    strides = at.attribute("strides", [1] * rank)
    full = [(n - 1) * s + k for n, s, k in zip(shape[2:], strides, weight.shape[2:], strict=True)]
    begins = _begins(at, full, target[2:])
    current = at.put("ConvTranspose", at.input(0), weight, strides=strides, group=at.attribute("group", 1))
    after = [max(0, b + m - f) for f, b, m in zip(full, begins, target[2:], strict=True)]
    before = [max(0, -b) for b in begins]
    if any(before) or any(after):
        current = at.put("Pad", current, np.array([0, 0, *before, 0, 0, *after], np.int64))
    for i, (begin, size) in enumerate(zip(begins, target[2:], strict=True)):
        start = max(0, begin)
        if start or size != full[i] + before[i] + after[i]:
            current = at.put("Slice", current, _ints(start), _ints(start + size), _ints(2 + i))
    return at.put("Add", current, at.put("Reshape", at.input(2), _ints(1, -1, *[1] * rank))) if at.has(2) else current


def _begins(at: Site, full: list[int], target: tuple[int, ...]) -> list[int]:
    """Return where the kept part begins in the full one."""
    auto, rank = at.attribute("auto_pad", "NOTSET"), len(full)
    if auto in ("NOTSET", "VALID") and not at.attribute("output_shape"):
        return list(at.attribute("pads", [0] * rank))[:rank] if auto == "NOTSET" else [0] * rank
    extra = at.attribute("output_padding", [0] * rank)
    totals = [f + e - m for f, e, m in zip(full, extra, target, strict=True)]
    return [total // 2 if auto == "SAME_UPPER" else total - total // 2 for total in totals]


def _ints(*values: int) -> Array:
    return np.array(values, np.int64)


RULES: tuple[Rule, ...] = (_dilated, _strides, _groups, _cropped)
