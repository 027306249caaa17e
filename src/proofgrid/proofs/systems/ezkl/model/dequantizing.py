"""Writes the operators of 8-bit models in floats: rounded and clipped exactly as ONNX does it.

    QuantizeLinear, DequantizeLinear      Clip(Round(x / s), low - zero, high - zero) * s
    QLinearConv, QLinearMatMul            the operator between such pairs
    ConvInteger, MatMulInteger            the operator on floats that hold integers

A circuit holds a scale like 0.003 in few bits; it is multiplied in as 0.003 * 2^7 and then 2^-7, which loses nothing.
Scales of weights were folded before.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log2

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.known import Array, Known
from proofgrid.proofs.systems.ezkl.model.nodes import attribute_of, attributes_of
from proofgrid.proofs.systems.ezkl.model.writing import Writer, replace_nodes

_OPSET_LEAST = 11  #: the first with Round, and with Clip's bounds as inputs
_SHIFT_MAX = 7  #: as many bits as the default scale has, so that 2^-7 is exact


def dequantize(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model of floats that computes the same; what has computed scales stays as it is."""
    known = Known(model)
    if known.version() < _OPSET_LEAST or not any(node.op_type in _WRITERS for node in model.graph.node):
        return model
    pairs = _Pairs(known)

    def write(writer: Writer, node: onnx.NodeProto) -> bool:
        return node.op_type in _WRITERS and _WRITERS[node.op_type](pairs, writer, node)

    made = replace_nodes(model, known, write)
    for value in made.graph.output:
        if value.name in pairs.written:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return made


class _Pairs:
    """Writes nodes of one model; remembers which integers it wrote as floats."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.written: set[str] = set()
        self._centred: dict[str, tuple[str, Array]] = {}  #: quantised tensor -> itself minus its zero, and that zero

    def quantize(self, writer: Writer, node: onnx.NodeProto) -> bool:
        """Write QuantizeLinear."""
        inputs = [*node.input, ""][:3]
        scale, zero = self._scale_of(inputs[1], inputs[2])
        if scale is None or zero is None or scale.size != 1:
            return False
        kind = self._known.element_type(inputs[2]) if inputs[2] else _kind_asked_for(node)
        if "INT" not in onnx.TensorProto.DataType.Name(kind):  # floats of 8 bits
            return False
        self._write_quantized(writer, inputs[0], scale, zero.astype(np.float32), _limits_of(kind), node.output[0])
        return True

    def dequantize(self, writer: Writer, node: onnx.NodeProto) -> bool:
        """Write DequantizeLinear."""
        inputs = [*node.input, ""][:3]
        scale, zero = self._scale_of(inputs[1], inputs[2])
        if scale is None or zero is None or (scale.size > 1 and not self._along_axis(node, inputs[0])):
            return False
        if scale.size > 1:
            shape = self._along_axis(node, inputs[0])
            scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
        self._write_scaled(writer, self._less(writer, inputs[0], zero), scale, node.output[0])
        return True

    def matmul(self, writer: Writer, node: onnx.NodeProto) -> bool:
        """Write QLinearMatMul."""
        return self._write_linear(writer, node, [0, 1, 2], [3, 4, 5], [6, 7], "MatMul", bias="")

    def conv(self, writer: Writer, node: onnx.NodeProto) -> bool:
        """Write QLinearConv."""
        bias = node.input[8] if len(node.input) > 8 else ""
        return self._write_linear(writer, node, [0, 1, 2], [3, 4, 5], [6, 7], "Conv", bias=bias)

    def matmul_integer(self, writer: Writer, node: onnx.NodeProto) -> bool:
        """Write MatMulInteger."""
        return self._write_integer(writer, node, "MatMul")

    def conv_integer(self, writer: Writer, node: onnx.NodeProto) -> bool:
        """Write ConvInteger."""
        return self._write_integer(writer, node, "Conv")

    def _write_integer(self, writer: Writer, node: onnx.NodeProto, operator: str) -> bool:
        inputs = [*node.input, "", ""][:4]
        zeros = [self._known.constant(name) if name else np.zeros((), np.float32) for name in inputs[2:]]
        if any(zero is None or zero.size != 1 for zero in zeros):
            return False
        both = [
            self._less(writer, name, zero) for name, zero in zip(inputs[:2], zeros, strict=True) if zero is not None
        ]
        writer.op(operator, *both, into=node.output[0], **attributes_of(node))
        self.written.add(node.output[0])
        return True

    def _write_linear(
        self,
        writer: Writer,
        node: onnx.NodeProto,
        x: list[int],
        w: list[int],
        y: list[int],
        operator: str,
        *,
        bias: str,
    ) -> bool:
        names = node.input
        (x_scale, x_zero), (w_scale, w_zero), (y_scale, y_zero) = (
            self._scale_of(names[places[-2]], names[places[-1]]) for places in (x, w, y)
        )
        weight = self._known.constant(names[w[0]])
        if weight is None or x_scale is None or w_scale is None or y_scale is None:
            return False
        if x_zero is None or w_zero is None or y_zero is None or x_scale.size + y_scale.size != 2:
            return False
        # Per output channel: a Conv's are its first axis, a MatMul's its last.
        shape = (-1, *[1] * (weight.ndim - 1)) if operator == "Conv" and w_scale.size > 1 else w_scale.shape
        zeros = w_zero.astype(np.float64).reshape(shape if w_zero.size > 1 else ())
        scales = w_scale.astype(np.float64)
        plain = (weight.astype(np.float64) - zeros) * scales.reshape(shape)
        inputs = [self._scaled(writer, names[0], x_scale, x_zero), writer.constant(plain.astype(np.float32))]
        if bias:
            values = self._known.constant(bias)
            if values is None:
                return False
            inputs.append(
                writer.constant((values.astype(np.float64) * x_scale.item() * scales.reshape(-1)).astype(np.float32))
            )
        product = writer.op(operator, *inputs, **attributes_of(node))
        self._write_quantized(
            writer,
            product,
            y_scale,
            y_zero.astype(np.float32),
            _limits_of(self._known.element_type(names[y[1]])),
            node.output[0],
        )
        return True

    def _scaled(self, writer: Writer, name: str, scale: Array, zero: Array) -> str:
        output = writer.fresh()
        self._write_scaled(writer, self._less(writer, name, zero), scale, output)
        return output

    def _write_quantized(
        self, writer: Writer, name: str, scale: Array, zero: Array, limits: tuple[int, int], output: str
    ) -> None:
        divided = writer.op("Div", name, writer.constant(scale.reshape(()).astype(np.float32)))
        low, high = (writer.constant(np.float32(limit - zero.item())) for limit in limits)
        centred = writer.op("Clip", writer.op("Round", divided), low, high)
        self._centred[output] = (centred, zero)
        self.written.add(output)
        writer.op("Add", centred, writer.constant(zero.reshape(())), into=output)

    def _less(self, writer: Writer, name: str, zero: Array) -> str:
        """Write a quantised tensor minus its zero point, as a float."""
        centred = self._centred.get(name)
        if centred is not None and np.array_equal(centred[1].reshape(-1), zero.astype(np.float32).reshape(-1)):
            return centred[0]
        number = writer.op("Cast", name, to=onnx.TensorProto.FLOAT)
        return writer.op("Sub", number, writer.constant(zero.astype(np.float32))) if np.any(zero) else number

    def _write_scaled(self, writer: Writer, name: str, scale: Array, output: str) -> None:
        largest = float(np.max(np.abs(scale)))
        shift = min(_SHIFT_MAX, ceil(-log2(largest))) if 0 < largest < 0.5 else 0
        factor = writer.constant((scale.astype(np.float64) * 2**shift).astype(np.float32))
        if shift == 0:
            writer.op("Mul", name, factor, into=output)
        else:
            writer.op("Mul", writer.op("Mul", name, factor), writer.constant(np.float32(2.0**-shift)), into=output)

    def _scale_of(self, scale: str, zero: str) -> tuple[Array | None, Array | None]:
        zeros = self._known.constant(zero) if zero else np.zeros((), np.float32)
        return self._known.constant(scale), zeros

    def _along_axis(self, node: onnx.NodeProto, name: str) -> tuple[int, ...]:
        shape = self._known.shape(name)
        axis = attribute_of(node, "axis", 1)
        if shape is None or not -len(shape) <= axis < len(shape):
            return ()
        return tuple(-1 if place == axis % len(shape) else 1 for place in range(len(shape)))


def _kind_asked_for(node: onnx.NodeProto) -> int:
    asked = attribute_of(node, "output_dtype", 0)
    return asked or onnx.TensorProto.UINT8


def _limits_of(kind: int) -> tuple[int, int]:
    """Return the least and the greatest number of an integer type."""
    name = onnx.TensorProto.DataType.Name(kind)
    bits = int(name.removeprefix("U").removeprefix("INT"))
    return (0, (1 << bits) - 1) if name.startswith("U") else (-(1 << bits - 1), (1 << bits - 1) - 1)


_Write = Callable[[_Pairs, Writer, onnx.NodeProto], bool]
_WRITERS: dict[str, _Write] = {
    "QuantizeLinear": _Pairs.quantize,
    "DequantizeLinear": _Pairs.dequantize,
    "QLinearMatMul": _Pairs.matmul,
    "QLinearConv": _Pairs.conv,
    "MatMulInteger": _Pairs.matmul_integer,
    "ConvInteger": _Pairs.conv_integer,
}
