"""No other way to cut makes the heaviest part lighter, or the parts more even."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.proofs.systems.ezkl.model.partition import partition


def unevenness(works: list[int], begins: tuple[int, ...]) -> tuple[int, int]:
    parts = [sum(works[begin:end]) for begin, end in pairwise([0, *begins, len(works)])]
    return max(parts), sum(part * part for part in parts)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=10), st.data())
def test_no_other_partition_is_more_even(works: list[int], data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, len(works)))

    begins = partition(works, parts)

    assert len(begins) == parts - 1
    assert sorted({0, *begins, len(works)}) == [0, *begins, len(works)]  # in order, and no part is empty
    every_way = combinations(range(1, len(works)), parts - 1)
    assert unevenness(works, tuple(begins)) == min(unevenness(works, way) for way in every_way)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=300, max_size=400), st.integers(2, 64))
def test_the_heaviest_part_exceeds_the_average_by_at_most_one_piece(works: list[int], parts: int) -> None:
    begins = partition(works, parts)

    assert unevenness(works, tuple(begins))[0] <= sum(works) // parts + max(works)


@pytest.mark.parametrize("parts", [0, 4])
def test_fewer_pieces_than_parts_are_refused(parts: int) -> None:
    with pytest.raises(ValueError, match="3 pieces"):
        partition([1, 2, 3], parts)
