"""Sums and products along axes, and contractions, that the engine reads in another way than ONNX."""

from __future__ import annotations

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.moving import product_along
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import FLOAT, Site

_FACTORS_MAX = 256


@rule("CumSum", "running sums that exclude or go backwards are products with a triangle")
def _cumulated(at: Site) -> str | None:
    shape, axis = at.shape(), at.constant(1)
    if shape is None or axis is None or at.kind() != FLOAT:
        return None
    exclusive, reverse = at.attribute("exclusive", 0), at.attribute("reverse", 0)
    if not exclusive and not reverse:
        return None if axis.ndim == 0 else at.put("CumSum", at.input(0), axis.reshape(()))
    rank = len(shape)
    along = int(axis.reshape(-1)[0]) % rank
    triangle = np.triu(np.ones((shape[along], shape[along]), np.float32), k=1 if exclusive else 0)
    triangle = triangle[::-1, ::-1].copy() if reverse else triangle
    if rank == 1:
        row = at.put("Reshape", at.input(0), np.array([1, -1], np.int64))
        return at.put("Reshape", at.put("MatMul", row, triangle), np.array([-1], np.int64))
    return product_along(at, at.input(0), triangle, along, rank)


@rule("ReduceProd", "a product is taken factor by factor, so that its scale stays small")
def _product(at: Site) -> str | None:
    shape, axes, target = at.shape(), at.attribute("axes"), at.output_shape()
    if shape is None or target is None or axes is None:
        return None
    count = int(np.prod([shape[axis] for axis in axes]))
    if count > _FACTORS_MAX:
        raise at.refused(f"multiplies {count} elements", f"multiply at most {_FACTORS_MAX}")
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    turned = at.put("Transpose", at.input(0), perm=[*axes, *rest])
    rows = at.put("Reshape", turned, np.array([count, -1], np.int64))
    current = at.put("Gather", rows, np.array([0], np.int64), axis=0)
    for i in range(1, count):
        current = at.put("Mul", current, at.put("Gather", rows, np.array([i], np.int64), axis=0))
    return at.put("Reshape", current, np.array(target, np.int64))


@rule("Einsum", "a contraction of one tensor is a sum and a turn")
def _contracted(at: Site) -> str | None:
    equation = str(at.attribute("equation")).replace(" ", "")
    left, arrow, right = equation.partition("->")
    if "..." in left or "," in left or len(set(left)) < len(left):
        return None
    right = right if arrow else "".join(sorted(left))
    summed = [axis for axis, letter in enumerate(left) if letter not in right]
    current = at.input(0)
    if summed:
        current = at.put("ReduceSum", current, np.array(summed, np.int64), keepdims=0)
    kept = [letter for letter in left if letter in right]
    return current if list(right) == kept else at.put("Transpose", current, perm=[kept.index(x) for x in right])


@rule("GlobalMaxPool GlobalLpPool", "a window of everything is a reduction")
def _global(at: Site) -> str | None:
    shape = at.shape()
    if shape is None:
        return None
    axes = list(range(2, len(shape)))
    if at.node.op_type == "GlobalMaxPool":
        return at.put("ReduceMax", at.input(0), axes=axes, keepdims=1)
    name = {1: "ReduceL1", 2: "ReduceL2"}.get(at.attribute("p", 2))
    if name is None:
        raise at.refused(f"p={at.attribute('p')}", "use p=1 or p=2")
    return at.put(name, at.input(0), axes=axes, keepdims=1)


RULES: tuple[Rule, ...] = (_cumulated, _product, _contracted, _global)
