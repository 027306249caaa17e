"""What is known of branches and turns is written out; what only the input decides is refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model import branching
from proofgrid.proofs.systems.ezkl.model.branching import unroll_branches
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from tests.proofs.systems.ezkl.agreeing import assert_equal_functions
from tests.proofs.systems.ezkl.models import a_model, constant, node

YES = constant("yes", np.array(True))  # ONNX lets it be left out, the reference evaluator then takes no turn
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def a_body(
    nodes: Sequence[onnx.NodeProto], inputs: Sequence[tuple[str, int, Any]], outputs: Sequence[tuple[str, int, Any]]
) -> onnx.GraphProto:
    """Return a subgraph."""
    taken, put_out = ([helper.make_tensor_value_info(*value) for value in side] for side in (inputs, outputs))
    return helper.make_graph(list(nodes), "body", taken, put_out)


def a_branch(operator: str) -> onnx.GraphProto:
    """Return a branch that reads `x` from outside."""
    return a_body([node(operator, "x", "out")], [], [("out", FLOAT, [1, 6])])


def an_if(condition: str, tensors: Sequence[onnx.TensorProto], *before: onnx.NodeProto) -> onnx.ModelProto:
    """Return a model with a branch."""
    chosen = node("If", condition, "t", then_branch=a_branch("Neg"), else_branch=a_branch("Abs"))
    return a_model([*before, chosen, node("Add", "t x", "y")], tensors)


def a_loop(turns: int, *, nodes: Sequence[onnx.NodeProto] = (), going: str = "on") -> onnx.ModelProto:
    """Return h = tanh(h + turn), with every h put out as well."""
    body = a_body(
        [
            *nodes,
            node("Identity", "on", "on_out"),
            node("Cast", "turn", "number", to=FLOAT),
            node("Add", "h number", "sum"),
            node("Tanh", "sum", "next"),
            node("Mul", "next x", "seen"),
        ],
        [("turn", INT64, []), ("on", BOOL, []), ("h", FLOAT, [1, 6])],
        [("on_out" if going == "on" else going, BOOL, []), ("next", FLOAT, [1, 6]), ("seen", FLOAT, [1, 6])],
    )
    looped = helper.make_node("Loop", ["turns", "yes", "x"], ["last", "rows"], name="loop", body=body)
    return a_model(
        [looped, node("ReduceSum", "rows", "total", keepdims=0), node("Add", "last total", "y")],
        [constant("turns", np.array(turns)), YES],
    )


def a_scan(**attributes: Any) -> onnx.ModelProto:
    """Return running sums over a sequence."""
    body = a_body(
        [node("Add", "state element", "sum"), node("Relu", "sum", "seen")],
        [("state", FLOAT, [2]), ("element", FLOAT, [2])],
        [("sum", FLOAT, [2]), ("seen", FLOAT, [2])],
    )
    scanned = helper.make_node("Scan", ["zero", "x"], ["last", "y"], body=body, num_scan_inputs=1, **attributes)
    return a_model(
        [scanned], [constant("zero", np.zeros(2, np.float32))], inputs=[("x", (4, 2))], outputs=["last", "y"]
    )


def operators(model: onnx.ModelProto) -> set[str]:
    """Return the operators of a model."""
    return {made.op_type for made in model.graph.node}


@pytest.mark.parametrize("taken", [False, True])
def test_a_branch_that_is_known_is_taken(taken: bool) -> None:
    model = an_if("c", [constant("c", np.array(taken))])

    plain = simplify(unroll_branches(model))

    assert operators(plain) == {"Neg" if taken else "Abs", "Identity", "Add"}
    assert_equal_functions(model, plain)


def test_a_branch_on_a_shape_is_known_once_it_is_folded() -> None:
    rank = [node("Shape", "x", "shape"), node("Size", "shape", "rank"), node("Equal", "rank two", "c")]
    model = an_if("c", [constant("two", np.array(2))], *rank)

    assert_equal_functions(model, unroll_branches(simplify(model)))


def test_a_branch_on_the_input_is_refused_by_name() -> None:
    first = [node("ReduceSum", "x", "s", keepdims=0), node("Greater", "s zero", "c")]
    model = an_if("c", [constant("zero", np.float32(0))], *first)

    with pytest.raises(UnsupportedOperator, match=r"'make_t' \(If\) branches on what the input decides"):
        unroll_branches(model)


@pytest.mark.parametrize("turns", [1, 3])
def test_turns_are_written_one_after_the_other(turns: int) -> None:
    model = a_loop(turns)

    plain = simplify(unroll_branches(model))

    assert [made.op_type for made in plain.graph.node].count("Tanh") == turns
    assert_equal_functions(model, plain)


def test_a_loop_ends_when_its_body_says_so() -> None:
    model = a_loop(9, nodes=[node("Less", "turn two", "less")], going="less")
    model.graph.initializer.append(constant("two", np.array(2)))

    plain = simplify(unroll_branches(model))

    assert [made.op_type for made in plain.graph.node].count("Tanh") == 3
    assert_equal_functions(model, plain)


def test_a_loop_that_the_input_ends_is_refused() -> None:
    ends = [node("ReduceSum", "h", "s", keepdims=0), node("Greater", "s zero", "more")]
    model = a_loop(9, nodes=ends, going="more")
    model.graph.initializer.append(constant("zero", np.float32(0)))

    with pytest.raises(UnsupportedOperator, match="ends when the input decides"):
        unroll_branches(model)


def test_a_loop_without_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branching, "NODES_MAX", 50)

    with pytest.raises(UnsupportedOperator, match="more than 50"):
        unroll_branches(a_loop(1 << 40))


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"scan_input_directions": [1]},
        {"scan_output_directions": [1]},
        {"scan_output_axes": [1]},
    ],
)
def test_a_scan_is_written_one_element_after_the_other(attributes: dict[str, Any]) -> None:
    model = a_scan(**attributes)

    plain = simplify(unroll_branches(model))

    assert "Scan" not in operators(plain)
    assert_equal_functions(scanned_by_hand(**attributes), plain)


def scanned_by_hand(
    scan_input_directions: Sequence[int] = (0,),
    scan_output_directions: Sequence[int] = (0,),
    scan_output_axes: Sequence[int] = (0,),
) -> onnx.ModelProto:
    """Return what `a_scan` computes in plain operators."""
    order = range(4)[::-1] if scan_input_directions[0] else range(4)
    nodes, state = [], "zero"
    for turn, place in enumerate(order):
        nodes += [node("Gather", f"x i{place}", f"e{turn}", axis=0), node("Add", f"{state} e{turn}", f"s{turn}")]
        nodes += [node("Relu", f"s{turn}", f"r{turn}"), node("Unsqueeze", f"r{turn} axis", f"u{turn}")]
        state = f"s{turn}"
    rows = [f"u{turn}" for turn in (range(4)[::-1] if scan_output_directions[0] else range(4))]
    nodes += [node("Identity", state, "last"), node("Concat", " ".join(rows), "y", axis=scan_output_axes[0])]
    tensors = [constant(f"i{place}", np.array(place)) for place in range(4)]
    tensors += [constant("zero", np.zeros(2, np.float32)), constant("axis", np.array(scan_output_axes))]
    return a_model(nodes, tensors, inputs=[("x", (4, 2))], outputs=["last", "y"])


def test_branches_within_turns_are_known_turn_by_turn() -> None:
    inner = node("If", "odd", "chosen", then_branch=a_branch("Neg"), else_branch=a_branch("Abs"))
    body = a_body(
        [
            node("Identity", "on", "on_out"),
            node("Mod", "turn two", "rest"),
            node("Cast", "rest", "odd", to=BOOL),
            inner,
            node("Add", "h chosen", "next"),
        ],
        [("turn", INT64, []), ("on", BOOL, []), ("h", FLOAT, [1, 6])],
        [("on_out", BOOL, []), ("next", FLOAT, [1, 6])],
    )
    looped = helper.make_node("Loop", ["turns", "yes", "x"], ["y"], body=body)
    model = a_model([looped], [constant("turns", np.array(3)), constant("two", np.array(2)), YES])

    plain = simplify(unroll_branches(model))

    assert operators(plain) == {"Abs", "Neg", "Add", "Identity"}
    assert_equal_functions(model, plain)
