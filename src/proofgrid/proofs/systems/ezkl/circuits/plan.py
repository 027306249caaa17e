"""What a build has settled before it makes circuits: settings, checked model, sample inputs, row limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.circuits import calibration
from proofgrid.proofs.systems.ezkl.circuits.drawing import Range, Sample
from proofgrid.proofs.systems.ezkl.circuits.srs import ReferenceStrings, reference_strings
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor
from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel, Tensor, load_model
from proofgrid.proofs.systems.ezkl.model.work import check_cost
from proofgrid.proofs.systems.ezkl.settings import (
    PRIVATE,
    PUBLIC,
    EzklSettings,
    check_visibilities,
    parse_settings,
    visibility_of,
    widest_range,
)

SOURCE_FILES = ("model", "calibration")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """Everything that a client decided, checked."""

    settings: EzklSettings
    model: CheckedModel
    inputs: tuple[ProgramTensor, ...]  #: the model's, as the program takes them
    samples: list[Sample]  #: quantised inputs for calibration
    fewer_samples: tuple[list[Sample], ...]  #: what to calibrate with if these fail
    limits: tuple[Range, ...]  #: what the samples cover of each input, quantised
    srs: ReferenceStrings
    workdir: Path

    @property
    def input_visibility(self) -> str:
        """How the first circuit takes its inputs; see Layout.input_visibility."""
        return next((tensor.visibility for tensor in self.inputs if tensor.visibility != PUBLIC), PUBLIC)

    @property
    def output_visibility(self) -> str:
        return visibility_of(self.settings.output_visibility, self.model.outputs[0].name)

    @property
    def shown_again(self) -> tuple[ProgramTensor, ...]:
        """The public inputs beside hidden ones; see Layout.shown_again."""
        if self.input_visibility == PUBLIC:
            return ()
        return tuple(tensor for tensor in self.inputs if tensor.visibility == PUBLIC)

    @property
    def logrows_max(self) -> int:
        """What the client allows and the SRS holds."""
        return min(self.settings.logrows_max, self.srs.logrows_max)

    def coverage_text(self, samples: Sequence[Sample]) -> str:
        """Say what calibration with these samples covers."""
        if not self.fewer_samples:
            return f"the {len(samples)} inputs of the calibration file"
        low, high = widest_range(self.settings)
        borders = "with its borders" if samples == self.samples else "but for borders of it that no circuit holds"
        return f"inputs from {low} to {high}, {borders} ({len(samples)} samples)"

    def folder(self, index: int) -> Path:
        """Return where the files of slice `index` lie."""
        return self.workdir / "slice" / str(index)


def plan_build(source: Mapping[str, Path], given: Mapping[str, Json], *, srs: Path | None, workdir: Path) -> BuildPlan:
    """Check everything a client handed in.

    Raises InvalidField, InvalidInput (of a calibration file), InvalidProgram or UnsupportedOperator.
    """
    settings = parse_settings(given)
    for name in source:
        if name not in SOURCE_FILES:
            raise InvalidField("no such file", field=f"source.{name}", hint=f"known: {', '.join(SOURCE_FILES)}")
    if "model" not in source:
        raise InvalidField("an ONNX file is needed", field="source.model")
    strings = reference_strings(srs)
    model = read_model(source["model"], settings)
    check_cost(model)
    inputs = tuple(_input(tensor, settings) for tensor in model.inputs)
    check_visibilities(settings, [tensor.name for tensor in inputs], [tensor.name for tensor in model.outputs])
    workdir.mkdir(parents=True, exist_ok=True)
    samples_given = calibration.samples_of_file(source["calibration"], inputs) if "calibration" in source else None
    limits = calibration.covered_ranges(inputs, settings, samples_given)
    samples, fewer = (samples_given, ()) if samples_given is not None else calibration.default_samples(inputs, limits)
    return BuildPlan(
        settings=settings,
        model=model,
        inputs=inputs,
        samples=samples,
        fewer_samples=fewer,
        limits=limits,
        srs=strings,
        workdir=workdir,
    )


def read_model(path: Path, settings: EzklSettings) -> CheckedModel:
    """Return a client's model, checked, as its settings have it: fixed inputs are weights, private outputs left out.

    Raises InvalidField, InvalidProgram or UnsupportedOperator.
    """
    outputs = settings.output_visibility
    private = [] if isinstance(outputs, str) else [name for name, word in outputs.items() if word == PRIVATE]
    return load_model(path, fixed=settings.fixed, private=private)


def _input(tensor: Tensor, settings: EzklSettings) -> ProgramTensor:
    return ProgramTensor(
        name=tensor.name,
        shape=tensor.shape,
        element_type=tensor.type_name,
        scale=settings.scale if tensor.element_type == onnx.TensorProto.FLOAT else 0,
        visibility=visibility_of(settings.input_visibility, tensor.name),
    )
