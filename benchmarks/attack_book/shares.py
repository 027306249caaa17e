"""Shares of sums over many markets, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def share_of(parts: Sequence[int], wholes: Sequence[int]) -> float:
    """Return the sum of the parts in parts of the sum of the wholes."""
    return round(sum(parts) / sum(wholes), 4)


def error_of(parts: Sequence[int], wholes: Sequence[int]) -> float:
    """Return the half width of its 95% confidence, from how the markets differ."""
    numbers, whole = np.array(parts, dtype=float), np.array(wholes, dtype=float)
    spread = numbers - numbers.sum() / whole.sum() * whole
    variance = float((spread**2).sum()) / max(1, len(numbers) - 1) * len(numbers)
    return round(1.96 * math.sqrt(variance) / float(whole.sum()), 4)
