"""Unrolls LSTM, GRU and RNN into one row of plain steps, as many as the sequence is long.

                 h0 --[step]-- h1 --[step]-- h2 --[step]-- h3
    x W^T + b --------- x0 --------- x1 --------- x2            one MatMul for all steps, then a Gather for each

Gates stand behind each other in ONNX's order: LSTM i o f c, GRU z r h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.known import Array, Known
from proofgrid.proofs.systems.ezkl.model.nodes import attributes_of, described
from proofgrid.proofs.systems.ezkl.model.writing import Writer, replace_nodes

STEPS_MAX = 1_024  #: of all recurrent nodes of a model together, both directions counted

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_ACTIVATIONS = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}
_HINT = "unroll the layer before the export, or export it with the default of this attribute"


def unroll_recurrent(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without LSTM, GRU and RNN.

    Raises UnsupportedOperator for what has no equal form here: weights that are computed, sequences of unequal
    lengths, clipping, activations that are not the default.
    """
    if not any(node.op_type in _GATES for node in model.graph.node):
        return model
    known, steps = Known(model), 0

    def write(writer: Writer, node: onnx.NodeProto) -> bool:
        nonlocal steps
        if node.op_type not in _GATES or node.domain not in ("", "ai.onnx"):
            return False
        layer = _layer_of(node, known)
        steps += layer.length * len(layer.reversed)
        if steps > STEPS_MAX:
            raise _refused(node, f"needs more than {STEPS_MAX} steps", hint="take a shorter sequence")
        _write(writer, layer)
        return True

    return replace_nodes(model, known, write)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A recurrent node, read; arrays have their directions first."""

    node: onnx.NodeProto
    length: int  #: of the sequence
    batch: int
    features: int
    hidden: int
    batch_first: bool
    reset_last: bool  #: GRU's linear_before_reset
    reversed: tuple[bool, ...]  #: by direction
    w: Array
    r: Array
    b: Array
    peepholes: Array | None
    initial: tuple[str, str]  #: names of h and c at the beginning, "" for zeros


def _layer_of(node: onnx.NodeProto, known: Known) -> _Layer:
    attributes = attributes_of(node)
    inputs = [*node.input, *[""] * (8 - len(node.input))]
    shape = known.shape(inputs[0])
    w, r = (_weight(node, known, inputs[place]) for place in (1, 2))
    if shape is None or len(shape) != 3:
        raise _refused(node, "reads a sequence of unknown shape")
    batch_first = bool(attributes.get("layout", 0))
    length, batch, features = (shape[1], shape[0], shape[2]) if batch_first else shape
    directions, gates, hidden = w.shape[0], _GATES[node.op_type], r.shape[-1]
    _check_attributes(node, attributes)
    _check_lengths(node, known, inputs[4], length)
    b = _weight(node, known, inputs[3]) if inputs[3] else np.zeros((directions, 2 * gates * hidden), w.dtype)
    lstm = node.op_type == "LSTM"
    direction = attributes.get("direction", b"forward").decode().lower()
    return _Layer(
        node=node,
        length=length,
        batch=batch,
        features=features,
        hidden=hidden,
        batch_first=batch_first,
        reset_last=bool(attributes.get("linear_before_reset", 0)),
        reversed=(False, True) if direction == "bidirectional" else (direction == "reverse",),
        w=w,
        r=r,
        b=b,
        peepholes=_weight(node, known, inputs[7]) if lstm and inputs[7] else None,
        initial=(_unless_zero(known, inputs[5]), _unless_zero(known, inputs[6]) if lstm else ""),
    )


def _weight(node: onnx.NodeProto, known: Known, name: str) -> Array:
    found = known.constant(name)
    if found is None:
        raise _refused(
            node, f"has a weight {name!r} that is computed from the input", hint="only constant weights work"
        )
    return found


def _unless_zero(known: Known, name: str) -> str:
    value = known.constant(name)
    return name if value is None or np.any(value) else ""


def _check_attributes(node: onnx.NodeProto, attributes: dict[str, object]) -> None:
    for name in ("clip", "input_forget", "activation_alpha", "activation_beta"):
        if attributes.get(name):
            raise _refused(node, f"has {name}")
    given = attributes.get("activations")
    if isinstance(given, list):
        names = [name.decode().lower() for name in given]
        default = _ACTIVATIONS[node.op_type]
        if names not in (default, default * 2):
            raise _refused(node, f"has activations {', '.join(names)}")


def _check_lengths(node: onnx.NodeProto, known: Known, name: str, length: int) -> None:
    if not name:
        return
    lengths = known.constant(name)
    if lengths is None or np.any(lengths != length):
        hint = "give every sequence its full length: leave sequence_lens out"
        raise _refused(node, "has sequences of several lengths (sequence_lens)", hint=hint)


def _write(writer: Writer, layer: _Layer) -> None:
    """Write all directions and join what they put out in ONNX's layout."""
    x = writer.op("Transpose", layer.node.input[0], perm=[1, 0, 2]) if layer.batch_first else layer.node.input[0]
    rows, last_h, last_c = [], [], []
    for direction, backwards in enumerate(layer.reversed):
        hs, c = _write_direction(writer, layer, x, direction, backwards=backwards)
        last_h.append(hs[-1])
        last_c.append(c)
        rows.append(list(reversed(hs)) if backwards else hs)
    outputs = [*layer.node.output, "", "", ""]
    if outputs[0]:
        _join_all(writer, layer, rows, outputs[0])
    for parts, output in ((last_h, outputs[1]), (last_c, outputs[2])):
        if output:
            _join(writer, layer, parts, output)


def _write_direction(
    writer: Writer, layer: _Layer, x: str, direction: int, *, backwards: bool
) -> tuple[list[str], str]:
    """Write one direction; return the names of h after each step, in the order of steps, and of the last c."""
    h, c = (_initial(writer, layer, name, direction) for name in layer.initial)
    step = _STEPS[layer.node.op_type](writer, layer, direction)
    inputs = writer.op("MatMul", x, writer.constant(layer.w[direction].T))
    bias = step.bias
    if np.any(bias):
        inputs = writer.op("Add", inputs, writer.constant(bias))
    hs = []
    times = range(layer.length)
    for time in reversed(times) if backwards else times:
        now = writer.op("Gather", inputs, writer.constant(np.int64(time)), axis=0)
        h, c = step.write(now, h, c)
        hs.append(h)
    return hs, c


def _initial(writer: Writer, layer: _Layer, name: str, direction: int) -> str:
    """Return the name of a state at the beginning as [batch, hidden], "" for zeros."""
    if not name:
        return ""
    axis = 1 if layer.batch_first else 0
    return writer.op("Gather", name, writer.constant(np.int64(direction)), axis=axis)


class _Step:
    """Writes one step of a direction; weights are written once."""

    def __init__(self, writer: Writer, layer: _Layer, direction: int) -> None:
        self._writer = writer
        self._hidden = layer.hidden
        self._reset_last = layer.reset_last
        self._peepholes = layer.peepholes[direction] if layer.peepholes is not None else None
        r, self._bias = layer.r[direction], np.split(layer.b[direction], 2)
        self._prepare(r)

    @property
    def bias(self) -> Array:
        """What is added to x W^T before any step."""
        return np.asarray(self._bias[0] + self._bias[1])

    def write(self, now: str, h: str, c: str) -> tuple[str, str]:
        """Write a step from x W^T and the states ("" for zeros); return the names of the new ones."""
        raise NotImplementedError

    def _prepare(self, r: Array) -> None:
        self._r = self._writer.constant(r.T)

    def _gate(self, gates: str, place: int) -> str:
        """Write what cuts one gate out of all of them."""
        begin = place * self._hidden
        bounds = [self._writer.constant(np.array([value])) for value in (begin, begin + self._hidden, -1)]
        return self._writer.op("Slice", gates, *bounds)

    def _plus(self, one: str, other: str) -> str:
        return self._writer.op("Add", one, other) if one and other else one or other

    def _times(self, one: str, other: str) -> str:
        return self._writer.op("Mul", one, other) if one and other else ""


class _RnnStep(_Step):
    def write(self, now: str, h: str, c: str) -> tuple[str, str]:
        recurrent = self._writer.op("MatMul", h, self._r) if h else ""
        return self._writer.op("Tanh", self._plus(now, recurrent)), c


class _LstmStep(_Step):
    def write(self, now: str, h: str, c: str) -> tuple[str, str]:
        op = self._writer.op
        gates = self._plus(now, op("MatMul", h, self._r) if h else "")
        i, o, f, g = (self._gate(gates, place) for place in range(4))
        kept = self._times(op("Sigmoid", self._plus(f, self._peep(2, c))), c) if c else ""
        c = self._plus(kept, op("Mul", op("Sigmoid", self._plus(i, self._peep(0, c))), op("Tanh", g)))
        return op("Mul", op("Sigmoid", self._plus(o, self._peep(1, c))), op("Tanh", c)), c

    def _peep(self, place: int, c: str) -> str:
        if self._peepholes is None or not c:
            return ""
        return self._times(self._writer.constant(np.split(self._peepholes, 3)[place]), c)


class _GruStep(_Step):
    def _prepare(self, r: Array) -> None:
        cut = 2 * self._hidden
        self._r = self._writer.constant(r[:cut].T)
        self._r_new = self._writer.constant(r[cut:].T)
        self._one = self._writer.constant(np.ones((), r.dtype))
        self._late = self._bias[1][cut:] if self._reset_last else np.zeros(self._hidden, r.dtype)
        self._late_name = self._writer.constant(self._late) if np.any(self._late) else ""

    @property
    def bias(self) -> Array:
        both = np.array(self._bias[0] + self._bias[1])
        both[2 * self._hidden :] -= self._late
        return both

    def write(self, now: str, h: str, c: str) -> tuple[str, str]:
        op = self._writer.op
        z, r, new = (self._gate(now, place) for place in range(3))
        if h:
            recurrent = op("MatMul", h, self._r)
            z, r = (self._plus(gate, self._gate(recurrent, place)) for place, gate in enumerate((z, r)))
        reset = op("Sigmoid", r)
        if self._reset_last:
            inner = self._plus(op("MatMul", h, self._r_new) if h else "", self._late_name)
            new = self._plus(new, self._times(reset, inner))
        elif h:
            new = self._plus(new, op("MatMul", self._times(reset, h), self._r_new))
        update = op("Sigmoid", z)
        fresh = op("Mul", op("Sub", self._one, update), op("Tanh", new))
        return self._plus(fresh, self._times(update, h)), c


_STEPS: dict[str, Callable[[Writer, _Layer, int], _Step]] = {"RNN": _RnnStep, "LSTM": _LstmStep, "GRU": _GruStep}


def _join_all(writer: Writer, layer: _Layer, rows: Sequence[Sequence[str]], output: str) -> None:
    """Write Y: [length, directions, batch, hidden], or [batch, length, directions, hidden]."""
    steps = [name for step in zip(*rows, strict=True) for name in step]
    if len(steps) > 1:
        parts = [writer.reshape(name, [1, 1, layer.batch, layer.hidden]) for name in steps]
        joined = writer.op("Concat", *parts, axis=0)
    else:
        joined = steps[0]
    shape = [layer.length, len(rows), layer.batch, layer.hidden]
    shaped = writer.reshape(joined, shape, into="" if layer.batch_first else output)
    if layer.batch_first:
        writer.op("Transpose", shaped, perm=[2, 0, 1, 3], into=output)


def _join(writer: Writer, layer: _Layer, parts: Sequence[str], output: str) -> None:
    """Write Y_h or Y_c: [directions, batch, hidden], or [batch, directions, hidden]."""
    shape = [layer.batch, 1, layer.hidden] if layer.batch_first else [1, layer.batch, layer.hidden]
    if len(parts) == 1:
        writer.reshape(parts[0], shape, into=output)
        return
    shaped = [writer.reshape(part, shape) for part in parts]
    writer.op("Concat", *shaped, axis=1 if layer.batch_first else 0, into=output)


def _refused(node: onnx.NodeProto, what: str, *, hint: str = _HINT) -> UnsupportedOperator:
    return UnsupportedOperator(f"{described(node)} {what}, which cannot be proven", field="model", hint=hint)
