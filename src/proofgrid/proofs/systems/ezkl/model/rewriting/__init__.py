"""Writes a model in equal forms that the engine reads rightly, in one dialect of ONNX: opset 17.

     any opset 7 to 23 --[dialect]--> opset 17 --[equal forms, until none applies]--> what the table of operators allows

Each rule looks at one node and writes equal nodes, or leaves it; no rule knows another.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import onnx
from onnx import shape_inference

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.rewriting.rules import DIALECT, EQUAL_FORMS, LAST, Rule
from proofgrid.proofs.systems.ezkl.model.rewriting.site import Facts, Site, evaluate
from proofgrid.proofs.systems.ezkl.model.simplifying import without_dead

OPSET = 17  #: what is written
_IR_VERSION = 8
_ROUNDS_MAX = 30

__all__ = ["OPSET", "rewrite", "rewritten"]


def rewrite(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return an equal model in opset 17; raise UnsupportedOperator where no equal form is known.

    Shapes of inputs are static. The same model gives the same bytes on every machine.
    """
    return rewritten(proto)[0]


def rewritten(proto: onnx.ModelProto) -> tuple[onnx.ModelProto, list[Rule]]:
    """Do what `rewrite` does, and return also which rules were applied."""
    made = deepcopy(proto)
    for value in made.graph.output:
        value.type.tensor_type.ClearField("shape")  # old opsets infer some of them wrongly
    _make_constants_weights(made.graph, opset_of(made))
    applied = _sweep(made, DIALECT)
    del made.opset_import[:]
    made.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    made.ir_version = _IR_VERSION
    applied += _until_none_applies(made)
    applied += _sweep(made, LAST)
    return without_dead(made), applied


def _make_constants_weights(graph: onnx.GraphProto, opset: int) -> None:
    kept = [node for node in graph.node if node.op_type != "Constant"]
    for node in graph.node:
        if node.op_type == "Constant":
            graph.initializer.append(onnx.numpy_helper.from_array(evaluate(node, {}, opset), node.output[0]))
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(copies)


def _until_none_applies(made: onnx.ModelProto) -> list[Rule]:
    applied: list[Rule] = []
    for _ in range(_ROUNDS_MAX):
        found = _sweep(made, EQUAL_FORMS)
        if not found:
            return applied
        applied += found
    raise InvalidProgram("the rewriting of the model does not end", field="model", hint="please report this model")


def _sweep(made: onnx.ModelProto, rules: Sequence[Rule]) -> list[Rule]:
    """Apply to each node the first rule that fits; return those that did."""
    graph = made.graph
    facts = Facts(_inferred(made).graph, opset_of(made))
    by_operator: dict[str, list[Rule]] = {}
    for rule in rules:
        for operator in rule.operators:
            by_operator.setdefault(operator, []).append(rule)
    nodes: list[onnx.NodeProto] = []
    applied: list[Rule] = []
    for node in graph.node:
        found = _applied(node, facts, by_operator.get(node.op_type, []))
        if found is None:
            nodes.append(node)
            continue
        site, rule = found
        applied.append(rule)
        nodes.extend(site.nodes)
        graph.initializer.extend(site.constants)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return applied


def _applied(node: onnx.NodeProto, facts: Facts, rules: Sequence[Rule]) -> tuple[Site, Rule] | None:
    for rule in rules:
        site = Site(node, facts)
        result = rule.apply(site)
        if result is not None:
            _deliver(site, result)
            return site, rule
    return None


def _deliver(site: Site, result: str) -> None:
    """Give what was made the name of what it stands for."""
    wanted = site.node.output
    last = site.nodes[-1] if site.nodes else None
    if last is not None and result == last.output[0]:
        last.output[:] = wanted[: len(last.output)]
        last.name = site.node.name
    else:
        site.nodes.append(onnx.helper.make_node("Identity", [result], wanted[:1], name=site.node.name))


def _inferred(made: onnx.ModelProto) -> onnx.ModelProto:
    try:
        del made.graph.value_info[:]
        found: onnx.ModelProto = shape_inference.infer_shapes(made, strict_mode=True, data_prop=True)
    except Exception as reason:  # its C++ side raises more kinds than it names
        text = (str(reason).strip().splitlines() or [""])[0][:300]
        raise InvalidProgram(f"the shapes do not fit together: {text}", field="model") from None
    return found


def opset_of(proto: onnx.ModelProto) -> int:
    """Return the version of the standard operators that a model uses."""
    return next((each.version for each in proto.opset_import if each.domain in ("", "ai.onnx")), 1)
