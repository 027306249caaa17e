"""Folds what does not depend on the inputs, and drops what no output needs.

    Shape -> Gather -> Concat -> Reshape      becomes      Reshape by a constant
    NonZero that nobody reads                 becomes      nothing

ONNX's own shape inference and reference evaluator do the work (docs/decisions/0028).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from proofgrid.proofs.systems.ezkl.model.folding import Folder
from proofgrid.proofs.systems.ezkl.model.known import Known
from proofgrid.proofs.systems.ezkl.model.nodes import subgraphs_of, with_nodes


def simplify(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without constant expressions, dead nodes and unused initializers."""
    alive = without_dead(model)
    folded = _fold(alive)
    return without_dead(folded) if folded is not alive else alive


def without_dead(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without what no output needs; outputs that nobody reads lose their names where they may."""
    needed = {value.name for value in model.graph.output}
    alive = []
    for node in reversed(model.graph.node):
        if needed.intersection(name for name in node.output if name):
            alive.append(node)
            needed.update(_names_read(node))
    return with_nodes(model, reversed(alive), [w for w in model.graph.initializer if w.name in needed])


def _names_read(node: onnx.NodeProto) -> set[str]:
    """Return the names of all tensors that the node reads, those in its subgraphs included."""
    names = {name for name in node.input if name}
    for graph in subgraphs_of(node):
        for inner in graph.node:
            names |= _names_read(inner)
        names.update(value.name for value in graph.output)
    return names


def _fold(model: onnx.ModelProto) -> onnx.ModelProto:
    known = Known(model)
    folder = Folder(known)
    nodes, weights = [], list(model.graph.initializer)
    for node in model.graph.node:
        values = folder.values_of(node)
        if values is None:
            nodes.append(node)
            known.learn(node)
            continue
        for name, value in zip(filter(None, node.output), values, strict=True):
            known.add(name, value)
            weights.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
    return with_nodes(model, nodes, weights) if len(nodes) < len(model.graph.node) else model
