"""What the client's model says of an input: ONNX's own reference evaluator, on the model as it was handed in.

It is the one whose word counts: whatever the passes of `loading` make of the model, and whatever the engine makes of
that, has to say the same (circuits/comparing.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import version_converter
from onnx.reference import ReferenceEvaluator

from proofgrid.primitives.errors import InvalidProgram

_CHANGED = 13
_OPSET = 21  #: the reference evaluator knows every operator of it

Numbers = NDArray[np.float64]  #: the elements of a tensor
Values = Mapping[str, Numbers]  #: tensors by their names


class Undefined(Exception):
    """The model has no value there: an index out of range, or a result that is no finite number."""


class Reference:
    """A model that can be asked for every tensor of an input."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._evaluator = _evaluator(model)
        weights = {weight.name for weight in model.graph.initializer}
        self._inputs = [value for value in model.graph.input if value.name not in weights]
        self.outputs = [value.name for value in model.graph.output]

    def values(self, inputs: Sequence[Numbers], names: Collection[str] | None = None) -> Values:
        """Return the named tensors (None: all of numbers) of an input; raise Undefined when the model has none."""
        feeds = {value.name: _as_declared(value, tensor) for value, tensor in zip(self._inputs, inputs, strict=True)}
        return evaluate(self._evaluator, feeds, names)


def _evaluator(model: onnx.ModelProto) -> ReferenceEvaluator:
    failures = []
    for version in _opsets(model):
        try:
            return ReferenceEvaluator(model if version is None else version_converter.convert_version(model, version))
        except Exception as reason:  # it raises whatever its operators raise, such as that it knows no old version
            failures.append(reason)
    raise InvalidProgram(
        f"ONNX's reference evaluator cannot run the model, so nothing can be compared with it: {failures[0]}",
        field="model",
        hint=f"export it for opset {_OPSET}",
    )


def _opsets(model: onnx.ModelProto) -> tuple[int | None, ...]:
    """Return the versions to try; None: as it is.

    The evaluator gives some operators the meaning of opset 13 whatever the model says, such as Softmax.
    """
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), _OPSET)
    return (_CHANGED, _OPSET, None) if opset < _CHANGED else (None, _OPSET)


def evaluate(evaluator: ReferenceEvaluator, feeds: Mapping[str, NDArray[Any]], names: Collection[str] | None) -> Values:
    """Return the named tensors, flat, or all that are numbers; raise Undefined when the evaluator has none."""
    try:
        with np.errstate(all="ignore"):
            found = dict(evaluator.run(None, dict(feeds), intermediate=True))
    except Exception as reason:  # it raises whatever its operators raise
        raise Undefined(str(reason)) from None
    wanted = found if names is None else {name: found[name] for name in names if name in found}
    return {name: np.asarray(value, np.float64).ravel() for name, value in wanted.items() if _is_numbers(value)}


def _as_declared(value: onnx.ValueInfoProto, tensor: Numbers) -> NDArray[Any]:
    kind = value.type.tensor_type
    shape = [dimension.dim_value for dimension in kind.shape.dim]
    return tensor.reshape(shape).astype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))


def _is_numbers(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype.kind in "fiub"
