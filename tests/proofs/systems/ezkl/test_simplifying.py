"""What does not depend on the inputs is computed once, what nobody needs goes, and the function stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from proofgrid.proofs.systems.ezkl.model.loading import load_model
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from tests.proofs.systems.ezkl.agreeing import assert_equal_functions
from tests.proofs.systems.ezkl.models import a_model, constant, node, save, weights


def operators(model: onnx.ModelProto) -> list[str]:
    """Return the operators of a model in order."""
    return [made.op_type for made in model.graph.node]


def a_view() -> onnx.ModelProto:
    """Return PyTorch's `x.view(x.size(0), -1)` and a layer after it."""
    return a_model(
        [
            node("Shape", "x", "shape"),
            node("Gather", "shape zero", "batch", axis=0),
            node("Unsqueeze", "batch axes", "leading"),
            node("Concat", "leading rest", "wanted", axis=0),
            node("Reshape", "x wanted", "flat"),
            node("MatMul", "flat w", "y"),
        ],
        [
            constant("zero", np.array(0)),
            constant("axes", np.array([0])),
            constant("rest", np.array([-1])),
            weights("w", 12, 2),
        ],
        inputs=[("x", (1, 3, 4))],
    )


def a_causal_mask() -> onnx.ModelProto:
    """Return scores of attention that see only what came before: the mask is made of the scores' own shape."""
    return a_model(
        [
            node("Shape", "x", "shape"),
            node("ConstantOfShape", "shape", "ones", value=constant("one", np.array([1], np.float32))),
            node("Trilu", "ones", "lower", upper=0),
            node("Equal", "lower zero", "hidden"),
            node("Where", "hidden far x", "seen"),
            node("Softmax", "seen", "y", axis=-1),
        ],
        [constant("zero", np.float32(0)), constant("far", np.float32(-10000))],
        inputs=[("x", (1, 3, 3))],
    )


def a_computed_weight() -> onnx.ModelProto:
    """Return a weight that is an expression."""
    return a_model(
        [node("Exp", "w", "e"), node("ReduceSum", "e", "s"), node("Div", "e s", "p"), node("Mul", "x p", "y")],
        [weights("w", 1, 6)],
    )


def dead_ends() -> onnx.ModelProto:
    """Return a model with nodes and weights that no output needs."""
    return a_model(
        [node("NonZero", "x", "dead"), node("Mul", "x w", "y"), node("Mul", "x v", "z")],
        [weights("w", 1, 6), weights("v", 1, 6)],
    )


FOLDED: dict[str, tuple[onnx.ModelProto, list[str]]] = {
    "view": (a_view(), ["Reshape", "MatMul"]),
    "causal mask": (a_causal_mask(), ["Where", "Softmax"]),
    "computed weight": (a_computed_weight(), ["Mul"]),
    "dead ends": (dead_ends(), ["Mul"]),
}


@pytest.mark.parametrize("kind", FOLDED)
def test_what_does_not_depend_on_the_input_is_gone_and_the_function_is_the_same(kind: str) -> None:
    model, left = FOLDED[kind]
    given_bytes = model.SerializeToString(deterministic=True)

    simple = simplify(model)

    assert operators(simple) == left
    assert_equal_functions(model, simple)
    assert model.SerializeToString(deterministic=True) == given_bytes  # a pass changes nothing that it is given
    assert simplify(simple).SerializeToString(deterministic=True) == simple.SerializeToString(deterministic=True)


def test_an_open_leading_dimension_is_folded_too(tmp_path: Path) -> None:
    model = a_view()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"

    loaded = load_model(save(model, tmp_path / "model"))

    assert [made.op_type for made in loaded.nodes] == ["Reshape", "MatMul"]


def test_weights_that_stand_among_the_inputs_as_they_did_before_ir_4_are_no_inputs() -> None:
    model = a_model([node("Mul", "x w", "y")], [weights("w", 1, 6)], inputs=[("x", (1, 6)), ("w", (1, 6))])
    model.ir_version = 3

    assert [value.name for value in simplify(model).graph.input] == ["x"]


@pytest.mark.parametrize("shape", [(1_000_000_000,), (1 << 40, 1 << 20)])
def test_a_giant_constant_is_never_made(shape: tuple[int, ...]) -> None:
    model = a_model(
        [node("ConstantOfShape", "shape", "giant"), node("ReduceSum", "giant", "sum"), node("Add", "x sum", "y")],
        [constant("shape", np.array(shape))],
    )

    assert operators(simplify(model)) == ["ConstantOfShape", "ReduceSum", "Add"]


def test_many_constants_of_a_tolerable_size_are_too_much_together() -> None:
    nodes = [node("ConstantOfShape", "shape", f"c{i}") for i in range(100)]
    sums = [node("Mul", f"{'x' if i == 0 else f's{i - 1}'} c{i}", f"s{i}" if i < 99 else "y") for i in range(100)]

    simple = simplify(a_model([*nodes, *sums], [constant("shape", np.array([1 << 20, 1]))]))

    assert 0 < operators(simple).count("ConstantOfShape") < 100


def test_nothing_random_is_folded() -> None:
    model = a_model(
        [
            node("RandomNormal", "", "r", shape=[1, 6])
            if False
            else helper.make_node("RandomNormal", [], ["r"], shape=[1, 6]),
            node("Add", "x r", "y"),
        ]
    )

    assert operators(simplify(model)) == ["RandomNormal", "Add"]


ELEMENTWISE = ("Add", "Sub", "Mul", "Max", "Min")


@given(data=st.data())
def test_any_chain_of_constants_and_inputs_computes_the_same_after_folding(data: Any) -> None:
    names, nodes = ["x", "a", "b"], []
    for i in range(data.draw(st.integers(1, 8))):
        one, other = (data.draw(st.sampled_from(names)) for _ in range(2))
        nodes.append(node(data.draw(st.sampled_from(ELEMENTWISE)), f"{one} {other}", f"t{i}"))
        names.append(f"t{i}")
    nodes.append(node("Add", f"x {names[-1]}", "y"))
    model = a_model(nodes, [weights("a", 2, 3), weights("b", 1, 3, seed=1)], inputs=[("x", (2, 3))])

    simple = simplify(model)

    assert_equal_functions(model, simple)
    for made in simple.graph.node:
        assert not set(made.input) <= {weight.name for weight in simple.graph.initializer}


def test_integers_stay_integers() -> None:
    model = a_model(
        [node("Cast", "k", "shape", to=TensorProto.INT64), node("Reshape", "x shape", "y")],
        [constant("k", np.array([3, 2], np.float32))],
    )

    (weight,) = simplify(model).graph.initializer

    assert weight.data_type == TensorProto.INT64


def test_equal_of_floats_which_exporters_write_before_opset_11_is_folded() -> None:
    nodes = [node("Equal", "mask zero", "hidden"), node("Where", "hidden far x", "y")]
    model = a_model(nodes, [weights("mask", 1, 6), constant("zero", np.float32(0)), constant("far", np.float32(-9))])
    model.opset_import[0].version = 10

    assert operators(simplify(model)) == ["Where"]
