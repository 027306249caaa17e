"""A shorter string out of a longer one, whose tau nobody knows: powers are cut, the Lagrange basis is computed anew.

    L_i = 1/n sum_j w^(-ij) tau^j        a Fourier transform over points: n k / 2 multiplications, 0.7 ms each

That is 20 s for 2^12 rows and five minutes for 2^15, three to four times what the engine needs, which does it anew
whenever it loads a string that is longer than its circuit. Ceremonies publish a file for every size; no cut is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofgrid.proofs.systems.ezkl.reference.curve import ORDER, Point, Progress, add_pairs, negated, times
from proofgrid.proofs.systems.ezkl.reference.encoding import decode_points, encode_points
from proofgrid.proofs.systems.ezkl.reference.files import ReferenceFile, write_reference_string
from proofgrid.proofs.systems.ezkl.reference.powers import root_of_unity

_CHUNK = 1 << 12  #: points at a time, so that progress is told


def write_cut(source: ReferenceFile, target: Path, logrows: int, progress: Progress) -> None:
    """Write the string of 2^logrows rows that the source, of the same tau, begins with."""
    powers = source.monomial(0, 1 << logrows)
    if logrows == source.logrows:
        lagrange = source.lagrange(0, 1 << logrows)
    else:
        lagrange = encode_points(lagrange_points(decode_points(powers), logrows, progress))
    write_reference_string(target, logrows, monomial=powers, lagrange=lagrange, tau_g2=source.tau_g2())


def lagrange_points(powers: Sequence[Point], logrows: int, progress: Progress) -> list[Point]:
    """Return the Lagrange points of 2^logrows rows, of as many powers of tau."""
    size = 1 << logrows
    points = [powers[_reversed(place, logrows)] for place in range(size)]
    for stage in range(logrows):
        half = 1 << stage
        root = pow(root_of_unity(stage + 1), -1, ORDER)
        turns = [pow(root, place, ORDER) for place in range(half)]
        left = [place for place in range(size) if not place & half]
        right = [points[place + half] for place in left]
        if half > 1:
            right = _times([turns[place % half] for place in left], right, progress, (stage, logrows + 1))
        sums = add_pairs([points[place] for place in left], right)
        differences = add_pairs([points[place] for place in left], [negated(point) for point in right])
        for place, one, other in zip(left, sums, differences, strict=True):
            points[place], points[place + half] = one, other
    return _times([pow(size, -1, ORDER)] * size, points, progress, (logrows, logrows + 1))


def _times(factors: list[int], points: list[Point], progress: Progress, stage: tuple[int, int]) -> list[Point]:
    found: list[Point] = []
    for start in range(0, len(points), _CHUNK):
        progress(stage[0] * len(points) + start, stage[1] * len(points))
        found += times(factors[start : start + _CHUNK], points[start : start + _CHUNK])
    return found


def _reversed(place: int, bits: int) -> int:
    return int(f"{place:0{bits}b}"[::-1], 2)
