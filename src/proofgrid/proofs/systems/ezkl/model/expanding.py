"""Replaces what a model or ONNX itself defines as a function by the function's body.

    Mish(x)                      becomes      x * Tanh(Softplus(x))
    my.domain.Block(x, w)        becomes      the nodes of Block

onnx.inliner does the work.
How many nodes come of it is counted before: functions that call functions twice each grow like 2^depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import onnx
from onnx import inliner, shape_inference

from proofgrid.primitives.errors import InvalidProgram

CALLS_MAX = 20_000  #: nodes that a model's own functions may come to
_DEPTH_MAX = 64
_LEVELS_MAX = 4

#: Operators whose bodies are of plain operators, and which the engine does not know.
_WITH_BODIES = """
    Attention BlackmanWindow CastLike CenterCropPad Gelu HammingWindow HannWindow Mish ReduceLogSum RMSNormalization
    RotaryEmbedding Shrink Swish SwiGLU
"""
_BY_BODY = frozenset(_WITH_BODIES.split())

_Key = tuple[str, str]


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model without functions of its own; raise InvalidProgram when they are too many or go round."""
    if not model.functions:
        return model
    _check_calls(model)
    with _refused():
        return inliner.inline_local_functions(model)


def expand_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model in which operators that ONNX defines by others are written in these."""
    for _ in range(_LEVELS_MAX):  # a body may have such operators too, like CastLike in that of Gelu
        names = sorted({("", node.op_type) for node in model.graph.node if _has_body(node)})
        if not names:
            break
        with _refused():
            model = inliner.inline_selected_functions(_told(model), names, inline_schema_functions=True)
    return model


@contextmanager
def _refused() -> Iterator[None]:
    """Say that a model cannot be inlined where onnx does: its C++ side raises more kinds of errors than it names."""
    try:
        yield
    except InvalidProgram:
        raise
    except Exception as reason:
        raise _invalid(f"onnx refuses it: {str(reason)[:300]}") from None


def _has_body(node: onnx.NodeProto) -> bool:
    return node.op_type in _BY_BODY and node.domain in ("", "ai.onnx")


def _told(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with what the inliner must be told: types of all tensors, and attributes left to defaults."""
    made = shape_inference.infer_shapes(model, data_prop=True)
    known = {value.name for value in made.graph.value_info}
    for weight in made.graph.initializer:
        if weight.name not in known:
            kind = onnx.helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims))
            made.graph.value_info.append(kind)
    version = next((opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")), 1)
    for node in made.graph.node:
        if node.op_type not in _BY_BODY:
            continue
        given = {attribute.name for attribute in node.attribute}
        for name, attribute in onnx.defs.get_schema(node.op_type, version).attributes.items():
            if name not in given and attribute.default_value.name:
                node.attribute.append(attribute.default_value)
    return made


def _check_calls(model: onnx.ModelProto) -> None:
    functions = {(function.domain, function.name): function for function in model.functions}

    @cache
    def size(key: _Key, depth: int) -> int:
        if depth > _DEPTH_MAX:
            raise _invalid(f"its function {key[1]!r} calls itself, or functions stand too deep in each other")
        total = 0
        for node in functions[key].node:
            called = (node.domain, node.op_type)
            total += size(called, depth + 1) if called in functions else 1
            if total > CALLS_MAX:
                break
        return total

    total = 0
    for node in model.graph.node:
        called = (node.domain, node.op_type)
        total += size(called, 0) if called in functions else 1
        if total > CALLS_MAX:
            raise _invalid(f"its functions come to more than {CALLS_MAX} nodes")


def _invalid(detail: str) -> InvalidProgram:
    return InvalidProgram(f"the model cannot be inlined: {detail}", field="model", hint="export it without functions")
