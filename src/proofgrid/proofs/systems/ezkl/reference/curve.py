"""Points of BN254's first group, many at a time: sums, multiples of the generator, weighted sums.

A sum of two points needs one division. Dividing is a hundred times dearer than multiplying, but many divisions cost
one, and three multiplications each. So everything here adds long lists, pair by pair: 2 us a sum, about a fifth of
what a library that adds one by one takes, and enough to make a reference string faster than the engine does.

A point is (x, y), with integers below `FIELD`; None is the neutral one. Nothing here hides its timing: no secret that
matters after the build may be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617

Point = tuple[int, int] | None
Progress = Callable[[int, int], None]  #: (done, in all)

GENERATOR: Point = (1, 2)

_SCALAR_BITS = 254
_CHUNK = 1 << 13  #: points at a time: bounds the memory, and says how often progress is reported
_TABLE_BITS_MAX = 13
_WINDOW_BITS = 4


def negated(point: Point) -> Point:
    """Return what gives the neutral point together with this one."""
    return None if point is None else (point[0], -point[1] % FIELD)


def is_on_curve(point: Point) -> bool:
    """Return whether this is a point: y^2 = x^3 + 3. The curve's order is prime, so it has no other subgroups."""
    return point is None or (point[1] * point[1] - point[0] * point[0] * point[0] - 3) % FIELD == 0


def inverses(values: Sequence[int], modulus: int) -> list[int]:
    """Return the inverses of numbers, none of which is 0."""
    products = []
    product = 1
    for value in values:
        products.append(product)
        product = product * value % modulus
    inverse = pow(product, -1, modulus)
    found = [0] * len(products)
    for place in range(len(products) - 1, -1, -1):
        found[place] = inverse * products[place] % modulus
        inverse = inverse * values[place] % modulus
    return found


def add_pairs(left: Sequence[Point], right: Sequence[Point]) -> list[Point]:
    """Return the sums of points that stand at the same place."""
    slopes = []  # what to divide by
    for one, other in zip(left, right, strict=True):
        if one is None or other is None:
            slopes.append(1)
        elif one[0] != other[0]:
            slopes.append(other[0] - one[0])
        else:
            slopes.append(2 * one[1] if one[1] == other[1] else 1)
    sums: list[Point] = []
    for one, other, inverse in zip(left, right, inverses(slopes, FIELD), strict=True):
        if one is None or other is None:
            sums.append(other if one is None else one)
            continue
        x, y = one
        if x != other[0]:
            slope = (other[1] - y) * inverse % FIELD
        elif y == other[1]:
            slope = 3 * x * x * inverse % FIELD
        else:
            sums.append(None)
            continue
        sum_x = (slope * slope - x - other[0]) % FIELD
        sums.append((sum_x, (slope * (x - sum_x) - y) % FIELD))
    return sums


def add(one: Point, other: Point) -> Point:
    """Return one sum."""
    return add_pairs([one], [other])[0]


def times(factors: Sequence[int], points: Sequence[Point]) -> list[Point]:
    """Return each point times its factor, which is from 0 to ORDER - 1."""
    multiples: list[list[Point]] = [[None] * len(points), list(points)]
    while len(multiples) < 1 << _WINDOW_BITS:
        multiples.append(add_pairs(multiples[-1], points))
    results: list[Point] = [None] * len(points)
    for place in range(-(-max(factors, default=0).bit_length() // _WINDOW_BITS) - 1, -1, -1):
        for _ in range(_WINDOW_BITS):
            results = add_pairs(results, results)
        digits = _digits(factors, place, _WINDOW_BITS)
        results = add_pairs(results, [multiples[digit][at] for at, digit in enumerate(digits)])
    return results


def generator_times(factors: Sequence[int], progress: Progress | None = None) -> list[Point]:
    """Return the generator times each factor, from 0 to ORDER - 1."""
    bits = _best_width(len(factors), limit=_TABLE_BITS_MAX)
    tables = _tables(bits)
    found: list[Point] = []
    for start in range(0, len(factors), _CHUNK):
        if progress is not None:
            progress(start, len(factors))
        some = factors[start : start + _CHUNK]
        sums: list[Point] = [None] * len(some)
        for place, table in enumerate(tables):
            sums = add_pairs(sums, [table[digit] for digit in _digits(some, place, bits)])
        found += sums
    return found


def weighted_sum(factors: Sequence[int], points: Sequence[Point], progress: Progress | None = None) -> Point:
    """Return the sum of points, each times its factor, from 0 to ORDER - 1 (Pippenger's buckets)."""
    bits = _best_width(len(points), limit=16)
    windows = -(-_SCALAR_BITS // bits)
    buckets = []
    for place in range(windows):
        if progress is not None:
            progress(place, windows)
        buckets.append(_bucket_sums(_digits(factors, place, bits), points, 1 << bits))
    total: Point = None
    for window in reversed(_sums_by_number(buckets)):
        for _ in range(bits):
            total = add(total, total)
        total = add(total, window)
    return total


def sum_of(points: Iterable[Point]) -> Point:
    """Return the sum of all points."""
    return _tree_sums([list(points)])[0]


def _best_width(count: int, *, limit: int) -> int:
    return min(range(2, limit + 1), key=lambda bits: -(-_SCALAR_BITS // bits) * (count + (1 << bits)))


def _digits(factors: Iterable[int], place: int, bits: int) -> list[int]:
    shift, mask = place * bits, (1 << bits) - 1
    return [factor >> shift & mask for factor in factors]


def _tables(bits: int) -> list[list[Point]]:
    """Return for every digit's place the generator times each digit there."""
    tables = []
    base = GENERATOR
    for _ in range(-(-_SCALAR_BITS // bits)):
        table: list[Point] = [None, base]
        while len(table) < 1 << bits:
            # what stands there, plus its largest: twice as many
            table += add_pairs(table[1:], list(repeat(table[-1], len(table) - 1)))
        tables.append(table[: 1 << bits])
        base = add(table[(1 << bits) - 1], base)
    return tables


def _bucket_sums(digits: Sequence[int], points: Sequence[Point], count: int) -> list[Point]:
    """Return by digit the sum of the points that have it."""
    buckets: list[list[Point]] = [[] for _ in range(count)]
    for digit, point in zip(digits, points, strict=True):
        buckets[digit].append(point)
    buckets[0] = []
    return _tree_sums(buckets)


def _tree_sums(groups: list[list[Point]]) -> list[Point]:
    """Return the sum of each group: all pairs of all groups at once, until single points are left."""
    groups = list(groups)
    while True:
        open_groups = [place for place, group in enumerate(groups) if len(group) > 1]
        if not open_groups:
            return [group[0] if group else None for group in groups]
        left = [point for place in open_groups for point in groups[place][0 : len(groups[place]) // 2 * 2 : 2]]
        right = [point for place in open_groups for point in groups[place][1::2]]
        sums = add_pairs(left, right)
        taken = 0
        for place in open_groups:
            pairs, odd = divmod(len(groups[place]), 2)
            groups[place] = sums[taken : taken + pairs] + ([groups[place][-1]] if odd else [])
            taken += pairs


def _sums_by_number(windows: Sequence[Sequence[Point]]) -> list[Point]:
    """Return for each window the sum of its points, each as often as its number in it."""
    running: list[Point] = [None] * len(windows)
    totals: list[Point] = [None] * len(windows)
    for number in range(len(windows[0]) - 1, 0, -1):
        running = add_pairs(running, [window[number] for window in windows])
        totals = add_pairs(totals, running)
    return totals
