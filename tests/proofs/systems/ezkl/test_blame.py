"""When the engine fails on a model, its client hears which node and what to do, and nothing of the engine's insides."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from proofgrid.primitives.errors import InvalidProgram, UnsupportedOperator
from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.circuits.blame import node_text, refusal
from proofgrid.proofs.systems.ezkl.engine import EngineFailed, Step, failed_at
from proofgrid.proofs.systems.ezkl.settings import EzklSettings
from tests.proofs.systems.ezkl.models import a_model, constant, node, weights

SAID = "insertion index (is 2) should be <= len (is 1)"


def refused(model: onnx.ModelProto, step: Step, tmp_path: Path, said: str = SAID) -> InvalidProgram:
    """Return what a client is told of a model on which the engine failed at a step."""
    (tmp_path / "slice" / "0").mkdir(parents=True)
    (tmp_path / "slice" / "0" / "model").write_bytes(model.SerializeToString())
    return refusal(failed_at(step, said), EzklSettings(), tmp_path)


def a_branching_model(bad: onnx.NodeProto) -> onnx.ModelProto:
    """Return a model of two branches, one of which has the node `bad` from `w1` to `w2` in its middle."""
    return a_model(
        [
            node("MatMul", "x w", "w1"),
            node("Relu", "x", "other"),
            bad,
            node("Relu", "other", "bent"),
            node("Add", "w2 bent", "sum"),
            node("Relu", "sum", "y"),
        ],
        [weights("w", 6, 6), constant("axis", [1]), constant("axis0", 1), constant("powers", [[2.0, 3, 2, 3, 2, 3]])],
    )


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (node("CumSum", "w1 axis0", "w2", reverse=1), "node 'make_w2' (CumSum with reverse=1)"),
        (node("Pow", "w1 powers", "w2"), "node 'make_w2' (Pow)"),
    ],
    ids=["a panic", "an error"],
)
def test_the_node_that_the_engine_cannot_lay_out_is_named(bad: onnx.NodeProto, told: str, tmp_path: Path) -> None:
    error = refused(a_branching_model(bad), Step.SETTINGS, tmp_path)
    assert isinstance(error, UnsupportedOperator)
    assert error.detail == f"ezkl cannot prove {told}: the engine fails while laying out the circuit"
    assert "program operators" in error.hint
    assert error.field == "model"


def test_the_node_whose_values_no_circuit_holds_is_named(tmp_path: Path) -> None:
    mask = constant("mask", [[0.0, -1e9, 0, -1e9, 0, 0]])
    nodes = [node("Relu", "x", "bent"), node("Add", "bent mask", "masked"), node("Softmax", "masked", "y", axis=-1)]
    error = refused(a_model(nodes, [mask]), Step.CALIBRATE, tmp_path)
    assert isinstance(error, UnsupportedOperator)
    assert error.detail.startswith("ezkl cannot prove node 'make_masked' (Add): ")
    assert "smaller scale" in error.hint


@pytest.mark.parametrize("step", Step)
def test_no_step_tells_what_the_engine_said(step: Step, tmp_path: Path) -> None:
    error = refused(a_model([node("Relu", "x", "y")]), step, tmp_path)
    assert type(error) is InvalidProgram  # on its own the engine takes the model: no node is to blame
    assert error.detail.startswith("ezkl cannot make a circuit of the model: the engine fails while ")
    assert SAID not in str(error)
    assert error.hint


def test_an_engine_that_fails_is_quoted_in_no_sentence(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(a_branching_model(node("Pow", "w1 powers", "w2")).SerializeToString())
    with pytest.raises(EngineFailed) as caught:
        engine.run("gen_settings", str(model), str(tmp_path / "settings"))
    assert "Failed to generate settings" in caught.value.said
    assert str(caught.value) == "the engine fails while laying out the circuit"


def test_a_node_without_a_name_is_told_by_what_it_makes() -> None:
    nameless = onnx.helper.make_node("Pad", ["x"], ["padded"], mode="edge", a=1.5, b=[1, 2], c=1, d=2)
    assert node_text(nameless).startswith("the node that makes 'padded' (Pad with ")
    assert node_text(nameless).endswith(", …)")
