"""What is there and what is promised never exceeds the limit, in whatever order promises are made, kept and broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import TooLarge
from proofgrid.rules.access.quotas import HeldBytes, check_room, room_bytes

sizes = st.integers(0, 1_000)


@given(limit=sizes, steps=st.lists(st.tuples(st.sampled_from(["reserve", "keep", "give back", "forget"]), sizes)))
def test_promises_and_bytes_together_stay_within_the_limit(limit: int, steps: list[tuple[str, int]]) -> None:
    promised: list[int] = []
    kept: list[int] = []
    for step, number in steps:
        held = HeldBytes(sum(kept), sum(promised))
        if step == "reserve":
            fits = sum(kept) + sum(promised) + number <= limit
            assert fits == (number <= room_bytes(held, limit_bytes=limit))
            if fits:
                check_room(number, held, limit_bytes=limit, whose="you store")
                promised.append(number)
            else:
                with pytest.raises(TooLarge) as refused:
                    check_room(number, held, limit_bytes=limit, whose="you store")
                assert refused.value.field == "size_bytes"
        elif step == "keep" and promised:
            kept.append(min(promised.pop(), number))  # what came may be less than what was promised
        elif step == "give back" and promised:
            promised.pop(0)
        elif step == "forget" and kept:
            kept.pop(0)
        assert sum(kept) + sum(promised) <= limit


@given(stored=sizes, reserved=sizes, limit=sizes)
def test_room_is_never_negative_where_the_limit_was_lowered(stored: int, reserved: int, limit: int) -> None:
    assert room_bytes(HeldBytes(stored, reserved), limit_bytes=limit) == max(0, limit - stored - reserved)
