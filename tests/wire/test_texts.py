"""JSON that strangers wrote: the same values as ever, and nothing that is nested too deep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import MalformedMessage
from proofgrid.wire.codec.texts import JSON_DEPTH_MAX, read_json

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=40,
)


def _depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)


@given(value=VALUES, wraps=st.lists(st.sampled_from(["list", "object"]), max_size=2 * JSON_DEPTH_MAX))
def test_a_value_is_read_as_it_is_unless_it_is_nested_too_deep(value: Any, wraps: list[str]) -> None:
    for wrap in wraps:
        value = [1, value] if wrap == "list" else {"a": 1, "b": value}
    text = json.dumps(value)
    if _depth(value) > JSON_DEPTH_MAX:
        with pytest.raises(MalformedMessage, match="nested"):
            read_json(text, field="inputs", bytes_max=1 << 20)
    else:
        assert read_json(text, field="inputs", bytes_max=1 << 20) == value


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[-Infinity]", "", "\ufeff1", "[1,]", "{}x", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_json(text, field="inputs", bytes_max=1 << 20)


def test_brackets_inside_texts_are_no_depth() -> None:
    assert read_json(json.dumps(["[" * 100]), field="inputs", bytes_max=1 << 20) == ["[" * 100]
