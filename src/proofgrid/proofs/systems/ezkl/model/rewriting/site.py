"""What a rule sees of a model: one node, what is known of its tensors, and a pen to write equal nodes with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.evaluating import evaluated
from proofgrid.proofs.systems.ezkl.model.known import shape_of
from proofgrid.proofs.systems.ezkl.model.nodes import attributes_of

Array = np.ndarray[Any, Any]

FLOAT = onnx.TensorProto.FLOAT


class Facts:
    """What is known of a graph's tensors: constants, shapes, element types, and who uses them."""

    def __init__(self, graph: onnx.GraphProto, opset: int) -> None:
        """Read a graph whose shapes are inferred."""
        self.opset = opset
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.shapes: dict[str, tuple[int, ...]] = {name: array.shape for name, array in self.constants.items()}
        self.kinds: dict[str, int] = {tensor.name: tensor.data_type for tensor in graph.initializer}
        for value in (*graph.input, *graph.value_info, *graph.output):
            self._read(value)
        self.uses: dict[str, list[onnx.NodeProto]] = {}
        self.makers: dict[str, onnx.NodeProto] = {}
        for node in graph.node:
            self.makers.update(dict.fromkeys(node.output, node))
            if node.op_type == "Identity" and node.input[0] in self.constants:
                self.constants[node.output[0]] = self.constants[node.input[0]]
            for name in node.input:
                self.uses.setdefault(name, []).append(node)
        self.results = {value.name for value in graph.output}
        self.taken = {*self.shapes, *self.kinds, *self.uses, *self.makers}

    def _read(self, value: onnx.ValueInfoProto) -> None:
        self.kinds.setdefault(value.name, value.type.tensor_type.elem_type)
        shape = shape_of(value.type)
        if shape is not None:
            self.shapes.setdefault(value.name, shape)


class Site:
    """The place of one node, where a rule may put equal nodes."""

    def __init__(self, node: onnx.NodeProto, facts: Facts) -> None:
        """Start with nothing written."""
        self.node = node
        self.facts = facts
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._attributes = attributes_of(node)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value; text as str."""
        value = self._attributes.get(name, default)
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def has(self, index: int) -> bool:
        """Return whether the input is given."""
        return len(self.node.input) > index and self.node.input[index] != ""

    def input(self, index: int) -> str:
        """Return an input's name; "" when it is left out."""
        return self.node.input[index] if len(self.node.input) > index else ""

    def constant(self, index: int) -> Array | None:
        """Return the value of a constant input."""
        return self.facts.constants.get(self.input(index))

    def shape(self, index: int = 0) -> tuple[int, ...] | None:
        """Return an input's shape, when it is known."""
        return self.facts.shapes.get(self.input(index))

    def output_shape(self) -> tuple[int, ...] | None:
        """Return the first output's shape, when it is known."""
        return self.facts.shapes.get(self.node.output[0])

    def kind(self, index: int = 0) -> int:
        """Return an input's element type, 0 when it is not known."""
        return self.facts.kinds.get(self.input(index), 0)

    def used(self, output: int) -> bool:
        """Return whether anything reads this output."""
        if len(self.node.output) <= output or not self.node.output[output]:
            return False
        name = self.node.output[output]
        return name in self.facts.results or bool(self.facts.uses.get(name))

    def put(self, operator: str, *inputs: str | Array, outputs: int = 1, **attributes: Any) -> str:
        """Write a node; arrays become constants. Return the name of its first output."""
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        made = [self._fresh() for _ in range(outputs)]
        given = {name: value for name, value in attributes.items() if value is not None}
        name = f"{self.node.name or self.node.output[0]}~{len(self.nodes)}"  # the engine takes equal names for one node
        self.nodes.append(onnx.helper.make_node(operator, names, made, name=name, **given))
        return made[0]

    def again(self, operator: str = "", *inputs: str | Array, without: str = "", **attributes: Any) -> str:
        """Write the node once more with other inputs or attributes."""
        kept = {name: value for name, value in self._attributes.items() if name not in without.split()}
        outputs = len(self.node.output) if not operator else 1
        given = {**kept, **attributes}
        return self.put(operator or self.node.op_type, *(inputs or self.node.input), outputs=outputs, **given)

    def evaluate(self, feeds: Mapping[int, Array], node: onnx.NodeProto | None = None) -> Array:
        """Return what ONNX says this node makes of other values in place of some of its inputs."""
        asked = self.node if node is None else node
        given = {name: feeds.get(i, self.facts.constants.get(name)) for i, name in enumerate(asked.input) if name}
        return evaluate(asked, {name: value for name, value in given.items() if value is not None}, self.facts.opset)

    def refused(self, detail: str, hint: str) -> UnsupportedOperator:
        """Return the error that says why this node cannot be proven, and what to do."""
        return UnsupportedOperator(f"{place_of(self.node)}: {detail}", field="model", hint=hint)

    def _constant(self, value: Array) -> str:
        name = self._fresh()
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        self.facts.constants[name] = value
        return name

    def _fresh(self) -> str:
        number = len(self.nodes) + len(self.constants)
        while (name := f"{self.node.output[0]}~{number}") in self.facts.taken:
            number += 1
        self.facts.taken.add(name)
        return name


def evaluate(node: onnx.NodeProto, feeds: Mapping[str, Array], opset: int) -> Array:
    """Return the first output of one node, as ONNX itself has it. Raises UnsupportedOperator where it has none."""
    try:
        found: Array = np.asarray(evaluated(node, feeds, opset)[0])
    except Exception as reason:  # whatever its operator raises: an attribute that there is not, sizes that do not fit
        raise UnsupportedOperator(
            f"{place_of(node)} means nothing to ONNX itself: {str(reason)[:200]}", field="model"
        ) from None
    return found


def place_of(node: onnx.NodeProto) -> str:
    """Return how a node is named to its owner."""
    own = node.name.split("~")[0]
    name = repr(own) if own else f"that makes {node.output[0].split('~')[0]!r}"
    return f"node {name} ({node.op_type})"
