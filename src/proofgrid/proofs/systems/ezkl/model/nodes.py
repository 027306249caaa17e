"""What the passes ask of a node, and how they put other nodes into a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, TypeVar

import onnx

_Value = TypeVar("_Value")


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the values of a node's attributes by name; texts are bytes."""
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def attribute_of(node: onnx.NodeProto, name: str, default: _Value) -> _Value:
    """Return the value of one attribute."""
    found: _Value = attributes_of(node).get(name, default)
    return found


def subgraphs_of(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Return the graphs that stand in a node's attributes: branches and bodies of loops."""
    for attribute in node.attribute:
        yield from attribute.graphs
        if attribute.HasField("g"):
            yield attribute.g


def described(node: onnx.NodeProto) -> str:
    """Return how a node is named to its owner."""
    where = f"node {node.name!r}" if node.name else f"the node that makes {next(filter(None, node.output), '')!r}"
    return f"{where} ({node.op_type})"


def with_nodes(
    model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto], weights: Iterable[onnx.TensorProto] | None = None
) -> onnx.ModelProto:
    """Return the model with these nodes, and these initializers unless they stay; forget shapes that were derived.

    The model's own nodes and initializers may be among them: they are copied.
    """
    made = deepcopy(model)
    del made.graph.node[:], made.graph.value_info[:]
    made.graph.node.extend(nodes)
    if weights is not None:
        kept = list(weights)
        names = {weight.name for weight in (*kept, *model.graph.initializer)}
        inputs = [value for value in model.graph.input if value.name not in names]  # before IR 4 weights stand there
        del made.graph.input[:], made.graph.initializer[:]
        made.graph.input.extend(inputs)
        made.graph.initializer.extend(kept)
    return made
