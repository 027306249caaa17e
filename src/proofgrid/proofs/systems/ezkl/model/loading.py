"""Reads a client's ONNX file and makes of it what slicing needs: checked, simplified, of static shapes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path
from types import MappingProxyType

import onnx
from google.protobuf.message import DecodeError
from onnx import shape_inference

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.branching import unroll_branches
from proofgrid.proofs.systems.ezkl.model.counting import count_in_floats
from proofgrid.proofs.systems.ezkl.model.dequantizing import dequantize
from proofgrid.proofs.systems.ezkl.model.expanding import expand_operators, inline_functions
from proofgrid.proofs.systems.ezkl.model.holding import fix_inputs, leave_out_outputs
from proofgrid.proofs.systems.ezkl.model.known import shape_of
from proofgrid.proofs.systems.ezkl.model.naming import name_nodes
from proofgrid.proofs.systems.ezkl.model.normalizing import write_normalizations
from proofgrid.proofs.systems.ezkl.model.operators import check_operators, check_versions
from proofgrid.proofs.systems.ezkl.model.recurrent import unroll_recurrent
from proofgrid.proofs.systems.ezkl.model.retyping import retype
from proofgrid.proofs.systems.ezkl.model.rewriting import rewrite
from proofgrid.proofs.systems.ezkl.model.separating import separate_outputs
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from proofgrid.proofs.systems.ezkl.model.trees import write_trees

MODEL_BYTES_MAX = 64 << 20
NODES_MAX = 50_000  #: of a file: reading takes seconds; what a build of them costs is estimated later (work.py)
ELEMENTS_MAX = 1 << 16  #: of an input or output tensor
WEIGHTS_MAX = 1 << 26  #: numbers of all weights: a file of 64 MiB has a quarter of it as floats
INFERRED_MAX = 1 << 27  #: numbers of all tensors for one input, which whoever runs the model holds
TENSORS_MAX = 64  #: inputs, and outputs, of a model

_INPUT_TYPES = frozenset(
    onnx.TensorProto.DataType.Value(name)
    for name in ("FLOAT", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL")
)

#: Each takes a model and returns an equal one; none knows of another.
PASSES: tuple[Callable[[onnx.ModelProto], onnx.ModelProto], ...] = (
    inline_functions,
    simplify,
    unroll_branches,
    simplify,
    write_trees,
    write_normalizations,
    expand_operators,
    unroll_recurrent,
    dequantize,
    retype,
    simplify,
    count_in_floats,
    simplify,
    name_nodes,
    check_versions,
    rewrite,
    simplify,
    separate_outputs,
    name_nodes,
    check_operators,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A named tensor of known shape."""

    name: str
    shape: tuple[int, ...]
    element_type: int  #: onnx.TensorProto.DataType

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def type_name(self) -> str:
        """The element type as NumPy spells it: float32, int64, bool."""
        return str(onnx.helper.tensor_dtype_to_np_dtype(self.element_type))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedModel:
    """A model of static shapes; `nodes` are alive and in order of execution."""

    original: onnx.ModelProto  #: as it was handed in, for a batch of one: what it says is what has to be proven
    proto: onnx.ModelProto
    nodes: tuple[onnx.NodeProto, ...]
    tensors: Mapping[str, Tensor]  #: every tensor whose shape is known, initializers included
    inputs: tuple[Tensor, ...]  #: in the model's order, weights not among them
    outputs: tuple[Tensor, ...]


def load_model(
    path: Path, *, fixed: Mapping[str, Sequence[str]] = MappingProxyType({}), private: Collection[str] = ()
) -> CheckedModel:
    """Read and check an ONNX file; raise InvalidProgram or UnsupportedOperator with field and hint.

    Inputs that are `fixed` become weights, `private` outputs are left out; InvalidField names those that are not there.
    """
    proto = _parse(path)
    _check_self_contained(proto)
    _check_dense(proto)
    _check(proto)
    _check_whole(proto)
    _fix_batch_of_one(proto.graph)
    _check_sizes_of(proto)
    proto = original = leave_out_outputs(fix_inputs(proto, fixed), private)
    for apply in PASSES:
        proto = apply(proto)
    inferred = _infer_shapes(proto)
    tensors = _tensors_of(inferred.graph)
    _check_sizes(tensors)
    inputs = _inputs_of(inferred.graph, tensors)
    outputs = _outputs_of(inferred.graph, tensors)
    nodes = tuple(inferred.graph.node)
    return CheckedModel(original=original, proto=inferred, nodes=nodes, tensors=tensors, inputs=inputs, outputs=outputs)


def _parse(path: Path) -> onnx.ModelProto:
    if path.stat().st_size > MODEL_BYTES_MAX:
        raise _invalid(f"the model is larger than {MODEL_BYTES_MAX >> 20} MiB")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError:
        raise _not_onnx() from None
    if not proto.graph.node:  # protobuf reads many a foreign file as an empty message
        raise _not_onnx()
    if len(proto.graph.node) > NODES_MAX:
        raise _invalid(f"the model has more than {NODES_MAX} nodes")
    return proto


def _check_self_contained(proto: onnx.ModelProto) -> None:
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors_in(proto)):
        raise _invalid(
            "the weights lie in an external file", hint="save the model as one file, with its weights inside"
        )


def _check_dense(proto: onnx.ModelProto) -> None:
    # A few bytes of a sparse tensor, or of one that says no bytes, are as many numbers as its dimensions say.
    for graph in _graphs_in(proto):
        if (isinstance(graph, onnx.GraphProto) and graph.sparse_initializer) or any(
            attribute.HasField("sparse_tensor") or attribute.sparse_tensors
            for node in graph.node
            for attribute in node.attribute
        ):
            raise _invalid("the model has sparse weights", hint="save it with dense ones")
    elements = 0
    for tensor in _tensors_in(proto):
        if any(size < 0 for size in tensor.dims):
            raise _invalid(f"the weight {tensor.name!r} has a dimension below 0")
        elements += prod(tensor.dims)
    if elements > WEIGHTS_MAX:
        raise _invalid(f"the weights are {elements} numbers; {WEIGHTS_MAX} are supported")


def _graphs_in(message: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """Return the graph, those inside of its nodes, and the functions."""
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [message.graph, *message.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs


def _check_sizes_of(proto: onnx.ModelProto) -> None:
    """Raise InvalidProgram where it is too much as it was handed in, before any pass computes with it."""
    try:
        inferred = shape_inference.infer_shapes(proto, data_prop=True)
    except Exception:  # what is wrong with it is said by whoever needs the shapes
        return
    _check_sizes(_tensors_of(inferred.graph))


def _check_sizes(tensors: Mapping[str, Tensor]) -> None:
    """Raise InvalidProgram for a model whose tensors are too much together, as shape inference knows them."""
    largest = max(tensors.values(), key=lambda one: one.elements, default=None)
    elements = sum(one.elements for one in tensors.values())
    if largest is not None and elements > INFERRED_MAX:
        raise _invalid(
            f"its tensors are {elements} numbers for one input; {INFERRED_MAX} are supported",
            hint=f"the largest is {largest.name!r}, of {largest.elements}",
        )


def _tensors_in(message: onnx.ModelProto | onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Return every weight and constant, those in subgraphs and functions included."""
    functions = message.functions if isinstance(message, onnx.ModelProto) else ()
    graph = message.graph if isinstance(message, onnx.ModelProto) else message
    yield from graph.initializer
    for node in chain(graph.node, *(function.node for function in functions)):
        for attribute in node.attribute:
            yield from chain([attribute.t], attribute.tensors)
            for inner in chain([attribute.g], attribute.graphs):
                yield from _tensors_in(inner)


def _check(proto: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(_checkable(proto))
    except Exception as reason:  # ValidationError, and plain RuntimeErrors from its C++ side
        raise _invalid(f"onnx.checker refuses the model: {_first_line(reason)}") from None


def _check_whole(proto: onnx.ModelProto) -> None:
    """Raise InvalidProgram for a weight that holds more or less than its dimensions say."""
    for tensor in _tensors_in(proto):
        if tensor.data_type == onnx.TensorProto.UNDEFINED:  # an attribute that is something else
            continue
        try:
            onnx.numpy_helper.to_array(tensor)
        except Exception as reason:  # KeyError for types that there are not, and what numpy says
            raise _invalid(f"the weight {tensor.name[:80]!r} cannot be read: {_first_line(reason)}") from None


def _checkable(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Hide what the checker refuses and we do not: operators like GroupNormalization of opset 18, deprecated for a
    mistake of its own, and outputs of unstated shape."""
    versions = {opset.domain: opset.version for opset in proto.opset_import}
    old = [n for n, node in enumerate(proto.graph.node) if _is_deprecated(node, versions.get(node.domain, 0))]
    shapeless = [n for n, output in enumerate(proto.graph.output) if not output.type.tensor_type.HasField("shape")]
    if not old and not shapeless:
        return proto
    made = deepcopy(proto)
    made.opset_import.append(onnx.helper.make_opsetid("deprecated", 1))
    for position in old:
        made.graph.node[position].domain = "deprecated"
    for position in shapeless:
        made.graph.output[position].type.tensor_type.shape.SetInParent()
    return made


def _is_deprecated(node: onnx.NodeProto, version: int) -> bool:
    if not onnx.defs.has(node.op_type, node.domain):
        return False
    try:
        return bool(onnx.defs.get_schema(node.op_type, version, node.domain).deprecated)
    except onnx.defs.SchemaError:
        return False


def _fix_batch_of_one(graph: onnx.GraphProto) -> None:
    """Set an open leading dimension to 1 and forget every shape that was derived from it."""
    for value in graph.input:
        dimensions = value.type.tensor_type.shape.dim
        if dimensions and not dimensions[0].HasField("dim_value"):
            dimensions[0].dim_value = 1
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")


def _infer_shapes(proto: onnx.ModelProto) -> onnx.ModelProto:
    try:
        inferred: onnx.ModelProto = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    except Exception as reason:  # its C++ side raises more kinds than it names
        raise _invalid(f"the shapes do not fit together (for a batch of one): {_first_line(reason)}") from None
    return inferred


def _tensors_of(graph: onnx.GraphProto) -> dict[str, Tensor]:
    tensors = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        found = _tensor_of(value)
        if found is not None:
            tensors[value.name] = found
    for weight in graph.initializer:
        tensors[weight.name] = Tensor(name=weight.name, shape=tuple(weight.dims), element_type=weight.data_type)
    return tensors


def _tensor_of(value: onnx.ValueInfoProto) -> Tensor | None:
    shape = shape_of(value.type)
    if shape is None:
        return None
    return Tensor(name=value.name, shape=shape, element_type=value.type.tensor_type.elem_type)


def _inputs_of(graph: onnx.GraphProto, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    weights = {weight.name for weight in graph.initializer}
    names = [value.name for value in graph.input if value.name not in weights]
    if not 1 <= len(names) <= TENSORS_MAX:
        raise _invalid(f"the model has {len(names)} inputs; 1 to {TENSORS_MAX} are supported")
    found = tuple(_sized(name, "input", tensors) for name in names)
    for tensor in found:
        if not tensor.shape:
            raise _invalid(f"the input {tensor.name!r} has no dimensions", hint="export it with the shape [1]")
        if tensor.element_type not in _INPUT_TYPES:
            kind = onnx.TensorProto.DataType.Name(tensor.element_type).lower()
            raise _invalid(f"the input {tensor.name!r} is of {kind}; 32-bit floats, integers and booleans are taken")
    return found


def _outputs_of(graph: onnx.GraphProto, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    if not 1 <= len(graph.output) <= TENSORS_MAX:
        raise _invalid(f"the model has {len(graph.output)} outputs; 1 to {TENSORS_MAX} are supported")
    return tuple(_sized(value.name, "output", tensors) for value in graph.output)


def _sized(name: str, role: str, tensors: Mapping[str, Tensor]) -> Tensor:
    found = tensors.get(name)
    if found is None:
        hint = "only the leading dimension may be open; it is the batch and becomes 1"
        raise _invalid(f"the {role} {name!r} has no fixed shape", hint=hint)
    if not 1 <= found.elements <= ELEMENTS_MAX:
        raise _invalid(f"the {role} {name!r} has {found.elements} elements; 1 to {ELEMENTS_MAX} are supported")
    return found


def _not_onnx() -> InvalidProgram:
    return _invalid("the file is not an ONNX model", hint="export one with torch.onnx.export or skl2onnx, for example")


def _invalid(detail: str, *, hint: str = "") -> InvalidProgram:
    return InvalidProgram(detail, field="model", hint=hint)


def _first_line(reason: Exception) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0][:300]
