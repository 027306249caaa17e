"""Does the circuit compute what the model says? Every build compares the two, and refuses a difference.

                 the model as it came --reference evaluator--> says             |says - proves| <= tolerance
    samples <
                 compiled slices, one after the other -------> proves           on every element of every output

The tolerance of an element follows from the scale: the model is run again several times with weights and results
rounded to the circuit's grid (model/rounding.py), and what that moves the element is what an honest circuit may be off.
So a discontinuous operator is given room where it is undecided, and nowhere else. An element with so much room that a
wrong function could hide in it says nothing; enough elements have to say something, or the program is refused too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import Report
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.choosing import Circuits
from proofgrid.proofs.systems.ezkl.circuits.drawing import CALIBRATED, Drawn, drawn_samples
from proofgrid.proofs.systems.ezkl.circuits.plan import BuildPlan
from proofgrid.proofs.systems.ezkl.layout import range_of
from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel
from proofgrid.proofs.systems.ezkl.model.reference import Reference, Undefined, Values
from proofgrid.proofs.systems.ezkl.model.rounding import Rounded
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice

Numbers = NDArray[np.float64]

_CALIBRATED_SAMPLES = 4
_SAMPLES_LEAST = 8
_ROWS = 1 << 21  #: of all samples together, about
_DRAWS = 6  #: runs on the grid per sample
_SAFETY = 4  #: times what these moved an element: they are few, and a circuit rounds more often than it has nodes
_QUANTA = 2  #: that any element may be off
_FLOAT_NOISE = 2.0**-20  #: of a number's size, by which float32 libraries of two machines differ
_STEP_NOISE = 1 / 1000  #: of a quantum
_TELLING_SHARE = 0.25  #: of an output's spread: an element with less room tells a wrong function from a right one
_TELLING_PLACES = 0.5  #: of an output's elements must tell on some sample
_TELLING_SAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An element on which circuit and model differ by more than rounding explains."""

    drawn: Drawn
    output: str
    element: int
    says: float
    proves: float
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAgreement:
    """How far an output agrees, in quanta of its scale, each rounded up to a power of two."""

    name: str
    quanta: int  #: the largest difference, of elements that tell something
    quanta_allowed: int  #: the largest tolerance of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far circuit and model agree; part of a program's identity, so equal on every machine."""

    samples: int
    kinds: tuple[str, ...]
    outputs: tuple[OutputAgreement, ...]

    def to_json(self) -> dict[str, Json]:
        """Return it as it stands in an identity: integers and words only."""
        return {
            "samples": self.samples,
            "kinds": list(self.kinds),
            "outputs": [
                {"name": one.name, "quanta": one.quanta, "quanta_allowed": one.quanta_allowed} for one in self.outputs
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """The compiled slices of a program, and the scales between which they work."""

    compiled: Sequence[Path]
    settings: Sequence[Path]
    input_scales: Sequence[int]
    output_scales: Sequence[int]
    workdir: Path

    def outputs(self, sample: Sequence[Sequence[int]], *, checked: bool = False) -> list[Numbers]:
        """Return what is proven of a sample, as numbers; raise EngineFailed when nothing can be."""
        tensors = [list(tensor) for tensor in sample]
        for compiled, settings in zip(self.compiled, self.settings, strict=True):
            tensors = engine.outputs_of(tensors, compiled, workdir=self.workdir, settings=settings if checked else None)
        return [np.array(t, np.float64) / 2.0**s for t, s in zip(tensors, self.output_scales, strict=True)]

    def numbers(self, sample: Sequence[Sequence[int]]) -> list[Numbers]:
        """Return a sample as the numbers that it stands for."""
        return [np.array(t, np.float64) / 2.0**s for t, s in zip(sample, self.input_scales, strict=True)]


@dataclass(frozen=True, slots=True)
class _Compared:
    """One output of one sample, flat."""

    drawn: Drawn
    says: Numbers
    proves: Numbers
    tolerance: Numbers


class Comparison:
    """Compares a circuit with its model, sample by sample."""

    def __init__(self, model: CheckedModel, circuit: Circuit, scale: int) -> None:
        self._circuit = circuit
        self._scale = scale
        self._reference = Reference(model.original)
        self._same = Reference(model.proto)
        self._rounded = Rounded(model, scale)
        self._names = self._reference.outputs
        self._compared: list[list[_Compared]] = [[] for _ in self._names]
        self._kinds: set[str] = set()

    def take(self, drawn: Drawn) -> Difference | None:
        """Compare one sample and return what is wrong. One that the circuit cannot prove is passed over.

        Raises InvalidProgram when the circuit proves a number where the model has none, inside the declared range.
        """
        numbers = self._circuit.numbers(drawn.sample)
        try:
            proves = self._circuit.outputs(drawn.sample)
        except engine.EngineFailed:
            return None
        try:
            says = self._finite(self._reference.values(numbers))
        except Undefined as reason:
            if drawn.inside and self._can_be_proven(drawn):
                raise _undefined(drawn, reason) from None
            return None
        rooms = self._rooms(numbers)
        scales = self._circuit.output_scales
        tolerances = map(self._tolerance, says, rooms, scales)
        found = [_Compared(drawn, *one) for one in zip(says, proves, tolerances, strict=True)]
        wrong = [_difference(name, one) for name, one in zip(self._names, found, strict=True) if _differ(one).any()]
        difference = next(iter(wrong), None)
        if difference is not None and not self._can_be_proven(drawn):
            return None
        for seen, one in zip(self._compared, found, strict=True):
            seen.append(one)
        self._kinds.add(drawn.kind)
        return difference

    def agreement(self) -> Agreement:
        """Return what was measured; raise InvalidProgram when it tells nothing."""
        scales = self._circuit.output_scales
        return Agreement(
            samples=len(self._compared[0]),
            kinds=tuple(sorted(self._kinds)),
            outputs=tuple(map(_measured, self._names, self._compared, scales)),
        )

    def _finite(self, values: Values) -> list[Numbers]:
        for name in self._names:
            if not np.isfinite(values[name]).all():
                raise Undefined(f"the output {name!r} is no finite number")
        return [values[name].ravel() for name in self._names]

    def _rooms(self, numbers: Sequence[Numbers]) -> list[Numbers]:
        """Return how far rounding moves each element of each output; without limit where the model has no value."""
        exact = [self._same.values(numbers)[name].ravel() for name in self._same.outputs]
        rooms = [np.zeros_like(tensor) for tensor in exact]
        for draw in range(_DRAWS):
            try:
                values = self._rounded.values(numbers, draw=draw)
            except Undefined:
                return [np.full_like(tensor, np.inf) for tensor in exact]
            moved = [values[name].ravel() for name in self._same.outputs]
            rooms = [_wider(*one) for one in zip(rooms, moved, exact, strict=True)]
        return rooms

    def _tolerance(self, says: Numbers, room: Numbers, output_scale: int) -> Numbers:
        # An output of fewer digits than the circuit computes with is off by one of its own where they do not suffice.
        places = says * 2.0**output_scale
        is_coarse = (output_scale < self._scale) & (np.abs(places - np.round(places)) > _QUANTA * _STEP_NOISE)
        least = _QUANTA * 2.0**-self._scale + np.where(is_coarse, 2.0**-output_scale, 0)
        return _SAFETY * room + least + np.abs(says) * _FLOAT_NOISE

    def _can_be_proven(self, drawn: Drawn) -> bool:
        try:
            self._circuit.outputs(drawn.sample, checked=True)
        except engine.EngineFailed:
            return False
        return True


def compare(plan: BuildPlan, slices: Sequence[ModelSlice], circuits: Circuits, report: Report) -> Agreement:
    """Compare the compiled slices with the model; raise InvalidProgram when they differ, or when nothing can be said.

    The circuits' files lie in the plan's folders.
    """
    folders = [plan.folder(index) for index in range(len(slices))]
    circuit = Circuit(
        compiled=[folder / "compiled" for folder in folders],
        settings=[folder / "settings" for folder in folders],
        input_scales=[tensor.scale for tensor in plan.inputs],
        output_scales=circuits.settings[-1]["model_output_scales"],
        workdir=plan.workdir,
    )
    comparison = Comparison(plan.model, circuit, plan.settings.scale)
    samples = _samples(plan, sum(int(settings["num_rows"]) for settings in circuits.settings))
    for number, drawn in enumerate(samples):
        report("compare", 500 + 100 * number // len(samples))
        difference = comparison.take(drawn)
        if difference is not None:
            raise InvalidProgram(f"{difference}", field="model")
    return comparison.agreement()


def _samples(plan: BuildPlan, rows: int) -> list[Drawn]:
    """Return the samples to compare on, fewer for a large circuit; how many depends on its size alone."""
    bounds = [range_of(tensor) for tensor in plan.inputs]
    drawn = drawn_samples(plan.inputs, plan.limits, bounds)
    known = [Drawn(kind=CALIBRATED, sample=sample) for sample in plan.samples[-_CALIBRATED_SAMPLES:]]
    count = max(_SAMPLES_LEAST, min(_ROWS // max(rows, 1), len(drawn) + len(known)))
    own = min(len(known), count // 4)
    return [*known[:own], *drawn[: count - own]]


def _wider(room: Numbers, moved: Numbers, exact: Numbers) -> Numbers:
    return np.maximum(room, np.nan_to_num(np.abs(moved - exact), nan=np.inf))


def _differ(one: _Compared) -> NDArray[np.bool_]:
    return np.abs(one.says - one.proves) > one.tolerance


def _difference(name: str, one: _Compared) -> Difference:
    element = int(np.argmax(np.abs(one.says - one.proves) / one.tolerance))
    return Difference(
        drawn=one.drawn,
        output=name,
        element=element,
        says=float(one.says[element]),
        proves=float(one.proves[element]),
        tolerance=float(one.tolerance[element]),
    )


def _undefined(drawn: Drawn, reason: Undefined) -> InvalidProgram:
    return InvalidProgram(
        f"the circuit proves a number where the model has none (sample {drawn.kind!r}): {reason}",
        field="model",
        hint="declare an input_range in which the model is defined, or give calibration inputs",
    )


def _measured(name: str, compared: Sequence[_Compared], output_scale: int) -> OutputAgreement:
    """Return how far an output agrees; raise InvalidProgram when too few of its elements tell anything."""
    if not compared:
        raise _says_nothing(name, "none of the drawn inputs can be proven")
    says, proves, tolerance = (np.stack([getattr(one, part) for one in compared]) for part in _PARTS)
    spread = float(np.ptp(says)) or float(np.abs(says).max()) or 1.0
    tells = tolerance <= spread * _TELLING_SHARE
    if tells.any(axis=0).mean() < _TELLING_PLACES or tells.any(axis=1).sum() < min(_TELLING_SAMPLES, len(compared)):
        raise _says_nothing(name, f"rounding may move it as far as it moves at all ({spread:.3g})")
    quantum = 2.0**-output_scale
    noise = np.abs(says) * _FLOAT_NOISE + quantum * _STEP_NOISE
    return OutputAgreement(
        name=name,
        quanta=_rounded_up(np.max(np.where(tells, np.abs(says - proves) - noise, 0)) / quantum),
        quanta_allowed=_rounded_up(np.max(np.where(tells, tolerance - noise, 0)) / quantum),
    )


_PARTS = ("says", "proves", "tolerance")


def _says_nothing(name: str, why: str) -> InvalidProgram:
    return InvalidProgram(
        f"circuit and model could not be compared: of the output {name!r}, {why}",
        field="model",
        hint="take a larger scale, an input_range like the inputs that will be proven, or calibration inputs",
    )


def _rounded_up(quanta: float) -> int:
    """Return the next power of two, or 0: float libraries of two machines differ, and this has to be equal on both."""
    return 1 << max(ceil(quanta) - 1, 0).bit_length() if quanta > 0 else 0
