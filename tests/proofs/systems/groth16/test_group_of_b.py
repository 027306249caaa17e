"""What the circuit on BN254 leaves to gnark's pairing: that B, on its curve, is in its group.

gnark adds B up to [6x + 2]B, incompletely, and demands [6x + 2]B + psi(B) + psi^3(B) = psi^2(B). A point outside of the
group has a part whose order divides the cofactor. Here: for no such order a step divides nothing by nothing, so that a
prover could choose what comes of it; and for none the equation holds.
"""

from __future__ import annotations

from math import gcd

X = 4965661367192848881  #: BN254's seed
P = 36 * X**4 + 36 * X**3 + 24 * X**2 + 6 * X + 1
R = 36 * X**4 + 36 * X**3 + 18 * X**2 + 6 * X + 1
TRACE = P + 1 - R
COFACTOR = 2 * P - R
LOOP = 6 * X + 2


def digits_of(number: int) -> list[int]:
    """Return its digits 0, 1 and -1, of which no two beside each other are set; the lowest first."""
    digits = []
    while number:
        digit = 2 - number % 4 if number % 2 else 0
        digits.append(digit)
        number = (number - digit) // 2
    return digits


def vanishes_for_no_order(at_psi: int, constant: int) -> bool:
    """Is `at_psi` times psi, plus `constant`, invertible for each order? psi^2 = trace psi - p."""
    return gcd(constant**2 + TRACE * constant * at_psi + P * at_psi**2, COFACTOR) == 1


def test_no_step_of_the_chain_meets_itself() -> None:
    digits = digits_of(LOOP)
    assert COFACTOR % 2 == 1
    assert COFACTOR % R
    assert sum(digit << place for place, digit in enumerate(digits)) == LOOP
    reached = 1
    for digit in reversed(digits[:-1]):
        if digit:
            assert gcd(reached - digit, COFACTOR) == 1
        reached = 2 * reached + digit
    assert reached == LOOP


def test_no_order_of_the_cofactor_passes() -> None:
    cube = (TRACE**2 - P, -TRACE * P)  # psi^3, as so many psi and a constant
    square = (TRACE, -P)
    assert vanishes_for_no_order(-1, LOOP)  # [6x + 2]B is not psi(B)
    assert vanishes_for_no_order(1, LOOP)  # nor its opposite
    assert vanishes_for_no_order(1 - cube[0], LOOP - cube[1])  # their sum is not psi^3(B)
    assert vanishes_for_no_order(1 + cube[0] - square[0], LOOP + cube[1] - square[1])
