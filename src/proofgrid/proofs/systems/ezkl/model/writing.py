"""Writes the nodes that stand for one node of a client's model, with names that nobody else has.

A name is the client's own with a number behind it, so that blame still finds the node that was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from proofgrid.proofs.systems.ezkl.model.known import Known
from proofgrid.proofs.systems.ezkl.model.nodes import subgraphs_of, with_nodes


class Writer:
    """Collects nodes and constants in place of one node."""

    def __init__(self, node: onnx.NodeProto, taken: set[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._prefix = next((name for name in node.output if name), node.op_type)
        self._label = node.name
        self._taken = taken
        self._count = 0

    def op(self, operator: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        """Write a node of one output, named `into` or freshly, and return that output's name."""
        output = into or self.fresh()
        self.nodes.append(onnx.helper.make_node(operator, inputs, [output], name=self._label, **attributes))
        return output

    def constant(self, values: npt.ArrayLike) -> str:
        """Write a constant and return its name."""
        name = self.fresh()
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(np.shape(values)), name))
        return name

    def reshape(self, name: str, shape: Sequence[int], *, into: str = "") -> str:
        """Write a Reshape to a constant shape."""
        return self.op("Reshape", name, self.constant(np.array(shape, np.int64)), into=into)

    def fresh(self) -> str:
        """Return a name that no tensor of the model has."""
        while True:
            self._count += 1
            name = f"{self._prefix}/{self._count}"
            if name not in self._taken:
                self._taken.add(name)
                return name


def replace_nodes(
    model: onnx.ModelProto, known: Known, write: Callable[[Writer, onnx.NodeProto], bool]
) -> onnx.ModelProto:
    """Return the model with what `write` wrote in the place of each node; a node that it answers with False stays.

    What is `known` grows node by node, the one that is written included.
    """
    taken = names_of(model)
    nodes: list[onnx.NodeProto] = []
    weights = list(model.graph.initializer)
    for node in model.graph.node:
        known.learn(node)
        writer = Writer(node, taken)
        if write(writer, node):
            nodes.extend(writer.nodes)
            weights.extend(writer.weights)
        else:
            nodes.append(node)
    return with_nodes(model, nodes, weights)


def names_of(model: onnx.ModelProto) -> set[str]:
    """Return the names of all tensors of a model, those in subgraphs included."""
    return _names(model.graph)


def _names(graph: onnx.GraphProto) -> set[str]:
    names = {value.name for value in (*graph.input, *graph.output)} | {weight.name for weight in graph.initializer}
    for node in graph.node:
        names.update((*node.input, *node.output))
        for inner in subgraphs_of(node):
            names |= _names(inner)
    return names
