"""The second group of BN254 and the pairing, by py_ecc: slow, but a check needs two pairings, however many points."""

from __future__ import annotations

from proofgrid.primitives.recursion import recursion_limit_kept
from proofgrid.proofs.systems.ezkl.reference.curve import ORDER, Point, negated
from proofgrid.proofs.systems.ezkl.reference.encoding import PointG2

with recursion_limit_kept():
    from py_ecc.fields import optimized_bn128_FQ as FQ
    from py_ecc.fields import optimized_bn128_FQ2 as FQ2
    from py_ecc.fields import optimized_bn128_FQ12 as FQ12
    from py_ecc.optimized_bn128.optimized_curve import Z1, b2, is_inf, is_on_curve, multiply, normalize
    from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing


def multiply_g2(point: PointG2, factor: int) -> PointG2:
    """Return the point times a factor that is no multiple of the order."""
    x, y = normalize(multiply(_g2(point), factor))
    return _pair(x), _pair(y)


def is_in_g2(point: PointG2) -> bool:
    """Return whether this is a point of the group: on the curve, of the right order, not the neutral one."""
    found = _g2(point)
    if not is_on_curve(found, b2):
        return False
    return bool(is_inf(multiply(found, ORDER)))


def pair_to_the_same(one: tuple[Point, PointG2], other: tuple[Point, PointG2]) -> bool:
    """Return whether e(one) = e(other)."""
    # e(one) / e(other) = 1: the second half of a pairing, a power, is the same for both, so it is taken once.
    quotient = _half_pairing(*one) * _half_pairing(negated(other[0]), other[1])
    return bool(final_exponentiate(quotient) == FQ12.one())


def _half_pairing(point: Point, of_g2: PointG2) -> FQ12:
    found = Z1 if point is None else (FQ(point[0]), FQ(point[1]), FQ(1))
    return pairing(_g2(of_g2), found, final_exponentiate=False)


def _g2(point: PointG2) -> tuple[FQ2, FQ2, FQ2]:
    return FQ2(point[0]), FQ2(point[1]), FQ2.one()


def _pair(element: FQ2) -> tuple[int, int]:
    real, imaginary = element.coeffs
    return int(real), int(imaginary)
