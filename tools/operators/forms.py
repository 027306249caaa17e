"""A form is one way to write an operator down: attributes, shapes, constants. The grid is all forms in all opsets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]
Node = tuple[str, str, str, dict[str, Any]]  #: operator, inputs, outputs, attributes

OPSETS = range(7, 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to use an operator: a small graph from the inputs to `y`, the same in all opsets that can spell it."""

    operator: str
    nodes: tuple[Node, ...]
    inputs: Mapping[str, Shape] = field(default_factory=lambda: {"x": (1, 4)})
    constants: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[float, float] = (-2.0, 2.0)  #: inputs are drawn between these
    step: float = 2.0**-7  #: and are multiples of this
    types: Mapping[str, int] = field(default_factory=dict)  #: of inputs; float where not given

    @property
    def label(self) -> str:
        """What tells this form from others of the operator."""
        shapes = " ".join("x".join(map(str, shape)) or "scalar" for shape in self.inputs.values())
        attributes = [f"{name}={value}" for _, _, _, given in self.nodes for name, value in given.items()]
        steps = [f"steps of {self.step}"] if self.step != 2.0**-7 else []
        constants = [f"{name}:{_short(value)}" for name, value in self.constants.items()]
        chain = "" if len(self.nodes) == 1 else " via " + ">".join(operator for operator, *_ in self.nodes)
        return " ".join([shapes, *attributes, *constants, *steps]) + chain

    def model(self, opset: int) -> onnx.ModelProto | None:
        """Return the form as a model of this opset; None when the opset cannot spell it."""
        graph = helper.make_graph(
            [
                helper.make_node(
                    operator, inputs.split(" "), outputs.split(), name=f"make_{outputs.split()[0]}", **given
                )
                for operator, inputs, outputs, given in self.nodes
            ],
            "form",
            [
                helper.make_tensor_value_info(name, self.types.get(name, TensorProto.FLOAT), list(shape))
                for name, shape in self.inputs.items()
            ],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        made.ir_version = 8 if opset < 19 else 10
        try:
            inferred: onnx.ModelProto = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True)
            onnx.checker.check_model(inferred, full_check=True)
        except Exception:  # its C++ side raises more kinds than it names
            return None
        return inferred


def over(
    operators: str,
    shapes: Sequence[Shape] = ((1, 4),),
    inputs: str = "x",
    *,
    values: tuple[float, float] = (-2.0, 2.0),
    constants: Mapping[str, Any] | None = None,
    outputs: str = "y",
    **attributes: Sequence[Any],
) -> Iterator[Form]:
    """Yield a form for each operator, shape and combination of attribute values; None leaves an attribute out.

    Every input that is no constant has the same shape.
    """
    given = dict(constants or {})
    dynamic = [name for name in dict.fromkeys(inputs.split(" ")) if name and name not in given]
    for operator in operators.split():
        for shape in shapes:
            for chosen in product(*attributes.values()):
                pairs = {name: value for name, value in zip(attributes, chosen, strict=True) if value is not None}
                yield Form(
                    operator=operator,
                    nodes=((operator, inputs, outputs, pairs),),
                    inputs=dict.fromkeys(dynamic, shape),
                    constants=given,
                    values=values,
                )


def chain(
    operator: str,
    *nodes: Node,
    inputs: Mapping[str, Shape] | None = None,
    values: tuple[float, float] = (-2.0, 2.0),
    types: Mapping[str, int] | None = None,
    step: float = 2.0**-7,
    **constants: Any,
) -> Form:
    """Return a form of several nodes, for operators whose result must become floats first."""
    return Form(
        operator=operator,
        nodes=nodes,
        inputs=inputs or {"x": (1, 4)},
        constants=constants,
        values=values,
        types=types or {},
        step=step,
    )


def _short(value: Any) -> str:
    array = np.asarray(value)
    kind = {"int64": "i", "float32": "", "bool": "b"}.get(str(array.dtype), str(array.dtype))
    if array.size > 8:
        return f"{kind}{'x'.join(map(str, array.shape))}"
    return f"{kind}{array.tolist()}".replace(" ", "")
