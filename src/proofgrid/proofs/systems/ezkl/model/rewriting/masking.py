"""Attention masks: a constant of -inf (or as good as that) before a Softmax takes elements out of it.

Exact for -inf: a masked element has no share, and the others divide as if it was not there. For a finite mask it is the
same as long as the masked element is so far below that its share is 0 in 32-bit floats, which MASKED makes sure of for
every value that a circuit can hold.
"""

from __future__ import annotations

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Site

MASKED = -1e4  #: a constant at or below this takes an element out of a Softmax


@rule("Softmax", "a constant mask before it leaves elements out")
def _masked_softmax(at: Site) -> str | None:
    maker, shape = at.facts.makers.get(at.input(0)), at.shape()
    if maker is None or shape is None:
        return None
    found = _mask_of(Site(maker, at.facts), shape)
    if found is None:
        return None
    scores, hidden, bias = found
    axis = at.attribute("axis", -1)
    if hidden.all(axis=axis).any():
        raise at.refused("a row of its mask leaves nothing", "let every row see at least one element")
    current = scores if not bias.any() else at.put("Add", scores, bias)
    least = at.put("ReduceMin", current, axes=[axis], keepdims=1)
    seen = at.put("Where", ~hidden, current, least)
    exponent = at.put("Exp", at.put("Sub", seen, at.put("ReduceMax", seen, axes=[axis], keepdims=1)))
    shares = at.put("Mul", exponent, (~hidden).astype(np.float32))
    total = at.put("ReduceSum", shares, np.array([axis], np.int64), keepdims=1)
    return at.put("Mul", shares, at.put("Reciprocal", total))


def _mask_of(at: Site, shape: tuple[int, ...]) -> tuple[str, Array, Array] | None:
    """Return the scores, which of them are hidden, and what is added to the others."""
    for constant, other in ((0, 1), (1, 0)):
        value = at.constant(constant)
        if at.node.op_type == "Add" and value is not None and (value <= MASKED).any() and at.shape(other) == shape:
            hidden = np.broadcast_to(value <= MASKED, shape)
            return at.input(other), hidden, np.where(value <= MASKED, 0, value).astype(np.float32)
    if at.node.op_type != "Where" or at.constant(0) is None:
        return None
    for constant, other, when in ((2, 1, False), (1, 2, True)):
        value, condition = at.constant(constant), at.constant(0)
        if value is not None and condition is not None and (value <= MASKED).all() and at.shape(other) == shape:
            return at.input(other), np.broadcast_to(condition == when, shape), np.zeros((), np.float32)
    return None


RULES: tuple[Rule, ...] = (_masked_softmax,)
