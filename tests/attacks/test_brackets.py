"""Six megabytes of `[],[],…` took a gateway's event loop half a minute: JSON is bounded before anybody reads it.

Pins down: what is refused is never given to the reader; the bounds let through what real requests and bundles hold.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField, MalformedMessage
from proofgrid.primitives.reading import JsonBounds, check_json
from proofgrid.wire.codec import texts

MIB = 1 << 20
BOMBS = {
    "lists": f"[{'[],' * 2_000_000}[]]",
    "objects": f"[{'{},' * 2_000_000}{{}}]",
    "members": "{" + ",".join([f'"{n}":0' for n in range(400_000)]) + "}",
    "numbers": f"[{'0,' * 3_000_000}0]",
    "texts": '["",' + '"",' * 2_000_000 + "0]",
    "depth": "[" * 3_000_000,
    "depth behind texts": '["[",' * 33 + "0" + "]" * 33,
    "one number": f"[{'7' * 4_000_000}]",
    "numbers of four thousand digits": f"[{('7' * 4_000 + ',') * 1_000}7]",
}


class Reader:
    """Reads nothing, and notes that it was asked to."""

    def __init__(self) -> None:
        self.asked = 0

    def decode(self, text: str) -> Any:
        self.asked += 1
        return json.loads(text)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_never_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    monkeypatch.setattr(texts, "_STRICT", reader)
    with pytest.raises(MalformedMessage) as caught:
        texts.read_json(BOMBS[name], field="inputs", bytes_max=8 * MIB)
    assert caught.value.field == "inputs"
    assert reader.asked == 0


def test_what_real_requests_hold_is_read() -> None:
    image = [[[[0.125] * 224] * 224] * 3]
    batch = [[[0.5] * 784]] * 1_024
    words = [{"tokens": list(range(512)), "mask": [1] * 512}] * 256
    brackets = ["[{" * 100_000, {"a": "," * 2_000_000, "b": ":" * 200_000}, "9" * 1_000]
    for value in (image, batch, words, brackets):
        assert texts.read_json(json.dumps(value), field="inputs", bytes_max=64 * MIB) == value


BOUNDS = JsonBounds(depth=4, containers=6, elements=8)
VALUES = st.recursive(
    st.none() | st.integers() | st.text('[]{}:,\\"a', max_size=12),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text('[{:,\\"', max_size=3), inner, max_size=4),
    max_leaves=12,
)


def _counts(value: Any) -> tuple[int, int, int]:
    """Return depth, containers with members, and commas."""
    if not isinstance(value, dict | list):
        return 0, 0, 0
    inner = [_counts(one) for one in (value.values() if isinstance(value, dict) else value)]
    members = len(value) if isinstance(value, dict) else 0
    return (
        1 + max((depth for depth, _, _ in inner), default=0),
        1 + members + sum(containers for _, containers, _ in inner),
        max(0, len(value) - 1) + sum(commas for _, _, commas in inner),
    )


@given(value=VALUES)
def test_exactly_what_exceeds_a_bound_is_refused_whatever_stands_in_texts(value: Any) -> None:
    depth, containers, commas = _counts(value)
    text = json.dumps(value)
    if depth > BOUNDS.depth or containers > BOUNDS.containers or commas > BOUNDS.elements:
        with pytest.raises(InvalidField):
            check_json(text, "inputs", BOUNDS)
    else:
        check_json(text, "inputs", BOUNDS)


@given(text=st.text('[]{}",:\\0a \n', max_size=60))
def test_what_is_no_json_is_judged_without_a_fault_of_ours(text: str) -> None:
    try:
        check_json(text, "inputs", BOUNDS)
    except InvalidField as error:
        assert error.field == "inputs"
