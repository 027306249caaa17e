"""What is known of a graph's tensors before anything runs: types, shapes, and the values of constants.

A pass walks the nodes in order and tells what it keeps (`learn`) and what it computed (`add`), so that the next node's
shapes follow from constants that were an expression a moment ago.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from math import prod

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, shape_inference

Array = npt.NDArray[np.generic]

_DATA_ELEMENTS_MAX = 4_096  #: of a constant that is shown to shape inference; shapes and axes are small

_EQUAL_OF_FLOATS = 11  #: the opset that brought it
_CALCULATING = "Add Div Equal Gemm Greater Less MatMul Max Min Mul Relu Sub"
_OF_ANY_NUMBERS = frozenset(_CALCULATING.split())


class Known:
    """Types and constants of one graph; starts with the graph's inputs and initializers."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.opsets = list(model.opset_import)
        self._versions = {opset.domain: opset.version for opset in self.opsets}
        self._types: dict[str, onnx.TypeProto] = {}
        self._constants: dict[str, onnx.TensorProto | Array] = {}
        for value in model.graph.input:
            self._types[value.name] = value.type
        for weight in model.graph.initializer:
            self._constants[weight.name] = weight
            self._types[weight.name] = onnx.helper.make_tensor_type_proto(weight.data_type, list(weight.dims))

    def version(self, domain: str = "") -> int:
        """Return the version of an operator set; 0 when the model imports none of that domain."""
        return self._versions.get(domain, 0)

    def is_constant(self, name: str) -> bool:
        """Return whether the tensor's value is known; an input that is left out ("") is none."""
        return name in self._constants

    def constant(self, name: str) -> Array | None:
        """Return the tensor's value, or None when it depends on the inputs."""
        return self.constant_of(name) if name in self._constants else None

    def constant_of(self, name: str) -> Array:
        """Return a constant's value; raise KeyError when it is none."""
        found = self._constants[name]
        if isinstance(found, onnx.TensorProto):
            found = self._constants[name] = numpy_helper.to_array(found)
        return found

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the tensor's shape, or None while a dimension is open or nothing is known."""
        return shape_of(self._types.get(name))

    def elements(self, name: str) -> int | None:
        """Return how many numbers the tensor has, or None while that is open."""
        shape = self.shape(name)
        return None if shape is None else prod(shape)

    def element_type(self, name: str) -> int:
        """Return the tensor's onnx.TensorProto.DataType; UNDEFINED (0) when nothing is known."""
        found = self._types.get(name)
        return found.tensor_type.elem_type if found is not None else onnx.TensorProto.UNDEFINED

    def learn(self, node: onnx.NodeProto) -> None:
        """Note the types of what the node puts out."""
        self._types.update(self.outputs_of(node))

    def add(self, name: str, value: Array) -> None:
        """Note a constant."""
        self._constants[name] = value
        kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
        self._types[name] = onnx.helper.make_tensor_type_proto(kind, value.shape)

    def outputs_of(self, node: onnx.NodeProto) -> dict[str, onnx.TypeProto]:
        """Return the types of the node's outputs as far as ONNX's own inference finds them; {} when it does not."""
        names = [name for name in node.input if name]
        if any(name not in self._types for name in names):
            return {}
        types = {name: self._types[name] for name in names}
        found = self._inferred(node, types)
        if found is None and node.op_type in _OF_ANY_NUMBERS:
            found = self._as_of_floats(node, types)
        return {name: kind for name, kind in (found or {}).items() if name}

    def _inferred(
        self, node: onnx.NodeProto, types: dict[str, onnx.TypeProto], *, least: int = 0
    ) -> dict[str, onnx.TypeProto] | None:
        version = max(self.version(node.domain), least)
        try:
            schema = onnx.defs.get_schema(node.op_type, version, node.domain)
            found: dict[str, onnx.TypeProto] = shape_inference.infer_node_outputs(
                schema, node, types, self._small_constants(types), opset_imports=self.opsets
            )
        except Exception:  # no such operator, or shapes that do not fit: onnx.checker says so in its own words
            return None
        return found

    def _as_of_floats(self, node: onnx.NodeProto, types: dict[str, onnx.TypeProto]) -> dict[str, onnx.TypeProto] | None:
        """Exporters write Equal of floats before opset 11 and MatMul of int8: infer the shape, keep the type."""
        floats = {name: _of_element_type(kind, onnx.TensorProto.FLOAT) for name, kind in types.items()}
        found = self._inferred(node, floats, least=_EQUAL_OF_FLOATS)
        if found is None:
            return None
        own = next(iter(types.values())).tensor_type.elem_type
        is_bool = {name: kind.tensor_type.elem_type == onnx.TensorProto.BOOL for name, kind in found.items()}
        return {name: kind if is_bool[name] else _of_element_type(kind, own) for name, kind in found.items()}

    def _small_constants(self, names: Iterable[str]) -> dict[str, onnx.TensorProto]:
        small = {}
        for name in names:
            value = self._constants.get(name)
            if value is None or (self.elements(name) or 0) > _DATA_ELEMENTS_MAX:
                continue
            small[name] = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, name)
        return small


def _of_element_type(kind: onnx.TypeProto, element_type: int) -> onnx.TypeProto:
    made = deepcopy(kind)
    made.tensor_type.elem_type = element_type
    return made


def shape_of(kind: onnx.TypeProto | None) -> tuple[int, ...] | None:
    """Return the shape that a type states, or None while a dimension is open."""
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    dimensions = kind.tensor_type.shape.dim
    if not all(dimension.HasField("dim_value") for dimension in dimensions):
        return None
    return tuple(dimension.dim_value for dimension in dimensions)
