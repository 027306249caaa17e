"""Writes integers that a model computes as floats that hold whole numbers, and what they choose as products.

    bool -> Cast to int64 -> MatMul -> Equal      becomes      bool -> Cast to float -> MatMul -> Equal
    Gather(table, computed place)                 becomes      MatMul(place == [0 1 2 ...], table)

Decision trees are exported like that.
A circuit's numbers are whole multiples of 2^-scale, so whole numbers stay exact.
Integers that come in, and places that ArgMax finds, stay integers: the engine reads these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from math import prod

import numpy as np
import onnx
from onnx import TensorProto

from proofgrid.proofs.systems.ezkl.model.known import Known
from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of, with_nodes
from proofgrid.proofs.systems.ezkl.model.writing import Writer, names_of

CHOICES_MAX = 1 << 20  #: places times what they choose from

_SIGNED = frozenset([TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64])
_INTEGERS = _SIGNED | frozenset([TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64])
_MOVING = "Concat Expand Flatten Identity Pad Reshape Slice Split Squeeze Tile Transpose Unsqueeze"
_CALCULATING = "Abs Add Clip Max Min Mul Neg ReduceMax ReduceMin ReduceSum Relu Sign Sub Sum Where"
_COMPARING = "Equal Greater GreaterOrEqual Less LessOrEqual ArgMax ArgMin"
_ON_FLOATS = frozenset(f"{_MOVING} {_CALCULATING} {_COMPARING} Div Gemm MatMul TopK".split())
_ALWAYS = frozenset(["Div", "Gemm", "MatMul", "Max", "Min", "TopK"])  #: the engine does not compute these of integers
_FIRST_ONLY = frozenset(
    ["Clip", "Expand", "Pad", "ReduceMax", "ReduceMin", "ReduceSum", "Reshape", "Slice", "Split", "Squeeze", "Tile"]
) | frozenset(["TopK", "Transpose", "Unsqueeze"])  #: whose other inputs are places and shapes


def count_in_floats(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model that computes no integers but those it is given; itself when it computes none."""
    counter = _Counter(model)
    for node in model.graph.node:
        counter.write(node)
    if not counter.floats:
        return model
    counter.write_outputs(model.graph.output)
    made = with_nodes(model, counter.nodes, counter.weights)
    for value in made.graph.output:
        if value.name in counter.floats:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    return made


class _Counter:
    """Writes nodes one after the other; knows which integers are floats by now."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights = list(model.graph.initializer)
        self.floats: dict[str, str] = {}  #: integer tensor -> the float tensor that is written in its place
        self._cast: dict[str, str] = {}  #: the same for integers that stay
        self._known = Known(model)
        self._taken = names_of(model)

    def write(self, node: onnx.NodeProto) -> None:
        """Write one node, on floats where its integers are floats by now."""
        writer = Writer(node, self._taken)
        if node.op_type == "Cast" and self._write_cast(writer, node):
            pass
        elif node.op_type in _CHOOSING and node.input[1 if node.op_type != "OneHot" else 0] in self.floats:
            _CHOOSING[node.op_type](self, writer, node)
        elif node.op_type in _ON_FLOATS and self._wants_floats(node):
            self._write_on_floats(writer, node)
        else:
            self._write_as_it_is(writer, node)
        self._take(writer)

    def write_outputs(self, outputs: Iterable[onnx.ValueInfoProto]) -> None:
        """Give outputs that are floats by now their names."""
        for value in outputs:
            if value.name in self.floats:
                self.nodes.append(
                    onnx.helper.make_node("Identity", [self.floats[value.name]], [value.name], name=value.name)
                )

    def _write_cast(self, writer: Writer, node: onnx.NodeProto) -> bool:
        source, output = node.input[0], node.output[0]
        kind, target = self._known.element_type(source), attribute_of(node, "to", 0)
        if source in self.floats:
            if target in _INTEGERS:
                self._note(output, self.floats[source], node)
            elif target == TensorProto.FLOAT:
                writer.op("Identity", self.floats[source], into=output)
            else:
                writer.op("Cast", self.floats[source], into=output, to=target)
            return True
        if target not in _INTEGERS or kind not in (TensorProto.BOOL, TensorProto.FLOAT):
            return False
        # A float loses its fraction on the way.
        whole = source if kind == TensorProto.BOOL else writer.op("Cast", source, to=TensorProto.INT64)
        self._note(output, writer.op("Cast", whole, to=TensorProto.FLOAT), node)
        return True

    def _wants_floats(self, node: onnx.NodeProto) -> bool:
        data = self._data_of(node)
        if any(name in self.floats for name in data):
            return True
        return node.op_type in _ALWAYS and any(self._known.element_type(name) in _INTEGERS for name in data)

    def _data_of(self, node: onnx.NodeProto) -> list[str]:
        names = list(node.input[:1] if node.op_type in _FIRST_ONLY else node.input)
        return [name for name in names if name]

    def _write_on_floats(self, writer: Writer, node: onnx.NodeProto) -> None:
        made = deepcopy(node)
        for place, name in enumerate(self._data_of(node)):
            if self._known.element_type(name) in _INTEGERS:
                made.input[place] = self._float_of(writer, name)
        if node.op_type in _COMPARING.split():
            writer.nodes.append(made)
            return
        written = node.output[:1] if node.op_type == "TopK" else node.output  # places stay integers
        for place, name in enumerate(written):
            made.output[place] = writer.fresh() if name else ""
        if node.op_type == "Div":
            made.output[0] = self._write_quotient(writer, made.input[0], made.input[1])
        else:
            writer.nodes.append(made)
        for name, fresh in zip(written, made.output, strict=False):
            if name:
                self._note(name, fresh, node)

    def _write_quotient(self, writer: Writer, one: str, other: str) -> str:
        """ONNX drops what is left over; half more than that keeps the quotient away from the next whole number."""
        size = writer.op("Add", writer.op("Abs", one), writer.constant(np.float32(0.5)))
        quotient = writer.op("Floor", writer.op("Div", size, writer.op("Abs", other)))
        return writer.op("Mul", quotient, writer.op("Mul", writer.op("Sign", one), writer.op("Sign", other)))

    def gather(self, writer: Writer, node: onnx.NodeProto) -> None:
        """Write a Gather at computed places."""
        data, places = self._known.shape(node.input[0]), self._known.shape(node.input[1])
        axis = attribute_of(node, "axis", 0)
        if data is None or places is None or prod(places) * data[axis] > CHOICES_MAX:
            self._write_as_it_is(writer, node)
            return
        axis %= len(data)
        first = [axis, *(other for other in range(len(data)) if other != axis)]
        rest = [data[other] for other in first[1:]]
        table = self._float_of(writer, node.input[0]) if self._is_integer(node.input[0]) else node.input[0]
        table = writer.reshape(writer.op("Transpose", table, perm=first), [data[axis], prod(rest)])
        hits = self._write_hits(writer, self.floats[node.input[1]], [prod(places)], data[axis])
        chosen = writer.reshape(writer.op("MatMul", hits, table), [*places, *rest])
        # Where ONNX has the places: in the stead of the axis.
        order = list(range(len(places), len(places) + axis)) + list(range(len(places)))
        order += range(len(places) + axis, len(places) + len(rest))
        self._deliver(writer, node, writer.op("Transpose", chosen, perm=order))

    def gather_elements(self, writer: Writer, node: onnx.NodeProto) -> None:
        """Write a GatherElements along the last axis at computed places."""
        data, places = self._known.shape(node.input[0]), self._known.shape(node.input[1])
        axis = attribute_of(node, "axis", 0)
        if data is None or places is None or axis % len(data) != len(data) - 1 or data[:-1] != places[:-1]:
            self._write_as_it_is(writer, node)
            return
        if prod(places) * data[-1] > CHOICES_MAX:
            self._write_as_it_is(writer, node)
            return
        table = self._float_of(writer, node.input[0]) if self._is_integer(node.input[0]) else node.input[0]
        hits = self._write_hits(writer, self.floats[node.input[1]], places, data[-1])
        rows = writer.reshape(table, [*data[:-1], data[-1], 1])
        chosen = writer.op("MatMul", hits, rows)
        self._deliver(writer, node, writer.reshape(chosen, places))

    def one_hot(self, writer: Writer, node: onnx.NodeProto) -> None:
        """Write a OneHot of computed places."""
        places, depth = self._known.shape(node.input[0]), self._known.constant(node.input[1])
        values = self._known.constant(node.input[2])
        axis = attribute_of(node, "axis", -1)
        if places is None or depth is None or values is None or prod(places) * int(depth.item()) > CHOICES_MAX:
            self._write_as_it_is(writer, node)
            return
        hits = self._write_hits(writer, self.floats[node.input[0]], places, int(depth.item()))
        order = list(range(len(places)))
        order.insert(axis % (len(places) + 1), len(places))
        hits = writer.op("Transpose", hits, perm=order)
        off, on = (float(value) for value in values.astype(np.float64))
        if (off, on) != (0.0, 1.0):
            hits = writer.op("Mul", hits, writer.constant(np.float32(on - off)))
            hits = writer.op("Add", hits, writer.constant(np.float32(off)))
        self._deliver(writer, node, hits)

    def _write_hits(self, writer: Writer, places: str, shape: tuple[int, ...] | list[int], size: int) -> str:
        """Write 1 where a place is the number of a column, else 0: [..., size]."""
        numbers = writer.constant(np.arange(size, dtype=np.float32))
        equal = writer.op("Equal", writer.reshape(places, [*shape, 1]), numbers)
        return writer.op("Cast", equal, to=TensorProto.FLOAT)

    def _deliver(self, writer: Writer, node: onnx.NodeProto, found: str) -> None:
        if self._known.outputs_of(node) and self._is_integer_output(node):
            self._note(node.output[0], found, node)
        else:
            writer.op("Identity", found, into=node.output[0])

    def _is_integer_output(self, node: onnx.NodeProto) -> bool:
        source = node.input[2] if node.op_type == "OneHot" else node.input[0]
        return self._is_integer(source)

    def _write_as_it_is(self, writer: Writer, node: onnx.NodeProto) -> None:
        made = deepcopy(node)
        for place, name in enumerate(node.input):
            if name in self.floats:  # the table of operators will say what cannot be read
                made.input[place] = writer.op("Cast", self.floats[name], to=TensorProto.INT64)
        writer.nodes.append(made)

    def _is_integer(self, name: str) -> bool:
        return self._known.element_type(name) in _INTEGERS

    def _float_of(self, writer: Writer, name: str) -> str:
        if name in self.floats:
            return self.floats[name]
        if name not in self._cast:
            value = self._known.constant(name)
            self._cast[name] = (
                writer.op("Cast", name, to=TensorProto.FLOAT)
                if value is None
                else writer.constant(value.astype(np.float32))
            )
        return self._cast[name]

    def _note(self, name: str, written: str, node: onnx.NodeProto) -> None:
        """Note an integer tensor that is a float by now; its type stays known, so that what reads it can be told."""
        self.floats[name] = written
        self._known.learn(node)

    def _take(self, writer: Writer) -> None:
        for weight in writer.weights:
            self.weights.append(weight)
            self._known.add(weight.name, onnx.numpy_helper.to_array(weight))
        for node in writer.nodes:
            self.nodes.append(node)
            self._known.learn(node)


_CHOOSING: dict[str, Callable[[_Counter, Writer, onnx.NodeProto], None]] = {
    "Gather": _Counter.gather,
    "GatherElements": _Counter.gather_elements,
    "OneHot": _Counter.one_hot,
}
