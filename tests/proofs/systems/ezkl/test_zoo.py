"""Models of every kind that people bring are read, and the engine computes of them what ONNX says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from proofgrid.proofs.systems.ezkl import engine
from proofgrid.proofs.systems.ezkl.felts import integer_of, to_felt
from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel, load_model
from tests.proofs.systems.ezkl.agreeing import drawn_inputs
from tests.proofs.systems.ezkl.models import save
from tests.proofs.systems.ezkl.zoo import ZOO

SCALE = 10
TOLERANCE = 0.02  #: some twenty steps of 2^-10


def computed_by_the_engine(model: CheckedModel, feeds: dict[str, Any], folder: Path) -> list[Any]:
    """Return the outputs of one circuit of the whole model, without proving anything."""
    paths = {name: str(folder / name) for name in ("network", "settings", "compiled", "input", "witness")}
    Path(paths["network"]).write_bytes(model.proto.SerializeToString(deterministic=True))
    arguments = engine.run_arguments(
        {
            "param_visibility": "fixed",
            "input_scale": SCALE,
            "param_scale": SCALE,
            "decomp_base": 1 << 14,
            "decomp_legs": 3,
        }
    )
    engine.run("gen_settings", paths["network"], paths["settings"], py_run_args=arguments)
    engine.run("compile_circuit", paths["network"], paths["compiled"], paths["settings"])
    settings = json.loads(Path(paths["settings"]).read_text())
    given = [
        [to_felt(round(float(number) * 2**scale)) for number in np.ravel(feeds[tensor.name])]
        for tensor, scale in zip(model.inputs, settings["model_input_scales"], strict=True)
    ]
    Path(paths["input"]).write_text(json.dumps({"input_data": given}))
    witness = engine.run("gen_witness", paths["input"], paths["compiled"], output=paths["witness"])
    return [
        np.array([integer_of(felt) for felt in felts], np.float64) / 2.0**scale
        for felts, scale in zip(witness["outputs"], settings["model_output_scales"], strict=True)
    ]


@pytest.mark.parametrize("kind", ZOO)
def test_the_engine_computes_what_the_model_says(kind: str, tmp_path: Path) -> None:
    original = ZOO[kind]()

    model = load_model(save(original, tmp_path / "model"))

    feeds = {name: _on_the_grid(value) for name, value in drawn_inputs(original, low=-1, high=1).items()}
    found = computed_by_the_engine(model, feeds, tmp_path)
    expected = ReferenceEvaluator(_evaluable(original)).run(None, feeds)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, np.ravel(other).astype(np.float64), atol=TOLERANCE)


def _on_the_grid(value: Any) -> Any:
    """Return floats as a circuit takes them: whole multiples of 2^-scale."""
    return np.round(value * 2**SCALE).astype(value.dtype) / 2**SCALE if value.dtype.kind == "f" else value


def _evaluable(model: onnx.ModelProto) -> onnx.ModelProto:
    """The reference evaluator knows quantisation from opset 19 on only; it means the same there."""
    if not any("Linear" in made.op_type for made in model.graph.node):
        return model
    made = onnx.ModelProto()
    made.CopyFrom(model)
    made.opset_import[0].version = 19
    return made
