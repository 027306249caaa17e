"""Operators that only move elements, and those that the engine does not move rightly: ONNX itself says what goes where.

The reference evaluator moves the *positions* 0, 1, 2 … of the input; a Gather with the result as constant indices moves
the input in the same way, whatever the attributes mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Site, evaluate

POSITIONS_MAX = 1 << 24  #: exact as 32-bit floats
MOVED_MAX = 1 << 22  #: of a result: its indices become a constant of the model, of 8 bytes each


def rearranged(at: Site, places: Array, fill: Array | None = None, source: str = "") -> str:
    """Write the input with the element at `places` put in each place of the result; -1 stands for `fill`."""
    flat = at.put("Reshape", source or at.input(0), np.array([-1], np.int64))
    chosen = places.reshape(-1).astype(np.int64)
    if fill is not None and (chosen < 0).any():
        flat = at.put("Concat", flat, fill.reshape(1), axis=0)
        chosen = np.where(chosen < 0, int(np.prod(at.shape() or (), dtype=np.int64)), chosen)
    moved = at.put("Gather", flat, chosen, axis=0)
    return at.put("Reshape", moved, np.array(places.shape, np.int64))


def positions(at: Site) -> Array | None:
    """Return the positions of the input's elements in its shape; None when that is not known."""
    shape = at.shape()
    count = 0 if shape is None else int(np.prod(shape, dtype=np.int64))
    if shape is None or not 0 < count < POSITIONS_MAX:
        return None
    return np.arange(count, dtype=np.float32).reshape(shape)


def check_result(at: Site, sizes: Iterable[int]) -> None:
    """Raise UnsupportedOperator for a result of too many elements: a few bytes of pads ask for any number."""
    if prod(sizes) > MOVED_MAX:
        raise at.refused(f"its result has more than {MOVED_MAX} elements", "make the tensor smaller")


def product_along(at: Site, current: str, matrix: Array, axis: int, rank: int) -> str:
    """Write each row along the axis times the matrix."""
    order = [i for i in range(rank) if i != axis] + [axis]
    if axis == rank - 1:
        return at.put("MatMul", current, matrix)
    made = at.put("MatMul", at.put("Transpose", current, perm=order), matrix)
    return at.put("Transpose", made, perm=[order.index(i) for i in range(rank)])


@rule("GatherElements", "elements at constant places are chosen")
def _elements(at: Site) -> str | None:
    numbers, index = positions(at), at.constant(1)
    if numbers is None or index is None:
        return None
    axis = at.attribute("axis", 0)
    places = list(np.indices(index.shape))
    places[axis] = np.where(index < 0, index + numbers.shape[axis], index)
    return rearranged(at, numbers[tuple(places)])


@rule("Tile ReverseSequence Compress GatherND", "elements are moved as ONNX moves them")
def _moved(at: Site) -> str | None:
    numbers = positions(at)
    if numbers is None or any(at.has(i) and at.constant(i) is None for i in range(1, len(at.node.input))):
        return None
    if at.node.op_type == "Tile":
        repeats = at.constant(1)
        counts = () if repeats is None else repeats.reshape(-1)
        check_result(at, (size * max(0, int(count)) for size, count in zip(numbers.shape, counts, strict=False)))
    return rearranged(at, at.evaluate({0: numbers}))


@rule("Pad", "pads with anything but zeros, and negative pads, are chosen elements")
def _padded(at: Site) -> str | None:
    numbers, pads, mode = positions(at), at.constant(1), at.attribute("mode", "constant")
    value = at.constant(2) if at.has(2) else np.zeros(1, np.float32)
    if numbers is None or pads is None or value is None:
        return None
    value = value.reshape(-1)[:1] if value.size else np.zeros(1, np.float32)
    if mode == "constant" and not value.any() and (pads >= 0).all():
        return None
    if (pads < 0).any() and mode != "constant":
        raise at.refused(f"negative pads with mode={mode}", "cut with Slice, then pad")
    before, after = pads.reshape(2, -1)
    ends = [size + min(0, int(end)) for size, end in zip(numbers.shape, after, strict=True)]
    kept = numbers[tuple(slice(max(0, -int(begin)), end) for begin, end in zip(before, ends, strict=True))]
    sizes = zip(kept.shape, before, after, strict=True)
    check_result(at, (size + max(0, int(begin)) + max(0, int(end)) for size, begin, end in sizes))
    given = {"x": kept, "pads": np.maximum(pads, 0), "fill": np.array(-1, np.float32)}
    node = onnx.helper.make_node("Pad", list(given), ["p"], mode=mode)
    return rearranged(at, evaluate(node, given, 18), value.astype(np.float32))


@rule("Gather", "negative indices count from the start")
def _gathered(at: Site) -> str | None:
    shape, indices = at.shape(), at.constant(1)
    if shape is None or indices is None or not (indices < 0).any():
        return None
    axis = at.attribute("axis", 0)
    return at.put("Gather", at.input(0), np.where(indices < 0, indices + shape[axis], indices), axis=axis)


@rule("Expand", "a tensor gets its leading ones before it is repeated")
def _expanded(at: Site) -> str | None:
    shape, target = at.shape(), at.output_shape()
    if shape is None or target is None or len(shape) >= len(target):
        return None
    raised = at.put("Reshape", at.input(0), np.array([1] * (len(target) - len(shape)) + list(shape), np.int64))
    return at.put("Expand", raised, np.array(target, np.int64))


@rule("ScatterElements ScatterND", "what is put in constant places is chosen from both tensors")
def _scattered(at: Site) -> str | None:
    numbers, shape = positions(at), at.shape(2)
    if numbers is None or shape is None or at.constant(1) is None or at.attribute("reduction", "none") != "none":
        return None
    news = numbers.size + np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.float32).reshape(shape)
    places = at.evaluate({0: numbers, 2: news})
    flat = np.array([-1], np.int64)
    both = at.put("Concat", at.put("Reshape", at.input(0), flat), at.put("Reshape", at.input(2), flat), axis=0)
    moved = at.put("Gather", both, places.reshape(-1).astype(np.int64), axis=0)
    return at.put("Reshape", moved, np.array(places.shape, np.int64))


@rule("Trilu", "a triangle is a product with ones and zeros")
def _triangle(at: Site) -> str | None:
    shape = at.shape()
    if shape is None or at.kind() != onnx.TensorProto.FLOAT or (at.has(1) and at.constant(1) is None):
        return None
    return at.put("Mul", at.input(0), at.evaluate({0: np.ones(shape[-2:], np.float32)}))


RULES: tuple[Rule, ...] = (_elements, _moved, _padded, _gathered, _expanded, _scattered, _triangle)
