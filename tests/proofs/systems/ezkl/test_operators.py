"""The table of operators: nothing that it allows may disagree with ONNX, and what it refuses is said in words."""

from __future__ import annotations

import random
from typing import Any

import onnx
import pytest
from onnx import TensorProto

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.loading import PASSES
from proofgrid.proofs.systems.ezkl.model.operators import ROWS
from proofgrid.proofs.systems.ezkl.model.rewriting.rules import DIALECT, EQUAL_FORMS, LAST
from tests.proofs.systems.ezkl.models import a_model, constant, node, weights
from tools.operators.cells import all_forms
from tools.operators.forms import OPSETS
from tools.operators.grid import Outcome, cells_of
from tools.operators.page import PAGE, table_part

SAMPLE = 60  #: cells of each run; the whole grid is `python -m tools.operators`
_DRAWN = random.Random(2026)
SAMPLED = [(form, _DRAWN.choice(OPSETS)) for form in _DRAWN.sample(all_forms(), SAMPLE)]


def test_a_sample_of_the_grid_agrees_with_onnx() -> None:
    cells = [cell for form, opset in SAMPLED for cell in cells_of(form, [opset])]

    assert [cell for cell in cells if cell.outcome is Outcome.DISAGREES] == []
    assert len(cells) > SAMPLE / 2  # not every opset can spell every form


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8").startswith(table_part().rstrip()), "run `python -m tools.operators`"


def test_every_operator_of_the_table_is_in_the_grid_in_every_version() -> None:
    tried = {form.operator for form in all_forms()} | {name for form in all_forms() for name, *_ in form.nodes}
    hidden = {"CastLike"}  # comes of function bodies only

    assert set(ROWS) - tried - hidden == set()


def test_every_rule_is_of_an_operator_that_the_table_knows() -> None:
    written = {operator for rule in (*DIALECT, *EQUAL_FORMS, *LAST) for operator in rule.operators}

    assert written - set(ROWS) - {"Scatter"} == set()


def passed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model as it goes to the engine."""
    for apply in PASSES:
        model = apply(model)
    return model


def with_attribute(name: str, value: Any) -> onnx.ModelProto:
    model = a_model([node("Relu", "x", "y")])
    model.graph.node[0].attribute.append(onnx.helper.make_attribute(name, value))
    return model


def in_opset(version: int) -> onnx.ModelProto:
    model = a_model([node("Relu", "x", "y")])
    model.opset_import[0].version = version
    return model


REFUSED = {
    "'make_y' .Relu.: the attribute sharpness was not compared": lambda: with_attribute("sharpness", 3),
    "the model is in opset 6; 7 to 23 were compared": lambda: in_opset(6),
    "the model is in opset 99; 7 to 23 were compared": lambda: in_opset(99),
    "'make_y' .Conv.: its input 'x' is computed, and must be constant": lambda: a_model(
        [node("Conv", "w x", "y")], [weights("w", 1, 1, 4, 4)], inputs=[("x", (1, 1, 2, 2))]
    ),
    "'make_y' .Pow.: base and exponent are both computed": lambda: a_model([node("Pow", "x x", "y")]),
    "'make_y' .Einsum.: equation=ii->i cannot be proven": lambda: a_model(
        [node("Einsum", "x", "y", equation="ii->i")], inputs=[("x", (3, 3))]
    ),
    "'make_y' .Pad.: negative pads with mode=edge": lambda: a_model(
        [node("Pad", "x p", "y", mode="edge")], [constant("p", [0, -1, 0, 0])]
    ),
    "'make_v' .TopK.: only its first output can be proven": lambda: a_model(
        [node("TopK", "x k", "v i"), node("Cast", "i", "y", to=TensorProto.FLOAT)], [constant("k", [2])]
    ),
    "'make_y' .Mul.: its constant 'k' holds NaN": lambda: a_model(
        [node("Mul", "x k", "y")], [constant("k", [float("inf")] * 6)]
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_the_table_does_not_allow_is_refused_with_node_reason_and_a_way_out(words: str) -> None:
    with pytest.raises(UnsupportedOperator, match=words) as caught:
        passed(REFUSED[words]())

    assert caught.value.field == "model"
    assert caught.value.hint
