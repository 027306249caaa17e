"""What an honest circuit may differ from its model, element by element: as far as rounding moves it, and a little more.

The model is run several times with weights and results rounded to the circuit's grid (model/rounding.py). So a
discontinuous operator is given room where it is undecided, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from proofgrid.proofs.systems.ezkl.circuits.drawing import Drawn
from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel
from proofgrid.proofs.systems.ezkl.model.reference import Numbers, Reference, Undefined, Values
from proofgrid.proofs.systems.ezkl.model.rounding import Rounded

_DRAWS = 6  #: runs on the grid per sample
_SAFETY = 4  #: times what these moved an element: they are few, and a circuit rounds more often than it has nodes
_QUANTA = 2  #: that any element may be off
FLOAT_NOISE = 2.0**-20  #: of a number's size, by which float32 libraries of two machines differ
STEP_NOISE = 1 / 1000  #: of a quantum


@dataclass(frozen=True, slots=True)
class Compared:
    """One tensor of one sample."""

    drawn: Drawn
    says: Numbers
    proves: Numbers
    tolerance: Numbers

    @property
    def is_wrong(self) -> bool:
        return self.says.size != self.proves.size or bool((np.abs(self.says - self.proves) > self.tolerance).any())


class Judge:
    """Knows what a model says of an input, and how far honest rounding may move that."""

    def __init__(self, model: CheckedModel, scale: int) -> None:
        self._scale = scale
        self._reference = Reference(model.original)
        self._same = Reference(model.proto)
        self._rounded = Rounded(model, scale)
        self.outputs = self._reference.outputs

    def says(self, numbers: Sequence[Numbers]) -> Values:
        """Return the model's outputs; raise Undefined unless all of them are finite numbers."""
        found = self._reference.values(numbers, self.outputs)
        for name in self.outputs:
            if not np.isfinite(found[name]).all():
                raise Undefined(f"the output {name!r} is no finite number")
        return found

    def everything(self, numbers: Sequence[Numbers]) -> Values:
        """Return every tensor that model or checked model has; the model's own word counts."""
        return {**self._same.values(numbers), **self._reference.values(numbers)}

    def rooms(self, numbers: Sequence[Numbers], names: Collection[str]) -> Values:
        """Return how far rounding moves each element of the tensors; without limit where the model has no value."""
        exact = self._same.values(numbers, names)
        rooms = {name: np.zeros_like(tensor) for name, tensor in exact.items()}
        for draw in range(_DRAWS):
            try:
                moved = self._rounded.values(numbers, names, draw=draw)
            except Undefined:
                return {name: np.full_like(tensor, np.inf) for name, tensor in exact.items()}
            rooms = {name: _wider(room, moved.get(name, exact[name]), exact[name]) for name, room in rooms.items()}
        return rooms

    def compared(
        self,
        drawn: Drawn,
        numbers: Sequence[Numbers],
        says: Values,
        proves: Sequence[Numbers],
        scales: Sequence[int],
    ) -> dict[str, Compared]:
        """Return for each output what the model says of an input beside what is proven of it, in circuits of these
        scales."""
        rooms = self.rooms(numbers, self.outputs)
        return {
            name: Compared(drawn, says[name], proven, self.tolerance(says[name], rooms[name], scale))
            for name, proven, scale in zip(self.outputs, proves, scales, strict=True)
        }

    def tolerance(self, says: Numbers, room: Numbers, tensor_scale: int) -> Numbers:
        """Return how far each element may be off in a circuit that gives the tensor this scale."""
        # A tensor of fewer digits than the circuit computes with is off by one of its own where they do not suffice.
        with np.errstate(all="ignore"):  # room without limit
            places = says * 2.0**tensor_scale
            is_coarse = (tensor_scale < self._scale) & (np.abs(places - np.round(places)) > _QUANTA * STEP_NOISE)
            least = _QUANTA * 2.0**-self._scale + np.where(is_coarse, 2.0**-tensor_scale, 0)
            return np.asarray(_SAFETY * room + least + np.abs(says) * FLOAT_NOISE, np.float64)


def _wider(room: Numbers, moved: Numbers, exact: Numbers) -> Numbers:
    with np.errstate(all="ignore"):
        return np.asarray(np.maximum(room, np.nan_to_num(np.abs(moved - exact), nan=np.inf)), np.float64)
