"""Canonical JSON: one text per value, and nothing in it that has two honest spellings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.canonical import canonical_json, canonical_list, canonical_object, canonical_text

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30
)
PLACES = st.lists(st.sampled_from(["list", "dict", "beside"]), max_size=5)


@given(VALUES)
def test_what_is_written_reads_back_and_writes_the_same(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.text(), st.lists(VALUES), st.dictionaries(st.text(), VALUES))
def test_what_is_put_together_from_parts_is_spelled_like_the_whole(
    text: str, values: list[Any], named: dict[str, Any]
) -> None:
    assert canonical_text(text).encode() == canonical_json(text)
    assert canonical_list([canonical_json(value).decode() for value in values]).encode() == canonical_json(values)
    spelled = {name: canonical_json(value).decode() for name, value in named.items()}
    assert canonical_object(spelled).encode() == canonical_json(named)


@given(VALUES, PLACES, st.floats())
def test_a_float_is_refused_wherever_it_stands(value: Any, places: list[str], number: float) -> None:
    hidden: Any = number
    for place in places:
        hidden = {"list": [hidden], "dict": {"a": value, "b": hidden}, "beside": [value, 1, "x", hidden]}[place]
    with pytest.raises(TypeError, match="floats"):
        canonical_json(hidden)


@pytest.mark.parametrize("value", [{1: "a"}, [{"a": {None: 1}}], {"a": [1, {2: 3}]}])
def test_a_key_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="keys"):
        canonical_json(value)
