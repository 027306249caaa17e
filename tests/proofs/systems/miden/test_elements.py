"""Inputs of Miden programs: what is taken, in one spelling, and what is refused by its place. Needs no engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.systems.miden.elements import (
    ELEMENTS_MAX,
    MODULUS,
    STACK_SIZE,
    is_stack,
    read_input,
    read_step,
)

WORD = "0x" + "01" + "00" * 31


@given(st.lists(st.integers(0, MODULUS - 1), max_size=STACK_SIZE))
def test_a_stack_is_filled_up_with_zeros_and_has_one_spelling(values: list[int]) -> None:
    taken = read_input({"stack": list(values)}, steps=1, place="inputs[0]")
    assert taken == read_input({"stack": [str(value) for value in values]}, steps=1, place="inputs[0]")
    assert is_stack(list(taken.stack))
    assert [int(text) for text in taken.stack] == values + [0] * (STACK_SIZE - len(values))


def test_advice_stands_beside_the_stack_of_one_step_and_in_the_steps_of_several() -> None:
    advice: dict[str, Any] = {"advice": [1, "2"], "advice_map": {WORD: [3]}, "merkle_trees": [[WORD, WORD]]}
    flat = read_input({"stack": [], **advice}, steps=1, place="i")
    assert flat.steps == read_input({"steps": [advice]}, steps=1, place="i").steps
    assert flat.steps[0].stack == ("1", "2")
    assert read_step(flat.steps[0].to_json(), place="i") == flat.steps[0]
    several = read_input({"steps": [advice, {}]}, steps=2, place="i")
    assert several.steps == (flat.steps[0], read_step({}, place="i"))
    assert read_input({}, steps=2, place="i").steps == (read_step({}, place="i"),) * 2


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (1, "inputs[3]"),
        ({"stack": {}}, "inputs[3].stack"),
        ({"stack": [0] * 17}, "inputs[3].stack"),
        ({"stack": [0, -1]}, "inputs[3].stack[1]"),
        ({"stack": [MODULUS]}, "inputs[3].stack[0]"),
        ({"stack": [str(MODULUS)]}, "inputs[3].stack[0]"),
        ({"stack": [True]}, "inputs[3].stack[0]"),
        ({"stack": ["00"]}, "inputs[3].stack[0]"),
        ({"stack": ["1\n"]}, "inputs[3].stack[0]"),
        ({"stack": ["\u0661"]}, "inputs[3].stack[0]"),
        ({"stack": [1.0]}, "inputs[3].stack[0]"),
        ({"heap": []}, "inputs[3].heap"),
        ({"advice": [1]}, "inputs[3].advice"),
        ({"steps": [{}, {}, {}]}, "inputs[3].steps"),
        ({"steps": [{}, 1]}, "inputs[3].steps[1]"),
        ({"steps": [{}, {"advise": []}]}, "inputs[3].steps[1].advise"),
        ({"steps": [{}, {"advice": [1, None]}]}, "inputs[3].steps[1].advice[1]"),
        ({"steps": [{}, {}], "advice": []}, "inputs[3].advice"),
        ({"steps": [{"advice_map": []}, {}]}, "inputs[3].steps[0].advice_map"),
        ({"steps": [{"advice_map": {"0x00": []}}, {}]}, "inputs[3].steps[0].advice_map"),
        ({"steps": [{"advice_map": {"0x" + "ff" * 32: []}}, {}]}, "inputs[3].steps[0].advice_map"),
        ({"steps": [{"advice_map": {WORD.upper(): []}}, {}]}, "inputs[3].steps[0].advice_map"),
        ({"steps": [{"merkle_trees": [[WORD] * 3]}, {}]}, "inputs[3].steps[0].merkle_trees[0]"),
        ({"steps": [{"merkle_trees": [[WORD, 1]]}, {}]}, "inputs[3].steps[0].merkle_trees[0][1]"),
        ({"steps": [{"advice": [0] * (ELEMENTS_MAX + 1)}, {}]}, "inputs[3].steps[0].advice"),
        (
            {"steps": [{"advice": [0] * ELEMENTS_MAX, "advice_map": {WORD: [0]}}, {}]},
            "inputs[3].steps[0]",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(value: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_input(value, steps=2, place="inputs[3]")
    assert refused.value.field == place


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda one: st.lists(one, max_size=17)
    )
)
def test_a_stack_of_others_is_looked_at_and_never_trusted(value: Any) -> None:
    assert is_stack(value) is False or all(str(int(text)) == text for text in value)
