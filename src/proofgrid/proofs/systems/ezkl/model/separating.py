"""Gives every output a tensor of its own: the engine fails when two outputs are the same numbers in other shapes.

A recurrent layer over one step is such a model: all of its states are the last one.
"""

from __future__ import annotations

from copy import deepcopy

import onnx

from proofgrid.proofs.systems.ezkl.model.nodes import with_nodes
from proofgrid.proofs.systems.ezkl.model.writing import Writer, names_of

_RESHAPING = frozenset(["Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"])


def separate_outputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model in which an output that repeats another one is that, negated twice.

    The engine sees through adding zero and multiplying by one.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    seen: set[str] = set()
    repeated = []
    for value in model.graph.output:
        root = _root_of(value.name, makers)
        if root in seen and value.name in makers:
            repeated.append(value.name)
        seen.add(root)
    if not repeated:
        return model
    return _negated_twice(model, repeated)


def _root_of(name: str, makers: dict[str, onnx.NodeProto]) -> str:
    while name in makers and makers[name].op_type in _RESHAPING and makers[name].output[0] == name:
        name = makers[name].input[0]
    return name


def _negated_twice(model: onnx.ModelProto, outputs: list[str]) -> onnx.ModelProto:
    taken = names_of(model)
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        repeated = [name for name in node.output if name in outputs]
        made = deepcopy(node)
        nodes.append(made)
        for name in repeated:
            writer = Writer(node, taken)
            inner = writer.fresh()
            made.output[list(made.output).index(name)] = inner
            writer.op("Neg", writer.op("Neg", inner), into=name)
            nodes.extend(writer.nodes)
    return with_nodes(model, nodes)
