"""Amounts are integers in the base unit (1e-9 of a token) and never floats."""

from __future__ import annotations

from proofgrid.primitives.errors import InvalidField

BASE_UNITS_PER_TOKEN = 1_000_000_000
AMOUNT_MAX = 2**62  #: keeps every sum of two amounts inside PostgreSQL's bigint
PRICE_MAX = 2**63 - 1  #: prices per unit stay below this (dara.md, section 1)
UNITS_MAX = 2**31 - 1  #: proving units of one task


def check_amount(value: int, *, field: str, least: int = 0) -> int:
    """Return `value` if it is an amount of at least `least`; raise InvalidField otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidField("an amount is a whole number of base units", field=field)
    if not least <= value <= AMOUNT_MAX:
        raise InvalidField(f"an amount lies between {least} and {AMOUNT_MAX} base units", field=field)
    return value


def format_amount(amount: int) -> str:
    """Return an amount in tokens for people, exact to the base unit: 1500000000 -> '1.5'."""
    whole, fraction = divmod(abs(amount), BASE_UNITS_PER_TOKEN)
    text = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if amount < 0 else text
