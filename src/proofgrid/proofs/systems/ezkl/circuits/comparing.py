"""Does the circuit compute what the model says? Every build compares the two, and refuses a difference.

                 the model as it came --reference evaluator--> says             |says - proves| <= tolerance
    samples <
                 compiled slices, one after the other -------> proves           on every element of every output

The tolerance of an element follows from the scale (judging.py). An element with so much room that a wrong function
could hide in it says nothing; enough elements have to say something, or the program is refused too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import Report
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.choosing import Circuits
from proofgrid.proofs.systems.ezkl.circuits.differing import difference
from proofgrid.proofs.systems.ezkl.circuits.drawing import CALIBRATED, Drawn, drawn_samples
from proofgrid.proofs.systems.ezkl.circuits.judging import FLOAT_NOISE, STEP_NOISE, Compared, Judge
from proofgrid.proofs.systems.ezkl.circuits.plan import BuildPlan
from proofgrid.proofs.systems.ezkl.layout import range_of
from proofgrid.proofs.systems.ezkl.model.reference import Numbers, Undefined, as_numbers
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice

_CALIBRATED_SAMPLES = 4
_SAMPLES_LEAST = 8
_ROWS = 1 << 21  #: of all samples together, about
_TELLING_SHARE = 0.25  #: of an output's spread: an element with less room tells a wrong function from a right one
_TELLING_PLACES = 0.5  #: of an output's elements must tell on some sample
_TELLING_SAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAgreement:
    """How far an output agrees, in quanta of its scale, each rounded up to a power of two."""

    name: str
    scale: int
    quanta: int  #: the largest difference, of elements that tell something
    quanta_allowed: int  #: the largest tolerance of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far circuit and model agree; part of a program's identity, so equal on every machine."""

    samples: int
    kinds: tuple[str, ...]
    outputs: tuple[OutputAgreement, ...]

    def text(self) -> str:
        """Say it in a line."""
        told = [
            f"{one.name} off by at most {one.quanta} steps of {2.0**-one.scale:g}, where rounding explains "
            f"{one.quanta_allowed}"
            for one in self.outputs
        ]
        return f"{self.samples} inputs compared with the model: {'; '.join(told)}"

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
        own = tensors[: len(self.output_scales)]  # public inputs beside hidden ones come out again after them
        return as_numbers(own, self.output_scales)

    def numbers(self, sample: Sequence[Sequence[int]]) -> list[Numbers]:
        """Return a sample as the numbers that it stands for."""
        return as_numbers(sample, self.input_scales)


class Comparison:
    """Compares a circuit with its model, sample by sample."""

    def __init__(self, judge: Judge, circuit: Circuit) -> None:
        self._circuit = circuit
        self._judge = judge
        self._compared: dict[str, list[Compared]] = {name: [] for name in judge.outputs}
        self._kinds: set[str] = set()

    def take(self, drawn: Drawn) -> tuple[str, Compared] | None:
        """Compare one sample; return the output that is wrong. One that the circuit cannot prove is passed over.

        Raises InvalidProgram when the circuit proves a number where the model has none, inside the declared range.
        """
        numbers = self._circuit.numbers(drawn.sample)
        try:
            proves = self._circuit.outputs(drawn.sample)
        except engine.EngineFailed:
            return None
        try:
            says = self._judge.says(numbers)
        except Undefined as reason:
            if drawn.inside and self._can_be_proven(drawn):
                raise _undefined(drawn, reason) from None
            return None
        found = self._judge.compared(drawn, numbers, says, proves, self._circuit.output_scales)
        wrong = next(((name, one) for name, one in found.items() if one.is_wrong), None)
        if wrong is not None and not self._can_be_proven(drawn):
            return None
        for name, one in found.items():
            self._compared[name].append(one)
        self._kinds.add(drawn.kind)
        return wrong

    def agreement(self) -> Agreement:
        """Return what was measured; raise InvalidProgram when it tells nothing."""
        scales = self._circuit.output_scales
        return Agreement(
            samples=min(map(len, self._compared.values())),
            kinds=tuple(sorted(self._kinds)),
            outputs=tuple(_measured(*one, scale) for one, scale in zip(self._compared.items(), scales, strict=True)),
        )

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
        output_scales=circuits.settings[-1]["model_output_scales"][: len(plan.model.outputs)],
        workdir=plan.workdir,
    )
    judge = Judge(plan.model, plan.settings.scale)
    comparison = Comparison(judge, circuit)
    samples = _samples(plan, circuits)
    for number, drawn in enumerate(samples):
        report("compare", 280 + 80 * number // len(samples))
        wrong = comparison.take(drawn)
        if wrong is not None:
            raise difference(plan, slices, circuits, judge, wrong)
    return comparison.agreement()


def _samples(plan: BuildPlan, circuits: Circuits) -> list[Drawn]:
    """Return the samples to compare on, fewer for a large circuit; how many depends on its size alone."""
    rows = sum(int(settings["num_rows"]) for settings in circuits.settings)
    bounds = [range_of(tensor) for tensor in plan.inputs]
    drawn = drawn_samples(plan.inputs, plan.limits, bounds)
    known = [Drawn(kind=CALIBRATED, sample=sample) for sample in circuits.samples[-_CALIBRATED_SAMPLES:]]
    count = max(_SAMPLES_LEAST, min(_ROWS // max(rows, 1), len(drawn) + len(known)))
    own = min(len(known), count // 4)
    return [*known[:own], *drawn[: count - own]]


def _undefined(drawn: Drawn, reason: Undefined) -> InvalidProgram:
    return InvalidProgram(
        f"the circuit proves a number where the model has none (sample {drawn.kind!r}): {reason}",
        field="model",
        hint="declare an input_range in which the model is defined, or give calibration inputs",
    )


def _measured(name: str, compared: Sequence[Compared], output_scale: int) -> OutputAgreement:
    """Return how far an output agrees; raise InvalidProgram when too few of its elements tell anything."""
    if not compared:
        raise _says_nothing(name, "none of the drawn inputs can be proven")
    says, proves, tolerance = (np.stack([getattr(one, part) for one in compared]) for part in _PARTS)
    spread = float(np.ptp(says)) or float(np.abs(says).max()) or 1.0
    tells = tolerance <= spread * _TELLING_SHARE
    if tells.any(axis=0).mean() < _TELLING_PLACES or tells.any(axis=1).sum() < min(_TELLING_SAMPLES, len(compared)):
        raise _says_nothing(name, f"rounding may move it as far as it moves at all ({spread:.3g})")
    quantum = 2.0**-output_scale
    noise = np.abs(says) * FLOAT_NOISE + quantum * STEP_NOISE
    return OutputAgreement(
        name=name,
        scale=output_scale,
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
