"""Gives every node a name of its own: the engine fails over two nodes of one name, or a node named like a weight."""

from __future__ import annotations

from copy import deepcopy
from itertools import count

import onnx

from proofgrid.proofs.systems.ezkl.model.nodes import with_nodes


def name_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every node named once; a name that is missing or taken becomes that of its first output."""
    taken = {value.name for value in model.graph.input} | {weight.name for weight in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        made = deepcopy(node)
        made.name = _free_name(node, taken)
        taken.add(made.name)
        nodes.append(made)
    return with_nodes(model, nodes)


def _free_name(node: onnx.NodeProto, taken: set[str]) -> str:
    if node.name and node.name not in taken:
        return node.name
    stem = node.name or next((name for name in node.output if name), node.op_type)
    if stem not in taken:
        return stem
    return next(name for number in count(2) if (name := f"{stem}#{number}") not in taken)
