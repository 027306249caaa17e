"""Takes the branch of an If that is known, and writes the turns of Loop and Scan one after the other.

    If(true) { a } else { b }        becomes      a
    Loop(3) { h = f(h) }             becomes      h1 = f(h), h2 = f(h1), h3 = f(h2)

A circuit has no branches: what only the input decides is refused in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

import numpy as np
import onnx

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.folding import Folder
from proofgrid.proofs.systems.ezkl.model.known import Array, Known
from proofgrid.proofs.systems.ezkl.model.nodes import attributes_of, described, subgraphs_of, with_nodes
from proofgrid.proofs.systems.ezkl.model.writing import Writer, names_of

NODES_MAX = 5_000  #: that all branches and turns of a model may come to
_DEPTH_MAX = 16
_HINT = "a circuit has no branches: export the model for one branch, or with a fixed number of turns"


def unroll_branches(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without If, Loop and Scan.

    Raises UnsupportedOperator when the input decides what is computed, or when there are too many turns.
    """
    if not any(node.op_type in _UNROLLERS for node in model.graph.node):
        return model
    unroller = _Unroller(model)
    unroller.write_all(model.graph.node, depth=0)
    return with_nodes(model, unroller.nodes, unroller.weights)


class _Unroller:
    """Writes nodes one after the other; folds on the way, so that inner conditions are known."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights = list(model.graph.initializer)
        self._known = Known(model)
        self._folder = Folder(self._known)
        self._taken = names_of(model)

    def write_all(self, nodes: Sequence[onnx.NodeProto], *, depth: int) -> None:
        for node in nodes:
            if node.op_type in _UNROLLERS and node.domain in ("", "ai.onnx"):
                if depth >= _DEPTH_MAX:
                    raise _refused(node, "stands too deep in others")
                _UNROLLERS[node.op_type](self, node, depth)
            else:
                self._keep(node)

    def branch(self, node: onnx.NodeProto, depth: int) -> None:
        """Write the branch that an If takes."""
        condition = self._known.constant(node.input[0])
        if condition is None:
            raise _refused(node, "branches on what the input decides")
        wanted = "then_branch" if condition.item() else "else_branch"
        graph = attributes_of(node)[wanted]
        found = self._write_body(node, graph, [], depth)
        for name, value in zip(node.output, found, strict=True):
            self._alias(node, value, name)

    def loop(self, node: onnx.NodeProto, depth: int) -> None:
        """Write the turns of a Loop whose number is known."""
        inputs = [*node.input, "", ""]
        turns = self._known.constant(inputs[0]) if inputs[0] else None
        condition = self._known.constant(inputs[1]) if inputs[1] else np.array(True)
        if turns is None or condition is None:
            raise _refused(node, "turns as often as the input decides")
        body = attributes_of(node)["body"]
        states = list(node.input[2:])
        rows: list[list[str]] = [[] for _ in range(len(node.output) - len(states))]
        turn = 0
        while turn < int(turns.item()) and condition.item():
            number, going = self._constant(node, np.int64(turn)), self._constant(node, np.array(True))
            going, *found = self._write_body(node, body, [number, going, *states], depth)
            states = found[: len(states)]
            for row, name in zip(rows, found[len(states) :], strict=True):
                row.append(name)
            condition = self._known.constant(going)
            turn += 1
            if condition is None:
                raise _refused(node, "ends when the input decides")
        self._finish(node, states, rows, [0] * len(rows))

    def scan(self, node: onnx.NodeProto, depth: int) -> None:
        """Write the turns of a Scan, one for each element of its sequences."""
        attributes = attributes_of(node)
        scanned = int(attributes["num_scan_inputs"])
        states, sequences = list(node.input[: len(node.input) - scanned]), node.input[len(node.input) - scanned :]
        if self._known.version() < 9:
            raise _refused(node, "is of opset 8, which has a batch")
        axes = list(attributes.get("scan_input_axes", [0] * scanned))
        shapes = [self._known.shape(name) for name in sequences]
        if any(shape is None for shape in shapes):
            raise _refused(node, "reads a sequence of unknown length")
        length = min(shape[axis] for shape, axis in zip(shapes, axes, strict=True) if shape is not None)
        backwards = attributes.get("scan_input_directions", [0] * scanned)
        outputs = len(node.output) - len(states)
        rows: list[list[str]] = [[] for _ in range(outputs)]
        for turn in range(length):
            elements = [
                self._element(node, name, length - 1 - turn if back else turn, axis)
                for name, axis, back in zip(sequences, axes, backwards, strict=True)
            ]
            found = self._write_body(node, attributes["body"], [*states, *elements], depth)
            states = found[: len(states)]
            for row, name in zip(rows, found[len(states) :], strict=True):
                row.append(name)
        reversed_rows = attributes.get("scan_output_directions", [0] * outputs)
        rows = [row[::-1] if back else row for row, back in zip(rows, reversed_rows, strict=True)]
        self._finish(node, states, rows, list(attributes.get("scan_output_axes", [0] * outputs)))

    def _write_body(self, node: onnx.NodeProto, graph: onnx.GraphProto, given: Sequence[str], depth: int) -> list[str]:
        """Write a body's nodes under fresh names; return the names of what it puts out."""
        names = dict(zip((value.name for value in graph.input), given, strict=True))
        writer = Writer(node, self._taken)
        for weight in graph.initializer:
            names[weight.name] = writer.constant(onnx.numpy_helper.to_array(weight))
        self._take(writer)
        for inner in graph.node:
            names.update({name: writer.fresh() for name in inner.output if name})
            self.write_all([_renamed(inner, names)], depth=depth + 1)
        return [names.get(value.name, value.name) for value in graph.output]

    def _finish(self, node: onnx.NodeProto, states: list[str], rows: list[list[str]], axes: list[int]) -> None:
        for name, output in zip(states, node.output, strict=False):
            if output:
                self._alias(node, name, output)
        for row, axis, output in zip(rows, axes, node.output[len(states) :], strict=True):
            if output:
                self._stack(node, row, axis, output)

    def _stack(self, node: onnx.NodeProto, row: list[str], axis: int, output: str) -> None:
        writer = Writer(node, self._taken)
        shape = self._known.shape(row[0]) if row else None
        if shape is None:
            raise _refused(node, "puts out a sequence of unknown shape")
        place = axis % (len(shape) + 1)
        parts = [writer.reshape(name, [*shape[:place], 1, *shape[place:]]) for name in row]
        writer.op("Concat", *parts, axis=place, into=output)
        self._take(writer)

    def _element(self, node: onnx.NodeProto, name: str, place: int, axis: int) -> str:
        writer = Writer(node, self._taken)
        found = writer.op("Gather", name, writer.constant(np.int64(place)), axis=axis)
        self._take(writer)
        return found

    def _alias(self, node: onnx.NodeProto, name: str, output: str) -> None:
        writer = Writer(node, self._taken)
        writer.op("Identity", name, into=output)
        self._take(writer)

    def _constant(self, node: onnx.NodeProto, value: Array | np.generic) -> str:
        writer = Writer(node, self._taken)
        name = writer.constant(value)
        self._take(writer)
        return name

    def _take(self, writer: Writer) -> None:
        for weight in writer.weights:
            self.weights.append(weight)
            self._known.add(weight.name, onnx.numpy_helper.to_array(weight))
        for node in writer.nodes:
            self._keep(node)

    def _keep(self, node: onnx.NodeProto) -> None:
        self.nodes.append(node)
        if len(self.nodes) > NODES_MAX:
            raise _refused(node, f"is one of more than {NODES_MAX} that branches and turns come to")
        values = self._folder.values_of(node)
        if values is None:
            self._known.learn(node)
            return
        for name, value in zip(filter(None, node.output), values, strict=True):
            self._known.add(name, value)


def _renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    """Return a copy of the node with names replaced, in subgraphs too; ONNX lets no subgraph hide an outer name."""
    made = deepcopy(node)
    made.input[:] = [names.get(name, name) for name in node.input]
    made.output[:] = [names.get(name, name) for name in node.output]
    for graph in subgraphs_of(made):
        inner = [_renamed(each, names) for each in graph.node]
        del graph.node[:]
        graph.node.extend(inner)
        for value in graph.output:
            value.name = names.get(value.name, value.name)
    return made


def _refused(node: onnx.NodeProto, what: str) -> UnsupportedOperator:
    return UnsupportedOperator(f"{described(node)} {what}", field="model", hint=_HINT)


_UNROLLERS: dict[str, Callable[[_Unroller, onnx.NodeProto, int], None]] = {
    "If": _Unroller.branch,
    "Loop": _Unroller.loop,
    "Scan": _Unroller.scan,
}
