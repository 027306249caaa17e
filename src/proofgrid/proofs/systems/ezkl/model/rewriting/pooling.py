"""Windows with padding: a maximum repeats elements of the same window, a mean knows how many it saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from proofgrid.proofs.systems.ezkl.model.rewriting.arithmetic import number
from proofgrid.proofs.systems.ezkl.model.rewriting.moving import positions, rearranged
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule, rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Site


@rule("MaxPool", "padding, dilations and rounding up: every window's own elements, the missing ones repeated")
def _max_pool(at: Site) -> str | None:
    windows = Windows.of(at)
    if windows is None:
        return None
    if at.used(1):
        raise at.refused("its indices are used", "use the maxima only")
    if windows.plain:
        return None if _spelled(at) else windows.again("MaxPool", at)
    chosen = windows.places(at, repeat=True)
    return at.put("ReduceMax", rearranged(at, chosen), axes=[chosen.ndim - 1], keepdims=0)


@rule("AveragePool", "windows that see padding are divided by what they count")
def _average_pool(at: Site) -> str | None:
    windows = Windows.of(at)
    if windows is None:
        return None
    if windows.plain:
        return None if _spelled(at) else windows.again("AveragePool", at)
    chosen = windows.places(at, repeat=False)
    shares = windows.shares(at)
    means = at.put("ReduceMean", rearranged(at, chosen, np.zeros(1, np.float32)), axes=[chosen.ndim - 1], keepdims=0)
    return means if np.all(shares == 1) else at.put("Mul", means, shares)


@rule("LpPool", "the root of a sum of squares, or a sum of absolutes")
def _lp_pool(at: Site) -> str | None:
    p = at.attribute("p", 2)
    if p not in (1, 2):
        raise at.refused(f"p={p}", "use p=1 or p=2")
    size = number(int(np.prod(at.attribute("kernel_shape"))))
    powers = at.put("Mul", at.input(0), at.input(0)) if p == 2 else at.put("Abs", at.input(0))
    means = at.again("AveragePool", powers, without="p", count_include_pad=1)
    total = at.put("Mul", means, size)
    return at.put("Sqrt", total) if p == 2 else total


def _spelled(at: Site) -> bool:
    """Return whether a pool without padding is written as the engine reads it."""
    given = {a.name for a in at.node.attribute}
    return given == {"kernel_shape", "strides"} and len(at.node.output) == 1


class Windows:
    """Which element of an axis each place of each window sees."""

    def __init__(self, shape: tuple[int, ...], target: tuple[int, ...], pads: Sequence[int], at: Site) -> None:
        """Lay out the windows of a node, axis by axis."""
        self.shape, self.target = shape, target
        self.kernel: list[int] = list(at.attribute("kernel_shape"))
        rank = len(self.kernel)
        self.strides: list[int] = list(at.attribute("strides", [1] * rank))
        dilations = at.attribute("dilations", [1] * rank)
        self.axes = [
            np.arange(target[2 + i])[:, None] * self.strides[i] + np.arange(self.kernel[i]) * dilations[i] - pads[i]
            for i in range(rank)
        ]
        ends = [shape[2 + i] + (pads[rank + i] if at.attribute("count_include_pad", 0) else 0) for i in range(rank)]
        starts = [-pads[i] if at.attribute("count_include_pad", 0) else 0 for i in range(rank)]
        self.counted = [(s <= a) & (a < e) for a, s, e in zip(self.axes, starts, ends, strict=True)]
        unit = all(d == 1 for d in dilations)
        self.plain = unit and all(((a >= 0) & (a < n)).all() for a, n in zip(self.axes, shape[2:], strict=True))

    @classmethod
    def of(cls, at: Site) -> Windows | None:
        """Return a node's windows, when its shapes are known."""
        shape, target = at.shape(), at.output_shape()
        if shape is None or target is None or positions(at) is None:
            return None
        made = cls(shape, target, _pads(at, shape, target), at)
        if any(places[-1, 0] >= size for places, size in zip(made.axes, shape[2:], strict=True)):
            raise at.refused("its last window begins in the padding", "use ceil_mode=0, or pad with a Pad node")
        return made

    def again(self, operator: str, at: Site) -> str:
        """Write the node with its windows in the one form that the engine reads, cropped where it sees less."""
        return at.put(operator, at.input(0), kernel_shape=self.kernel, strides=self.strides)

    def places(self, at: Site, *, repeat: bool) -> Array:
        """Return the positions that each window sees, the window as last axis; -1 (or a repeated one) for padding."""
        per_axis = []
        for seen, size in zip(self.axes, self.shape[2:], strict=True):
            valid = (seen >= 0) & (seen < size)
            if repeat and not valid.any(axis=1).all():
                raise at.refused("a window sees padding only", "pad less than a window's size")
            first = np.take_along_axis(seen, valid.argmax(axis=1)[:, None], axis=1)
            per_axis.append(np.where(valid, seen, first if repeat else -1))
        whole = np.arange(int(np.prod(self.shape))).reshape(self.shape)
        grids = np.meshgrid(*(np.arange(a.size) for a in per_axis), indexing="ij")
        chosen = [a.reshape(-1)[g] for a, g in zip(per_axis, grids, strict=True)]
        every: tuple[Any, ...] = (slice(None), slice(None), *(np.maximum(c, 0) for c in chosen))
        found = whole[every]
        missing = np.any([c < 0 for c in chosen], axis=0)
        found = np.where(missing, -1, found)
        return self._windows_last(found)

    def _windows_last(self, found: Array) -> Array:
        rank = len(self.kernel)
        split = found.reshape(
            *found.shape[:2], *(n for pair in zip(self.target[2:], self.kernel, strict=True) for n in pair)
        )
        order = [0, 1, *(2 + 2 * i for i in range(rank)), *(3 + 2 * i for i in range(rank))]
        turned = split.transpose(order)
        return turned.reshape(*turned.shape[: 2 + rank], -1)

    def shares(self, at: Site) -> Array:
        """Return for each window how many places it has for each that is counted."""
        counts = np.ones([1] * len(self.kernel))
        for i, counted in enumerate(self.counted):
            counts = counts * counted.sum(axis=1).reshape([-1 if i == j else 1 for j in range(len(self.kernel))])
        if not counts.all():
            raise at.refused("a window counts nothing", "pad less than a window's size")
        found: Array = (np.prod(self.kernel) / counts).astype(np.float32)[None, None]
        return found


def _pads(at: Site, shape: tuple[int, ...], target: tuple[int, ...]) -> list[int]:
    rank = len(shape) - 2
    auto = at.attribute("auto_pad", "NOTSET")
    if not auto.startswith("SAME"):
        return list(at.attribute("pads", [0] * 2 * rank)) if auto == "NOTSET" else [0] * 2 * rank
    kernel, strides = at.attribute("kernel_shape"), at.attribute("strides", [1] * rank)
    dilations = at.attribute("dilations", [1] * rank)
    starts, ends = [], []
    for n, m, k, s, d in zip(shape[2:], target[2:], kernel, strides, dilations, strict=True):
        total = max(0, (m - 1) * s + (k - 1) * d + 1 - n)
        small, large = total // 2, total - total // 2
        starts.append(small if auto == "SAME_UPPER" else large)
        ends.append(large if auto == "SAME_UPPER" else small)
    return starts + ends


RULES: tuple[Rule, ...] = (_max_pool, _average_pool, _lp_pool)
