"""Integers that a model computes become floats that hold whole numbers; the function stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from proofgrid.proofs.systems.ezkl.model.counting import count_in_floats
from proofgrid.proofs.systems.ezkl.model.loading import load_model
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from tests.proofs.systems.ezkl.agreeing import assert_equal_functions
from tests.proofs.systems.ezkl.models import a_model, constant, node, save, weights

INTEGER = {TensorProto.INT64, TensorProto.INT32}


def a_place(name: str = "place") -> list[onnx.NodeProto]:
    """Return the number of the first two features that are above 0, element by element."""
    return [
        node("Greater", "x zero", "above"),
        node("Cast", "above", "bits", to=TensorProto.INT64),
        node("Slice", "bits b0 b2 b1", "first"),
        node("ReduceSum", "first b1", "sum", keepdims=0),
        node("Add", "sum offset", name),
    ]


NUMBERS = [
    constant("zero", np.float32(0)),
    constant("offset", np.array([0])),
    *(constant(f"b{i}", np.array([i])) for i in range(3)),
]


def choosing(*nodes: onnx.NodeProto, tensors: Sequence[onnx.TensorProto] = ()) -> onnx.ModelProto:
    """Return a model that goes on from a computed place."""
    return a_model([*a_place(), *nodes], [*NUMBERS, *tensors], inputs=[("x", (2, 3))])


def a_tree() -> onnx.ModelProto:
    """Return a decision tree as products: which tests hold, which leaf's path that is, what the leaf says."""
    nodes = [
        node("Gather", "x features", "tested", axis=1),
        node("Less", "tested thresholds", "holds"),
        node("Cast", "holds", "bits", to=TensorProto.INT32),
        node("MatMul", "bits paths", "sums"),
        node("Equal", "sums lengths", "reached"),
        node("Cast", "reached", "leaf", to=TensorProto.INT32),
        node("ArgMax", "leaf", "number", axis=1, keepdims=0),
        node("Gather", "values number", "y", axis=0),
    ]
    tensors = [
        constant("features", np.array([0, 2, 1])),
        constant("thresholds", np.array([[0.1, -0.2, 0.4]], np.float32)),
        constant("paths", np.array([[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]], np.int32)),
        constant("lengths", np.array([[2, 1, 0, -1]], np.int32)),
        weights("values", 4, 2),
    ]
    model = a_model(nodes, tensors, inputs=[("x", (1, 3))])
    model.graph.initializer[3].CopyFrom(constant("lengths", np.array([[2, 1, 0, -1]], np.int32)))
    return model


COUNTED: dict[str, onnx.ModelProto] = {
    "tree": a_tree(),
    "gather rows": choosing(node("Gather", "table place", "y"), tensors=[weights("table", 3, 2)]),
    "gather columns": choosing(node("Gather", "table place", "y", axis=1), tensors=[weights("table", 2, 3, 2)]),
    "gather what is computed": choosing(node("Exp", "x", "e"), node("Gather", "e place", "y", axis=1)),
    "gather integers": choosing(
        node("Gather", "table place", "t"),
        node("Cast", "t", "y", to=TensorProto.FLOAT),
        tensors=[constant("table", np.array([7, -2, 5]))],
    ),
    "gather elements": choosing(
        node("Unsqueeze", "place b1", "places"), node("GatherElements", "x places", "y", axis=1)
    ),
    "one hot": choosing(
        node("OneHot", "place depth values", "y"),
        tensors=[constant("depth", np.array(3)), constant("values", np.array([-1.5, 2], np.float32))],
    ),
    "one hot of whole numbers": choosing(
        node("OneHot", "place depth values", "t", axis=0),
        node("Cast", "t", "y", to=TensorProto.FLOAT),
        tensors=[constant("depth", np.array(3)), constant("values", np.array([0, 1]))],
    ),
    "fraction dropped": a_model(
        [
            node("Cast", "x", "i", to=TensorProto.INT64),
            node("Mul", "i i", "s"),
            node("Cast", "s", "y", to=TensorProto.FLOAT),
        ]
    ),
    "compared": choosing(node("Less", "place b1", "t"), node("Cast", "t", "y", to=TensorProto.FLOAT)),
    "truth of a number": choosing(
        node("Cast", "place", "t", to=TensorProto.BOOL), node("Cast", "t", "y", to=TensorProto.FLOAT)
    ),
}


@pytest.mark.parametrize("kind", COUNTED)
def test_integers_that_are_computed_become_floats(kind: str) -> None:
    model = COUNTED[kind]

    counted = simplify(count_in_floats(model))

    assert_equal_functions(model, counted)
    inferred = onnx.shape_inference.infer_shapes(counted, strict_mode=True)
    integers = {value.name for value in inferred.graph.value_info if value.type.tensor_type.elem_type in INTEGER}
    makers = {made.op_type for made in counted.graph.node if set(made.output) & integers}
    assert makers <= {"ArgMax", "Cast"}


@pytest.mark.parametrize("kind", COUNTED)
def test_what_is_counted_in_floats_is_what_the_engine_reads(kind: str, tmp_path: Path) -> None:
    load_model(save(COUNTED[kind], tmp_path / "model"))


def test_integers_are_divided_towards_zero() -> None:
    model = a_model([node("Div", "a b", "y")], inputs=[("a", (1, 9)), ("b", (1, 9))])
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.INT64

    counted = count_in_floats(model)

    a, b = np.array([[-7, 7, -6, 6, 0, 9, -9, 1, 8]]), np.array([[2, -2, 3, 3, 5, -4, 4, 9, 8]])
    (found,) = onnx.reference.ReferenceEvaluator(counted).run(None, {"a": a, "b": b})
    np.testing.assert_array_equal(np.asarray(found), [[-3, -3, -2, 2, 0, -2, -2, 0, 1]])


def test_the_largest_of_integers_are_found_among_floats() -> None:
    model = a_model([node("TopK", "x k", "y places", axis=1)], [constant("k", np.array([2]))], outputs=["y", "places"])
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.INT64

    assert_equal_functions(model, count_in_floats(model))


def test_a_model_that_computes_no_integers_stays_as_it_is() -> None:
    model = a_model([node("ArgMax", "x", "i", axis=1), node("Gather", "w i", "y")], [weights("w", 6, 2)])

    assert count_in_floats(model) is model
