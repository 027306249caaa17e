"""Cuts a row of work into consecutive parts, the heaviest of which is as light as possible."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


def partition(works: Sequence[int], parts: int) -> list[int]:
    """Return where each part but the first begins, as indices into `works` (1 <= parts <= len(works)).

    Minimises the largest sum of a part; among equals the earliest cuts win, so the answer is the same everywhere.
    """
    if not 1 <= parts <= len(works):
        raise ValueError(f"{len(works)} pieces of work cannot make {parts} parts")
    upto = [0, *accumulate(works)]
    largest = list(upto)  # largest[end]: the smallest possible maximum over works[:end] in the parts so far
    begins: list[list[int]] = []
    for part in range(2, parts + 1):
        best, begin = [0] * len(upto), [0] * len(upto)
        for end in range(part, len(upto)):
            begin[end] = _best_begin(largest, upto, part, end)
            best[end] = max(largest[begin[end]], upto[end] - upto[begin[end]])
        largest = best
        begins.append(begin)
    return _walk_back(begins, len(works))


def _best_begin(largest: Sequence[int], upto: Sequence[int], part: int, end: int) -> int:
    # A later begin makes the parts before it heavier and the last part lighter: the best is where the two cross.
    crossing = bisect_left(range(end), True, lo=part - 1, key=lambda begin: largest[begin] >= upto[end] - upto[begin])
    candidates = [begin for begin in (crossing - 1, crossing) if part - 1 <= begin < end]
    return min(candidates, key=lambda begin: (max(largest[begin], upto[end] - upto[begin]), begin))


def _walk_back(begins: Sequence[Sequence[int]], end: int) -> list[int]:
    cuts = []
    for begin in reversed(begins):
        end = begin[end]
        cuts.append(end)
    return cuts[::-1]
