"""Is this a reference string? Every point is checked, by two weighted sums and two pairings.

With a number z drawn now, and n = 2^k:

    P = sum z^j g*tau^j                      pairs with the next power:  e(P - last, g2*tau) = e((P - first) / z, g2)
    Q = sum r_i g*L_i(tau)                   r_i are the values of (X^n - y^n) / (X - y) at the roots of unity, y = 1/z;
                                             that polynomial's coefficients are powers of y, so that Q = y^(n-1) P

A point that is wrong makes both sides differ, but for a chance of n in 2^254: whoever made the file did not know z.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from itertools import islice

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.reference.curve import (
    GENERATOR,
    ORDER,
    Point,
    Progress,
    add,
    inverses,
    is_on_curve,
    times,
    weighted_sum,
)
from proofgrid.proofs.systems.ezkl.reference.encoding import GENERATOR_G2, decode_g2, decode_points, encode_g2
from proofgrid.proofs.systems.ezkl.reference.files import ReferenceFile
from proofgrid.proofs.systems.ezkl.reference.pairing import is_in_g2, pair_to_the_same
from proofgrid.proofs.systems.ezkl.reference.powers import root_of_unity

_CHUNK = 1 << 16  #: points in memory at a time


def check_reference_string(file: ReferenceFile, progress: Progress) -> None:
    """Raise InvalidField unless all points belong to one tau; `progress` is told points done, and in all.

    Takes about 40 us a point.
    """
    size = 1 << file.logrows
    _check_trapdoor(file)
    z = secrets.randbelow(ORDER - 2) + 2
    powers = _sum(file.monomial, _powers_of(z), size, progress, before=0)
    _check_powers(file, powers, z)
    basis = _sum(file.lagrange, _values_at_roots(pow(z, -1, ORDER), file.logrows), size, progress, before=size)
    if basis != times([pow(z, -(size - 1), ORDER)], [powers])[0]:
        raise _wrong("its Lagrange points are not those of its powers of tau")


def _check_trapdoor(file: ReferenceFile) -> None:
    tau = decode_g2(file.tau_g2())
    if file.g2() != encode_g2(GENERATOR_G2):
        raise _wrong("its generator of the second group is not the usual one")
    if not is_in_g2(tau):
        raise _wrong("its tau in the second group is no point of that group")
    if tau == GENERATOR_G2:
        raise _wrong("its tau is 1: it is no secret")


def _check_powers(file: ReferenceFile, powers: Point, z: int) -> None:
    size = 1 << file.logrows
    first, last = decode_points(file.monomial(0, 1))[0], decode_points(file.monomial(size - 1, 1))[0]
    if first != GENERATOR:
        raise _wrong("its first point is not the generator")
    but_last = add(powers, times([-pow(z, size - 1, ORDER) % ORDER], [last])[0])
    but_first = times([pow(z, -1, ORDER)], [add(powers, times([ORDER - 1], [first])[0])])[0]
    if not pair_to_the_same((but_last, decode_g2(file.tau_g2())), (but_first, GENERATOR_G2)):
        raise _wrong("its points are not the powers of one tau")


def _sum(
    read: Callable[[int, int], bytes], factors: Iterator[int], size: int, progress: Progress, *, before: int
) -> Point:
    """Return the weighted sum of all points that `read` gives; each must be on the curve, and none the neutral one."""
    total: Point = None
    for start in range(0, size, _CHUNK):
        count = min(_CHUNK, size - start)
        points = decode_points(read(start, count))
        for place, point in enumerate(points):
            if point is None or not is_on_curve(point):
                raise _wrong(f"its point {before + start + place} is not on the curve")

        def told(done: int, parts: int, start: int = start, count: int = count) -> None:
            progress(before + start + count * done // parts, 2 * size)

        total = add(total, weighted_sum(list(islice(factors, count)), points, told))
    return total


def _powers_of(z: int) -> Iterator[int]:
    power = 1
    while True:
        yield power
        power = power * z % ORDER


def _values_at_roots(y: int, logrows: int) -> Iterator[int]:
    """Yield (w^n - y^n) / (w - y) for the roots of unity w of order n = 2^logrows; y is none of them."""
    size = 1 << logrows
    scale = (1 - pow(y, size, ORDER)) % ORDER
    roots = _powers_of(root_of_unity(logrows))
    for start in range(0, size, _CHUNK):
        some = list(islice(roots, min(_CHUNK, size - start)))
        yield from (scale * inverse % ORDER for inverse in inverses([root - y for root in some], ORDER))


def _wrong(text: str) -> InvalidField:
    return InvalidField(
        f"the file is no reference string: {text}", field="srs", hint="fetch it again, and compare its checksum"
    )
