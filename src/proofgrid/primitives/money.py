"""Amounts are integers in the base unit (1e-9 of a token), prices are base units per PU, and none is ever a float.

People read amounts in tokens and prices in tokens per million PU: 1500 base units per PU are "1.5", typed "1.5/M".
"""

from __future__ import annotations

import re

from proofgrid.primitives.errors import InvalidField

BASE_UNITS_PER_TOKEN = 1_000_000_000
AMOUNT_MAX = 2**62  #: keeps every sum of two amounts inside PostgreSQL's bigint
PRICE_MAX = 2**63 - 1  #: prices per unit stay below this (dara.md, section 1)
UNITS_MAX = 2**31 - 1  #: proving units of one task

_MILLION = 1_000_000
_PRICE_DECIMALS = 3  # what is left of a token's nine when a million of PU share them
_PRICE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?(/M|/MPU)?")
_AMOUNT = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_DECIMALS = len(str(BASE_UNITS_PER_TOKEN)) - 1
_DIGITS_MAX = 30
_PRICE_HINT = "like 1.5/M: tokens per million PU; a whole number alone is base units per PU"


def check_amount(value: int, *, field: str, least: int = 0) -> int:
    """Return `value` if it is an amount of at least `least`; raise InvalidField otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidField("an amount is a whole number of base units", field=field)
    if not least <= value <= AMOUNT_MAX:
        raise InvalidField(
            f"an amount lies between {format_amount(least)} and {format_amount(AMOUNT_MAX)} tokens", field=field
        )
    return value


def parse_amount(text: str, *, base_units: bool = False, field: str = "amount") -> int:
    """Return an amount in base units: "1.5" tokens exactly, or a whole number of base units. Raises InvalidField."""
    found = _AMOUNT.fullmatch(text.replace("_", ""))
    if found is None or len(text) > _DIGITS_MAX:
        raise InvalidField(f"{text!r} is no amount", field=field, hint="like 1.5, in tokens")
    whole, fraction = found[1], found[2] or ""
    if base_units:
        if fraction:
            raise InvalidField("base units are whole numbers", field=field)
        return check_amount(int(whole), field=field)
    if len(fraction) > _DECIMALS:
        raise InvalidField(f"a token has {_DECIMALS} decimals, not {len(fraction)}", field=field)
    return check_amount(int(whole + fraction.ljust(_DECIMALS, "0")), field=field)


def format_amount(amount: int) -> str:
    """Return an amount in tokens for people, exact to the base unit: 1500000000 -> '1.5'."""
    whole, fraction = divmod(abs(amount), BASE_UNITS_PER_TOKEN)
    text = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if amount < 0 else text


def tokens_text(amount: int) -> str:
    """Return an amount with its unit: '1 token', '0.5 tokens'."""
    return f"{format_amount(amount)} {'token' if amount == BASE_UNITS_PER_TOKEN else 'tokens'}"


def format_price(price: int) -> str:
    """Return a price in tokens per million PU for people, exact: 1500 base units per PU -> '1.5'."""
    return format_amount(price * _MILLION)


def typed_price(price: int) -> str:
    """Return a price as people type it: 1500 -> '1.5/M'."""
    return f"{format_price(price)}/M"


def parse_price(text: str | int, *, field: str = "price", least: int = 1) -> int:
    """Return a price in base units per PU, of '1.5/M' (tokens per million PU) or '1500' (base units per PU).

    Raises InvalidField for anything else, for parts of a base unit, and for less than `least`.
    """
    found = _PRICE.fullmatch(str(text).strip())
    if found is None:
        raise InvalidField(f"{text!r} is no price", field=field, hint=_PRICE_HINT)
    whole, fraction, per_million = found.groups()
    if not per_million and fraction:
        raise InvalidField(f"{text!r} is no price: per how much?", field=field, hint=_PRICE_HINT)
    price = int(whole + (fraction or "").ljust(_PRICE_DECIMALS, "0")) if per_million else int(whole)
    if len(fraction or "") > _PRICE_DECIMALS or not least <= price <= PRICE_MAX:
        raise InvalidField(f"a price has {_PRICE_DECIMALS} decimals and is at least {typed_price(least)}", field=field)
    return price
