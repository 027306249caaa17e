"""A request's input: JSON numbers, flat or nested as the tensor is, checked one by one and quantised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor, quantised


@dataclass(frozen=True, slots=True)
class QuantisedInput:
    """One input tensor as given and as the circuit sees it."""

    values: list[str]  #: decimal numbers, exactly as given
    integers: list[int]


def quantised_input(value: Json, tensor: ProgramTensor, *, field: str) -> QuantisedInput:
    """Check and quantise one input tensor; raise InvalidInput naming the element that breaks a rule."""
    numbers = _flattened(value, tensor.shape, field)
    texts, integers = [], []
    for where, number in numbers:
        text = _decimal_text(number, where) if tensor.is_float else _integer_text(number, where)
        try:
            integers.append(quantised(text, tensor))
        except ValueError as reason:
            raise InvalidInput(str(reason), field=where) from None
        texts.append(text)
    return QuantisedInput(texts, integers)


def quantised_inputs(value: Json, tensors: Sequence[ProgramTensor], *, field: str) -> list[QuantisedInput]:
    """Check and quantise one input of a batch: {name: tensor, ...}, or the bare tensor where there is only one."""
    if isinstance(value, dict):
        return _named(value, tensors, field)
    if len(tensors) != 1:
        raise InvalidInput(f"the model takes {len(tensors)} inputs by their names", field=field, hint=_by_name(tensors))
    return [quantised_input(value, tensors[0], field=field)]


def _named(value: Mapping[str, Json], tensors: Sequence[ProgramTensor], field: str) -> list[QuantisedInput]:
    names = [tensor.name for tensor in tensors]
    for name in value:
        if name not in names:
            raise InvalidInput(f"the model has no input {name!r}", field=field, hint=_by_name(tensors))
    for name in names:
        if name not in value:
            raise InvalidInput(f"the input {name!r} is missing", field=field, hint=_by_name(tensors))
    return [quantised_input(value[tensor.name], tensor, field=f"{field}.{tensor.name}") for tensor in tensors]


def _by_name(tensors: Sequence[ProgramTensor]) -> str:
    if tensors[0].name == "":
        return "this program's only input has no name: give a list of numbers"
    return "like {" + ", ".join(f'"{tensor.name}": […]' for tensor in tensors[:8]) + "}"


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


def _integer_text(number: Json, field: str) -> str:
    """Return what an integer or boolean tensor may hold: whole numbers, and true and false for 1 and 0."""
    if isinstance(number, bool):
        return str(int(number))
    text = _decimal_text(number, field)
    if isinstance(number, float):
        if not number.is_integer():
            raise InvalidInput("a whole number is expected", field=field)
        return str(int(number))
    return text


def _expected(shape: tuple[int, ...], but: str) -> str:
    return f"the model takes {math.prod(shape)} numbers of shape {list(shape)}; {but}"
