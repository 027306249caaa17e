"""What of a model is no longer asked or told: a fixed input becomes a weight, private outputs are left out.

x, mask -> label, scores      mask fixed, scores private      x -> label
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from fractions import Fraction
from math import prod

import numpy as np
import onnx

from proofgrid.primitives.errors import InvalidField


def fix_inputs(model: onnx.ModelProto, fixed: Mapping[str, Sequence[str]]) -> onnx.ModelProto:
    """Return the model with these inputs' decimal numbers as weights; raise InvalidField naming one that is wrong."""
    made = deepcopy(model)
    for name, numbers in fixed.items():
        value = _named(made.graph.input, name, f"settings.fixed.{name}", "input")
        made.graph.initializer.append(_weight(value, numbers))
        made.graph.input.remove(value)
    if fixed and not made.graph.input:
        raise InvalidField("one input at least is not fixed", field="settings.fixed")
    return made


def leave_out_outputs(model: onnx.ModelProto, private: Collection[str]) -> onnx.ModelProto:
    """Return the model without these outputs; raise InvalidField when it has no such output, or no other one."""
    made = deepcopy(model)
    for name in private:
        made.graph.output.remove(_named(made.graph.output, name, f"settings.output_visibility.{name}", "output"))
    if not made.graph.output:
        raise InvalidField("one output at least is shown", field="settings.output_visibility")
    return made


def _named(values: Sequence[onnx.ValueInfoProto], name: str, where: str, role: str) -> onnx.ValueInfoProto:
    for value in values:
        if value.name == name:
            return value
    names = ", ".join(value.name for value in values)
    raise InvalidField(f"the model has no {role} {name!r}", field=where, hint=f"it has {names}")


def _weight(value: onnx.ValueInfoProto, numbers: Sequence[str]) -> onnx.TensorProto:
    where, kind = f"settings.fixed.{value.name}", value.type.tensor_type
    shape = [dimension.dim_value for dimension in kind.shape.dim]
    if not all(dimension.HasField("dim_value") for dimension in kind.shape.dim) or prod(shape) != len(numbers):
        raise InvalidField(f"the input of shape {shape} takes other than {len(numbers)} numbers", field=where)
    exact = [Fraction(number) for number in numbers]
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        array = np.array([float(number) for number in exact]).astype(dtype)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InvalidField("the input's type holds no such numbers", field=where) from None
    if not np.issubdtype(dtype, np.floating) and [Fraction(int(number)) for number in array] != exact:
        raise InvalidField(f"the input holds {dtype} only", field=where)
    return onnx.numpy_helper.from_array(array.reshape(shape), value.name)
