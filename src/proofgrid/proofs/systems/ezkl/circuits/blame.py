"""Which node the engine fails on: the model is cut off behind one node after another until it fails.

    x --[Conv]--[Relu]--[CumSum]--[Gemm]-- y       behind Relu: fine; behind CumSum: it fails, so CumSum is named
                     ^        ^
Only on the failing path, and by halves: a model of n nodes costs log2(n) more failures like the one it had.
What the engine said is logged and never part of a sentence: it speaks of its own insides.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx.utils import Extractor

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidProgram, UnsupportedOperator
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.engine import Step
from proofgrid.proofs.systems.ezkl.settings import LOGROWS_MAX, EzklSettings, widest_range

_SAMPLES = 5
_ATTRIBUTES_SHOWN = 4
_FLOAT = onnx.TensorProto.FLOAT
_CHECKED: tuple[str, ...] = (Step.SETTINGS, Step.CALIBRATE)  #: what can be tried on part of a model, in order

_HINTS: dict[str, str] = {
    Step.SETTINGS: "write that part of the model otherwise: `proofgrid program operators` lists what can be proven",
    Step.CALIBRATE: (
        "its values may be too large for the circuit: a smaller scale, a decomposition with more legs,"
        " or calibration inputs like those that will be proven"
    ),
}
_HINT = "a smaller scale, another decomposition, more slices or a larger logrows_max may help"

log = logging.getLogger(__name__)


def refusal(failed: engine.EngineFailed, settings: EzklSettings, workdir: Path) -> InvalidProgram:
    """Return what a client is told when the engine fails on its model: step, node, and what to do.

    The slices' models lie in `workdir`.
    """
    if failed.said:
        log.warning("the engine failed at %s: %s", failed.step, failed.said)
    hint = _HINTS.get(failed.step, _HINT)
    node = _blamed(failed, settings, workdir) if failed.step in _CHECKED else None
    if node is None:
        return InvalidProgram(f"ezkl cannot make a circuit of the model: {failed}", field="model", hint=hint)
    return UnsupportedOperator(f"ezkl cannot prove {node_text(node)}: {failed}", field="model", hint=hint)


def node_text(node: onnx.NodeProto) -> str:
    """Return a node as its author knows it: operator, name, and its first attributes."""
    name = f"node {node.name!r}" if node.name else f"the node that makes {node.output[0]!r}"
    told = [f"{one.name}={_value_text(one)}" for one in node.attribute if one.type in _SHOWN]
    more = ", …" if len(told) > _ATTRIBUTES_SHOWN else ""
    attributes = f" with {', '.join(told[:_ATTRIBUTES_SHOWN])}{more}" if told else ""
    return f"{name} ({node.op_type}{attributes})"


_SHOWN = tuple(getattr(onnx.AttributeProto, name) for name in ("INT", "FLOAT", "STRING", "INTS", "FLOATS"))


def _value_text(attribute: onnx.AttributeProto) -> str:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode(errors="replace")[:32]
    if isinstance(value, float):
        return f"{value:g}"
    return str(list(value)[:8]) if hasattr(value, "__iter__") else str(value)


def _blamed(failed: engine.EngineFailed, settings: EzklSettings, workdir: Path) -> onnx.NodeProto | None:
    folder = workdir / "blame"
    folder.mkdir(parents=True, exist_ok=True)
    probe = _Probe(settings=settings, folder=folder, steps=_CHECKED[: _CHECKED.index(failed.step) + 1])
    for path in sorted(workdir.glob("slice/*/model")):
        proto = onnx.load_model_from_string(path.read_bytes())
        if probe.fails(proto):
            return _first_failing(proto, probe.fails)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """Tries the engine's steps on a model."""

    settings: EzklSettings
    folder: Path
    steps: Sequence[str]

    def fails(self, proto: onnx.ModelProto) -> bool:
        model, target = self.folder / "model", self.folder / "settings"
        model.write_bytes(proto.SerializeToString(deterministic=True))
        try:
            engine.run("gen_settings", str(model), str(target), py_run_args=engine.run_arguments(self._arguments()))
            if Step.CALIBRATE in self.steps:
                self._calibrate(proto, model, target)
        except engine.EngineFailed:
            return True
        return False

    def _arguments(self) -> dict[str, Json]:
        settings = self.settings
        base, legs = settings.decomposition or (1 << -(-(2 * settings.scale + 14) // 3), 3)
        return {
            "input_visibility": "public",
            "output_visibility": "public",
            "param_visibility": "fixed",
            "input_scale": settings.scale,
            "param_scale": settings.scale,
            "decomp_base": base,
            "decomp_legs": legs,
        }

    def _calibrate(self, proto: onnx.ModelProto, model: Path, target: Path) -> None:
        data = self.folder / "calibration"
        low, high = widest_range(self.settings)
        shapes = [[one.dim_value for one in value.type.tensor_type.shape.dim] for value in proto.graph.input]
        drawn = [_spread(prod(shape) * _SAMPLES, low, high) for shape in shapes]
        data.write_text(json.dumps({"input_data": drawn}), encoding="utf-8")
        engine.run(
            "calibrate_settings",
            str(data),
            str(model),
            str(target),
            "resources",
            lookup_safety_margin=self.settings.lookup_margin,
            scales=[self.settings.scale],
            scale_rebase_multiplier=[1],
            max_logrows=LOGROWS_MAX,
        )


def _spread(count: int, low: int, high: int) -> list[float]:
    return [low + (high - low) * (place * 37 % 101) / 100 for place in range(count)]


def _first_failing(proto: onnx.ModelProto, fails: Callable[[onnx.ModelProto], bool]) -> onnx.NodeProto | None:
    """Return the first node behind which a cut-off model fails; None when no part of it does on its own."""
    nodes = proto.graph.node
    extractor = Extractor(proto)
    first, last = 0, len(nodes) - 1  # it fails behind `last`
    while first < last:
        middle = (first + last) // 2
        part = _part(extractor, proto, _ends(extractor, proto, middle))
        if part is not None and fails(part):
            last = middle
        else:
            first = middle + 1
    # What fails together with all that stands before it must fail with what it needs alone, or it is not to blame.
    alone = _part(extractor, proto, [name for name in nodes[last].output if name])
    return nodes[last] if alone is not None and fails(alone) else None


def _ends(extractor: Extractor, proto: onnx.ModelProto, last: int) -> list[str]:
    """Return what the nodes up to `last` make of the input and no other of them takes in, as far as it is floats."""
    flowing = {value.name for value in proto.graph.input}
    made: list[str] = []
    for node in proto.graph.node[: last + 1]:
        if flowing.intersection(node.input):
            flowing.update(node.output)
            made = [name for name in made if name not in node.input] + [name for name in node.output if name]
    return [name for name in made if _is_float(extractor, name)]


def _is_float(extractor: Extractor, name: str) -> bool:
    known = {value.name: value for value in _values(extractor.model.graph)}
    return name in known and known[name].type.tensor_type.elem_type == _FLOAT


def _values(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    yield from graph.value_info
    yield from graph.output


def _part(extractor: Extractor, proto: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto | None:
    if not outputs:
        return None
    names = [value.name for value in proto.graph.input]
    try:
        part: onnx.ModelProto = extractor.extract_model(names, list(outputs))
    except Exception:  # its C++ side raises more kinds than it names; a part that cannot be made says nothing
        return None
    return part
