"""Finds each slice's circuit settings by running sample inputs through it, and spells them canonically.

ezkl writes lists in a random order (and that order decides the layout of columns, so the keys), and a time stamp.
Sorted and without the stamp, the same model and settings give the same keys on every build.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.model.inputs import quantised_input
from proofgrid.proofs.systems.ezkl.settings import LOGROWS_MAX, EzklSettings

SAMPLES = 20
SAMPLES_MAX = 256
CALIBRATION_BYTES_MAX = 64 << 20

Integers = list[int]
EngineSettings = dict[str, Any]  #: a settings file of the engine, in its own words


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRules:
    """What the engine must know of one slice's circuit."""

    input_visibility: str  #: "public" or "polycommit"
    output_visibility: str
    scale: int
    decomposition: tuple[int, int]
    lookup_margin: int


def calibrate(model: Path, rules: CircuitRules, samples: Sequence[Integers], target: Path) -> EngineSettings:
    """Write the slice's canonical settings to `target` and return them; raise EngineFailed when nothing fits."""
    _generate_settings(model, rules, target)
    floats = [integer / 2**rules.scale for sample in samples for integer in sample]
    data = target.with_suffix(".calibration")
    data.write_text(json.dumps({"input_data": [floats]}), encoding="utf-8")
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
    return read_settings(target)


def output_scale(model: Path, rules: CircuitRules, target: Path) -> int:
    """Return the scale of the slice's output, without calibrating it."""
    _generate_settings(model, rules, target)
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


def default_samples(elements: int, settings: EzklSettings) -> list[Integers]:
    """Return seeded calibration inputs, spread evenly over the input range; the same on every machine."""
    low, high = (end << settings.scale for end in settings.input_range)
    # Raw words, because NumPy promises that stream for ever, and the stream of Generator only for one version.
    words = np.random.PCG64(0).random_raw(SAMPLES * elements)
    integers = [low + int(word) % (high - low + 1) for word in words]
    return [integers[start : start + elements] for start in range(0, len(integers), elements)]


def samples_of_file(path: Path, shape: tuple[int, ...], scale: int) -> list[Integers]:
    """Read a client's calibration file, {"inputs": [[...], ...]}; raise InvalidField or InvalidInput."""
    field = "calibration"
    if path.stat().st_size > CALIBRATION_BYTES_MAX:
        raise InvalidField(f"the file is larger than {CALIBRATION_BYTES_MAX >> 20} MiB", field=field)
    try:
        inputs = json.loads(path.read_bytes())["inputs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidField('a JSON file like {"inputs": [[...], ...]}', field=field) from None
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= SAMPLES_MAX:
        raise InvalidField(f"1 to {SAMPLES_MAX} inputs of {prod(shape)} numbers", field=f"{field}.inputs")
    return [
        quantised_input(value, shape, scale, field=f"{field}.inputs[{i}]").integers for i, value in enumerate(inputs)
    ]


def _generate_settings(model: Path, rules: CircuitRules, target: Path) -> None:
    base, legs = rules.decomposition
    arguments = engine.run_arguments(
        {
            "input_visibility": rules.input_visibility,
            "output_visibility": rules.output_visibility,
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
