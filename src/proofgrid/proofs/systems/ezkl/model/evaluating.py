"""Computes one node with ONNX's own reference evaluator."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from proofgrid.proofs.systems.ezkl.model.known import Array


def evaluated(node: onnx.NodeProto, feeds: Mapping[str, Array], opset: int) -> list[object]:
    """Return what the node puts out, outputs without a name left out; raise whatever its operator raises."""
    inputs = [onnx.ValueInfoProto(name=name) for name in feeds]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = onnx.GraphProto(name="one", node=[node], input=inputs, output=outputs)
    opsets = [onnx.helper.make_opsetid("", opset)]  # a bare node is evaluated as the newest opset has it
    model = onnx.ModelProto(ir_version=8, graph=graph, opset_import=opsets)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return list(ReferenceEvaluator(model).run(None, dict(feeds)))
