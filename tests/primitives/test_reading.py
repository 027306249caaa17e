"""JSON that somebody else wrote: read as the library reads it, unless it would overflow a stack."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.reading import DEPTH_MAX, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\[]{}\n\u2028é'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='"\\[{'), inner),
)


@given(value=VALUES, ascii_only=st.booleans())
def test_any_json_is_read_as_it_was_written(value: object, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode(), field="x") == value


def test_depth_is_limited_to_the_brackets_outside_of_strings() -> None:
    deep = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX

    assert read_json(b'"' + b"[" * 1_000_000 + b'\\""', field="x") == "[" * 1_000_000 + '"'
    assert read_json(deep, field="x")
    with pytest.raises(InvalidField, match="nested deeper"):
        read_json(b"[" + deep + b"]", field="x")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":' * 200_000,
        b'"\\"\\\\"' + b"[" * 200_000,
        b'"' + b'\\"' * 500_000,
        b'["' + b"\\" * 500_001,
        b'"' * 500_000,
        b"]" * 300_000 + b"[" * 300_000,
        ('"\\""' + "[" * 200_000).encode("utf-16"),
        b"\xef\xbb\xbf[]",
    ],
)
def test_a_text_made_to_hurt_is_refused_and_quickly(text: bytes) -> None:
    with pytest.raises(InvalidField):
        read_json(text, field="x")
