"""Functions are inlined and operators that ONNX defines by others are written in these; the function stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.expanding import expand_operators, inline_functions
from proofgrid.proofs.systems.ezkl.model.loading import PASSES, load_model
from proofgrid.proofs.systems.ezkl.model.naming import name_nodes
from proofgrid.proofs.systems.ezkl.model.normalizing import write_normalizations
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from tests.proofs.systems.ezkl.agreeing import assert_equal_functions
from tests.proofs.systems.ezkl.models import a_model, constant, node, save, weights

IMAGE = (2, 4, 2, 3)


def of_opset(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    """Return the model as one of this version of ONNX's operators."""
    model.opset_import[0].version = version
    model.ir_version = 10
    return model


def one_node(operator: str, version: int, *tensors: onnx.TensorProto, **attributes: Any) -> onnx.ModelProto:
    """Return a model of one node that reads an image and these tensors."""
    names = " ".join(["x", *(tensor.name for tensor in tensors)])
    model = a_model([node(operator, names, "y", **attributes)], tensors, inputs=[("x", IMAGE)])
    return of_opset(model, version)


EXPANDED: dict[str, onnx.ModelProto] = {
    "Gelu": one_node("Gelu", 20),
    "Gelu by tanh": one_node("Gelu", 20, approximate="tanh"),
    "Mish 18": one_node("Mish", 18),
    "Mish 22": one_node("Mish", 22),
    "Shrink": one_node("Shrink", 18, lambd=0.3, bias=0.1),
    "Swish": one_node("Swish", 24),
    "RMSNormalization": one_node("RMSNormalization", 23, weights("s", 3)),
    "CenterCropPad": one_node("CenterCropPad", 18, constant("k", np.array([2, 4, 1, 5]))),
    "GroupNormalization 18": one_node("GroupNormalization", 18, weights("s", 2), weights("b", 2, seed=4), num_groups=2),
    "GroupNormalization 21": one_node("GroupNormalization", 21, weights("s", 4), weights("b", 4, seed=4), num_groups=2),
    "MeanVarianceNormalization 9": one_node("MeanVarianceNormalization", 9),
    "MeanVarianceNormalization 13": one_node("MeanVarianceNormalization", 13, axes=[2, 3]),
    "MeanVarianceNormalization 18": one_node("MeanVarianceNormalization", 18, axes=[1]),
}


@pytest.mark.parametrize("kind", EXPANDED)
def test_an_operator_that_others_define_is_written_in_these(kind: str) -> None:
    model = EXPANDED[kind]

    plain = simplify(expand_operators(write_normalizations(model)))

    assert not {kind.split()[0], "CastLike"} & {made.op_type for made in plain.graph.node}
    assert_equal_functions(model, plain, tolerance=1e-4)


def a_function(name: str, nodes: list[onnx.NodeProto]) -> onnx.FunctionProto:
    """Return a function from `a` to `b`."""
    return helper.make_function(
        "own", name, ["a"], ["b"], nodes, [helper.make_opsetid("", 17), helper.make_opsetid("own", 17)]
    )


def with_functions(*functions: onnx.FunctionProto, calls: str) -> onnx.ModelProto:
    """Return a model that calls one of its own functions."""
    model = a_model([helper.make_node(calls, ["x"], ["y"], domain="own")], domains=["", "own"])
    model.functions.extend(functions)
    return model


def test_functions_of_the_model_itself_are_inlined(tmp_path: Path) -> None:
    inner = a_function("inner", [node("Neg", "a", "b")])
    outer = a_function("outer", [helper.make_node("inner", ["a"], ["m"], domain="own"), node("Add", "a m", "b")])
    model = with_functions(inner, outer, calls="outer")

    inlined = inline_functions(model)

    assert [made.op_type for made in inlined.graph.node] == ["Neg", "Add"]
    assert_equal_functions(model, inlined)
    assert [made.op_type for made in load_model(save(model, tmp_path / "model")).nodes] == ["Neg", "Add"]


def test_functions_that_grow_without_measure_are_refused_before_they_are_inlined() -> None:
    functions = [a_function("f0", [node("Neg", "a", "b")])]
    for depth in range(1, 40):
        twice = [helper.make_node(f"f{depth - 1}", [one], [other], domain="own") for one, other in ("am", "mb")]
        functions.append(a_function(f"f{depth}", twice))

    with pytest.raises(InvalidProgram, match="more than 20000 nodes"):
        inline_functions(with_functions(*functions, calls="f39"))


def test_a_function_that_calls_itself_is_refused() -> None:
    endless = a_function("f", [helper.make_node("f", ["a"], ["b"], domain="own")])

    with pytest.raises(InvalidProgram, match="calls itself"):
        inline_functions(with_functions(endless, calls="f"))


def test_two_functions_of_one_name_are_refused() -> None:
    """Found by fuzzing: onnx says so in an error of its own."""
    twice = [a_function("f", [node("Neg", "a", "b")]) for _ in range(2)]

    with pytest.raises(InvalidProgram, match="onnx refuses it"):
        inline_functions(with_functions(*twice, calls="f"))


def test_every_node_has_a_name_of_its_own() -> None:
    model = a_model([node("Mul", "x w", "t"), node("Neg", "t", "u"), node("Abs", "u", "y")], [weights("w", 1, 6)])
    for made, name in zip(model.graph.node, ["w", "", "w"], strict=True):
        made.name = name

    named = name_nodes(model)

    assert [made.name for made in named.graph.node] == ["w#2", "u", "w#3"]
    assert name_nodes(named) == named


@pytest.mark.parametrize("number", range(len(PASSES)), ids=lambda number: PASSES[number].__name__)
def test_a_pass_leaves_what_it_is_given_and_does_the_same_twice(number: int) -> None:
    model, apply = EXPANDED["Gelu"], PASSES[number]
    for earlier in PASSES[:number]:
        model = earlier(model)
    before = model.SerializeToString(deterministic=True)

    one, other = apply(model), apply(model)

    assert model.SerializeToString(deterministic=True) == before
    assert one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)
    assert_equal_functions(model, one)


def test_external_weights_are_found_wherever_they_hide(tmp_path: Path) -> None:
    hidden = constant("k", np.ones(3, np.float32))
    hidden.data_location = TensorProto.EXTERNAL
    function = a_function("f", [helper.make_node("Constant", [], ["k"], value=hidden), node("Mul", "a k", "b")])

    with pytest.raises(InvalidProgram, match="external file"):
        load_model(save(with_functions(function, calls="f"), tmp_path / "model"))
