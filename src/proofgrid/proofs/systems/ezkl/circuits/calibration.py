"""Finds each slice's circuit settings by running sample inputs through it, and spells them canonically.

ezkl writes lists in a random order (and that order decides the layout of columns, so the keys), and a time stamp.
Sorted and without the stamp, the same model and settings give the same keys on every build.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.kit.input_files import read_batch
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.drawing import CONSTANT_BORDERS, Range, Sample, borders, uniform
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor, range_of
from proofgrid.proofs.systems.ezkl.model.inputs import one_by_one, quantised_inputs
from proofgrid.proofs.systems.ezkl.settings import (
    COMMITTED,
    HASHED,
    LOGROWS_MAX,
    PRIVATE,
    PUBLIC,
    EzklSettings,
    range_in,
)

UNIFORM_SAMPLES = 12
SAMPLES_MAX = 256
CALIBRATION_BYTES_MAX = 64 << 20

_IN_ENGINE = {PUBLIC: "public", COMMITTED: "polycommit", HASHED: "hashed/public", PRIVATE: "private"}

EngineSettings = dict[str, Any]  #: a settings file of the engine, in its own words


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRules:
    """What the engine must know of one slice's circuit."""

    input_visibility: str  #: "public", "committed", "hashed" or "private"; of all tensors that go in
    output_visibility: str
    scale: int
    input_scales: tuple[int, ...]  #: of each tensor that goes in
    decomposition: tuple[int, int]
    lookup_margin: int


def calibrate(model: Path, rules: CircuitRules, samples: Sequence[Sample], target: Path) -> EngineSettings:
    """Write the slice's canonical settings to `target` and return them; raise EngineFailed when nothing fits."""
    generate_settings(model, rules, target)
    floats = [
        [integer / 2**scale for sample in samples for integer in sample[position]]
        for position, scale in enumerate(rules.input_scales)
    ]
    data = target.with_suffix(".calibration")
    data.write_text(json.dumps({"input_data": floats}), encoding="utf-8")
    engine.run(
        "calibrate_settings",
        str(data),
        str(model),
        str(target),
        "resources",
        lookup_safety_margin=rules.lookup_margin,
        scales=[rules.scale],
        scale_rebase_multiplier=[1],
        max_logrows=LOGROWS_MAX,
    )
    found = read_settings(target)
    if tuple(found["model_input_scales"]) != rules.input_scales:
        raise engine.EngineFailed("the engine takes the inputs at other scales than the program gives them")
    return found


def output_scale(model: Path, rules: CircuitRules, target: Path) -> int:
    """Return the scale of the slice's output, without calibrating it."""
    generate_settings(model, rules, target)
    return int(read_settings(target)["model_output_scales"][0])


def read_settings(path: Path) -> EngineSettings:
    """Return a settings file's content."""
    content: EngineSettings = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_canonical(settings: EngineSettings, *, logrows: int, target: Path) -> None:
    """Write settings in their one spelling, with as many rows as all slices of the program have."""
    settings["run_args"]["logrows"] = logrows
    settings["timestamp"] = 0
    for name in ("required_lookups", "required_range_checks"):
        settings[name].sort(key=_canonical)
    target.write_text(_canonical(settings), encoding="ascii")


def declared_range(tensor: ProgramTensor, settings: EzklSettings) -> Range:
    """Return the quantised input range of one tensor: the client's, as far as the tensor's type holds it."""
    low, high = (end << tensor.scale for end in range_in(settings, tensor.name))
    least, most = range_of(tensor)
    low, high = max(low, least), min(high, most)
    if low > high:
        raise InvalidField(
            f"the input {tensor.name!r} of {tensor.element_type} holds none of these", field="settings.input_range"
        )
    return low, high


def covered_ranges(
    tensors: Sequence[ProgramTensor], settings: EzklSettings, given: Sequence[Sample] | None
) -> tuple[Range, ...]:
    """Return what calibration covers of each tensor: what the client's samples hold, or else its declared range."""
    if given is None:
        return tuple(declared_range(tensor, settings) for tensor in tensors)
    return tuple(_seen_range(given, position) for position in range(len(tensors)))


def _seen_range(samples: Sequence[Sample], position: int) -> Range:
    numbers = [integer for sample in samples for integer in sample[position]]
    return min(numbers), max(numbers)


def default_samples(
    tensors: Sequence[ProgramTensor], limits: Sequence[Range]
) -> tuple[list[Sample], tuple[list[Sample], ...]]:
    """Return calibration inputs that cover the range of each tensor, its borders first; and what is left without these.

    A model need not hold its borders: constant inputs have no variance to divide by, some functions end there.
    """
    samples = _drawn(tensors, limits)
    fewer: tuple[list[Sample], ...] = (samples[CONSTANT_BORDERS:], samples[-UNIFORM_SAMPLES:])
    # Whole numbers may be places in a table, and there is no place -1.
    places = [
        (low if tensor.is_float else max(low, 0), high) for tensor, (low, high) in zip(tensors, limits, strict=True)
    ]
    if places != list(limits) and all(low <= high for low, high in places):
        fewer = (*fewer, _drawn(tensors, places))
    return samples, fewer


def _drawn(tensors: Sequence[ProgramTensor], limits: Sequence[Range]) -> list[Sample]:
    drawn = [
        [*borders(tensor, own), *uniform(tensor, own, UNIFORM_SAMPLES, seed=position)]
        for position, (tensor, own) in enumerate(zip(tensors, limits, strict=True))
    ]
    return [list(sample) for sample in zip(*drawn, strict=True)]


def samples_of_file(path: Path, tensors: Sequence[ProgramTensor]) -> list[Sample]:
    """Read a client's calibration file, in any form that inputs have; raise InvalidField or InvalidInput.

    As for EZKL itself, a tensor of its `input_data` may hold the elements of many samples, one after the other.
    """
    field = "calibration"
    if path.stat().st_size > CALIBRATION_BYTES_MAX:
        raise InvalidField(f"the file is larger than {CALIBRATION_BYTES_MAX >> 20} MiB", field=field)
    inputs = [one for value in read_batch(path.read_bytes(), field=field) for one in one_by_one(value, tensors)]
    if not 1 <= len(inputs) <= SAMPLES_MAX:
        raise InvalidField(f"1 to {SAMPLES_MAX} inputs", field=f"{field}.inputs")
    return [
        [tensor.integers for tensor in quantised_inputs(value, tensors, field=f"{field}.inputs[{i}]")]
        for i, value in enumerate(inputs)
    ]


def generate_settings(model: Path, rules: CircuitRules, target: Path) -> None:
    """Write the slice's settings to `target` as they are before calibration; raise EngineFailed where it has none."""
    base, legs = rules.decomposition
    arguments = engine.run_arguments(
        {
            "input_visibility": _IN_ENGINE[rules.input_visibility],
            "output_visibility": _IN_ENGINE[rules.output_visibility],
            "param_visibility": "fixed",
            "input_scale": rules.scale,
            "param_scale": rules.scale,
            "decomp_base": base,
            "decomp_legs": legs,
        }
    )
    engine.run("gen_settings", str(model), str(target), py_run_args=arguments)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
