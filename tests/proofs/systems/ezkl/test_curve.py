"""Points of BN254 by the thousand: what py_ecc says one by one, and what the engine has written."""

from __future__ import annotations

import random
from pathlib import Path

import ezkl
from py_ecc.optimized_bn128 import optimized_curve as peer

from proofgrid.proofs.systems.ezkl.reference.curve import (
    GENERATOR,
    ORDER,
    Point,
    add_pairs,
    generator_times,
    is_on_curve,
    sum_of,
    times,
    weighted_sum,
)
from proofgrid.proofs.systems.ezkl.reference.encoding import GENERATOR_G2, decode_g2, decode_points, encode_points
from proofgrid.proofs.systems.ezkl.reference.files import open_reference_file
from proofgrid.proofs.systems.ezkl.reference.powers import root_of_unity

CHANCE = random.Random(1)
FACTORS = [0, 1, 2, 3, ORDER - 1, *(CHANCE.randrange(ORDER) for _ in range(12))]
OTHERS = [0, ORDER - 1, 1, *(CHANCE.randrange(ORDER) for _ in range(14))]


def peers(factor: int) -> Point:
    """Return the generator times a factor, as py_ecc has it."""
    if factor % ORDER == 0:
        return None
    x, y = peer.normalize(peer.multiply(peer.G1, factor % ORDER))
    return int(x), int(y)


def test_multiples_of_the_generator() -> None:
    points = generator_times(FACTORS)

    assert points == [peers(factor) for factor in FACTORS]
    assert all(map(is_on_curve, points))
    assert not is_on_curve((1, 3))


def test_sums_whatever_is_added() -> None:
    left = generator_times([0, 0, 5, 5, 5, 6])
    right = generator_times([0, 7, 0, 5, ORDER - 5, 1])

    assert add_pairs(left, right) == [peers(factor) for factor in (0, 7, 5, 10, 0, 7)]


def test_multiples_and_weighted_sums() -> None:
    points = generator_times(FACTORS)

    assert times(OTHERS, points) == [peers(one * other) for one, other in zip(FACTORS, OTHERS, strict=True)]
    assert weighted_sum(OTHERS, points) == peers(sum(a * b for a, b in zip(FACTORS, OTHERS, strict=True)))
    assert sum_of(points) == peers(sum(FACTORS))
    assert sum_of([]) is None


def test_the_engines_files_are_read_and_its_roots_of_unity_known(tmp_path: Path) -> None:
    path = tmp_path / "engines.srs"
    ezkl.gen_srs(str(path), 5)
    file = open_reference_file(path)
    assert file is not None

    content = file.monomial(0, 32)
    powers, basis = decode_points(content), decode_points(file.lagrange(0, 32))

    assert encode_points(powers) == content
    assert powers[0] == GENERATOR
    assert decode_g2(file.g2()) == GENERATOR_G2
    for exponent in (0, 1, 7):  # X^e is the sum of its values at the roots, each times the basis' polynomial
        values = [pow(root_of_unity(5), place * exponent, ORDER) for place in range(32)]
        assert weighted_sum(values, basis) == powers[exponent]
