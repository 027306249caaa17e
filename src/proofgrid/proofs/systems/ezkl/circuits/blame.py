"""Which node the engine fails on: the model is cut off behind one node after another until it fails.

    x --[Conv]--[Relu]--[CumSum]--[Gemm]-- y       behind Relu: fine; behind CumSum: it fails, so CumSum is named
                     ^        ^
Only on the failing path, and by halves: a model of n nodes costs log2(n) more failures like the one it had.
What the engine said is logged and never part of a sentence: it speaks of its own insides.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx.utils import Extractor

from proofgrid.primitives.errors import InvalidProgram, UnsupportedOperator
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.calibration import CircuitRules, calibrate, generate_settings
from proofgrid.proofs.systems.ezkl.circuits.choosing import decompositions
from proofgrid.proofs.systems.ezkl.circuits.drawing import Sample
from proofgrid.proofs.systems.ezkl.engine import Step
from proofgrid.proofs.systems.ezkl.settings import PUBLIC, EzklSettings, widest_range

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
        shapes = [[one.dim_value for one in value.type.tensor_type.shape.dim] for value in proto.graph.input]
        is_float = [value.type.tensor_type.elem_type == _FLOAT for value in proto.graph.input]
        rules = self._rules(tuple(self.settings.scale if one else 0 for one in is_float))
        try:
            if Step.CALIBRATE in self.steps:
                calibrate(model, rules, self._samples(shapes, rules.input_scales), target)
            else:
                generate_settings(model, rules, target)
        except engine.EngineFailed:
            return True
        return False

    def _rules(self, input_scales: tuple[int, ...]) -> CircuitRules:
        return CircuitRules(
            input_visibility=PUBLIC,
            output_visibility=PUBLIC,
            scale=self.settings.scale,
            input_scales=input_scales,
            decomposition=decompositions(self.settings)[0],
            lookup_margin=self.settings.lookup_margin,
        )

    def _samples(self, shapes: Sequence[Sequence[int]], scales: Sequence[int]) -> list[Sample]:
        low, high = widest_range(self.settings)
        counts = [prod(shape) for shape in shapes]
        spread = [
            _spread(count * _SAMPLES, low << scale, high << scale) for count, scale in zip(counts, scales, strict=True)
        ]
        return [
            [tensor[number * count :][:count] for tensor, count in zip(spread, counts, strict=True)]
            for number in range(_SAMPLES)
        ]


def _spread(count: int, low: int, high: int) -> list[int]:
    return [low + (high - low) * (place * 37 % 101) // 100 for place in range(count)]


def _first_failing(proto: onnx.ModelProto, fails: Callable[[onnx.ModelProto], bool]) -> onnx.NodeProto | None:
    """Return the first node behind which a cut-off model fails; None when no part of it does on its own."""
    nodes = proto.graph.node
    extractor = Extractor(proto)

    def fails_behind(place: int) -> bool:
        part = _part(extractor, proto, _ends(extractor, proto, place))
        return part is not None and fails(part)

    last = bisect_left(range(len(nodes) - 1), True, key=fails_behind)  # behind the very last it is known to fail
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
