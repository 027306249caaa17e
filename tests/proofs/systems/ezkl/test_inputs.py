"""An input is numbers of the model's shape, or it is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor
from proofgrid.proofs.systems.ezkl.model.inputs import quantised_input


def a_tensor(*shape: int, name: str = "x", element_type: str = "float32", scale: int = 7) -> ProgramTensor:
    return ProgramTensor(name=name, shape=shape, element_type=element_type, scale=scale, visibility="public")


def test_flat_nested_and_nested_without_the_batch_are_one_tensor() -> None:
    flat: list[Any] = [1, 2, 3, 4, 5, 6]
    nested = [[1, 2, 3], [4, 5, 6]]

    spellings = [quantised_input(value, a_tensor(1, 2, 3), field="inputs[0]") for value in (flat, nested, [nested])]

    assert spellings[0].integers == [128, 256, 384, 512, 640, 768]
    assert spellings[0].integers == spellings[1].integers == spellings[2].integers


def test_values_are_kept_exactly_as_given() -> None:
    given = quantised_input([0.1, -3, 1e-7, 12.5], a_tensor(1, 4), field="inputs[0]")

    assert given.values == ["0.1", "-3", "1e-07", "12.5"]
    assert given.integers == [13, -384, 0, 1600]


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        (7, "inputs[0]", "list of numbers"),
        ({"x": 1}, "inputs[0]", "list of numbers"),
        ([1, 2, 3], "inputs[0]", "4 numbers of shape [2, 2]; 3 numbers were given"),
        ([], "inputs[0]", "0 numbers were given"),
        ([[1, 2], [3]], "inputs[0][1]", "a list of 2 belongs here"),
        ([[1, 2], 3], "inputs[0][1]", "a list of 2 belongs here"),
        ([1, 2, 3, True], "inputs[0][3]", "not bool"),
        ([1, "2", 3, 4], "inputs[0][1]", "not str"),
        ([1, None, 3, 4], "inputs[0][1]", "not NoneType"),
        ([[1, 2], [3, float("nan")]], "inputs[0][1][1]", "NaN"),
        ([1, 2, float("-inf"), 4], "inputs[0][2]", "infinity"),
        ([1, 2, 1e300, 4], "inputs[0][2]", "too large"),
        ([10**5000, 2, 3, 4], "inputs[0][0]", "too large"),
    ],
)
def test_a_wrong_input_is_refused_naming_element_and_rule(value: Any, field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        quantised_input(value, a_tensor(2, 2), field="inputs[0]")

    assert caught.value.field == field
    assert rule in caught.value.detail
