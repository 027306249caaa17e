"""Cuts a row of work into consecutive parts: the heaviest as light as possible, then the others as even as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate


def partition(works: Sequence[int], parts: int) -> list[int]:
    """Return where each part but the first begins, as indices into `works` (1 <= parts <= len(works)).

    Minimises the largest sum of a part, then the sum of squares; among equals the earliest cuts win.
    """
    if not 1 <= parts <= len(works):
        raise ValueError(f"{len(works)} pieces of work cannot make {parts} parts")
    upto = [0, *accumulate(works)]
    total, largest = upto[-1], _smallest_maximum(works, parts)

    def cost(begin: int, end: int) -> int:
        work = upto[end] - upto[begin]
        return work * work + max(0, work - largest) * (total * total + 1)

    costs = [cost(0, end) for end in range(len(upto))]
    begins = [[0] * len(upto)]
    for part in range(2, parts + 1):
        costs, begin = _with_one_part_more(part, costs, begins[-1], cost)
        begins.append(begin)
    return _walk_back(begins[1:], len(works))


def _smallest_maximum(works: Sequence[int], parts: int) -> int:
    low, high = max(works), sum(works)
    while low < high:
        middle = (low + high) // 2
        if parts_needed(works, middle) <= parts:
            high = middle
        else:
            low = middle + 1
    return low


def parts_needed(works: Sequence[int], most: int) -> int:
    """Return in how few parts none has more than `most` work; a single piece that has stands alone."""
    parts, work = 1, 0
    for piece in works:
        if work + piece > most:
            parts, work = parts + 1, 0
        work += piece
    return parts


def _with_one_part_more(
    part: int, costs: list[int], fewer: list[int], cost: Callable[[int, int], int]
) -> tuple[list[int], list[int]]:
    # Knuth: the cost is convex in a part's work, so the best last begin grows with the end and with the parts.
    size = len(costs)
    best, begin = list(costs), [0] * size
    for end in range(size - 1, part - 1, -1):
        latest = begin[end + 1] if end + 1 < size else end - 1
        candidates = range(max(part - 1, fewer[end]), min(latest, end - 1) + 1)
        best[end], begin[end] = min((costs[start] + cost(start, end), start) for start in candidates)
    return best, begin


def _walk_back(begins: Sequence[Sequence[int]], end: int) -> list[int]:
    cuts = []
    for begin in reversed(begins):
        end = begin[end]
        cuts.append(end)
    return cuts[::-1]
