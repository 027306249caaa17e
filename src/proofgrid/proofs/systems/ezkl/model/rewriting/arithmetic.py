"""Sums, powers, comparisons and casts that the engine reads in another way than ONNX."""

from __future__ import annotations

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of
from proofgrid.proofs.systems.ezkl.model.rewriting.moving import rearranged
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import FLOAT, Array, Site

_FLOATS = (FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
_BOOL = onnx.TensorProto.BOOL
_EXPONENT_MAX = 8
_FOLDS = {"Max": np.maximum, "Min": np.minimum, "Sum": np.add, "Mean": np.add}


def number(value: float) -> Array:
    """Return a constant scalar."""
    return np.array(value, np.float32)


@rule("Max Min Sum Mean", "many inputs are taken two by two, constants first")
def _pairwise(at: Site) -> str | None:
    name, inputs = at.node.op_type, list(at.node.input)
    if name in ("Max", "Min") and len(inputs) == 2:
        return None
    constants = [value for value in (at.constant(i) for i in range(len(inputs))) if value is not None]
    found: str | Array = ""
    for value in constants:
        found = value if isinstance(found, str) else _FOLDS[name](found, value)
    for each in inputs:
        if each not in at.facts.constants:
            found = each if isinstance(found, str) and not found else at.put(_step(name), each, found)
    if name == "Mean" and len(inputs) > 1:
        return at.put("Div", found, number(len(inputs)))
    return found if isinstance(found, str) else at.put("Identity", found)


def _step(name: str) -> str:
    return name if name in ("Max", "Min") else "Add"


@rule("Max", "the larger of a tensor and a constant is the constant and what exceeds it")
def _max_with_constant(at: Site) -> str | None:
    for constant, other in ((0, 1), (1, 0)):
        value = at.constant(constant)
        if len(at.node.input) == 2 and value is not None and at.constant(other) is None:
            if not value.any() and value.size == 1:
                return None
            return at.put("Add", at.put("Relu", at.put("Sub", at.input(other), value)), value)
    return None


@rule("Pow", "exponents 1, 0, -1 and below are products and reciprocals; a tensor of exponents is taken apart")
def _power(at: Site) -> str | None:
    exponents, shape = at.constant(1), at.shape()
    if exponents is None or shape is None or at.constant(0) is not None:
        return None
    different = np.unique(exponents.astype(np.float64))
    if len(different) > 1:
        return _apart(at, exponents, shape)
    exponent = float(different[0])
    if exponent == 0:
        return at.put("Identity", np.ones(at.output_shape() or shape, np.float32))
    if np.broadcast_shapes(shape, exponents.shape) != shape:
        return None
    if exponent == 1:
        return at.input(0)
    if exponent == -1:
        return at.put("Reciprocal", at.input(0))
    if exponent < 0 and exponent.is_integer():
        return at.put("Reciprocal", at.put("Pow", at.input(0), number(-exponent)))
    plain = exponents.shape == () and exponents.dtype == np.float32
    return None if plain else at.put("Pow", at.input(0), number(exponent))


def _apart(at: Site, exponents: Array, shape: tuple[int, ...]) -> str | None:
    """Raise the elements of each exponent on their own, then put them back in their places."""
    different = np.unique(exponents)
    if len(different) > _EXPONENT_MAX:
        raise at.refused(f"has {len(different)} different exponents", f"use at most {_EXPONENT_MAX} in one node")
    whole = np.broadcast_shapes(shape, exponents.shape)
    every = np.broadcast_to(exponents, whole).reshape(-1)
    base = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), whole).reshape(-1)
    order = np.concatenate([np.flatnonzero(every == exponent) for exponent in different])
    parts = [at.put("Pow", rearranged(at, base[every == exponent]), number(float(exponent))) for exponent in different]
    return rearranged(at, np.argsort(order).reshape(whole), source=at.put("Concat", *parts, axis=0))


@rule("Celu", "alpha * Elu(x / alpha)")
def _celu(at: Site) -> str | None:
    alpha = float(at.attribute("alpha", 1.0))
    if alpha == 1:
        return at.put("Elu", at.input(0), alpha=1.0)
    return at.put("Mul", at.put("Elu", at.put("Div", at.input(0), number(alpha)), alpha=1.0), number(alpha))


@rule("Mod", "the rest is what is left of the truncated quotient")
def _modulo(at: Site) -> str | None:
    divisor = at.constant(1)
    if divisor is None or divisor.size != 1 or not divisor.any() or at.kind() != FLOAT:
        return None
    quotient = at.put("Div", at.input(0), divisor.reshape(()))
    return at.put("Sub", at.input(0), at.put("Mul", _truncated(at, quotient), divisor.reshape(())))


def _truncated(at: Site, name: str) -> str:
    below = at.put("Less", name, number(0))
    return at.put("Where", below, at.put("Ceil", name), at.put("Floor", name))


@rule("Equal", "equal is neither greater nor less")
def _equal(at: Site) -> str | None:
    if at.kind() == _BOOL or at.kind(1) == _BOOL:
        return at.put("Not", at.put("Xor", at.input(0), at.input(1)))
    either = at.put("Or", at.put("Greater", *at.node.input), at.put("Less", *at.node.input))
    return at.put("Not", either)


@rule("Cast", "a float becomes a truth by comparing it with 0, and an integer by dropping its fraction towards 0")
def _cast(at: Site) -> str | None:
    to, kind = at.attribute("to"), at.kind()
    if kind == to:
        return at.input(0)
    if kind not in _FLOATS:
        return None
    if to == _BOOL:
        return at.put("Or", at.put("Greater", at.input(0), number(0)), at.put("Less", at.input(0), number(0)))
    users = at.facts.uses.get(at.node.output[0], [])
    only_floats = all(user.op_type == "Cast" and attribute_of(user, "to", 0) in _FLOATS for user in users)
    if to in _FLOATS or not users or not only_floats or at.node.output[0] in at.facts.results:
        return None
    return _truncated(at, at.input(0))


@rule("Cast", "truths and integers get the scale of floats, so that what follows is as precise")
def _cast_with_scale(at: Site) -> str | None:
    kind = at.kind()
    if at.attribute("to") not in _FLOATS or kind in _FLOATS or kind == 0:
        return None
    if kind == _BOOL:
        return at.put("Where", at.input(0), number(1), number(0))
    # The engine keeps integers at scale 0 and lookups answer at the scale of what they are asked.
    return at.put("Mul", at.put("Mul", at.again(), number(2)), number(0.5))


RULES: tuple[Rule, ...] = (_pairwise, _max_with_constant, _power, _celu, _modulo, _equal, _cast)
LAST: tuple[Rule, ...] = (_cast_with_scale,)
