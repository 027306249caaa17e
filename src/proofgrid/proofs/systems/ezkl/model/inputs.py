"""A request's input: JSON numbers, flat or nested as the tensor is, checked one by one and quantised."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.systems.ezkl.felts import quantise


@dataclass(frozen=True, slots=True)
class QuantisedInput:
    """One input as given and as the circuit sees it."""

    values: list[str]  #: decimal numbers, exactly as given
    integers: list[int]


def quantised_input(value: Json, shape: tuple[int, ...], scale: int, *, field: str) -> QuantisedInput:
    """Check and quantise one input tensor; raise InvalidInput naming the element that breaks a rule."""
    numbers = _flattened(value, shape, field)
    texts, integers = [], []
    for where, number in numbers:
        text = _decimal_text(number, where)
        try:
            integers.append(quantise(text, scale))
        except ValueError as reason:
            raise InvalidInput(str(reason), field=where) from None
        texts.append(text)
    return QuantisedInput(texts, integers)


def _flattened(value: Json, shape: tuple[int, ...], field: str) -> list[tuple[str, Any]]:
    """Return the numbers with their places. Flat, nested, and nested without a leading 1 are the same tensor."""
    elements = math.prod(shape)
    if not isinstance(value, list):
        raise InvalidInput("an input is a list of numbers", field=field)
    if not any(isinstance(item, list) for item in value):
        if len(value) != elements:
            raise InvalidInput(_expected(shape, f"{len(value)} numbers were given"), field=field)
        return [(f"{field}[{i}]", item) for i, item in enumerate(value)]
    nested = shape[1:] if shape[0] == 1 and len(value) == math.prod(shape[1:2]) != 1 else shape
    return _walk(value, nested, shape, field)


def _walk(value: Json, rest: tuple[int, ...], shape: tuple[int, ...], field: str) -> list[tuple[str, Any]]:
    if not rest:
        return [(field, value)]
    if not isinstance(value, list) or len(value) != rest[0]:
        raise InvalidInput(_expected(shape, f"a list of {rest[0]} belongs here"), field=field)
    return [found for i, item in enumerate(value) for found in _walk(item, rest[1:], shape, f"{field}[{i}]")]


def _decimal_text(number: Json, field: str) -> str:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InvalidInput(f"a number is expected, not {type(number).__name__}", field=field)
    if isinstance(number, float) and not math.isfinite(number):
        raise InvalidInput("NaN and infinity cannot be proven", field=field)
    if isinstance(number, int) and number.bit_length() > 128:  # before it becomes a text of a million digits
        raise InvalidInput("too large", field=field)
    return repr(number)


def _expected(shape: tuple[int, ...], but: str) -> str:
    return f"the model takes {math.prod(shape)} numbers of shape {list(shape)}; {but}"
