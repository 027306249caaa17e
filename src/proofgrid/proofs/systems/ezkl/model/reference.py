"""What the client's model says of an input: ONNX Runtime on the model as it was handed in, or ONNX's own evaluator.

It is the one whose word counts: whatever the passes of `loading` make of the model, and whatever the engine makes of
that, has to say the same (circuits/comparing.py). The runtime is asked first, because the evaluator is wrong about some
operators (docs/decisions/0026); the evaluator knows more types, and versions that the runtime does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import version_converter
from onnx.reference import ReferenceEvaluator

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.simplifying import without_dead

_CHANGED = 13
_OPSET = 21  #: the reference evaluator knows every operator of it
_SILENT = 4  #: of the runtime's log levels

Numbers = NDArray[np.float64]  #: the elements of a tensor
Values = Mapping[str, Numbers]  #: tensors by their names
_Feeds = Mapping[str, NDArray[Any]]
#: Takes inputs and the names that are wanted (None: all there are); returns at least these.
_Run = Callable[[_Feeds, Collection[str] | None], Mapping[str, object]]


def as_numbers(tensors: Sequence[Sequence[int]], scales: Sequence[int]) -> list[Numbers]:
    """Return quantised tensors as the numbers that they stand for."""
    return [np.array(one, np.float64) / 2.0**scale for one, scale in zip(tensors, scales, strict=True)]


class Undefined(Exception):
    """The model has no value there: an index out of range, or a result that is no finite number."""


class Reference:
    """A model that can be asked for every tensor of an input."""

    def __init__(self, model: onnx.ModelProto) -> None:
        model = without_dead(model)
        self._run = _runtime(model) or _evaluator(model)
        weights = {weight.name for weight in model.graph.initializer}
        self._inputs = [value for value in model.graph.input if value.name not in weights]
        self.outputs = [value.name for value in model.graph.output]

    def values(self, inputs: Sequence[Numbers], names: Collection[str] | None = None) -> Values:
        """Return the named tensors (None: all of numbers) of an input; raise Undefined when the model has none."""
        feeds = {value.name: _as_declared(value, tensor) for value, tensor in zip(self._inputs, inputs, strict=True)}
        return _numbers(self._run, feeds, names)


def evaluate(evaluator: ReferenceEvaluator, feeds: _Feeds, names: Collection[str] | None) -> Values:
    """Return the named tensors, flat, or all that are numbers; raise Undefined when the evaluator has none."""
    return _numbers(_with_intermediates(evaluator), feeds, names)


def _numbers(run: _Run, feeds: _Feeds, names: Collection[str] | None) -> Values:
    try:
        with np.errstate(all="ignore"):
            found = run(feeds, names)
    except Exception as reason:  # it raises whatever its operators raise
        raise Undefined(str(reason)) from None
    wanted = found if names is None else {name: found[name] for name in names if name in found}
    return {name: np.asarray(value, np.float64).ravel() for name, value in wanted.items() if _is_numbers(value)}


def _runtime(model: onnx.ModelProto) -> _Run | None:
    """Return ONNX Runtime's run of the model, without its optimisations; None when it does not know all of it."""
    try:
        outputs = _session(model)
    except Exception:  # its errors are of many kinds
        return None
    everything: list[onnxruntime.InferenceSession] = []

    def run(feeds: _Feeds, names: Collection[str] | None) -> Mapping[str, object]:
        session = outputs
        if names is None or not {value.name for value in model.graph.output}.issuperset(names):
            if not everything:
                everything.append(_session(_showing_everything(model)))
            session = everything[0]
        shown = [output.name for output in session.get_outputs()]
        return {**feeds, **dict(zip(shown, session.run(shown, dict(feeds)), strict=True))}

    return run


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = 1  # sums in one order
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _showing_everything(model: onnx.ModelProto) -> onnx.ModelProto:
    made = deepcopy(model)
    shown = {value.name for value in made.graph.output}
    results = (name for node in made.graph.node for name in node.output if name and name not in shown)
    made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in results)
    return made


def _evaluator(model: onnx.ModelProto) -> _Run:
    failures = []
    for version in _opsets(model):
        try:
            known = model if version is None else version_converter.convert_version(model, version)
            return _with_intermediates(ReferenceEvaluator(known))
        except Exception as reason:  # it raises whatever its operators raise, such as that it knows no old version
            failures.append(reason)
    raise InvalidProgram(
        f"neither ONNX Runtime nor ONNX's reference evaluator can run the model, so nothing can be compared with it: "
        f"{failures[0]}",
        field="model",
        hint=f"export it for opset {_OPSET}",
    )


def _with_intermediates(evaluator: ReferenceEvaluator) -> _Run:
    return lambda feeds, names: dict(evaluator.run(None, dict(feeds), intermediate=True))


def _opsets(model: onnx.ModelProto) -> tuple[int | None, ...]:
    """Return the versions to try; None: as it is.

    The evaluator gives some operators the meaning of opset 13 whatever the model says, such as Softmax.
    """
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), _OPSET)
    return (_CHANGED, _OPSET, None) if opset < _CHANGED else (None, _OPSET)


def _as_declared(value: onnx.ValueInfoProto, tensor: Numbers) -> NDArray[Any]:
    kind = value.type.tensor_type
    shape = [dimension.dim_value for dimension in kind.shape.dim]
    return tensor.reshape(shape).astype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))


def _is_numbers(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype.kind in "fiub"
