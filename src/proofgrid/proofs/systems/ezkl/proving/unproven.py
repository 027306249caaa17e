"""Which node an input cannot pass: found by truncated circuits, only when a request has been refused already."""

from __future__ import annotations

import tempfile
from pathlib import Path

from proofgrid.primitives.errors import InvalidRequest
from proofgrid.primitives.reading import read_list, read_mapping, read_text
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.identity import settings_of, slice_file
from proofgrid.proofs.systems.ezkl.proving.forward import SliceFailed


def place_of(failed: SliceFailed, files: ProgramFiles, *, workdir: Path) -> str:
    """Return " at node 'y' (Softmax)" for the node behind which the slice cannot be proven; "" when it is not found."""
    # Imported late: onnx is half of what it takes to load this module, and requests that are accepted do not need it.
    from proofgrid.proofs.systems.ezkl.circuits.blame import node_text
    from proofgrid.proofs.systems.ezkl.circuits.calibration import read_settings
    from proofgrid.proofs.systems.ezkl.circuits.plan import read_model
    from proofgrid.proofs.systems.ezkl.circuits.truncating import Truncated, first_bad, flow_between

    try:
        model = read_model(files.path("model"), settings_of(files.program))
        inputs, outputs = _ends_of(files, failed.slice_index)
    except (KeyError, IndexError, InvalidRequest):  # a program of an earlier version, or its model is not at hand
        return ""
    settings = read_settings(files.path(slice_file(failed.slice_index, "settings")))
    nodes = flow_between(model.proto, inputs, outputs)
    if not nodes:
        return ""
    with tempfile.TemporaryDirectory(dir=workdir) as scratch:
        truncated = Truncated(model.proto, inputs, settings, Path(scratch))

        def is_bad(tensor: str) -> bool:
            try:
                truncated.outputs(tensor, failed.inputs, checked=True)
            except engine.EngineFailed as reason:
                return isinstance(reason, engine.Unsatisfied) or reason.step == engine.Step.WITNESS
            return False

        node = first_bad(nodes, is_bad)
        return f" at {node_text(node)}" if is_bad(node.output[0]) else ""


def _ends_of(files: ProgramFiles, slice_index: int) -> tuple[list[str], list[str]]:
    told = read_mapping(read_list(files.program.summary["slices"], "slices")[slice_index], "slice")
    inputs, outputs = ([read_text(name, end) for name in read_list(told[end], end)] for end in ("inputs", "outputs"))
    return inputs, outputs
