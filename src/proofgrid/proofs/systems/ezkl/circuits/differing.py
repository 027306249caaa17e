"""Where circuit and model part: the node behind which they first differ, and the two numbers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import onnx

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.blame import node_text
from proofgrid.proofs.systems.ezkl.circuits.choosing import Circuits
from proofgrid.proofs.systems.ezkl.circuits.judging import Compared, Judge
from proofgrid.proofs.systems.ezkl.circuits.plan import BuildPlan
from proofgrid.proofs.systems.ezkl.circuits.truncating import Truncated, first_bad, flow_between
from proofgrid.proofs.systems.ezkl.model.reference import Undefined, Values, as_numbers
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice

_HINT = (
    "write that part of the model otherwise (`proofgrid program operators` lists what is compared); "
    "where rounding is the reason, a larger scale helps"
)

log = logging.getLogger(__name__)


def difference(
    plan: BuildPlan, slices: Sequence[ModelSlice], circuits: Circuits, judge: Judge, wrong: tuple[str, Compared]
) -> InvalidProgram:
    """Return what a client is told when a circuit computes something else than its model."""
    name, compared = wrong
    if compared.says.size != compared.proves.size:
        sizes = f"has {compared.says.size} elements in the model and {compared.proves.size} in the circuit"
        return InvalidProgram(f"the circuit computes something else: {name!r} {sizes}", field="model", hint=_HINT)
    node, tensor, seen = _Search(plan, slices, circuits, judge, compared).blamed(name)
    where = f" at {node_text(node)}" if node is not None else ""
    return InvalidProgram(
        f"the circuit computes something else than the model{where}: {_numbers_text(tensor, seen)}",
        field="model",
        hint=_HINT,
    )


def _numbers_text(tensor: str, seen: Compared) -> str:
    worst = int(np.argmax(np.abs(seen.says - seen.proves) / seen.tolerance))
    said, proven, allowed = (float(part[worst]) for part in (seen.says, seen.proves, seen.tolerance))
    return (
        f"for a sample of the kind {seen.drawn.kind!r}, element {worst} of {tensor!r} is {said:.6g} in the model "
        f"and {proven:.6g} in the circuit; rounding explains {allowed:.2g}"
    )


class _Search:
    """Looks for the first tensor that is wrong, slice by slice and then node by node."""

    def __init__(
        self, plan: BuildPlan, slices: Sequence[ModelSlice], circuits: Circuits, judge: Judge, wrong: Compared
    ) -> None:
        self._plan = plan
        self._slices = slices
        self._circuits = circuits
        self._judge = judge
        self._wrong = wrong
        sample = wrong.drawn.sample
        scales = [tensor.scale for tensor in plan.inputs]
        self._numbers = as_numbers(sample, scales)
        self._says: Values = judge.everything(self._numbers)
        self._seen: dict[str, Compared] = {}

    def blamed(self, output: str) -> tuple[onnx.NodeProto | None, str, Compared]:
        """Return the node, its tensor and what was seen of it; no node when the search fails."""
        try:
            return self._blamed(output)
        except (engine.EngineFailed, Undefined) as reason:
            log.warning("nobody can be blamed: %s", reason)
            return None, output, self._wrong

    def _blamed(self, output: str) -> tuple[onnx.NodeProto | None, str, Compared]:
        index, tensors = self._first_wrong_slice()
        part, settings = self._slices[index], self._circuits.settings[index]
        names = [tensor.name for tensor in part.inputs]
        ends = [output] if index == len(self._slices) - 1 else [part.outputs[0].name]
        nodes = [n for n in flow_between(self._plan.model.proto, names, ends) if n.output[0] in self._says]
        if not nodes:
            return None, output, self._wrong
        truncated = Truncated(self._plan.model.proto, names, settings, self._plan.workdir)

        def is_bad(name: str) -> bool:
            try:
                integers, scale = truncated.outputs(name, tensors)
            except engine.EngineFailed:
                return False  # this part says nothing on its own; what comes behind it will
            return self._compared(name, integers, scale).is_wrong

        node = first_bad(nodes, is_bad)
        is_bad(node.output[0])
        found = self._seen.get(node.output[0])
        return (node, node.output[0], found) if found is not None else (node, output, self._wrong)

    def _first_wrong_slice(self) -> tuple[int, list[list[int]]]:
        """Return the first slice whose output is wrong, and what goes into it."""
        tensors = [list(tensor) for tensor in self._wrong.drawn.sample]
        for index, part in enumerate(self._slices[:-1]):
            folder = self._plan.folder(index)
            outputs = engine.outputs_of(tensors, folder / "compiled", workdir=self._plan.workdir)
            name = part.outputs[0].name
            if name in self._says and self._compared(name, outputs[0], self._plan.settings.scale).is_wrong:
                return index, tensors
            tensors = outputs
        return len(self._slices) - 1, tensors

    def _compared(self, name: str, integers: Sequence[int], scale: int) -> Compared:
        (proves,) = as_numbers([integers], [scale])
        says = self._says[name]
        room = self._judge.rooms(self._numbers, [name]).get(name, np.zeros_like(says))
        self._seen[name] = Compared(self._wrong.drawn, says, proves, self._judge.tolerance(says, room, scale))
        return self._seen[name]
