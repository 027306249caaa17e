"""A request's input: JSON numbers, flat or nested as the tensor is, checked one by one and quantised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor, quantised

_INPUT_DATA = "input_data"
_EZKL_MEMBERS = (_INPUT_DATA, "input_shapes", "output_data")  #: of a data file of EZKL; the others say nothing new


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
    """Check and quantise one input of a batch.

    It is {name: tensor, ...}, {"input_data": [tensor, ...]} as EZKL writes it, or the bare tensor where there is one.
    """
    if isinstance(value, dict):
        return _in_order(value, tensors, field) if _is_input_data(value, tensors) else _named(value, tensors, field)
    if len(tensors) != 1:
        raise InvalidInput(f"the model takes {len(tensors)} inputs by their names", field=field, hint=_by_name(tensors))
    return [quantised_input(value, tensors[0], field=field)]


def one_by_one(value: Json, tensors: Sequence[ProgramTensor]) -> list[Json]:
    """Return the samples in one `input_data` of EZKL, whose tensors may hold those of many samples in a row."""
    flat = value.get(_INPUT_DATA) if isinstance(value, dict) and _is_input_data(value, tensors) else None
    if not isinstance(flat, list) or len(flat) != len(tensors):
        return [value]
    counts = set()
    for numbers, tensor in zip(flat, tensors, strict=True):
        if not isinstance(numbers, list) or any(isinstance(number, list) for number in numbers):
            return [value]
        counts.add(divmod(len(numbers), tensor.elements))
    if len(counts) != 1 or (counted := counts.pop())[1] or counted[0] < 1:
        return [value]
    return [
        {
            _INPUT_DATA: [
                numbers[at * tensor.elements : (at + 1) * tensor.elements]
                for numbers, tensor in zip(flat, tensors, strict=True)
                if isinstance(numbers, list)
            ]
        }
        for at in range(counted[0])
    ]


def _is_input_data(value: Mapping[str, Json], tensors: Sequence[ProgramTensor]) -> bool:
    return _INPUT_DATA in value and all(tensor.name != _INPUT_DATA for tensor in tensors)


def _in_order(value: Mapping[str, Json], tensors: Sequence[ProgramTensor], field: str) -> list[QuantisedInput]:
    for name in value:
        if name not in _EZKL_MEMBERS:
            hint = "inputs by their names, or the one member input_data"
            raise InvalidInput(f"{name!r} does not belong beside input_data", field=field, hint=hint)
    given = value[_INPUT_DATA]
    field = f"{field}.{_INPUT_DATA}"
    if not isinstance(given, list) or len(given) != len(tensors):
        names = ", ".join(tensor.name for tensor in tensors)
        raise InvalidInput(f"a list of {len(tensors)} tensors belongs here: {names}", field=field)
    return [
        quantised_input(one, tensor, field=f"{field}[{position}]")
        for position, (one, tensor) in enumerate(zip(given, tensors, strict=True))
    ]


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
    nested = shape[1:] if shape and shape[0] == 1 and len(value) == math.prod(shape[1:2]) != 1 else shape
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
