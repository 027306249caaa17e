"""Which ONNX operators the engine proves: an allow-list, because it only warns about an operator it does not know.

Each was tried with ezkl 23.0.5 on a small model: settings, keys that are equal on every build, proof, and outputs
equal to ONNX Runtime's within quantisation. Left out after trying: Tile, Mod and ReduceProd (the engine fails) and
casts to integers (it floors where ONNX truncates).
"""

from __future__ import annotations

import onnx

from proofgrid.primitives.errors import UnsupportedOperator

_TRIED = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip Concat
    Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace Div Dropout Einsum Elu Equal Erf Exp Expand
    Flatten Floor Gather Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Identity
    InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Min Mul Neg
    Not Or PRelu Pad Pow ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare
    Reciprocal Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Sinh Slice Softmax Softplus Softsign Split Sqrt
    Squeeze Sub Sum Tan Tanh ThresholdedRelu TopK Transpose Unsqueeze Where
"""
SUPPORTED = frozenset(_TRIED.split())

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
_HINT = "docs/decisions/0002-ezkl-slicing.md lists what can be proven"


def check_operators(graph: onnx.GraphProto) -> None:
    """Raise UnsupportedOperator naming operator and node for the first node that the engine cannot prove."""
    for position, node in enumerate(graph.node):
        where = f"node {node.name!r}" if node.name else f"node number {position}"
        if node.domain not in ("", "ai.onnx"):
            raise UnsupportedOperator(
                f"{where} uses {node.domain}.{node.op_type}, which is not a standard ONNX operator", field="model"
            )
        if node.op_type not in SUPPORTED:
            raise UnsupportedOperator(f"{where} uses the operator {node.op_type}", field="model", hint=_HINT)
        if node.op_type == "Cast" and _cast_target(node) not in _FLOATS:
            raise UnsupportedOperator(f"{where} is a Cast to integers; only casts to float work", field="model")


def _cast_target(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "to"), 0)
