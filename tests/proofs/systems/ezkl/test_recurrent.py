"""Recurrent layers become plain steps that compute what ONNX says, and what has no equal form is refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model import recurrent
from proofgrid.proofs.systems.ezkl.model.recurrent import unroll_recurrent
from proofgrid.proofs.systems.ezkl.model.separating import separate_outputs
from tests.proofs.systems.ezkl.agreeing import assert_equal_functions
from tests.proofs.systems.ezkl.models import a_model, node, weights

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OUTPUTS = {"LSTM": ["y", "h", "c"], "GRU": ["y", "h"], "RNN": ["y", "h"]}
LENGTH, BATCH, FEATURES, HIDDEN = 3, 2, 2, 4


def a_layer(
    operator: str,
    *,
    direction: str = "forward",
    layout: int = 0,
    bias: bool = True,
    initial: str = "",
    peepholes: bool = False,
    outputs: list[str] | None = None,
    length: int = LENGTH,
    lengths: list[int] | None = None,
    **attributes: Any,
) -> onnx.ModelProto:
    """Return a model of one recurrent layer; `initial` is "", "constant" or "input"."""
    directions, gates = 2 if direction == "bidirectional" else 1, GATES[operator]
    state = (BATCH, directions, HIDDEN) if layout else (directions, BATCH, HIDDEN)
    made = [weights("w", directions, gates * HIDDEN, FEATURES), weights("r", directions, gates * HIDDEN, HIDDEN)]
    names = ["x", "w", "r", "", "", "", "", ""]
    inputs: list[tuple[str, Any]] = [("x", (BATCH, length, FEATURES) if layout else (length, BATCH, FEATURES))]
    if bias:
        made.append(weights("b", directions, 2 * gates * HIDDEN, seed=3))
        names[3] = "b"
    if lengths is not None:
        made.append(numpy_helper.from_array(np.array(lengths, np.int32), "lengths"))
        names[4] = "lengths"
    for place, name in ((5, "h0"), (6, "c0")) if operator == "LSTM" else ((5, "h0"),):
        if initial:
            names[place] = name
            made += [weights(name, *state, seed=place)] if initial == "constant" else []
            inputs += [(name, state)] if initial == "input" else []
    if peepholes:
        made.append(weights("p", directions, 3 * HIDDEN, seed=5))
        names[7] = "p"
    while not names[-1]:
        names.pop()
    wanted = OUTPUTS[operator] if outputs is None else outputs
    layer = helper.make_node(
        operator, names, wanted, name="layer", hidden_size=HIDDEN, direction=direction, layout=layout, **attributes
    )
    return a_model([layer], made, inputs=inputs, outputs=[name for name in wanted if name])


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("operator", GATES)
def test_every_direction_and_layout_computes_what_the_layer_does(operator: str, direction: str, layout: int) -> None:
    for initial in ("", "input") if layout == 0 else ("",):
        model = a_layer(operator, direction=direction, layout=layout, initial=initial)

        unrolled = unroll_recurrent(model)

        assert not {made.op_type for made in unrolled.graph.node} & set(GATES)
        assert_equal_functions(model, unrolled, draws=1)


@pytest.mark.parametrize(
    ("operator", "options"),
    [
        ("LSTM", {"bias": False}),
        ("LSTM", {"initial": "constant"}),
        ("LSTM", {"initial": "constant", "peepholes": True}),
        ("LSTM", {"peepholes": True, "direction": "bidirectional"}),
        ("LSTM", {"outputs": ["", "h"]}),
        ("LSTM", {"outputs": ["", "", "c"]}),
        ("LSTM", {"length": 1}),
        ("LSTM", {"lengths": [LENGTH, LENGTH]}),
        ("LSTM", {"activations": ["Sigmoid", "Tanh", "Tanh"]}),
        ("GRU", {"bias": False}),
        ("GRU", {"linear_before_reset": 1}),
        ("GRU", {"linear_before_reset": 1, "bias": False, "initial": "constant"}),
        ("GRU", {"linear_before_reset": 1, "direction": "bidirectional"}),
        ("GRU", {"outputs": ["y"]}),
        ("RNN", {"initial": "constant", "outputs": ["y"]}),
        ("RNN", {"length": 1, "bias": False}),
    ],
)
def test_every_option_computes_what_the_layer_does(operator: str, options: dict[str, Any]) -> None:
    model = a_layer(operator, **options)

    assert_equal_functions(model, unroll_recurrent(model), draws=1)


@pytest.mark.parametrize(
    ("reason", "options"),
    [
        ("has clip", {"clip": 0.5}),
        ("has activations relu, tanh, tanh", {"activations": ["Relu", "Tanh", "Tanh"]}),
        ("has input_forget", {"input_forget": 1}),
        ("sequences of several lengths", {"lengths": [1, LENGTH]}),
    ],
)
def test_what_has_no_equal_form_is_refused_by_name(reason: str, options: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedOperator, match=reason) as caught:
        unroll_recurrent(a_layer("LSTM", **options))

    assert "'layer'" in str(caught.value)
    assert caught.value.hint


def test_a_weight_that_is_computed_is_refused() -> None:
    model = a_layer("RNN")
    del model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, HIDDEN, FEATURES]))

    with pytest.raises(UnsupportedOperator, match="computed from the input"):
        unroll_recurrent(model)


def test_a_sequence_without_end_is_refused_before_it_is_unrolled() -> None:
    with pytest.raises(UnsupportedOperator, match=f"more than {recurrent.STEPS_MAX} steps"):
        unroll_recurrent(a_layer("RNN", length=1_000_000))


def test_names_of_the_client_are_not_taken_twice() -> None:
    model = a_layer("RNN", length=1)
    model.graph.node[0].output[0] = model.graph.output[0].name = "h/1"
    model.graph.node.append(node("Neg", "h/1", "h/2"))
    model.graph.output.append(helper.make_tensor_value_info("h/2", TensorProto.FLOAT, None))

    unrolled = unroll_recurrent(model)

    names = [name for made in unrolled.graph.node for name in made.output]
    assert len(names) == len(set(names))
    assert_equal_functions(model, unrolled, draws=1)


def test_an_output_that_repeats_another_one_becomes_a_tensor_of_its_own() -> None:
    model = a_model([node("Tanh", "x", "y"), node("Flatten", "y", "z")], outputs=["y", "z"])

    separate = separate_outputs(model)

    assert [made.op_type for made in separate.graph.node] == ["Tanh", "Flatten", "Neg", "Neg"]
    assert_equal_functions(model, separate, draws=1)
    assert separate_outputs(separate) == separate
