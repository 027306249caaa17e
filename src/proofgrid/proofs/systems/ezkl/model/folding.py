"""Computes nodes whose inputs are all known, with ONNX's own reference evaluator, the same on every machine.

Moving, comparing and the four operations are exact wherever they run. What is not (Exp, sums of many numbers ...) is
computed in 64 bits and rounded once, so that a machine's vector units do not show in a program's digest.
How much work a node is, is known before it is done.
"""

from __future__ import annotations

from math import prod

import numpy as np
import onnx

from proofgrid.proofs.systems.ezkl.model.evaluating import evaluated
from proofgrid.proofs.systems.ezkl.model.known import Array, Known, shape_of

WORK_MAX = 1 << 24  #: numbers read, written and multiplied while one model is folded

_MOVING = """
    Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather GatherElements GatherND
    Identity NonZero OneHot Pad Range Reshape ScatterElements ScatterND Slice SpaceToDepth Split Squeeze Tile Transpose
    Trilu Unsqueeze Where
"""
_EXACT = """
    Abs Add And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast Ceil Clip DequantizeLinear Div
    Equal Floor Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Max Min Mod Mul Neg Not Or QuantizeLinear
    Reciprocal ReduceMax ReduceMin Relu Round Sign Sqrt Sub TopK Xor
"""
_ROUNDED = """
    Acos Acosh Asin Asinh Atan Atanh Cos Cosh CumSum Einsum Erf Exp Gemm Log LogSoftmax MatMul Pow ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMean ReduceProd ReduceSum ReduceSumSquare Sigmoid Sin Sinh Softmax Softplus
    Softsign Sum Tan Tanh
"""
_ANYWHERE = frozenset(_MOVING.split()) | frozenset(_EXACT.split())
_IN_64_BITS = frozenset(_ROUNDED.split())
_LOOPING = "CumSum GatherND OneHot ScatterElements ScatterND TopK"  # loops of Python, element by element
_ELEMENT_BY_ELEMENT = frozenset(_LOOPING.split())
#: What the evaluator knows only from a later opset on, with the same meaning.
_EVALUATED_FROM = {"QuantizeLinear": 19, "DequantizeLinear": 19}
_NARROW = (np.dtype(np.float32), np.dtype(np.float16))


class Folder:
    """Folds the nodes of one model, up to a limit of work for all of them."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._work_left = WORK_MAX

    def values_of(self, node: onnx.NodeProto) -> list[Array] | None:
        """Return what the node puts out, or None when it cannot be known or would be too much work."""
        if node.domain not in ("", "ai.onnx"):
            return None
        if node.op_type in ("Shape", "Size"):
            return self._of_shape(node)
        if node.op_type not in _ANYWHERE | _IN_64_BITS:
            return None
        if not all(self._known.is_constant(name) for name in node.input if name):
            return None
        kinds = self._known.outputs_of(node)
        work = self._work_of(node, kinds)
        if work is None or work > self._work_left:
            return None
        self._work_left -= work
        return self._evaluate(node, kinds)

    def _of_shape(self, node: onnx.NodeProto) -> list[Array] | None:
        shape = self._known.shape(node.input[0])
        if shape is None:
            return None
        if node.op_type == "Size":
            return [np.array(prod(shape), np.int64)]
        bounds = {attribute.name: attribute.i for attribute in node.attribute}
        return [np.array(shape[bounds.get("start", 0) : bounds.get("end", len(shape))], np.int64)]

    def _work_of(self, node: onnx.NodeProto, kinds: dict[str, onnx.TypeProto]) -> int | None:
        reads = sum(self._known.elements(name) or 0 for name in node.input if name)
        writes = 0
        for name in filter(None, node.output):
            shape = shape_of(kinds.get(name))
            if shape is None and node.op_type not in ("NonZero", "Compress"):  # these find at most what they read
                return None
            writes += prod(shape) if shape is not None else 8 * reads
        if node.op_type in ("MatMul", "Gemm", "Einsum"):
            writes *= max(1, reads)  # more than enough: no sum is longer than what is read
        return (reads + writes) * (64 if node.op_type in _ELEMENT_BY_ELEMENT else 1)

    def _evaluate(self, node: onnx.NodeProto, kinds: dict[str, onnx.TypeProto]) -> list[Array] | None:
        widen = node.op_type in _IN_64_BITS
        feeds = {name: self._value(name, widen=widen) for name in node.input if name}
        version = max(self._known.version(), _EVALUATED_FROM.get(node.op_type, 0))
        try:
            with np.errstate(all="ignore"):
                found = evaluated(node, feeds, version)
                return [
                    _narrowed(value, kinds.get(name))
                    for name, value in zip(filter(None, node.output), found, strict=True)
                ]
        except Exception:  # what the reference cannot evaluate stays as it is, and meets the operators' table
            return None

    def _value(self, name: str, *, widen: bool) -> Array:
        value = self._known.constant_of(name)
        return value.astype(np.float64) if widen and value.dtype in _NARROW else value


def _narrowed(value: object, kind: onnx.TypeProto | None) -> Array:
    array = np.asarray(value)
    if kind is None or not kind.tensor_type.elem_type:
        return array
    wanted = onnx.helper.tensor_dtype_to_np_dtype(kind.tensor_type.elem_type)
    return array.astype(wanted) if array.dtype == np.float64 else array
