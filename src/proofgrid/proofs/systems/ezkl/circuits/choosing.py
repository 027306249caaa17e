"""Makes the circuits of all slices fit together: equal scales on both sides of a cut, equally many rows everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from proofgrid.proofs.base import Report
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits import calibration
from proofgrid.proofs.systems.ezkl.circuits.calibration import CircuitRules, EngineSettings
from proofgrid.proofs.systems.ezkl.circuits.drawing import Sample
from proofgrid.proofs.systems.ezkl.circuits.plan import BuildPlan
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice, show_again, slice_model
from proofgrid.proofs.systems.ezkl.settings import COMMITTED, EzklSettings

_BLINDING_ROWS = 32  #: more than any circuit of ezkl keeps for blinding
_LEGS = (3, 4, 2)  #: in the order of which usually wins
_HEADROOM_BITS = 14  #: activations up to 2^14 in size fit a decomposition chosen by `auto`


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuits:
    """The settings of every slice's circuit under one decomposition."""

    decomposition: tuple[int, int]
    logrows: int
    settings: list[EngineSettings]
    samples: list[Sample]  #: what they were calibrated with


def slice_with_equal_scales(plan: BuildPlan, *, cells_max: int | None = None) -> list[ModelSlice]:
    """Slice the model, write the slices' models, and avoid cuts at which the engine changes the scale."""
    row_limit = 1 << plan.logrows_max
    avoided = {t.name for t in plan.model.tensors.values() if t.elements + _BLINDING_ROWS > row_limit}
    while True:
        count = 1 if plan.shown_again else plan.settings.slices
        slices = slice_model(plan.model, count, without=avoided, cells_max=cells_max)
        if plan.shown_again:
            slices = [show_again(slices[0], [tensor.name for tensor in plan.shown_again])]
        for index, part in enumerate(slices):
            plan.folder(index).mkdir(parents=True, exist_ok=True)
            (plan.folder(index) / "model").write_bytes(part.proto.SerializeToString(deterministic=True))
        odd = _first_odd_scale(plan, slices)
        if odd is None:
            return slices
        avoided.add(odd)


def choose_circuits(plan: BuildPlan, slices: Sequence[ModelSlice], report: Report) -> Circuits:
    """Calibrate all slices under each candidate decomposition; return the circuits with the fewest rows.

    On all samples, or if no circuit holds what becomes of the borders of the input range, on fewer.
    """
    best: Circuits | None = None
    failed: engine.EngineFailed | None = None
    for samples in (plan.samples, *plan.fewer_samples):
        try:
            found = _choose(plan, slices, samples, report)
        except engine.EngineFailed as reason:
            failed = failed or reason
            continue
        # Fewer samples make smaller tables, not smaller circuits.
        needs_more = any(settings["num_rows"] > 1 << plan.logrows_max for settings in found.settings)
        if needs_more or found.logrows <= plan.logrows_max:
            return found
        best = best or found
    if best is not None:
        return best
    raise failed or engine.EngineFailed("there is nothing to calibrate with")


def _choose(plan: BuildPlan, slices: Sequence[ModelSlice], samples: list[Sample], report: Report) -> Circuits:
    candidates = decompositions(plan.settings)
    best: Circuits | None = None
    failures: list[engine.EngineFailed] = []
    for number, candidate in enumerate(candidates):
        steps = partial(_report_slice, report, number, len(candidates), len(slices))
        # The table of a base has more rows than the base has values.
        if best is not None and candidate[0].bit_length() >= best.logrows:
            continue
        try:
            found = _calibrate(plan, slices, candidate, samples, steps)
        except engine.EngineFailed as reason:
            failures.append(reason)
            continue
        if best is None or found.logrows < best.logrows:
            best = found
    if best is None:
        raise failures[0]
    return best


def _first_odd_scale(plan: BuildPlan, slices: Sequence[ModelSlice]) -> str | None:
    for index, part in enumerate(slices[:-1]):
        rules = _rules(plan, index, len(slices), decompositions(plan.settings)[0])
        folder = plan.folder(index)
        if calibration.output_scale(folder / "model", rules, folder / "settings") != plan.settings.scale:
            return part.outputs[0].name
    return None


def _rules(plan: BuildPlan, index: int, count: int, decomposition: tuple[int, int]) -> CircuitRules:
    return CircuitRules(
        input_visibility=COMMITTED if index > 0 else plan.input_visibility,
        output_visibility=COMMITTED if index < count - 1 else plan.output_visibility,
        scale=plan.settings.scale,
        input_scales=tuple(tensor.scale for tensor in plan.inputs) if index == 0 else (plan.settings.scale,),
        decomposition=decomposition,
        lookup_margin=plan.settings.lookup_margin,
    )


def decompositions(settings: EzklSettings) -> list[tuple[int, int]]:
    """Return the client's choice, or candidates that hold a product of two numbers of this scale, with headroom."""
    if settings.decomposition is not None:
        return [settings.decomposition]
    bits = 2 * settings.scale + _HEADROOM_BITS
    return [(1 << -(-bits // legs), legs) for legs in _LEGS]


def _report_slice(report: Report, candidate: int, candidates: int, slices: int, index: int) -> None:
    permille = 50 + 180 * (candidate * slices + index) // (candidates * slices)
    report(f"calibrate slice {index + 1}/{slices}", permille)


def _calibrate(
    plan: BuildPlan,
    slices: Sequence[ModelSlice],
    decomposition: tuple[int, int],
    given: list[Sample],
    on_slice: Callable[[int], None],
) -> Circuits:
    """Calibrate slice after slice: what one puts out for the samples is the next one's calibration data."""
    samples = given
    found = []
    for index in range(len(slices)):
        on_slice(index)
        folder = plan.folder(index)
        rules = _rules(plan, index, len(slices), decomposition)
        found.append(calibration.calibrate(folder / "model", rules, samples, folder / "settings"))
        if index < len(slices) - 1:
            samples = _outputs_for(samples, folder)
    committed = [tensor.elements for part in slices[1:] for tensor in part.inputs]
    committed += [tensor.elements for tensor in plan.inputs if plan.input_visibility == COMMITTED]
    committed += [tensor.elements for tensor in plan.model.outputs if plan.output_visibility == COMMITTED]
    rows_of_commitment = (max(committed, default=0) + _BLINDING_ROWS - 1).bit_length()
    logrows = max(rows_of_commitment, *(settings["run_args"]["logrows"] for settings in found))
    return Circuits(decomposition=decomposition, logrows=logrows, settings=found, samples=given)


def _outputs_for(samples: list[Sample], folder: Path) -> list[Sample]:
    engine.run("compile_circuit", str(folder / "model"), str(folder / "compiled"), str(folder / "settings"))
    return [engine.outputs_of(sample, folder / "compiled", workdir=folder) for sample in samples]
