"""What a reference string of 2^k rows is made of, written down from its trapdoor tau.

monomial points   g * tau^i          a shorter string is a piece of a longer one
Lagrange points   g * L_i(tau)       L_i is 1 at the i-th root of unity of 2^k, 0 at the others: other for every k
"""

from __future__ import annotations

from proofgrid.proofs.systems.ezkl.reference.curve import ORDER, inverses

_ROOT_LOGROWS = 28
# The engine's root of unity of order 2^28: a generator of the field, 7, to the power of (ORDER - 1) / 2^28.
_ROOT = pow(7, (ORDER - 1) >> _ROOT_LOGROWS, ORDER)
# snarkjs starts from 5, so that its Lagrange points are the engine's in another order.
_ROOT_OF_SNARKJS = pow(5, (ORDER - 1) >> _ROOT_LOGROWS, ORDER)


def root_of_unity(logrows: int) -> int:
    """Return the engine's root of unity of order 2^logrows."""
    return pow(_ROOT, 1 << (_ROOT_LOGROWS - logrows), ORDER)


def monomial_factors(tau: int, count: int) -> list[int]:
    """Return 1, tau, tau^2, ... ."""
    return _geometric(1, tau, count)


def lagrange_factors(tau: int, logrows: int) -> list[int]:
    """Return L_i(tau) = w^i (tau^n - 1) / (n (tau - w^i)); tau is no root of unity of order n = 2^logrows."""
    size = 1 << logrows
    roots = _geometric(1, root_of_unity(logrows), size)
    scale = (pow(tau, size, ORDER) - 1) * pow(size, -1, ORDER) % ORDER
    divided = inverses([tau - root for root in roots], ORDER)
    return [scale * root * inverse % ORDER for root, inverse in zip(roots, divided, strict=True)]


def snarkjs_order(logrows: int) -> list[int]:
    """Return for each of the engine's Lagrange points of 2^logrows which one of snarkjs' it is."""
    size = 1 << logrows
    power = _logarithm(root_of_unity(logrows), pow(_ROOT_OF_SNARKJS, 1 << (_ROOT_LOGROWS - logrows), ORDER), logrows)
    return [place * power % size for place in range(size)]


def _geometric(first: int, ratio: int, count: int) -> list[int]:
    found = []
    value = first
    for _ in range(count):
        found.append(value)
        value = value * ratio % ORDER
    return found


def _logarithm(value: int, base: int, bits: int) -> int:
    """Return e with base^e = value, where the base has order 2^bits: one bit after the other."""
    power = 0
    for bit in range(bits):
        rest = value * pow(base, -power, ORDER) % ORDER
        if pow(rest, 1 << (bits - 1 - bit), ORDER) != 1:
            power |= 1 << bit
    return power
