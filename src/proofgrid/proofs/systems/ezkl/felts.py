"""Numbers as a circuit holds them: a real number times 2^scale, rounded, as an element of BN254's scalar field.

    "0.4375" --quantise(scale 7)--> 56 --to_felt--> "3800...00" (32 bytes, little-endian)
    "0.4375" <-----decimal_of------ 56 <-integer_of-

Everything here is exact: the same text gives the same integer on every machine.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TypeGuard

#: The order of BN254's scalar field; negative integers are its upper half.
MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
#: Far below what the field holds and far above what a quantised model computes with.
INTEGER_BITS_MAX = 62

# Bounded digits and exponent: a hostile "1e999999999" must not become an integer of a gigabyte.
_FELT = re.compile(r"[0-9a-f]{64}")
_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?(e[+-]?\d{1,3})?")


def quantise(text: str, scale: int) -> int:
    """Return the decimal number `text` times 2^scale, rounded half away from zero.

    Raises ValueError when `text` is no decimal number or the result exceeds 62 bits.
    """
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal number")
    scaled = abs(Fraction(text)) * 2**scale
    size = int(scaled + Fraction(1, 2))
    if size.bit_length() > INTEGER_BITS_MAX:
        raise ValueError(f"too large: the number times 2^{scale} has more than {INTEGER_BITS_MAX} bits")
    return -size if text.startswith("-") else size


def decimal_of(integer: int, scale: int) -> str:
    """Return integer / 2^scale exactly, as a decimal text without trailing zeros."""
    if scale <= 0:
        return str(integer << -scale)
    # 1/2^s = 5^s/10^s, so a binary fraction of s places has exactly s decimal places.
    digits = str(abs(integer) * 5**scale).zfill(scale + 1)
    text = f"{digits[:-scale]}.{digits[-scale:]}".rstrip("0").rstrip(".")
    return f"-{text}" if integer < 0 else text


def to_felt(integer: int) -> str:
    """Return the field element of `integer` as the engine spells it: 32 little-endian bytes in hex."""
    return (integer % MODULUS).to_bytes(32, "little").hex()


def is_felt(text: object) -> TypeGuard[str]:
    """Return whether `text` spells a field element in the one way that the engine does."""
    return isinstance(text, str) and bool(_FELT.fullmatch(text)) and value_of(text) < MODULUS


def integer_of(felt: str) -> int:
    """Return the integer that a field element stands for; the upper half of the field is negative."""
    value = value_of(felt)
    return value - MODULUS if value > MODULUS // 2 else value


def value_of(felt: str) -> int:
    """Return a field element as an integer from 0 to below MODULUS."""
    return int.from_bytes(bytes.fromhex(felt), "little")
