"""A slice that ends early, so that it can be found out which of its nodes is to blame. Only on failing paths.

    x --[Conv]--[Relu]--[Pool]--[Gemm]-- y       whatever is wrong is wrong behind Pool and not behind Relu
                     ^       ^

The truncated circuit has the slice's own lookup range and decomposition, so it says what the slice says up to there.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
from onnx.utils import Extractor

from proofgrid.primitives.canonical import Json
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.calibration import EngineSettings

_COMPARABLE = tuple(getattr(onnx.TensorProto, name) for name in ("FLOAT", "BOOL", "INT32", "INT64"))


class Truncated:
    """A slice of a checked model that can be run up to any of its tensors.

    `model` has its shapes inferred; `inputs` are the names of what goes into the slice; `settings` are the slice's.
    """

    def __init__(self, model: onnx.ModelProto, inputs: Sequence[str], settings: EngineSettings, workdir: Path) -> None:
        self._extractor = Extractor(model)
        self._inputs = list(inputs)
        self._settings = settings
        self._folder = workdir / "truncated"
        self._folder.mkdir(parents=True, exist_ok=True)

    def outputs(self, tensor: str, sample: list[list[int]], *, checked: bool = False) -> tuple[list[int], int]:
        """Return what the slice computes for one of its tensors, and at which scale; raise EngineFailed otherwise.

        `checked`: only if it could also be proven.
        """
        model, settings, compiled = (self._folder / name for name in ("model", "settings", "compiled"))
        try:
            part = self._extractor.extract_model(self._inputs, [tensor])
        except Exception as reason:  # its C++ side raises more kinds than it names
            raise engine.EngineFailed(f"the model cannot end at {tensor!r}: {reason}") from None
        model.write_bytes(part.SerializeToString(deterministic=True))
        engine.run("gen_settings", str(model), str(settings), py_run_args=engine.run_arguments(self._arguments()))
        engine.run("compile_circuit", str(model), str(compiled), str(settings))
        found = engine.outputs_of(sample, compiled, workdir=self._folder, settings=settings if checked else None)
        scales = json.loads(settings.read_bytes())["model_output_scales"]
        return found[0], int(scales[0])

    def _arguments(self) -> dict[str, Json]:
        given = self._settings["run_args"]
        kept = ("input_scale", "param_scale", "decomp_base", "decomp_legs", "logrows")
        return {
            **{name: given[name] for name in kept},
            "lookup_range": tuple(given["lookup_range"]),
            "input_visibility": "public",
            "output_visibility": "public",
            "param_visibility": "fixed",
        }


def flow_between(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Return the nodes that make the outputs of these inputs, in order; each has a tensor to look at."""
    flowing, needed = set(inputs), set(outputs)
    forward = []
    for node in model.graph.node:
        if flowing.intersection(node.input):
            flowing.update(node.output)
            forward.append(node)
    found = []
    for node in reversed(forward):
        if needed.intersection(node.output):
            needed.update(node.input)
            found.append(node)
    values = (*model.graph.value_info, *model.graph.output)
    names = {value.name for value in values if value.type.tensor_type.elem_type in _COMPARABLE}
    return [node for node in reversed(found) if node.output[0] in names]


def first_bad(nodes: Sequence[onnx.NodeProto], is_bad: Callable[[str], bool]) -> onnx.NodeProto:
    """Return, by halves, a node whose tensor is bad and whose predecessor's is not; the last one's is known to be."""
    return nodes[bisect_left(nodes, True, hi=len(nodes) - 1, key=lambda node: is_bad(node.output[0]))]
