"""An input beyond the declared range is compared with the model on its own, before it is accepted.

A build compares circuit and model inside of the range that its client declared, and on a few samples outside of it.
What the circuit makes of any other input, like a root of -1, has to be what the model says too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidInput
from proofgrid.primitives.reading import read_mapping
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl.circuits import calibration
from proofgrid.proofs.systems.ezkl.circuits.drawing import Drawn, Range
from proofgrid.proofs.systems.ezkl.layout import Layout, ProgramTensor
from proofgrid.proofs.systems.ezkl.settings import parse_settings

_SOURCES = ("model", "calibration")

Integers = Sequence[Sequence[int]]  #: tensor by tensor

_HINT = "it lies outside of the range that the program was built for; build it with a wider input_range"


def check_beyond(
    files: ProgramFiles, layout: Layout, inputs: Integers, proven: Integers, *, field: str, workdir: Path
) -> None:
    """Raise InvalidInput when an input outside of the declared range is proven to give what the model does not say."""
    settings = read_mapping(files.program.identity["settings"], "settings")
    if _is_inside(inputs, _declared(files, layout, settings)):
        return
    # Imported late: onnx takes long to load, and inputs inside of the range do not need it.
    from proofgrid.proofs.systems.ezkl.circuits.judging import Compared, Judge
    from proofgrid.proofs.systems.ezkl.circuits.plan import plan_build
    from proofgrid.proofs.systems.ezkl.model.reference import Undefined

    plan = plan_build(_sources(files), settings, srs=files.path("srs"), workdir=workdir / "beyond")
    judge = Judge(plan.model, plan.settings.scale)
    numbers = _numbers(layout.inputs, inputs)
    try:
        says = judge.says(numbers)
    except Undefined as reason:
        raise InvalidInput(f"the model has no result for this input: {reason}", field=field, hint=_HINT) from None
    rooms = judge.rooms(numbers, judge.outputs)
    drawn = Drawn(kind="given", sample=[list(tensor) for tensor in inputs])
    shown = zip(judge.outputs, layout.outputs, _numbers(layout.outputs, proven), strict=True)
    for name, tensor, proves in shown:
        tolerance = judge.tolerance(says[name], rooms[name], tensor.scale)
        if Compared(drawn, says[name], proves, tolerance).is_wrong:
            raise InvalidInput(
                f"the circuit computes something else than the model for the output {name!r} of this input",
                field=field,
                hint=_HINT,
            )


def _sources(files: ProgramFiles) -> Mapping[str, Path]:
    return {name: files.path(name) for name in _SOURCES if name in files.program.files}


def _declared(files: ProgramFiles, layout: Layout, settings: Mapping[str, Json]) -> list[Range]:
    calibrated = _sources(files).get("calibration")
    if calibrated is None:
        return [calibration.declared_range(tensor, parse_settings(settings)) for tensor in layout.inputs]
    samples = calibration.samples_of_file(calibrated, layout.inputs)
    return [calibration.seen_range(samples, position) for position in range(len(layout.inputs))]


def _is_inside(inputs: Integers, ranges: Sequence[Range]) -> bool:
    return all(low <= integer <= high for tensor, (low, high) in zip(inputs, ranges, strict=True) for integer in tensor)


def _numbers(tensors: Sequence[ProgramTensor], integers: Integers) -> list[NDArray[np.float64]]:
    return [np.array(one, np.float64) / 2.0**tensor.scale for tensor, one in zip(tensors, integers, strict=False)]
