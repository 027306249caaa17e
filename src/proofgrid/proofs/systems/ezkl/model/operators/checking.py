"""Refuses what the table of operators does not allow: by version before rewriting, by form after it."""

from __future__ import annotations

import numpy as np
import onnx

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.operators.reading import ROWS, Input, Row
from proofgrid.proofs.systems.ezkl.model.operators.table import INSTEAD, OPSETS
from proofgrid.proofs.systems.ezkl.model.rewriting import OPSET
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Array, Facts, Site, place_of

CONSTANT_MAX = 1 << 24  #: larger constants fit no circuit at a useful scale

_LIST = "`proofgrid program operators` lists what can be proven"
_KINDS: dict[int, str] = {
    **dict.fromkeys((onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16), "F"),
    onnx.TensorProto.BOOL: "B",
}
_NAMES = {"F": "floats", "I": "integers", "B": "truths"}


def check_versions(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model; raise UnsupportedOperator for an opset, operator or version that was never compared."""
    versions = {each.domain: each.version for each in proto.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    if not OPSETS[0] <= opset <= OPSETS[1]:
        raise UnsupportedOperator(
            f"the model is in opset {opset}; {OPSETS[0]} to {OPSETS[1]} were compared with ONNX",
            field="model",
            hint="export it in opset 17, or convert it with onnx.version_converter",
        )
    for node in proto.graph.node:
        _check_version(node, opset)
    return proto


def _check_version(node: onnx.NodeProto, opset: int) -> None:
    if node.domain not in ("", "ai.onnx"):
        detail = f"{place_of(node)} uses {node.domain}.{node.op_type}, which is not a standard ONNX operator"
        raise _refused(detail, "export the model with standard operators only", node)
    row = ROWS.get(node.op_type)
    if row is None:
        if node.op_type == "Constant":
            return
        raise _refused(f"{place_of(node)} uses the operator {node.op_type}, which cannot be proven", _LIST, node)
    version = onnx.defs.get_schema(node.op_type, opset, "").since_version
    if version not in row.versions:
        told = ", ".join(map(str, row.versions))
        detail = f"{place_of(node)} is {node.op_type} as of opset {version}; compared were those of opset {told}"
        raise _refused(detail, "export the model in opset 17", node)


def check_operators(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a rewritten model; raise UnsupportedOperator for the first node whose form the table does not allow."""
    inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    facts = Facts(inferred.graph, OPSET)
    for node in proto.graph.node:
        row = ROWS.get(node.op_type)
        if row is None or row.inputs is None:
            raise _refused(f"{place_of(node)}: this form of {node.op_type} cannot be proven", _LIST, node)
        _check_node(Site(node, facts), row, row.inputs)
    return proto


def _check_node(at: Site, row: Row, inputs: tuple[Input, ...]) -> None:
    node = at.node
    for attribute in node.attribute:
        if attribute.name not in row.attributes:
            detail = f"{place_of(node)}: the attribute {attribute.name} was not compared with ONNX"
            raise _refused(detail, "leave the attribute out", node)
        allowed = row.attributes[attribute.name]
        if not _allows(allowed, at.attribute(attribute.name)):
            value = at.attribute(attribute.name)
            value = onnx.TensorProto.DataType.Name(value) if attribute.name == "to" else value
            detail = f"{place_of(node)}: {attribute.name}={value} cannot be proven"
            raise _refused(detail, f"the attribute may be {allowed}", node)
    if node.op_type != "Split" and any(at.used(i) for i in range(1, len(node.output))):
        raise _refused(f"{place_of(node)}: only its first output can be proven", _LIST, node)
    _check_inputs(at, inputs)
    _check_together(at)


def _allows(allowed: str, value: object) -> bool:
    if not allowed:
        return True
    if allowed in ("ones", "zeros"):
        return isinstance(value, list) and all(each == (1 if allowed == "ones" else 0) for each in value)
    if allowed == "plain":
        left, _, right = str(value).replace(" ", "").partition("->")
        terms = [term.replace("...", "") for term in left.split(",")]
        return all(len(set(term)) == len(term) for term in terms) and bool(right or "->" not in str(value))
    if allowed == "FLOAT":
        return value == onnx.TensorProto.FLOAT
    return str(value) in allowed.split("/")


def _check_inputs(at: Site, inputs: tuple[Input, ...]) -> None:
    for index, name in enumerate(at.node.input):
        if index >= len(inputs) and not inputs[-1].repeated:
            raise _refused(f"{place_of(at.node)}: has more inputs than were compared with ONNX", _LIST, at.node)
        wanted = inputs[min(index, len(inputs) - 1)]
        if not name:
            continue
        value = at.constant(index)
        if wanted.constant and value is None:
            detail = f"{place_of(at.node)}: its input {name!r} is computed, and must be constant"
            raise _refused(detail, "make it a constant of the model", at.node)
        kind = _KINDS.get(at.kind(index), "I")
        if at.kind(index) and kind not in wanted.kinds:
            may = " or ".join(_NAMES[each] for each in wanted.kinds)
            raise _refused(f"{place_of(at.node)}: its input {name!r} is of {_NAMES[kind]}, not {may}", _LIST, at.node)
        if value is not None and kind == "F":
            _check_constant(at, name, value)


def _check_constant(at: Site, name: str, value: Array) -> None:
    if not np.isfinite(value).all():
        detail = f"{place_of(at.node)}: its constant {name.split('~')[0]!r} holds NaN or infinity"
        hint = "mend the weights; a mask of -inf is read where a Softmax follows at once"
        raise UnsupportedOperator(detail, field="model", hint=hint)
    if value.size and np.abs(value).max() > CONSTANT_MAX:
        detail = f"{place_of(at.node)}: its constant {name.split('~')[0]!r} holds {float(np.abs(value).max()):g}"
        raise UnsupportedOperator(detail, field="model", hint=f"keep constants below {CONSTANT_MAX} in size")


def _check_together(at: Site) -> None:
    """Check what one input may be because of the others."""
    node, constants = at.node, [at.constant(i) for i in range(len(at.node.input))]
    if node.op_type == "Pow" and (constants[0] is None) == (constants[1] is None):
        raise _refused(f"{place_of(node)}: base and exponent are both computed", _LIST, node)
    if node.op_type == "Pow" and constants[0] is not None and (constants[0].size > 1 or not (constants[0] > 0).all()):
        raise _refused(f"{place_of(node)}: its base is not one positive number", _LIST, node)
    if node.op_type == "Gather" and constants[0] is None and constants[1] is None and at.kind() != 1:
        raise _refused(f"{place_of(node)}: integers chosen by computed indices", _LIST, node)


def _refused(detail: str, hint: str, node: onnx.NodeProto) -> UnsupportedOperator:
    return UnsupportedOperator(detail, field="model", hint=INSTEAD.get(node.op_type, hint))
