"""Folds what does not depend on the inputs, and drops what no output needs.

    Shape -> Gather -> Concat -> Reshape      becomes      Reshape by a constant
    NonZero that nobody reads                 becomes      nothing

ONNX's own shape inference and reference evaluator do the work (docs/decisions/0028).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import numpy_helper

from proofgrid.proofs.systems.ezkl.model.folding import Folder
from proofgrid.proofs.systems.ezkl.model.known import Known


def simplify(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without constant expressions, dead nodes and unused initializers."""
    folded = _fold(without_dead(model))
    return without_dead(folded)


def without_dead(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model without what no output needs; outputs that nobody reads lose their names where they may."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    needed = {value.name for value in model.graph.output}
    alive = []
    for node in reversed(model.graph.node):
        if needed.intersection(name for name in node.output if name):
            alive.append(node)
            needed.update(names_read(node))
    keep(made, nodes=reversed(alive), weights=[w for w in model.graph.initializer if w.name in needed])
    return made


def keep(
    model: onnx.ModelProto, *, nodes: Iterable[onnx.NodeProto], weights: Iterable[onnx.TensorProto] | None = None
) -> None:
    """Replace the graph's nodes, and its initializers unless they stay; forget shapes that were derived."""
    kept_nodes = [_copied(node) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept_nodes)
    del model.graph.value_info[:]
    if weights is not None:
        kept_weights = list(weights)
        names = {weight.name for weight in kept_weights} | {weight.name for weight in model.graph.initializer}
        inputs = [
            value for value in model.graph.input if value.name not in names
        ]  # before IR 4 weights stand there too
        fresh = onnx.GraphProto(input=inputs, initializer=kept_weights)
        model.graph.ClearField("input")
        model.graph.ClearField("initializer")
        model.graph.MergeFrom(fresh)


def names_read(node: onnx.NodeProto) -> set[str]:
    """Return the names of all tensors that the node reads, those in its subgraphs included."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            for inner in graph.node:
                names |= names_read(inner)
            names.update(value.name for value in graph.output)
    return names


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    made = onnx.NodeProto()
    made.CopyFrom(node)
    return made


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
    made = onnx.ModelProto()
    made.CopyFrom(model)
    keep(made, nodes=nodes, weights=weights)
    return made
