"""JSON goes into columns and comes out of them as it was, and what is none is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.store.jsonb import read_jsonb, write_jsonb

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_both_say_what_the_module_of_the_language_says(value: Any) -> None:
    assert json.loads(write_jsonb(value)) == value
    assert read_jsonb(json.dumps(value)) == value


@pytest.mark.parametrize("value", [2**64, -(2**200), "ä\u2028\x00", {"a": [1.5, None, True]}])
def test_nothing_is_rounded_or_lost(value: Any) -> None:
    assert read_jsonb(write_jsonb(value)) == value


def test_what_is_no_json_is_refused() -> None:
    assert write_jsonb("\ud800") == '"\\ud800"'  # PostgreSQL says what is wrong with it
    with pytest.raises(TypeError):
        write_jsonb(object())
