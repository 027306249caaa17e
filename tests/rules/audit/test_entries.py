"""Entries of the audit log are bounded, and hold no secret, whatever a request holds."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.canonical import canonical_json
from proofgrid.rules.audit.entries import WHAT_BYTES_MAX, Entry, summary_of
from proofgrid.rules.audit.tiles import ENTRY_BYTES_MAX

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=500) | st.binary(max_size=500),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=20), inner, max_size=40),
    max_leaves=60,
)


@given(request=st.dictionaries(st.text(max_size=20), values, max_size=40))
def test_whatever_is_asked_is_told_within_bounds(request: dict[str, Any]) -> None:
    what = summary_of(request)
    assert len(canonical_json(what)) <= WHAT_BYTES_MAX
    entry = Entry(act="Grant", by="0x1", peer="ipv4:1", what=what, outcome="done", count=1, at_ms=1)
    assert len(entry.spelled) < ENTRY_BYTES_MAX
    assert json.loads(entry.spelled)["what"] == what


def test_secrets_are_hidden_wherever_they_stand_and_bytes_are_told_by_digest() -> None:
    what = summary_of({"a": [{"password": "hunter2", "inputs_json": "[1,2]"}], "key": b"abc"})
    assert b"hunter2" not in canonical_json(what)
    assert b"[1,2]" not in canonical_json(what)
    assert str(what["key"]).startswith("3 bytes sha256:")


def test_long_texts_lists_and_depths_are_cut_and_the_digest_stays() -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = [deep]
    what = summary_of({"text": "x" * 1_000, "list": list(range(100)), "deep": deep})
    assert "1000 bytes sha256:" in str(what["text"])
    assert what["list"][-1] == "… 80 more"  # type: ignore[index]
    assert "bottom" not in str(what["deep"])
