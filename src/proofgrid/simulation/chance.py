"""Chance by name: a draw belongs to its seed and to what it is about, so one actor's change moves nobody else's luck.

Two runs with the same seed meet the same jobs, failures and lots, whatever else differs. That is what makes "the same
world, one strategy changed" a comparison.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Shares: TypeAlias = NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHARE = 2.0**-53


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return a stream of its own for one purpose."""
    return np.random.default_rng(list(_digest(seed, purpose)))


def beacon(seed: int, number: int) -> bytes:
    """Return the beacon of a round."""
    return _digest(seed, f"beacon/{number}")


def shares(seed: int, purpose: str, *names: NDArray[np.int64]) -> Shares:
    """Return for each row of names, such as a job and an attempt, a share from 0 to 1 that is always the same."""
    state = np.full(len(names[0]), int.from_bytes(_digest(seed, purpose)[:8], "big"), dtype=np.uint64)
    for name in names:
        state = _mixed(state ^ _mixed(name.astype(np.uint64)))
    return np.asarray((state >> np.uint64(11)).astype(np.float64) * _SHARE)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014)."""
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return np.asarray(state ^ (state >> np.uint64(31)))


def _digest(seed: int, purpose: str) -> bytes:
    return hashlib.sha256(f"proofgrid/simulation/{seed}/{purpose}".encode()).digest()
