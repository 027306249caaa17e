"""Each rule, on a model that needs it: the rewritten model is equal by ONNX, and the circuit agrees with both."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.rewriting import rewrite, rewritten
from proofgrid.proofs.systems.ezkl.model.rewriting.rule import Rule
from proofgrid.proofs.systems.ezkl.model.rewriting.rules import DIALECT, EQUAL_FORMS, LAST
from tools.operators.cells import all_forms
from tools.operators.cells.kinds import scalar
from tools.operators.forms import chain
from tools.operators.grid import agree
from tools.operators.trying import circuit, feeds_of, runtime

MASK = np.triu(np.full((3, 3), -np.inf, np.float32), 1)
ONES = np.ones(2, np.float32)
SQUARE = {"x": (1, 3, 3)}

#: Forms that are not in the grid, because a rule is about several nodes.
CHAINS = [
    chain("Softmax", ("Add", "x m", "s", {}), ("Softmax", "s", "y", {"axis": -1}), inputs=SQUARE, m=MASK),
    chain("Softmax", ("Add", "x m", "s", {}), ("Softmax", "s", "y", {"axis": -1}), inputs=SQUARE, m=MASK.clip(-1e4)),
    chain(
        "Softmax", ("Where", "c x m", "s", {}), ("Softmax", "s", "y", {}), inputs=SQUARE, c=MASK == 0, m=scalar(-1e9)
    ),
    chain(
        "InstanceNormalization", ("InstanceNormalization", "x s b", "y", {}), inputs={"x": (2, 2, 4)}, s=ONES, b=-ONES
    ),
    chain("TopK", ("TopK", "x", "y i", {"k": 2, "axis": 1})),
    chain("Trilu", ("Trilu", "x", "y", {"upper": 0}), inputs={"x": (3, 3)}),
    chain("CastLike", ("Greater", "x k", "c", {}), ("CastLike", "c x", "y", {}), k=scalar(0)),
]
FORMS = all_forms()
RULES = (*DIALECT, *EQUAL_FORMS, *LAST)


def example_of(rule: Rule) -> onnx.ModelProto:
    """Return the first model of the grid that the rule is applied to."""
    for form in (*FORMS, *CHAINS):
        ranks = [len(shape) for shape in form.inputs.values()]
        if min(ranks) > 1 and set(rule.operators) & {name for name, *_ in form.nodes}:
            for model in (form.model(opset) for opset in (17, 9, 18, 15, 10)):
                if model is not None and _applies(rule, model):
                    return model
    raise AssertionError(f"no form needs the rule: {rule.says}")


def _applies(rule: Rule, model: onnx.ModelProto) -> bool:
    try:
        return rule in rewritten(model)[1]
    except UnsupportedOperator:
        return False


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.apply.__name__.strip("_"))
def test_a_rule_writes_an_equal_model(rule: Rule) -> None:
    model = example_of(rule)

    made = rewrite(model)

    feeds = feeds_of(model, 0.5, 2)
    said = [runtime(model, each) for each in feeds]
    again = [runtime(made, each) for each in feeds]
    assert all(np.allclose(one, other, atol=1e-4) for one, other in zip(said, again, strict=True))
    assert agree(circuit(made, feeds), said)
