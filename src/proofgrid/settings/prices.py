"""Prices among the settings: kept in base units per PU, written in tokens per million PU."""

from __future__ import annotations

from proofgrid.primitives.money import parse_price, typed_price
from proofgrid.settings.declared import Spelling

PRICE = Spelling(reads=parse_price, shows=typed_price)
