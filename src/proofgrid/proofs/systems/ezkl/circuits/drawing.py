"""The inputs on which a circuit is calibrated, and compared with its model: drawn once, the same on every machine.

inside the declared range     uniform, zero, all low, all high, alternating, ramp, corners, one element alone,
                              tiny, halves (where rounding turns), ties (all equal but one step)
outside of it                 negative where the range is not, large: circuits may take them, so they must be right
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofgrid.proofs.systems.ezkl.layout import ProgramTensor

Sample = list[list[int]]  #: one input, quantised: the elements of each tensor
Range = tuple[int, int]  #: lowest and highest, as quantised

CALIBRATED = "calibration"
_LARGE = 4  #: times the range
_CORNERS = 4
CONSTANT_BORDERS = 2  #: the first of all borders
_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A sample, and why it was chosen."""

    kind: str
    sample: Sample
    inside: bool = True  #: of the declared range


def uniform(tensor: ProgramTensor, limits: Range, count: int, *, seed: int) -> list[list[int]]:
    """Return `count` tensors spread evenly over the range."""
    stream = _Stream(seed)
    return [_listed(stream.between(tensor, limits)) for _ in range(count)]


def borders(tensor: ProgramTensor, limits: Range) -> list[list[int]]:
    """Return the tensors between which all others lie: all low, all high, alternating, and some corners."""
    stream = _Stream(1)
    ends = [_all(tensor, limits[0]), _all(tensor, limits[1]), *_alternating(tensor, limits)]
    return [_listed(made) for made in (*ends, *(stream.corner(tensor, limits) for _ in range(_CORNERS)))]


def drawn_samples(tensors: Sequence[ProgramTensor], limits: Sequence[Range], bounds: Sequence[Range]) -> list[Drawn]:
    """Return samples of every kind. `limits`: the declared range of each tensor; `bounds`: what its type holds."""
    per_tensor = [list(_kinds(tensor, own)) for tensor, own in zip(tensors, limits, strict=True)]
    found = []
    for places in zip(*per_tensor, strict=True):
        held = [np.clip(made, *bound) for (_, made), bound in zip(places, bounds, strict=True)]
        inside = all(low <= made.min() and made.max() <= high for made, (low, high) in zip(held, limits, strict=True))
        found.append(Drawn(kind=places[0][0], sample=[_listed(made) for made in held], inside=inside))
    return found


def _kinds(tensor: ProgramTensor, limits: Range) -> Iterator[tuple[str, _Integers]]:
    """Yield the most telling kinds first: a large circuit is compared on fewer."""
    stream = _Stream(2)
    low, high = limits
    size = max(abs(low), abs(high), 1)
    one = 1 << tensor.scale
    middle = (low + high) // 2
    make: dict[str, Callable[[], _Integers]] = {
        "uniform": lambda: stream.between(tensor, limits),
        "negative": lambda: stream.between(tensor, (-size, 0)),
        "ramp": lambda: np.linspace(low, high, tensor.elements).astype(np.int64),
        "large": lambda: stream.between(tensor, (-_LARGE * size, _LARGE * size)),
        "zero": lambda: _all(tensor, 0),
        "halves": lambda: stream.between(tensor, (-6, 6)) * max(one // 2, 1),
        "tiny": lambda: stream.between(tensor, (-3, 3)),
        "corner": lambda: stream.corner(tensor, limits),
        "one high": lambda: _one(tensor, stream.place(tensor), high),
        "one low": lambda: _one(tensor, stream.place(tensor), low),
        "tie": lambda: _one(tensor, stream.place(tensor), 1) + middle,
    }
    for kind in ("uniform", "negative", "ramp", "large", "zero", "halves"):
        yield kind, make[kind]()
    yield "low", _all(tensor, low)
    yield "high", _all(tensor, high)
    yield from (("alternating", made) for made in _alternating(tensor, limits))
    for kind in ("tiny", "corner", "one high", "one low", "tie", "uniform", "large", "negative", "tie", "halves"):
        yield kind, make[kind]()
    yield "one high", _one(tensor, tensor.elements - 1, high)
    yield "one low", _one(tensor, 0, low)


class _Stream:
    """A seeded stream of raw words: NumPy promises those for ever, and what Generator makes of them for one version."""

    def __init__(self, seed: int) -> None:
        self._words = np.random.PCG64(seed)

    def between(self, tensor: ProgramTensor, limits: Range) -> _Integers:
        low, high = limits
        words = self._words.random_raw(tensor.elements)
        return np.array([low + int(word) % (high - low + 1) for word in words], np.int64)

    def corner(self, tensor: ProgramTensor, limits: Range) -> _Integers:
        return np.where(self.between(tensor, (0, 1)) == 1, limits[1], limits[0])

    def place(self, tensor: ProgramTensor) -> int:
        return int(self._words.random_raw() % tensor.elements)


def _all(tensor: ProgramTensor, value: int) -> _Integers:
    return np.full(tensor.elements, value, np.int64)


def _one(tensor: ProgramTensor, place: int, value: int) -> _Integers:
    made = _all(tensor, 0)
    made[place] = value
    return made


def _alternating(tensor: ProgramTensor, limits: Range) -> tuple[_Integers, _Integers]:
    even = np.arange(tensor.elements) % 2 == 0
    return np.where(even, *limits), np.where(even, *reversed(limits))


def _listed(made: _Integers) -> list[int]:
    return [int(value) for value in made]
